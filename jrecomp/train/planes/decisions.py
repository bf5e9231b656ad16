"""Which outputs of a network each sample asks, and what the answer is: the binarization of
jrecomp.model.symbols for all samples at once.

A decision is 1 where true, -1 where false, 0 where it is not asked. Samples with the same answers share a row
of a table, so that a device looks them up.
"""

import numpy as np

from jrecomp.array_types import Bool, Int8, Int32
from jrecomp.model.planes import LAST
from jrecomp.model.symbols import (
    FIRST_BITS,
    FIRST_OUTPUT,
    HEAD,
    LAST_LEVELS,
    LAST_OUTPUTS,
    LENGTH_OUTPUT,
    MODELLED_LENGTHS,
    NEGATIVE,
    NONZERO,
    PER_SIGN,
    SECOND_BITS,
    SECOND_OUTPUT,
    VALUE_OUTPUTS,
)

LARGEST = 1 << MODELLED_LENGTHS[-1]
"""Of magnitudes with rows of their own: all larger ones have the decisions of this one."""


def of_values(target: Int32, known_nonzero: Bool) -> Int8:
    """Decisions int8 [n, VALUE_OUTPUTS] of coefficients int32 [n].

    known_nonzero: where zero is impossible.
    """
    wanted = np.zeros((len(target), VALUE_OUTPUTS), np.int8)
    wanted[~known_nonzero, NONZERO] = _answer(target[~known_nonzero] != 0)
    coded = np.flatnonzero(target)
    negative, magnitude = target[coded] < 0, np.abs(target[coded].astype(np.int64))
    wanted[coded, NEGATIVE] = _answer(negative)
    length = np.frexp(magnitude)[1]
    start = HEAD + PER_SIGN * negative
    for n in MODELLED_LENGTHS:
        asked = length >= n - 1
        output = start[asked] + LENGTH_OUTPUT + n - MODELLED_LENGTHS.start
        wanted[coded[asked], output] = _answer(length[asked] >= n)
    for n in FIRST_BITS:
        asked = length == n
        first = magnitude[asked] >> (n - 2) & 1
        wanted[coded[asked], start[asked] + FIRST_OUTPUT + n - FIRST_BITS.start] = _answer(first > 0)
        if n in SECOND_BITS:
            output = start[asked] + SECOND_OUTPUT + 2 * (n - SECOND_BITS.start) + first
            wanted[coded[asked], output] = _answer(magnitude[asked] >> (n - 3) & 1 > 0)
    return wanted


def of_last(target: Int32) -> Int8:
    """Decisions int8 [n, LAST_OUTPUTS] of `last`, int32 [n]."""
    wanted = np.zeros((len(target), LAST_OUTPUTS), np.int8)
    for level in range(LAST_LEVELS):
        place = LAST_LEVELS - 1 - level
        node = (1 << level) - 1 + (target >> (place + 1))
        wanted[np.arange(len(target)), node] = _answer(target >> place & 1 > 0)
    return wanted


def table(plane: int) -> Int8:
    """The decisions of all samples that a network may meet, int8 [rows, outputs]."""
    if plane == LAST:
        return of_last(np.arange(LAST_OUTPUTS + 1, dtype=np.int32))
    values = np.arange(-LARGEST, LARGEST + 1, dtype=np.int32)
    return np.concatenate([of_values(values, np.full(len(values), known)) for known in (False, True)])


def rows(plane: int, target: Int32, known_nonzero: Bool) -> Int32:
    """The row of each sample in the table, int32 [n]."""
    if plane == LAST:
        return target
    places = np.clip(target, -LARGEST, LARGEST) + LARGEST
    return (places + (2 * LARGEST + 1) * known_nonzero).astype(np.int32)


def _answer(decision: Bool) -> Int8:
    return np.where(decision, 1, -1).astype(np.int8)
