"""Coding of a slice with a model of blocks, for both directions (docs/format/blocks.md).

This is the reference implementation. The native engine (jrecomp/native/engine) gives the same bytes. The
functions on arrays accept leading dimensions, which training uses: [..., 64] are the coefficients of one
block or of several.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jrecomp.array_types import Index, Int16, Int32, Int64
from jrecomp.codec.coefficients import VALUE_LIMIT, check_range
from jrecomp.codec.regression import Regression, innovations
from jrecomp.model.adaptation import BinaryCoder
from jrecomp.model.arrays import component_class
from jrecomp.model.blocks import (
    BANDS,
    CONFIDENCES,
    EDGES,
    ENERGIES,
    HIDDEN_LIMIT,
    NEAR_LEVELS,
    OWN_LEVELS,
    SCALE_LIMIT,
    BlocksModel,
    Integers,
    clamp,
    eighths_of_octaves,
)
from jrecomp.model.offsets import Decisions, Expected, Rows
from jrecomp.t81 import COLUMN, ROW

Place = tuple[int, int]
"""Row and column of a block."""

Places = tuple[int | Index, int | Index]
"""Rows and columns of one block or of several."""

NEIGHBOURS = ((0, -1), (-1, 0), (-1, -1), (-1, 1))
LEFT, ABOVE, ABOVE_LEFT, ABOVE_RIGHT = range(len(NEIGHBOURS))

TOUCHING = {LEFT: slice(0, 8), ABOVE: slice(16, 24)}
"""The edge pixels of neighbours that are adjacent to the block."""

PREDICTING_EDGES = {
    LEFT: slice(0, 16),
    ABOVE: slice(16, 32),
    ABOVE_RIGHT: slice(16, 24),
    ABOVE_LEFT: slice(23, 24),
}
"""The edge pixels of neighbours that predict the block."""

CONTEXT_STEPS = [0, 1, 2, 5, 9, 14, 20, 35, 60]
"""Zig-zag indices of the quantization steps that are inputs of the hidden units."""

BAND_STEPS = (1, 4, 7, 14, 28)
"""Zig-zag index of the quantization step that each band of frequencies is measured in."""


class ComponentBlocks(NamedTuple):
    """The coded part of a component; arrays are int64.

    steps: [64], the quantization table. values: [rows, columns, 64], coefficients. dequantized: [rows,
    columns, 64], coefficients times steps, limited to +-32767. edges: [rows, columns, 32], pixels of the last
    two rows and columns of blocks, in quarters. last: [rows, columns], index of the last non-zero AC
    coefficient. innovations: [rows, columns, 64], as from regression.innovations().
    """

    steps: Int64
    values: Int64
    dequantized: Int64
    edges: Int64
    last: Int64
    innovations: Int64

    @classmethod
    def empty(cls, steps: Int64, shape: tuple[int, int]) -> "ComponentBlocks":
        """All values 0; shape: rows and columns in blocks."""
        sizes = ((64,), (64,), (EDGES,), (), (64,))
        return cls(steps, *(np.zeros(shape + size, np.int64) for size in sizes))

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return self.last.shape


class ComponentCoder:
    """Codes a component of a slice.

    model: the model. number: index of the component in the frame. part: receives the coded values. before:
    the components before it, coded. coder: encodes or decodes decisions.
    """

    def __init__(
        self,
        model: BlocksModel,
        number: int,
        part: ComponentBlocks,
        before: Sequence[ComponentBlocks],
        coder: BinaryCoder,
    ) -> None:
        self._model, self._part = model, part
        self._weights = weights = model.classes[component_class(number)]
        self._decisions = Decisions(model, weights, coder)
        self._first = before[0] if before and covers(before[0], part) else None
        self._before = before[-1] if before and before[-1].shape == part.shape else None
        self._other = self._before if number >= 2 else None
        self._regression = Regression(part.steps)
        octaves = eighths_of_octaves(part.steps[CONTEXT_STEPS])
        self._constant = weights["bias"] + (octaves @ weights["step_weight"] >> 7)
        self._touch = touch(model)

    def run(self, truth: Int16 | None) -> None:
        """Code all blocks.

        truth: coefficients to encode, int16 [rows, columns, 64]; None to decode.
        Raises CorruptContainerError if a coefficient is out of range.
        """
        for row, column in np.ndindex(*self._part.shape):
            self._block((row, column), None if truth is None else truth[row, column].astype(np.int64))

    def _block(self, place: Place, truth: Int64 | None) -> None:
        part, weights, neighbours = self._part, self._weights, self._neighbours(place)
        hidden = self._hidden(place, neighbours)
        wanted = None if truth is None else int(last_of(truth))
        logits = layer(hidden, weights["last_weight"], weights["last_bias"])
        left, above = (int(part.last[neighbours[n]]) if n in neighbours else None for n in (LEFT, ABOVE))
        last = self._decisions.last(logits, left, above, wanted)
        scales = layer(hidden + weights["own_last"][last], weights["scale_weight"], weights["scale_bias"])
        scales = np.clip(scales, -SCALE_LIMIT, SCALE_LIMIT)
        base, pixels = surroundings({n: part.edges[other] for n, other in neighbours.items()})
        values, count = part.values[place], 16 * (last // 16 + 1)
        other, sums = self._innovations_before(place, count), np.zeros(64, np.int64)
        across = self._regression.predict(other)
        for k in (*range(1, count), 0):
            sums[k] = self._own_sum(place, k, pixels)
            if k > last:
                continue
            predicted, expected = self._prediction(k, wrap32(sums[k] + across[k]), base)
            wanted = None if truth is None else int(truth[k]) - predicted
            rows = self._rows(place, k, last, expected, neighbours)
            residual = self._decisions.value(k, expected, int(scales[k]), rows, 0 < k == last, wanted)
            values[k] = predicted + residual
            part.dequantized[place][k] = dequantized(values[k], part.steps[k])
            if k and values[k]:
                scales += weights["own"][k - 1, level(values[k], OWN_LEVELS)]
        check_range(values)
        part.last[place] = last
        part.edges[place] = edges(part.dequantized[place], self._model)
        sums[0] += base << 15
        part.innovations[place] = innovations(part.dequantized[place], sums, count)
        self._regression.learn(other, part.innovations[place])

    def _rows(
        self, place: Place, k: int, last: int, expected: Expected, neighbours: Mapping[int, Place]
    ) -> Rows:
        """The rows of offsets of a coefficient that follow from other coefficients and from `last`."""
        if k == 0:
            apart = self._disagreement(place, neighbours)
            return Rows(3 * apart + min(int(expected.confidence), 2), min(last, 48))
        values = self._part.values[place]
        one, two = (abs(int(values[j])) if j > 0 else 0 for j in (k - 1, k - 2))
        distance = int(np.searchsorted((1, 4, 12), last - k, side="right"))
        sign = -1 if expected.below else 1
        near = (int(self._part.values[neighbours[n]][k]) if n in neighbours else 0 for n in (LEFT, ABOVE))
        left, above = (clamp(sign * value, -3, 3) + 3 for value in near)
        return Rows(12 * min(one, 3) + 4 * min(two, 2) + distance, 7 * left + above)

    def _disagreement(self, place: Place, neighbours: Mapping[int, Place]) -> int:
        """How far the edges on the left and above are apart in the mean, given the AC coefficients.

        15 if one of the two does not exist, otherwise a level from 0 to 14.
        """
        if not {LEFT, ABOVE} <= neighbours.keys():
            return 15
        left, above = (int(self._part.edges[neighbours[n]][part].sum()) for n, part in TOUCHING.items())
        apart = left - above - (int(self._touch[1:] @ self._part.dequantized[place][1:]) >> 15)
        octaves = eighths_of_octaves(abs(apart)) - eighths_of_octaves(2 * self._part.steps[0])
        return clamp((int(octaves) >> 2) + 2, 0, 14)

    def _innovations_before(self, place: Place, count: int) -> Int64:
        """The innovations of the component before in the first coefficients of a block, otherwise 0."""
        if self._before is None:
            return np.zeros(64, np.int64)
        return np.where(np.arange(64) < count, self._before.innovations[place], 0)

    def _neighbours(self, place: Place) -> dict[int, Place]:
        """The positions of the neighbours inside the slice."""
        places = {n: (place[0] + dy, place[1] + dx) for n, (dy, dx) in enumerate(NEIGHBOURS)}
        columns = self._part.shape[1]
        return {n: (row, column) for n, (row, column) in places.items() if row >= 0 and 0 <= column < columns}

    def _hidden(self, place: Place, neighbours: Mapping[int, Place]) -> Int64:
        """The sums of the hidden units, int64 [hidden]."""
        weights, hidden = self._weights, self._constant.copy()
        for n, other in neighbours.items():
            hidden += chosen(weights["near"][n], self._part.values[other], NEAR_LEVELS)
            hidden += weights["near_last"][n, self._part.last[other]]
        if self._first is not None:
            for band, energy in enumerate(energies(self._first, self._part, place)):
                hidden += weights["energy"][band, energy]
        if self._other is not None:
            hidden += chosen(weights["across_near"], self._other.values[place], OWN_LEVELS)
        return hidden

    def _own_sum(self, place: Place, k: int, pixels: Int64) -> Int64:
        """The prediction of coefficient k by the weights of the model, without the base of DC."""
        known = self._part.dequantized[place]  # 0 where not yet coded
        total = self._weights["edge"][k] @ pixels + known @ self._weights["within"][:, k]
        if k and self._other is not None:
            total += self._other.dequantized[place][k] * self._weights["across"][k]
        return wrap32(total)

    def _prediction(self, k: int, total: Int64, base: Integers) -> tuple[int, Expected]:
        """The value to subtract from coefficient k, and the expectation of the residual.

        total: the prediction, without the base of DC.
        """
        step = self._part.steps[k]
        if k:
            return 0, expected_ac(total, step)
        whole, expected = expected_dc(total + (base << 15), step)
        return int(whole), expected


def dequantized(coefficients: Int64, steps: Int64) -> Int64:
    """Coefficients times quantization steps, limited to +-VALUE_LIMIT."""
    limited: Int64 = np.clip(coefficients * steps, -VALUE_LIMIT, VALUE_LIMIT)
    return limited


def last_of(coefficients: Int64) -> Int64:
    """The indices [...] of the last non-zero AC coefficients of blocks [..., 64], 0 if there are none."""
    last: Int64 = np.where(coefficients != 0, np.arange(64), 0).max(-1)
    return last


def wrap32(x: Integers) -> Int64:
    """x modulo 2^32, as signed integers of 32 bits."""
    wrapped: Int64 = ((np.asarray(x) + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)
    return wrapped


def level(values: Integers, limits: tuple[int, ...]) -> Int64:
    """The level of the magnitude of coefficients, int64.

    values: non-zero. limits: largest magnitude of each level except the last.
    """
    result: Int64 = np.searchsorted(limits, np.abs(values))
    return result


def expected_ac(total: Integers, step: Integers) -> Expected:
    """The expectation of AC coefficients.

    total: the prediction of the dequantized coefficients in units of 2^-14. step: their quantization steps.
    """
    octaves = eighths_of_octaves(np.abs(total) >> 8) - eighths_of_octaves(4 * step)
    return Expected(total < 0, np.clip((octaves >> 2) - 1, 0, CONFIDENCES - 1))


def expected_dc(total: Integers, step: Integers) -> tuple[Integers, Expected]:
    """The prediction of DC in whole steps, and the expectation of its residual.

    total: the prediction of the dequantized coefficient in units of 2^-14. step: its quantization step.
    """
    magnitude: Int64 = (np.abs(total) * np.floor_divide(1 << 22, step)) >> 32
    sixteenths: Int64 = np.where(total < 0, -magnitude, magnitude)
    whole = np.clip((sixteenths + 8) >> 4, -VALUE_LIMIT, VALUE_LIMIT)
    rest = np.clip(sixteenths - 16 * whole, -64, 64)
    confidence = np.searchsorted((2, 4, 8), np.abs(rest), side="right")
    return whole, Expected(rest < 0, confidence)


def layer(hidden: Int64, weight: Int64, bias: Int64) -> Int64:
    """The outputs of a layer after the hidden units, in 1/32 of a natural unit.

    hidden: int64 [hidden], sums of hidden units. weight: int64 [outputs, hidden]. bias: int64 [outputs].
    """
    result: Int64 = (bias + weight @ np.clip(hidden, 0, HIDDEN_LIMIT)) >> 12
    return result


def chosen(rows: Int64, values: Int64, limits: tuple[int, ...]) -> Int64:
    """The sum of embedding rows for the non-zero AC coefficients of a block, int64 [hidden].

    rows: int64 [63, levels, hidden]. values: int64 [64], coefficients. limits: of the levels.
    """
    index = np.flatnonzero(values[1:])
    total: Int64 = rows[index, level(values[index + 1], limits)].sum(0)
    return total


def edges(dequantized: Int64, model: BlocksModel) -> Int64:
    """The edge pixels of blocks [..., 64] in quarters, int64 [..., 32] within 16 bits."""
    terms: Int64 = (dequantized[..., None] * model.arrays["basis"] + (1 << 14)) >> 15
    wrapped: Int16 = terms.sum(-2).astype(np.int16)
    return wrapped.astype(np.int64)


def touch(model: BlocksModel) -> Int64:
    """What coefficients of 1 add to the first column of pixels less the first row, int64 [64].

    The sums of all eight pixels, in units of 2^-17. Only frequencies of the first row and column add to them.
    """
    basis, sign = model.arrays["basis"].astype(np.int64), 1 - 2 * ((ROW + COLUMN) % 2)
    columns, rows = basis[:, TOUCHING[LEFT]].sum(1), basis[:, TOUCHING[ABOVE]].sum(1)
    total: Int64 = sign * (np.where(ROW == 0, columns, 0) - np.where(COLUMN == 0, rows, 0))
    return total


def surroundings(neighbours: Mapping[int, Int64]) -> tuple[Integers, Int64]:
    """The neighbouring pixels that predict blocks.

    neighbours: edge pixels, int64 [..., 32], of each neighbour inside the slice.
    Returns the base [...], which is the mean of the adjacent pixels, and the pixels minus the base,
    int64 [..., 41].
    """
    touching = [neighbours[n][..., part].sum(-1) for n, part in TOUCHING.items() if n in neighbours]
    base = np.asarray(sum(touching)) >> (2 + len(touching))
    missing = np.repeat(base[..., None], EDGES, -1)
    pixels = [neighbours.get(n, missing)[..., part] - base[..., None] for n, part in PREDICTING_EDGES.items()]
    return base, np.clip(np.concatenate(pixels, -1), -VALUE_LIMIT, VALUE_LIMIT)


def covers(first: ComponentBlocks, part: ComponentBlocks) -> bool:
    """Whether `first` has 1, 2 or 4 times as many rows, and 1, 2 or 4 times as many columns, as `part`."""
    return all(a in (b, 2 * b, 4 * b) for a, b in zip(first.shape, part.shape, strict=True))


def energies(first: ComponentBlocks, part: ComponentBlocks, places: Places) -> list[Int64]:
    """Levels of the magnitudes of the first component at blocks of another, one for each of BANDS.

    first: the first component. part: the component being coded. places: rows and columns of blocks in `part`.
    """
    v, h = (a // b for a, b in zip(first.shape, part.shape, strict=True))
    row, column = (np.asarray(place)[..., None] for place in places)
    rows, columns = row * v + np.arange(v), column * h + np.arange(h)
    covered = first.dequantized[rows[..., :, None], columns[..., None, :]]
    magnitudes = np.abs(covered).sum((-3, -2))
    result = []
    for (start, stop), index in zip(BANDS, BAND_STEPS, strict=True):
        total, unit = magnitudes[..., start:stop].sum(-1), v * h * part.steps[index]
        octaves = eighths_of_octaves(np.minimum(total, 1 << 23) + unit) - eighths_of_octaves(unit)
        result.append(np.minimum(octaves >> 1, ENERGIES - 1))
    return result


def code_slice(
    steps: Sequence[Int32],
    shapes: Sequence[tuple[int, int]],
    model: BlocksModel,
    coder: BinaryCoder,
    parts: Sequence[Int16] | None,
) -> list[Int16]:
    """Encode or decode all components of a slice.

    steps: for each component the quantization table, int32 [64]. shapes: for each component rows and columns
    in blocks. model: the model. coder: encodes or decodes decisions. parts: for each component the
    coefficients to encode, int16 [rows, columns, 64]; None to decode.
    Returns the coefficients. Raises CorruptContainerError.
    """
    done: list[ComponentBlocks] = []
    for number, (table, shape) in enumerate(zip(steps, shapes, strict=True)):
        part = ComponentBlocks.empty(table.astype(np.int64), shape)
        ComponentCoder(model, number, part, done, coder).run(None if parts is None else parts[number])
        done.append(part)
    return [part.values.astype(np.int16) for part in done]
