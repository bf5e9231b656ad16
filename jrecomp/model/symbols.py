"""Binarization of coefficients and `last`, and the network outputs for the decisions.

A coefficient is coded as: whether it is non-zero; its sign; its bit length in unary, given the sign; the bits
below the leading one. Networks predict the first two of these bits, given length and sign. The other bits
have adaptive probabilities or probability 1/2. docs/format/models.md specifies the decisions.
"""

from typing import Protocol

import numpy as np

from jrecomp.array_types import Bool, Index, Int64

MAX_LENGTH = 17
"""Largest bit length of a magnitude; a DC residual may span twice the range of int16."""

MODELLED_LENGTHS = range(2, 12)
"""Lengths n for which the decision "length >= n" has an output. Greater lengths cost one bit each."""

FIRST_BITS = range(2, 9)
SECOND_BITS = range(3, 7)
"""Lengths for which the first and the second bit below the leading one have outputs."""

NONZERO, NEGATIVE, HEAD = 0, 1, 2
LENGTH_OUTPUT = 0
FIRST_OUTPUT = LENGTH_OUTPUT + len(MODELLED_LENGTHS)
SECOND_OUTPUT = FIRST_OUTPUT + len(FIRST_BITS)
PER_SIGN = SECOND_OUTPUT + 2 * len(SECOND_BITS)
"""Indices of outputs. Those of lengths and bits follow HEAD, for positive and then for negative values."""

VALUE_OUTPUTS = HEAD + 2 * PER_SIGN
"""Number of outputs of a network for coefficients."""

ADAPTIVE_LENGTHS = range(2, 9)
"""Lengths whose other bits below the leading one have adaptive probabilities, one for each prefix of bits."""

ALL_OUTPUTS = VALUE_OUTPUTS + (1 << (ADAPTIVE_LENGTHS.stop - 2))
"""Number of outputs with those of adaptive probabilities, whose logits are 0."""

LAST_LEVELS = 6
LAST_OUTPUTS = (1 << LAST_LEVELS) - 1
"""Depth of the binary tree of `last`, and number of its nodes, each of which has an output."""


class Decider(Protocol):
    """Encoder or decoder of decisions about a chunk of blocks, given their logits."""

    def decide(self, outputs: int | Index | None, rows: Index, truth: Bool | None) -> Bool:
        """Code one decision for each of n blocks.

        outputs: index of one output for all blocks, or intp [n]; None for probability 1/2. rows: intp [n],
        indices of the blocks in the chunk. truth: the decisions to encode, bool [n]; None to decode.
        Returns the decisions, bool [n].
        """
        ...


def code_values(decider: Decider, truth: Int64 | None, known_nonzero: Bool) -> Int64:
    """Code the coefficients of a chunk.

    truth: the values to encode, int64 [n]; None to decode. known_nonzero: bool [n], where 0 is impossible.
    Returns the values, int64 [n].
    """
    nonzero = known_nonzero.copy()
    unknown = np.flatnonzero(~known_nonzero)
    nonzero[unknown] = decider.decide(NONZERO, unknown, None if truth is None else truth[unknown] != 0)
    rows = np.flatnonzero(nonzero)
    wanted = None if truth is None else truth[rows]
    negative = decider.decide(NEGATIVE, rows, None if wanted is None else wanted < 0)
    magnitude = _code_magnitudes(decider, rows, negative, None if wanted is None else np.abs(wanted))
    values = np.zeros(len(known_nonzero), np.int64)
    values[rows] = np.where(negative, -magnitude, magnitude)
    return values


def _code_magnitudes(decider: Decider, rows: Index, negative: Bool, wanted: Int64 | None) -> Int64:
    start = HEAD + PER_SIGN * negative.astype(np.intp)
    length = np.ones(len(rows), np.int64)
    active = np.arange(len(rows))
    for n in range(2, MAX_LENGTH + 1):
        if not len(active):
            break
        output = start[active] + LENGTH_OUTPUT + n - MODELLED_LENGTHS.start if n in MODELLED_LENGTHS else None
        truth = None if wanted is None else wanted[active] >= 1 << (n - 1)
        active = active[decider.decide(output, rows[active], truth)]
        length[active] = n
    magnitude = np.ones(len(rows), np.int64)
    for n in range(2, int(length.max(initial=1)) + 1):
        chosen = np.flatnonzero(length == n)
        for shift in range(n - 2, -1, -1):
            output = _mantissa_output(start[chosen], n, n - 2 - shift, magnitude[chosen])
            truth = None if wanted is None else (wanted[chosen] >> shift & 1).astype(np.bool_)
            magnitude[chosen] = 2 * magnitude[chosen] + decider.decide(output, rows[chosen], truth)
    return magnitude


def _mantissa_output(start: Index, n: int, depth: int, magnitude: Int64) -> Index | None:
    if depth == 0 and n in FIRST_BITS:
        return start + FIRST_OUTPUT + n - FIRST_BITS.start
    if depth == 1 and n in SECOND_BITS:
        second: Index = start + SECOND_OUTPUT + 2 * (n - SECOND_BITS.start) + (magnitude & 1)
        return second
    return VALUE_OUTPUTS + magnitude if n in ADAPTIVE_LENGTHS else None


def code_last(decider: Decider, truth: Int64 | None, count: int) -> Int64:
    """Code `last`, 0 to 63, of the blocks of a chunk, as paths in a binary tree.

    truth: the values to encode, int64 [count]; None to decode. count: number of blocks.
    Returns the values, int64 [count].
    """
    rows = np.arange(count)
    prefix = np.zeros(count, np.int64)
    for level in range(LAST_LEVELS):
        shift = LAST_LEVELS - 1 - level
        bit = None if truth is None else (truth >> shift & 1).astype(np.bool_)
        prefix = 2 * prefix + decider.decide((1 << level) - 1 + prefix, rows, bit)
    return prefix
