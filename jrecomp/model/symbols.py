"""Binarization: coefficients and `last` as binary decisions, and which output predicts which.

A coefficient is: non-zero?, sign, bit length in unary given the sign, the two bits below the leading
one given length and sign, and the rest, which no network predicts. So nothing is escaped.
"""

from typing import Protocol

import numpy as np

from jrecomp.array_types import Bool, Index, Int64

MAX_LENGTH = 17
"""Bits of the largest magnitude: a DC residual may span the range of int16 twice."""

MODELLED_LENGTHS = range(2, 12)
"""Lengths n whose decision `length >= n` has an output; longer ones cost one bit each."""

FIRST_BITS = range(2, 9)
SECOND_BITS = range(3, 7)
"""Lengths whose first and second bit below the leading one have outputs."""

NONZERO, NEGATIVE, HEAD = 0, 1, 2
LENGTH_OUTPUT = 0
FIRST_OUTPUT = LENGTH_OUTPUT + len(MODELLED_LENGTHS)
SECOND_OUTPUT = FIRST_OUTPUT + len(FIRST_BITS)
PER_SIGN = SECOND_OUTPUT + 2 * len(SECOND_BITS)

VALUE_OUTPUTS = HEAD + 2 * PER_SIGN
ADAPTIVE_LENGTHS = range(2, 9)
"""Lengths whose other bits below the leading one have adaptive outputs: one for each prefix of bits."""

ALL_OUTPUTS = VALUE_OUTPUTS + (1 << (ADAPTIVE_LENGTHS.stop - 2))
"""With the adaptive outputs, whose logits are 0."""

LAST_LEVELS = 6
LAST_OUTPUTS = (1 << LAST_LEVELS) - 1


class Decider(Protocol):
    """What codes decisions about the blocks of a chunk."""

    def decide(self, outputs: int | Index | None, rows: Index, truth: Bool | None) -> Bool:
        """Codes one decision about each of some blocks (rows) and returns them.

        outputs: of the network, one for all or one for each; None for probability one half.
        truth: what to encode, None to decode.
        """
        ...


def code_values(decider: Decider, truth: Int64 | None, known_nonzero: Bool) -> Int64:
    """Codes coefficients, int64 [n].

    truth: what to encode, None to decode. known_nonzero: where zero is impossible.
    """
    nonzero = known_nonzero.copy()
    ask = np.flatnonzero(~known_nonzero)
    nonzero[ask] = decider.decide(NONZERO, ask, None if truth is None else truth[ask] != 0)
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
        for place in range(n - 2, -1, -1):
            output = _mantissa_output(start[chosen], n, n - 2 - place, magnitude[chosen])
            truth = None if wanted is None else (wanted[chosen] >> place & 1).astype(np.bool_)
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
    """Codes `last` (0 to 63) of `count` blocks, int64 [count], as the path in a binary tree."""
    rows = np.arange(count)
    prefix = np.zeros(count, np.int64)
    for level in range(LAST_LEVELS):
        place = LAST_LEVELS - 1 - level
        bit = None if truth is None else (truth >> place & 1).astype(np.bool_)
        prefix = 2 * prefix + decider.decide((1 << level) - 1 + prefix, rows, bit)
    return prefix
