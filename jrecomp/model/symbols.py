"""Binarization: coefficients and `last` as binary decisions, and which output predicts which.

A coefficient is: non-zero?, sign, bit length in unary given the sign, the two bits below the leading
one given length and sign, and the rest with probability one half. So nothing is escaped.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.bool_]
Ones = npt.NDArray[np.uint16]
Values = npt.NDArray[np.int64]

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
LAST_LEVELS = 6
LAST_OUTPUTS = (1 << LAST_LEVELS) - 1

_HALF = 1 << 15


class Coder(Protocol):
    """What codes decisions: coding.BitEncoder or coding.BitDecoder."""

    def code(self, ones: Ones, decisions: Bits | None) -> Bits:
        """Codes len(ones) decisions and returns them."""
        ...


def code_values(
    coder: Coder,
    head: Ones,
    tail: Callable[[npt.NDArray[np.intp], bool], Ones],
    truth: Values | None,
    sure: Bits,
) -> Values:
    """Codes coefficients, int64 [n].

    head: uint16 [2, n], P(non-zero) and P(negative). tail: for m indices of one sign (True for
    negative) gives uint16 [PER_SIGN, m]. truth: what to encode, None to decode. sure: where zero is
    impossible.
    """
    nonzero = sure.copy()
    ask = np.flatnonzero(~sure)
    nonzero[ask] = coder.code(head[NONZERO, ask], None if truth is None else truth[ask] != 0)
    index = np.flatnonzero(nonzero)
    wanted = None if truth is None else truth[index]
    negative = coder.code(head[NEGATIVE, index], None if wanted is None else wanted < 0)
    ones = np.empty((PER_SIGN, len(index)), np.uint16)
    for sign in (False, True):
        ones[:, negative == sign] = tail(index[negative == sign], sign)
    magnitude = _code_magnitudes(coder, ones, None if wanted is None else np.abs(wanted))
    values = np.zeros(len(sure), np.int64)
    values[index] = np.where(negative, -magnitude, magnitude)
    return values


def _code_magnitudes(coder: Coder, ones: Ones, wanted: Values | None) -> Values:
    length = np.ones(ones.shape[1], np.int64)
    active = np.arange(len(length))
    for n in range(2, MAX_LENGTH + 1):
        if not len(active):
            break
        p = _output(ones, active, MODELLED_LENGTHS, n, LENGTH_OUTPUT)
        longer = coder.code(p, None if wanted is None else wanted[active] >= 1 << (n - 1))
        active = active[longer]
        length[active] = n
    magnitude = np.ones(len(length), np.int64)
    for n in range(2, int(length.max(initial=1)) + 1):
        rows = np.flatnonzero(length == n)
        for place in range(n - 2, -1, -1):
            p = _mantissa_output(ones, rows, n, n - 2 - place, magnitude)
            bit = coder.code(p, None if wanted is None else (wanted[rows] >> place & 1).astype(np.bool_))
            magnitude[rows] = 2 * magnitude[rows] + bit
    return magnitude


def _mantissa_output(ones: Ones, rows: npt.NDArray[np.intp], n: int, depth: int, magnitude: Values) -> Ones:
    if depth == 0:
        return _output(ones, rows, FIRST_BITS, n, FIRST_OUTPUT)
    if depth == 1 and n in SECOND_BITS:
        second: Ones = ones[SECOND_OUTPUT + 2 * (n - SECOND_BITS.start) + (magnitude[rows] & 1), rows]
        return second
    return np.full(len(rows), _HALF, np.uint16)


def _output(ones: Ones, rows: npt.NDArray[np.intp], modelled: range, n: int, start: int) -> Ones:
    if n in modelled:
        chosen: Ones = ones[start + n - modelled.start, rows]
        return chosen
    return np.full(len(rows), _HALF, np.uint16)


def code_last(coder: Coder, ones: Ones, truth: Values | None) -> Values:
    """Codes `last` (0 to 63), int64 [n], as the path in a binary tree; ones: uint16 [LAST_OUTPUTS, n]."""
    columns = np.arange(ones.shape[1])
    prefix = np.zeros(len(columns), np.int64)
    for level in range(LAST_LEVELS):
        place = LAST_LEVELS - 1 - level
        p = ones[(1 << level) - 1 + prefix, columns]
        bit = coder.code(p, None if truth is None else (truth >> place & 1).astype(np.bool_))
        prefix = 2 * prefix + bit
    return prefix
