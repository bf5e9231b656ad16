"""Optimization of a single picture: rounds of the gradient of SSIMULACRA2 shift what levels approximate.

In each round the metric's gradient at the decoded picture gives, for each coefficient, a target that would
score better, and how much an error counts there. Levels are chosen again by rate and error. An anchor holds
targets near the true coefficients, as a metric that is followed blindly is misled.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from jrecomp.array_types import Bool, Float32, Int16, UInt8
from jrecomp.encoder.coefficients import BAND
from jrecomp.encoder.decoding import Decoder
from jrecomp.encoder.levels import Quantizer
from jrecomp.encoder.masking import pooled
from jrecomp.metrics import Reference
from jrecomp.native import _encode
from jrecomp.threads import Workers

STEP = 0.4
"""The fraction of the way that a target moves in one round."""

ANCHOR = 0.5
"""The weight of the true coefficient in a target; the metric has the rest."""

FARTHEST = 1.0
"""The most that a target differs from its coefficient, in quantization steps."""

RANGE = 10.0
"""Weights are the root of the curvature relative to its mean, which is limited to this factor."""

FEW_COLOURS = 8
"""Blocks with at most as many colours, as in drawings and screenshots, are not edited."""

BANDS = 7
"""Number of bands of frequencies that have one curvature each, see _encode.bands()."""

_LEAST = 1e-3
"""Added to mean squared errors, in steps, that are divided by; lower ones tell nothing."""

_EACH = BAND // 8
"""Block rows that a thread handles at a time."""


@dataclass(frozen=True)
class Refinement:
    """Edits of one picture.

    reference: the original. decoder: of its size. components: true coefficients, float32 [block rows, block
    columns, 64] in zig-zag order. quantizers: of each. kept: uint8 [block rows, block columns] for each;
    coefficients up to this zig-zag index are neither edited nor chosen by rate, as DC never is. alone: bool
    [block rows, block columns] for each, blocks that are not edited. weights: of squared errors before the
    first round, float32 [block rows, block columns, 1] for each.
    """

    reference: Reference
    decoder: Decoder
    components: Sequence[Float32]
    quantizers: Sequence[Quantizer]
    kept: Sequence[UInt8]
    alone: Sequence[Bool]
    weights: Sequence[Float32]
    workers: Workers

    def run(self, rounds: int) -> list[Int16]:
        """The levels after some rounds; those of none are chosen for the true coefficients."""
        fixed = [np.where(a, 63, k).astype(np.uint8) for a, k in zip(self.alone, self.kept, strict=True)]
        targets = [component.copy() for component in self.components]
        weights = list(self.weights)
        bits: list[Float32 | None] = [None] * len(targets)
        for i in range(len(targets)):  # the bits of the first levels are guesses
            bits[i] = self._choose(i, targets[i], weights[i], None)[1]
        levels = self._chosen(targets, weights, bits)
        mean = 0.0
        for turn in range(rounds):
            gradients = self._gradients(levels)
            for i, gradient in enumerate(gradients):
                curvature = self._curvature(i, gradient, levels[i])
                mean = mean or float(curvature.mean()) + 1e-12
                self._move(i, gradient, levels[i], curvature, fixed[i], targets[i])
                ratio = np.sqrt(np.clip(curvature / np.float32(mean), 1 / RANGE, RANGE))
                ratio[self.alone[i]] = self.weights[i][self.alone[i]]
                weights[i] = np.sqrt(weights[i] * ratio) if turn else ratio
            del gradients, gradient
            levels = self._chosen(targets, weights, bits)
        return levels

    def _choose(
        self, number: int, targets: Float32, weights: Float32, bits: Float32 | None
    ) -> tuple[Int16, Float32]:
        return self.quantizers[number].choose(targets, weights, self.kept[number], bits, self.workers)

    def _chosen(
        self, targets: Sequence[Float32], weights: Sequence[Float32], bits: list[Float32 | None]
    ) -> list[Int16]:
        """The levels of all components; sets their bits."""
        levels = []
        for number, arrays in enumerate(zip(targets, weights, bits, strict=True)):
            level, bits[number] = self._choose(number, *arrays)
            levels.append(level)
        return levels

    def _gradients(self, levels: Sequence[Int16]) -> list[Float32]:
        """The slope of the metric by the coefficients; moving against it raises the score."""
        steps = [quantizer.steps for quantizer in self.quantizers]
        by_pixels = self.reference.gradient(self.decoder.pixels(levels, steps, self.workers)).gradient
        np.negative(by_pixels, out=by_pixels)
        return self.decoder.gradients(by_pixels, [c.shape for c in self.components], self.workers)

    def _curvature(self, number: int, gradient: Float32, level: Int16) -> Float32:
        """How much squared errors cost, [block rows, block columns, BANDS]: slopes over twice the errors.

        It is relative to the importance of frequencies.
        """
        slopes, sizes = (np.empty((*gradient.shape[:2], BANDS), np.float32) for _ in range(2))
        component, quantizer = self.components[number], self.quantizers[number]

        def band(rows: slice) -> None:
            _encode.bands(
                gradient[rows],
                level[rows],
                component[rows],
                quantizer.steps,
                quantizer.importance,
                slopes[rows],
                sizes[rows],
            )

        self._by_rows(band, len(gradient))
        curvature: Float32 = np.sqrt(pooled(slopes) / (4 * pooled(sizes) + np.float32(_LEAST)))
        return curvature

    def _move(
        self,
        number: int,
        gradient: Float32,
        level: Int16,
        curvature: Float32,
        fixed: UInt8,
        targets: Float32,
    ) -> None:
        component, quantizer = self.components[number], self.quantizers[number]

        def band(rows: slice) -> None:
            _encode.move(
                gradient[rows],
                level[rows],
                component[rows],
                quantizer.steps,
                quantizer.importance,
                curvature[rows],
                fixed[rows],
                STEP,
                ANCHOR,
                FARTHEST,
                targets[rows],
            )

        self._by_rows(band, len(gradient))

    def _by_rows(self, function: Callable[[slice], None], rows: int) -> None:
        self.workers.map(function, [slice(row, row + _EACH) for row in range(0, rows, _EACH)])


def left_alone(pixels: UInt8, components: Sequence[Float32], factors: tuple[int, int]) -> list[Bool]:
    """Which blocks of each component are not edited as they have few colours, see Refinement.

    pixels: uint8 [rows, columns, 1 or 3]. components: luma, and chroma if there is any. factors: how many
    times chroma is smaller, down and across.
    """
    each = [(1, 1), *[factors] * (len(components) - 1)]
    return [few_colours(pixels, (len(c), len(c[0])), *f) for c, f in zip(components, each, strict=True)]


def few_colours(pixels: UInt8, blocks: tuple[int, int], down: int, across: int) -> Bool:
    """Which blocks have few colours somewhere, bool [block rows, block columns].

    pixels: uint8 [rows, columns, 1 or 3]. blocks: numbers of blocks of the component. down, across: how many
    times the component is smaller than the picture.
    """
    few = np.empty((blocks[0] * down, blocks[1] * across), np.uint8)
    _encode.few_colours(pixels, FEW_COLOURS, few)
    result: Bool = few.reshape(blocks[0], down, blocks[1], across).max((1, 3)) > 0
    return result
