"""Adaptive counters, and the coding of values with them in models of blocks.

docs/format/blocks.md, "Decisions", specifies both.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from jrecomp.array_types import Bool, Int64
from jrecomp.model.adaptation import BinaryCoder
from jrecomp.model.blocks import CELL_OFFSET, CONFIDENCES, TRAINED_CONFIDENCES, BlocksModel, Integers, clamp
from jrecomp.model.symbols import ADAPTIVE_LENGTHS, LAST_LEVELS, LAST_OUTPUTS, MAX_LENGTH, MODELLED_LENGTHS
from jrecomp.t81 import COLUMN, ROW

CounterIndex = tuple[int, ...]

CELLS = 32
"""Number of ranges of logits or scales with counters of their own; each is half a natural unit wide."""

GROUP = np.where(np.arange(64) < 6, np.arange(64), np.minimum(ROW + COLUMN, 9) + 3)
"""Group of each zig-zag index; the coefficients of a group share the counters of being non-zero."""

ADAPTIVE_BITS = 2
"""Number of bits below the leading one that have counters, for ADAPTIVE_LENGTHS."""

ONE = 1 << 22
"""The value of a counter for probability 1."""


class Expected(NamedTuple):
    """The predicted sign of a value or of several, and the confidence in it.

    below: whether the value is predicted to be negative. confidence: 0 to CONFIDENCES - 1, a level of the
    predicted magnitude.
    """

    below: bool | Bool
    confidence: Integers


class Counters:
    """A table of adaptive probabilities.

    start: int64, the initial probabilities in units of 2^-22.
    """

    def __init__(self, start: Int64) -> None:
        self.value = start.copy()
        self._count = np.zeros_like(self.value)

    def learn(self, index: CounterIndex, decision: bool) -> None:
        """Update a counter with a decision; the rate decreases with the number of its updates."""
        value, count = int(self.value[index]), int(self._count[index])
        rate = 65536 // (count + 16)
        self.value[index] = value + ((ONE * decision - value) * rate >> 16)
        self._count[index] = min(count + 1, 239)


class Decisions:
    """Codes `last` and the values of a component as binary decisions with adaptive counters.

    model: provides the initial probabilities. weights: arrays of the component's class. coder: encodes or
    decodes.
    """

    def __init__(self, model: BlocksModel, weights: Mapping[str, Int64], coder: BinaryCoder) -> None:
        self._coder, logits = coder, 32 * np.arange(CELLS) - 368
        lengths = (weights["length_slope"][:, None] * logits >> 8)[:, None, None]
        trained = np.minimum(np.arange(CONFIDENCES), TRAINED_CONFIDENCES - 1)
        zero = model.start(logits + weights["trust"][trained, None])
        self._last = Counters(np.tile(model.start(logits), (LAST_OUTPUTS, 1)))
        self._zero = Counters(np.tile(zero, (GROUP.max() + 1, 1, 1)))
        self._sign = Counters(model.start(weights["sign_start"][:, trained]))
        self._length = Counters(model.start(lengths + weights["length_trust"][..., trained, None]))
        self._bits = Counters(np.full((len(ADAPTIVE_LENGTHS), 2, CONFIDENCES, 3), ONE >> 1))

    def last(self, logits: Int64, wanted: int | None) -> int:
        """Code `last`, 0 to 63, as the path in a binary tree.

        logits: int64 [63], of the tree's nodes in 1/32 of a natural unit. wanted: the value to encode, None
        to decode. Returns the value.
        """
        prefix = 0
        for depth in range(LAST_LEVELS):
            node = (1 << depth) - 1 + prefix
            bit = None if wanted is None else bool(wanted >> (LAST_LEVELS - 1 - depth) & 1)
            prefix = 2 * prefix + self._decide(bit, self._last, node, cell(int(logits[node])))
        return prefix

    def value(self, k: int, expected: Expected, scale: int, known_nonzero: bool, wanted: int | None) -> int:
        """Code an AC coefficient, or the residual of DC.

        k: zig-zag index. expected: predicted sign and its confidence. scale: predicted logarithm of the
        magnitude, in 1/32 of a natural unit. known_nonzero: whether 0 is impossible. wanted: the value to
        encode, None to decode. Returns the value.
        """
        scale_cell, below, confidence = cell(scale), bool(expected.below), int(expected.confidence)
        if not known_nonzero:
            nonzero = None if wanted is None else wanted != 0
            if not self._decide(nonzero, self._zero, int(GROUP[k]), confidence, scale_cell):
                return 0
        agreement = None if wanted is None else (wanted < 0) == below
        agrees = self._decide(agreement, self._sign, k, confidence)
        magnitude = None if wanted is None else abs(wanted)
        length = self._code_length((int(agrees), confidence, scale_cell), magnitude)
        coded = self._code_bits(length, (int(agrees), confidence), magnitude)
        return -coded if agrees == below else coded

    def _code_length(self, context: CounterIndex, wanted: int | None) -> int:
        """The bit length of a magnitude; context: whether the sign is as expected, confidence, cell."""
        for n in range(MODELLED_LENGTHS.start, MAX_LENGTH + 1):
            longer = None if wanted is None else wanted >> (n - 1) > 0
            row = n - MODELLED_LENGTHS.start
            if not (
                self._decide(longer, self._length, row, *context)
                if n in MODELLED_LENGTHS
                else self._equiprobable(longer)
            ):
                return n - 1
        return MAX_LENGTH

    def _code_bits(self, length: int, context: CounterIndex, wanted: int | None) -> int:
        """A magnitude of this bit length; context: whether the sign is as expected, confidence."""
        magnitude, row = 1, length - ADAPTIVE_LENGTHS.start
        for depth in range(length - 1):
            bit = None if wanted is None else bool(wanted >> (length - 2 - depth) & 1)
            if length in ADAPTIVE_LENGTHS and depth < ADAPTIVE_BITS:
                decision = self._decide(bit, self._bits, row, *context, magnitude - 1)
            else:
                decision = self._equiprobable(bit)
            magnitude = 2 * magnitude + decision
        return magnitude

    def _decide(self, wanted: bool | None, counters: Counters, *index: int) -> bool:
        """A decision with the probability of a counter, which is then updated."""
        decision = self._code(int(counters.value[index]) >> 6 | 1, wanted)
        counters.learn(index, decision)
        return decision

    def _equiprobable(self, wanted: bool | None) -> bool:
        """A decision with probability 1/2."""
        return self._code(1 << 15, wanted)

    def _code(self, probability: int, wanted: bool | None) -> bool:
        truth = None if wanted is None else np.array([wanted])
        return bool(self._coder.code(np.array([probability], np.uint16), truth)[0])


def cell(x: int) -> int:
    """The cell, 0 to CELLS - 1, of a logit or scale in 1/32 of a natural unit."""
    return clamp((x + CELL_OFFSET) >> 4, 0, CELLS - 1)
