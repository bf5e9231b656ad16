"""Counters that learn how likely decisions are, and the decisions of the model of blocks.

docs/format/blocks.md, section 4.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from jrecomp.model.adaptation import Coder
from jrecomp.model.blocks import REACHES, BlocksModel, clamp
from jrecomp.model.symbols import ADAPTIVE_LENGTHS, LAST_LEVELS, LAST_OUTPUTS, MAX_LENGTH, MODELLED_LENGTHS

Int64 = npt.NDArray[np.int64]
Place = tuple[int, ...]

CELLS, MIDDLE_CELL = 33, 16
"""Counters of a range of logits each, and the one of logits about 0."""

BANDS = (1, 6, 20)
"""First zig-zag index of each band but DC's."""

ADAPTIVE_BITS = 2
"""How many bits below the leading one have counters, in ADAPTIVE_LENGTHS."""

ONE = 1 << 22
"""Unit of counters."""


class Counters:
    """A table of counters; start: int64, what each begins with, in units of 2^-22."""

    def __init__(self, start: Int64) -> None:
        self.value = start.copy()
        self._count = np.zeros_like(self.value)

    def learn(self, place: Place, decision: bool) -> None:
        """Moves a counter towards a decision, less and less."""
        value, count = int(self.value[place]), int(self._count[place])
        rate = 65536 // (count + 16)
        change = (ONE - value) * rate >> 16 if decision else -(value * rate >> 16)
        self.value[place] = value + change
        self._count[place] = min(count + 1, 239)


class Decisions:
    """What `last` and values are coded with, one decision after the other, in one component.

    weights: of the component's class.
    """

    def __init__(self, model: BlocksModel, weights: Mapping[str, Int64], coder: Coder) -> None:
        self._model, self._weights, self._coder = model, weights, coder
        cells = model.start(32 * (np.arange(CELLS) - MIDDLE_CELL))

        def by_cell(*shape: int) -> Counters:
            return Counters(np.broadcast_to(cells, (*shape, CELLS)))

        lengths = len(MODELLED_LENGTHS)
        self._last = by_cell(LAST_OUTPUTS)
        self._zero, self._zero_reach = by_cell(64), by_cell(len(BANDS) + 1, REACHES)
        self._sign = Counters(model.start(weights["sign_start"]))
        self._length, self._length_reach = by_cell(lengths, len(BANDS) + 1), by_cell(lengths, 2, REACHES)
        self._bits = Counters(np.full((len(ADAPTIVE_LENGTHS), 3, 2, REACHES), ONE >> 1))

    def last(self, logits: Int64, wanted: int | None) -> int:
        """logits: int64 [63], of the nodes. wanted: what to encode, None to decode, as in all that follow."""
        prefix = 0
        for depth in range(LAST_LEVELS):
            node = (1 << depth) - 1 + prefix
            bit = None if wanted is None else bool(wanted >> (LAST_LEVELS - 1 - depth) & 1)
            prefix = 2 * prefix + self._decide(bit, (self._last, (node, cell(int(logits[node])))))
        return prefix

    def value(self, k: int, s: int, scale: int, sure: bool, wanted: int | None) -> int:
        """A coefficient, or what is left of DC; s: the prediction. sure: it is certainly not 0."""
        r, band = reach(self._model, s), sum(k >= start for start in BANDS)
        at = cell(scale + int(self._weights["trust"][k, r]))
        if not sure:
            nonzero = None if wanted is None else wanted != 0
            if not self._decide(nonzero, (self._zero, (k, at)), (self._zero_reach, (band, r, at))):
                return 0
        agreement = None if wanted is None else (wanted < 0) == (s < 0)
        agrees = self._decide(agreement, (self._sign, (k, r)))
        magnitude = None if wanted is None else abs(wanted)
        length = self._code_length(scale, band, (int(agrees), r), magnitude)
        coded = self._code_bits(length, (int(agrees), r), magnitude)
        return -coded if agrees == (s < 0) else coded

    def _code_length(self, scale: int, band: int, sign: Place, wanted: int | None) -> int:
        """The bit length of a magnitude; sign: whether it agrees, and the reach."""
        for n in range(MODELLED_LENGTHS.start, MAX_LENGTH + 1):
            row, used = n - MODELLED_LENGTHS.start, list[tuple[Counters, Place]]()
            if n in MODELLED_LENGTHS:
                slope, offset = self._weights["length_slope"][row], self._weights["length_offset"][row][sign]
                at = cell((int(slope) * scale >> 8) + int(offset))
                used = [(self._length, (row, band, at)), (self._length_reach, (row, *sign, at))]
            if not self._decide(None if wanted is None else wanted >> (n - 1) > 0, *used):
                return n - 1
        return MAX_LENGTH

    def _code_bits(self, length: int, sign: Place, wanted: int | None) -> int:
        """A magnitude of this bit length."""
        magnitude = 1
        for depth in range(length - 1):
            used = list[tuple[Counters, Place]]()
            if length in ADAPTIVE_LENGTHS and depth < ADAPTIVE_BITS:
                used = [(self._bits, (length - ADAPTIVE_LENGTHS.start, magnitude - 1, *sign))]
            bit = None if wanted is None else bool(wanted >> (length - 2 - depth) & 1)
            magnitude = 2 * magnitude + self._decide(bit, *used)
        return magnitude

    def _decide(self, wanted: bool | None, *used: tuple[Counters, Place]) -> bool:
        """One decision, with the mean of one or two counters; of probability one half without any."""
        total = sum(int(counters.value[place]) for counters, place in used)
        ones = clamp(total >> (5 + len(used)), 32, 65504) if used else 1 << 15
        truth = None if wanted is None else np.array([wanted])
        decision = bool(self._coder.code(np.array([ones], np.uint16), truth)[0])
        for counters, place in used:
            counters.learn(place, decision)
        return decision


def cell(x: int) -> int:
    """The cell of a logit or scale in 1/32 of a natural unit."""
    return clamp((x + 264) >> 4, 0, CELLS - 1)


def reach(model: BlocksModel, s: int) -> int:
    """How far a prediction of s sixteenths of a step is from 0."""
    return clamp((model.log2(abs(s)) >> 3) - 1, 0, REACHES - 1) if s else 0
