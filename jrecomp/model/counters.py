"""Counters that learn how likely decisions are, and the decisions of the model of blocks.

docs/format/blocks.md, section 4.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from jrecomp.array_types import Bool, Int64
from jrecomp.model.adaptation import BinaryCoder
from jrecomp.model.blocks import CELL_OFFSET, CONFIDENCES, BlocksModel, clamp
from jrecomp.model.symbols import ADAPTIVE_LENGTHS, LAST_LEVELS, LAST_OUTPUTS, MAX_LENGTH, MODELLED_LENGTHS
from jrecomp.t81 import COLUMN, ROW

Place = tuple[int, ...]

CELLS = 32
"""Counters of a range of logits each, half a natural unit wide."""

GROUP = np.where(np.arange(64) < 6, np.arange(64), np.minimum(ROW + COLUMN, 9) + 3)
"""Which counters tell whether coefficient k is zero."""

ADAPTIVE_BITS = 2
"""How many bits below the leading one have counters, in ADAPTIVE_LENGTHS."""

ONE = 1 << 22
"""Unit of counters."""


class Expected(NamedTuple):
    """What is foreseen of a value, or of several: below zero or not, and how far from it, 0 to 11."""

    below: Bool
    confidence: Int64


class Counters:
    """A table of counters; start: int64, what each begins with, in units of 2^-22."""

    def __init__(self, start: Int64) -> None:
        self.value = start.copy()
        self._count = np.zeros_like(self.value)

    def learn(self, place: Place, decision: bool) -> None:
        """Moves a counter towards a decision, less and less."""
        value, count = int(self.value[place]), int(self._count[place])
        rate = 65536 // (count + 16)
        self.value[place] = value + ((ONE * decision - value) * rate >> 16)
        self._count[place] = min(count + 1, 239)


class Decisions:
    """What `last` and values are coded with, one decision after the other, in one component.

    weights: of the component's class.
    """

    def __init__(self, model: BlocksModel, weights: Mapping[str, Int64], coder: BinaryCoder) -> None:
        self._coder, logits = coder, 32 * np.arange(CELLS) - 368
        lengths = (weights["length_slope"][:, None] * logits >> 8)[:, None, None]
        zero = model.start(logits + weights["trust"][:, None])
        self._last = Counters(np.tile(model.start(logits), (LAST_OUTPUTS, 1)))
        self._zero = Counters(np.tile(zero, (GROUP.max() + 1, 1, 1)))
        self._sign = Counters(model.start(weights["sign_start"]))
        self._length = Counters(model.start(lengths + weights["length_trust"][..., None]))
        self._bits = Counters(np.full((len(ADAPTIVE_LENGTHS), 2, CONFIDENCES, 3), ONE >> 1))

    def last(self, logits: Int64, wanted: int | None) -> int:
        """logits: int64 [63], of the nodes. wanted: what to encode, None to decode, as in all that follow."""
        prefix = 0
        for depth in range(LAST_LEVELS):
            node = (1 << depth) - 1 + prefix
            bit = None if wanted is None else bool(wanted >> (LAST_LEVELS - 1 - depth) & 1)
            prefix = 2 * prefix + self._decide(bit, self._last, node, cell(int(logits[node])))
        return prefix

    def value(self, k: int, expected: Expected, scale: int, known_nonzero: bool, wanted: int | None) -> int:
        """A coefficient, or what is left of DC. known_nonzero: it is certainly not 0."""
        at, below, r = cell(scale), bool(expected.below), int(expected.confidence)
        if not known_nonzero:
            nonzero = None if wanted is None else wanted != 0
            if not self._decide(nonzero, self._zero, int(GROUP[k]), r, at):
                return 0
        agreement = None if wanted is None else (wanted < 0) == below
        agrees = self._decide(agreement, self._sign, k, r)
        magnitude = None if wanted is None else abs(wanted)
        length = self._code_length((int(agrees), r, at), magnitude)
        coded = self._code_bits(length, (int(agrees), r), magnitude)
        return -coded if agrees == below else coded

    def _code_length(self, place: Place, wanted: int | None) -> int:
        """The bit length of a magnitude; place: whether the sign is as expected, confidence, cell."""
        for n in range(MODELLED_LENGTHS.start, MAX_LENGTH + 1):
            longer = None if wanted is None else wanted >> (n - 1) > 0
            row = n - MODELLED_LENGTHS.start
            if not (
                self._decide(longer, self._length, row, *place)
                if n in MODELLED_LENGTHS
                else self._toss(longer)
            ):
                return n - 1
        return MAX_LENGTH

    def _code_bits(self, length: int, place: Place, wanted: int | None) -> int:
        """A magnitude of this bit length; place: whether the sign is as expected, confidence."""
        magnitude, row = 1, length - ADAPTIVE_LENGTHS.start
        for depth in range(length - 1):
            bit = None if wanted is None else bool(wanted >> (length - 2 - depth) & 1)
            adaptive = length in ADAPTIVE_LENGTHS and depth < ADAPTIVE_BITS
            magnitude = 2 * magnitude + (
                self._decide(bit, self._bits, row, *place, magnitude - 1) if adaptive else self._toss(bit)
            )
        return magnitude

    def _decide(self, wanted: bool | None, counters: Counters, *place: int) -> bool:
        """A decision with a counter, which learns."""
        decision = self._code(int(counters.value[place]) >> 6 | 1, wanted)
        counters.learn(place, decision)
        return decision

    def _toss(self, wanted: bool | None) -> bool:
        """A decision of probability one half."""
        return self._code(1 << 15, wanted)

    def _code(self, ones: int, wanted: bool | None) -> bool:
        truth = None if wanted is None else np.array([wanted])
        return bool(self._coder.code(np.array([ones], np.uint16), truth)[0])


def cell(x: int) -> int:
    """The cell of a logit or scale in 1/32 of a natural unit."""
    return clamp((x + CELL_OFFSET) >> 4, 0, CELLS - 1)
