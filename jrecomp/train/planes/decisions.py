"""The decisions about samples, binarized as in jrecomp.model.symbols, for all samples at once.

A sample has a decision for each output of a network: 1 if true, -1 if false, 0 if it is not coded.
Samples with equal decisions share a row of a table, so that a GPU needs only the index of the row.
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
"""Largest magnitude with a row in the table; larger ones have the same decisions."""


def of_values(target: Int32, known_nonzero: Bool) -> Int8:
    """The decisions about coefficients, int8 [n, VALUE_OUTPUTS].

    target: int32 [n]. known_nonzero: bool [n], where 0 is impossible.
    """
    result = np.zeros((len(target), VALUE_OUTPUTS), np.int8)
    result[~known_nonzero, NONZERO] = _outcome(target[~known_nonzero] != 0)
    coded = np.flatnonzero(target)
    negative, magnitude = target[coded] < 0, np.abs(target[coded].astype(np.int64))
    result[coded, NEGATIVE] = _outcome(negative)
    length = np.frexp(magnitude)[1]
    start = HEAD + PER_SIGN * negative
    for n in MODELLED_LENGTHS:
        some = length >= n - 1
        output = start[some] + LENGTH_OUTPUT + n - MODELLED_LENGTHS.start
        result[coded[some], output] = _outcome(length[some] >= n)
    for n in FIRST_BITS:
        some = length == n
        first = magnitude[some] >> (n - 2) & 1
        result[coded[some], start[some] + FIRST_OUTPUT + n - FIRST_BITS.start] = _outcome(first > 0)
        if n in SECOND_BITS:
            output = start[some] + SECOND_OUTPUT + 2 * (n - SECOND_BITS.start) + first
            result[coded[some], output] = _outcome(magnitude[some] >> (n - 3) & 1 > 0)
    return result


def of_last(target: Int32) -> Int8:
    """The decisions about `last`, int8 [n, LAST_OUTPUTS]; target: int32 [n]."""
    result = np.zeros((len(target), LAST_OUTPUTS), np.int8)
    for level in range(LAST_LEVELS):
        place = LAST_LEVELS - 1 - level
        node = (1 << level) - 1 + (target >> (place + 1))
        result[np.arange(len(target)), node] = _outcome(target >> place & 1 > 0)
    return result


def table(plane: int) -> Int8:
    """The table of decisions for all possible samples of a plane, int8 [rows, outputs]."""
    if plane == LAST:
        return of_last(np.arange(LAST_OUTPUTS + 1, dtype=np.int32))
    values = np.arange(-LARGEST, LARGEST + 1, dtype=np.int32)
    return np.concatenate([of_values(values, np.full(len(values), known)) for known in (False, True)])


def rows(plane: int, target: Int32, known_nonzero: Bool) -> Int32:
    """The row of each sample in table(), int32 [n]."""
    if plane == LAST:
        return target
    places = np.clip(target, -LARGEST, LARGEST) + LARGEST
    return (places + (2 * LARGEST + 1) * known_nonzero).astype(np.int32)


def _outcome(decision: Bool) -> Int8:
    return np.where(decision, 1, -1).astype(np.int8)
