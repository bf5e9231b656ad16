"""Optimization of a single picture: rounds of the gradient of SSIMULACRA2 shift what levels approximate.

In each round the metric's gradient at the decoded picture gives, for each coefficient, a target that would
score better, and how much an error counts there. Levels are chosen again by rate and error. An anchor holds
targets near the true coefficients, as a metric that is followed blindly is misled.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from jrecomp.array_types import Bool, Float32, Float64, Int16, UInt8
from jrecomp.encoder.decoding import Decoder, shown
from jrecomp.metrics import Reference

ROUNDS = 6
"""Number of rounds of single pictures."""

STEP = 0.4
"""The fraction of the way that a target moves in one round."""

ANCHOR = 0.5
"""The weight of the true coefficient in a target; the metric has the rest."""

FARTHEST = 1.0
"""The most that a target differs from its coefficient, in quantization steps."""

EXPONENT, RANGE = 0.5, 10.0
"""Weights are this power of the curvature relative to its mean, which is limited to this factor."""

STEP_EXPONENT, STEP_RANGE, DC_RANGE = 0.25, (0.7, 1.45), (0.8, 1.2)
"""Steps are changed by this power of the curvature relative to its mean, within these factors."""

FEW_COLOURS = 8
"""Blocks with at most as many colours, as in drawings and screenshots, are not edited."""

_BANDS = np.array([0, 1, 3, 6, 10, 21, 43])
"""First zig-zag indices of the bands over which curvature is averaged."""

_MIDDLE = slice(1, 22)
"""The frequencies of the first component whose mean curvature keeps its step."""

_LEAST = 1e-3
"""Added to mean squared errors, in steps, that are divided by; lower ones tell nothing."""

_WIDTHS = np.diff(_BANDS, append=64)

Choose = Callable[[Sequence[Float32], Sequence[Float32]], Sequence[Int16]]
"""Chooses the levels of all components.

It gets what they are to approximate, in coefficients, and weights of squared errors in steps; both are
float32 [block rows, block columns, 64] for each component.
"""


@dataclass(frozen=True)
class Refinement:
    """Edits of one picture.

    reference: the original. decoder: of its size. components: true coefficients, float32 [block rows, block
    columns, 64] in zig-zag order. steps: float32 [64] for each. kept: uint8 [block rows, block columns] for
    each; coefficients up to this zig-zag index are not edited, as DC never is; 63 leaves a block alone.
    choose: see Choose.
    """

    reference: Reference
    decoder: Decoder
    components: Sequence[Float32]
    steps: Sequence[Float32]
    kept: Sequence[UInt8]
    choose: Choose

    def run(self, rounds: int = ROUNDS) -> Sequence[Int16]:
        """The levels after some rounds; those of none are chosen for the true coefficients."""
        true = [c / s for c, s in zip(self.components, self.steps, strict=True)]
        fixed = [np.arange(64) <= kept[..., None] for kept in self.kept]
        targets, weights = true, [np.ones_like(t) for t in true]
        levels = self._levels(targets, weights)
        mean = 0.0
        for turn in range(rounds):
            gradients = self._gradients(levels)
            curvatures = [
                _curvature(g, level - t) for g, level, t in zip(gradients, levels, true, strict=True)
            ]
            mean = mean or float(curvatures[0].mean()) + 1e-12
            moved = zip(targets, true, levels, gradients, curvatures, fixed, strict=True)
            targets = [_moved(*arrays) for arrays in moved]
            ratios = [np.clip(c / mean, 1 / RANGE, RANGE) ** EXPONENT for c in curvatures]
            new = [np.where(f, np.float32(1), _spread(r)) for f, r in zip(fixed, ratios, strict=True)]
            weights = [np.sqrt(w * n) for w, n in zip(weights, new, strict=True)] if turn else new
            levels = self._levels(targets, weights)
        return levels

    def better_steps(self, levels: Sequence[Int16], tables: Sequence[int]) -> list[Float32]:
        """Quantization tables for the picture, with smaller steps where errors count more.

        levels: those after some rounds. tables: for each component the number of its table, the same where
        components share one. Returns float32 [64] for each component, whole numbers from 1 to 255. They are
        for another Refinement.
        """
        squares = zip(self._gradients(levels), levels, self.components, self.steps, strict=True)
        sums = {table: np.zeros((2, 64)) for table in tables}
        for table, (gradient, level, component, step) in zip(tables, squares, strict=True):
            sums[table] += [_frequencies(gradient), _frequencies(level - component / step)]
        known = {t: size > _LEAST for t, (_, size) in sums.items()}
        logs = {
            t: np.where(known[t], np.log((slope + 1e-24) / (size + _LEAST)) / 2, 0)
            for t, (slope, size) in sums.items()
        }
        first = tables[0]
        mean = logs[first][_MIDDLE].sum() / max(known[first][_MIDDLE].sum(), 1)
        for t, log in logs.items():
            log[:] = np.clip(np.where(known[t], STEP_EXPONENT * (mean - log), 0), *np.log(STEP_RANGE))
            log[0] = np.clip(log[1:3].mean(), *np.log(DC_RANGE))
        changed = (step * np.exp(logs[t]) for step, t in zip(self.steps, tables, strict=True))
        return [np.clip(np.rint(step), 1, 255).astype(np.float32) for step in changed]

    def _levels(self, targets: Sequence[Float32], weights: Sequence[Float32]) -> Sequence[Int16]:
        return self.choose([t * s for t, s in zip(targets, self.steps, strict=True)], weights)

    def _gradients(self, levels: Sequence[Int16]) -> list[Float32]:
        """The slope of the metric by the levels; moving against it raises the score."""
        coefficients = [level * step for level, step in zip(levels, self.steps, strict=True)]
        by_pixels = self.reference.gradient(shown(self.decoder.pixels(coefficients))).gradient
        gradients = self.decoder.gradients(-by_pixels, coefficients)
        return [g * s for g, s in zip(gradients, self.steps, strict=True)]


def _moved(
    target: Float32, true: Float32, level: Int16, gradient: Float32, curvature: Float32, fixed: Bool
) -> Float32:
    """The target after a round."""
    wanted = level - gradient / np.maximum(2 * _spread(curvature), 1e-12)
    anchored = (1 - ANCHOR) * wanted + ANCHOR * true
    moved = np.clip((1 - STEP) * target + STEP * anchored, true - FARTHEST, true + FARTHEST)
    return np.where(fixed, true, moved).astype(np.float32)


def _curvature(gradient: Float32, error: Float32) -> Float32:
    """How much a squared error costs, [block rows, block columns, bands]: gradients over twice the errors."""
    slope, size = (_pooled(x) for x in (gradient, error))
    curvature: Float32 = np.sqrt(slope / (4 * size + _LEAST))
    return curvature


def _frequencies(values: Float32) -> Float64:
    """Mean squares over blocks, [64]."""
    flat = values.reshape(-1, 64)
    means: Float64 = np.einsum("bk,bk->k", flat, flat, dtype=np.float64) / len(flat)
    return means


def _pooled(values: Float32) -> Float32:
    """Mean squares of the bands over 3x3 blocks, [block rows, block columns, bands]."""
    means = np.add.reduceat(values * values, _BANDS, -1) / _WIDTHS
    for axis in (0, 1):
        edges = [(int(i == axis), int(i == axis)) for i in range(3)]
        padded = np.moveaxis(np.pad(means, edges, "edge"), axis, 0)
        means = np.moveaxis(padded[:-2] + padded[1:-1] + padded[2:], 0, axis) / 3
    return means.astype(np.float32)


def _spread(bands: Float32) -> Float32:
    """Values of bands for each coefficient."""
    return np.repeat(bands, _WIDTHS, -1)


def few_colours(pixels: UInt8, blocks: tuple[int, int], down: int, across: int) -> Bool:
    """Which blocks have few colours somewhere, bool [block rows, block columns].

    pixels: uint8 [rows, columns, 1 or 3]. blocks: numbers of blocks of the component. down, across: how many
    times the component is smaller than the picture.
    """
    whole = np.pad(
        pixels,
        [(0, 8 * n * f - size) for n, f, size in zip(blocks, (down, across), pixels.shape[:2], strict=True)]
        + [(0, 0)],
        "edge",
    )
    colours = whole.astype(np.int32) @ (1 << 8 * np.arange(whole.shape[2], dtype=np.int32))
    sides = blocks[0] * down, blocks[1] * across
    parts = np.sort(colours.reshape(sides[0], 8, sides[1], 8).swapaxes(1, 2).reshape(*sides, 64), -1)
    few = (np.diff(parts, axis=-1) != 0).sum(-1) < FEW_COLOURS
    result: Bool = few.reshape(blocks[0], down, blocks[1], across).any((1, 3))
    return result
