"""Offsets, and the coding of values with them in models of blocks: logistic regression on sparse contexts.

docs/format/blocks.md, "Decisions" and "Offsets", specifies both.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jrecomp.array_types import Bool, Int64, UInt16
from jrecomp.features.tables import LOGIT_LIMIT
from jrecomp.model.adaptation import BinaryCoder
from jrecomp.model.blocks import (
    CELL_OFFSET,
    CELLS,
    FIRST_ROWS,
    LENGTH_SLOTS,
    NEAR_LASTS,
    SETS,
    TRAINED_CONFIDENCES,
    BlocksModel,
    Integers,
    clamp,
)
from jrecomp.model.symbols import ADAPTIVE_LENGTHS, LAST_LEVELS, MAX_LENGTH, MODELLED_LENGTHS
from jrecomp.t81 import COLUMN, ROW

GROUP = np.where(np.arange(64) < 6, np.arange(64), np.minimum(ROW + COLUMN, 9) + 3)
"""Group of each zig-zag index; the coefficients of a group share offsets."""

UNIT = 1 << 12
"""The value of an offset for an entry of 1 in a weights file; offsets are in 2^-16 of a natural unit."""

RATE, INDEX_BIT_RATE = 6, 4
"""An error changes offsets and intercepts by 2^-RATE of it, and those of `index_bit_offset` faster."""

ADAPTIVE_BITS = 2
"""Number of bits below the leading one that have offsets for the cell and the confidence."""


class Expected(NamedTuple):
    """The predicted sign of a value or of several, and the confidence in it.

    below: whether the value is predicted to be negative. confidence: 0 to CONFIDENCES - 1, a level of the
    predicted magnitude.
    """

    below: bool | Bool
    confidence: Integers


class Rows(NamedTuple):
    """The rows of a coefficient within its group, in the contexts `own` and `near`."""

    own: int
    near: int


class Term(NamedTuple):
    """An entry of a table that is added to logits and learns. table: int64. place: in it. rate: see RATE."""

    table: Int64
    place: tuple[int, int]
    rate: int = RATE


class Offsets:
    """All that learns in a component: the tables are named after the arrays of weights files.

    sigmoid: table of probabilities. weights: arrays of the component's class. coder: encodes or decodes.
    """

    def __init__(self, sigmoid: UInt16, weights: Mapping[str, Int64], coder: BinaryCoder) -> None:
        self._sigmoid, self._coder = sigmoid, coder
        self.rows, self.last = UNIT * weights["offset"], UNIT * weights["last_offset"]
        self.bits, self.index_bits = UNIT * weights["bit_offset"], UNIT * weights["index_bit_offset"]
        self.gain, self.intercept = weights["gain"].copy(), weights["intercept"].copy()
        self.last_gain = weights["last_gain"][None].copy()
        self.last_intercept = weights["last_intercept"][None].copy()

    def decide(
        self, wanted: bool | None, terms: Sequence[Term], logit: int = 0, gain: Term | None = None
    ) -> bool:
        """Code a decision whose logit is a sum of terms and of a product, all of which then learn from it.

        wanted: the decision to encode, None to decode. logit: a factor of the product, in 1/64 of a natural
        unit. gain: the other factor. Returns the decision.
        """
        x = clamp(logit, -LOGIT_LIMIT, LOGIT_LIMIT)
        total = sum(int(term.table[term.place]) for term in terms)
        if gain is not None:
            total += _wrap32(int(gain.table[gain.place]) * x) >> 6
        ones = int(self._sigmoid[clamp(_wrap32(total) >> 10, -LOGIT_LIMIT, LOGIT_LIMIT) + LOGIT_LIMIT])
        decision = self._code(ones, wanted)
        error = (decision << 16) - ones
        for term in terms:
            _add(term, (error + (1 << (term.rate - 1))) >> term.rate)
        if gain is not None:
            _add(gain, (error * x + (1 << 14)) >> 15)
        return decision

    def even(self, wanted: bool | None) -> bool:
        """Code a decision with probability 1/2."""
        return self._code(1 << 15, wanted)

    def _code(self, probability: int, wanted: bool | None) -> bool:
        truth = None if wanted is None else np.array([wanted])
        return bool(self._coder.code(np.array([probability], np.uint16), truth)[0])


class Decisions:
    """Codes `last` and the values of a component as binary decisions with offsets.

    model: has the sigmoid. weights: arrays of the component's class. coder: encodes or decodes.
    """

    def __init__(self, model: BlocksModel, weights: Mapping[str, Int64], coder: BinaryCoder) -> None:
        self._weights, self._offsets = weights, Offsets(model.arrays["sigmoid"], weights, coder)

    def last(self, logits: Int64, left: int | None, above: int | None, wanted: int | None) -> int:
        """Code `last`, 0 to 63, as the path in a binary tree.

        logits: int64 [63], of the tree's nodes in 1/32 of a natural unit. left, above: `last` of neighbours,
        None if they do not exist. wanted: the value to encode, None to decode. Returns the value.
        """
        offsets, prefix = self._offsets, 0
        near = CELLS + NEAR_LASTS * _near_last(left) + _near_last(above)
        for depth in range(LAST_LEVELS):
            node = (1 << depth) - 1 + prefix
            bit = None if wanted is None else bool(wanted >> (LAST_LEVELS - 1 - depth) & 1)
            logit = int(logits[node])
            terms = [Term(offsets.last, (node, row)) for row in (cell(logit), near)]
            terms.append(Term(offsets.last_intercept, (0, node)))
            decision = offsets.decide(bit, terms, 2 * logit, Term(offsets.last_gain, (0, node)))
            prefix = 2 * prefix + decision
        return prefix

    def value(
        self, k: int, expected: Expected, scale: int, rows: Rows, known_nonzero: bool, wanted: int | None
    ) -> int:
        """Code an AC coefficient, or the residual of DC.

        k: zig-zag index. expected: predicted sign and its confidence. scale: predicted logarithm of the
        magnitude, in 1/32 of a natural unit. rows: of the contexts that other coefficients define.
        known_nonzero: whether 0 is impossible. wanted: the value to encode, None to decode. Returns the
        value.
        """
        coefficient = _Coefficient(self._weights, self._offsets, k, expected, scale, rows)
        if not known_nonzero and not coefficient.nonzero(None if wanted is None else wanted != 0):
            return 0
        return coefficient.value(wanted)


class _Coefficient:
    """The decisions of a coefficient. Parameters are as of Decisions and of Decisions.value()."""

    def __init__(
        self,
        weights: Mapping[str, Int64],
        offsets: Offsets,
        k: int,
        expected: Expected,
        scale: int,
        rows: Rows,
    ) -> None:
        confidence, group, place = int(expected.confidence), int(GROUP[k]), cell(scale)
        self._weights, self._offsets = weights, offsets
        self._k, self._below, self._scale = k, bool(expected.below), scale
        self._trained = min(confidence, TRAINED_CONFIDENCES - 1)
        self._set = 2 * min(confidence // 5, 2) + (k >= 10) if k else SETS - 1
        self._cell_row = 16 * (confidence >> 1 if k else confidence) + (place >> 1)
        within = (
            144 * group + self._cell_row,
            48 * group + rows.own,
            49 * group + rows.near,
            6 * k + place // 6,
        )
        self._rows = [first + row for first, row in zip(FIRST_ROWS, within, strict=True)]

    def nonzero(self, wanted: bool | None) -> bool:
        """Whether it is not 0."""
        return self._decide(wanted, 0, 2 * self._scale + int(self._weights["trust"][self._trained]))

    def value(self, wanted: int | None) -> int:
        """Its value, which is not 0."""
        agreement = None if wanted is None else (wanted < 0) == self._below
        agrees = self._decide(agreement, 1, int(self._weights["sign_start"][self._k, self._trained]))
        magnitude = None if wanted is None else abs(wanted)
        coded = self._bits(self._length(int(agrees), magnitude), int(agrees), magnitude)
        return -coded if agrees == self._below else coded

    def _length(self, agrees: int, wanted: int | None) -> int:
        """The bit length of the magnitude. agrees: whether the sign is as expected."""
        for n in range(MODELLED_LENGTHS.start, MAX_LENGTH + 1):
            longer = None if wanted is None else wanted >> (n - 1) > 0
            if not (self._longer(n, agrees, longer) if n in MODELLED_LENGTHS else self._offsets.even(longer)):
                return n - 1
        return MAX_LENGTH

    def _longer(self, n: int, agrees: int, wanted: bool | None) -> bool:
        """Whether the bit length is at least n."""
        row, weights = n - MODELLED_LENGTHS.start, self._weights
        logit = 2 * self._scale * int(weights["length_slope"][row]) >> 8
        logit += int(weights["length_trust"][row, agrees, self._trained])
        return self._decide(wanted, 2 + LENGTH_SLOTS * agrees + min(row, LENGTH_SLOTS - 1), logit)

    def _bits(self, length: int, agrees: int, wanted: int | None) -> int:
        """The magnitude, which has this bit length."""
        magnitude, offsets = 1, self._offsets
        for depth in range(length - 1):
            bit = None if wanted is None else bool(wanted >> (length - 2 - depth) & 1)
            if length not in ADAPTIVE_LENGTHS:
                magnitude = 2 * magnitude + offsets.even(bit)
                continue
            place = (self._k, (1 << (length - 1)) + magnitude)
            terms = [Term(offsets.index_bits, place, INDEX_BIT_RATE)]
            if depth < ADAPTIVE_BITS:
                column = 21 * agrees + 3 * (length - ADAPTIVE_LENGTHS.start) + magnitude - 1
                terms.append(Term(offsets.bits, (self._cell_row, column)))
            magnitude = 2 * magnitude + offsets.decide(bit, terms)
        return magnitude

    def _decide(self, wanted: bool | None, slot: int, logit: int) -> bool:
        """A decision with the offsets of all contexts in a slot."""
        offsets, place = self._offsets, (self._set, slot)
        terms = [Term(offsets.rows, (row, slot)) for row in self._rows]
        terms.append(Term(offsets.intercept, place))
        return offsets.decide(wanted, terms, logit, Term(offsets.gain, place))


def cell(x: int) -> int:
    """The cell, 0 to CELLS - 1, of a logit or scale in 1/32 of a natural unit."""
    return clamp((x + CELL_OFFSET) >> 4, 0, CELLS - 1)


def _near_last(last: int | None) -> int:
    """The level of a neighbour's `last`, 0 if it does not exist."""
    return 0 if last is None else 1 + (last >> 2)


def _add(term: Term, x: int) -> None:
    """Add to the entry of a term, modulo 2^32."""
    term.table[term.place] = _wrap32(int(term.table[term.place]) + x)


def _wrap32(x: int) -> int:
    """x modulo 2^32, as a signed integer of 32 bits."""
    return ((x + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)
