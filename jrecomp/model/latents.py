"""Models with latents: an autoencoder for each group of coefficients (docs/format/latents.md).

Latents y2 are coded first, then latents y1 given y2, then the coefficients given y1. The groups and the
weight-shared block follow Luo et al., "Learned Lossless Compression for JPEG via Frequency-Domain
Prediction". The hierarchy of latents follows "Unified learning-based lossy and lossless JPEG recompression"
(arXiv:2312.02705).
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np

from jrecomp.array_types import Float32, Int64
from jrecomp.features.latents import GROUPS, known_width
from jrecomp.features.tables import Tables
from jrecomp.model.arrays import CLASSES, Arrays, Model
from jrecomp.model.convolution import Convolution, Shape, enlarged, shifted
from jrecomp.model.laplace import LEVEL_OF_ONE, LEVELS, LEVELS_PER_OCTAVE, MEAN_LIMIT, Laplace
from jrecomp.model.network import ACTIVATION_LIMIT, INPUT_LIMIT, split

LATENT_LIMIT = 7
LATENT_UNIT = 16
"""Latents are integers within +-LATENT_LIMIT. As inputs of networks they are multiplied by LATENT_UNIT."""

ITERATIONS = 3
"""Number of applications of the weight-shared block."""

HIDDEN_SHIFT, LATENT_SHIFT, MEAN_SHIFT, LEVEL_SHIFT = 6, 11, 7, 8
"""Sums of hidden layers, latents, means and levels are divided by 2^shift and rounded down."""

STEPS = 64
"""Number of inputs from quantization steps."""


def shapes(component_class: int, group: int, channels: int, latents: int) -> list[Shape]:
    """The shapes of the convolutions of an autoencoder, in the order of Autoencoder.__init__.

    component_class, group: of the autoencoder. channels, latents: numbers of hidden and latent channels.
    """
    start, stop = GROUPS[group]
    known = known_width(group, min(component_class, 1))
    return [
        Shape(channels, stop - start, 3),
        Shape(latents, channels, 3),
        Shape(channels, channels, 3),
        Shape(latents, channels, 3),
        Shape(2 * latents, 0, 1, STEPS),
        Shape(channels, latents, 3, STEPS),
        Shape(2 * latents, channels, 1),
        Shape(channels, known + latents, 3, STEPS),
        Shape(channels, channels, 3),
        Shape(2 * (stop - start), channels, 1),
    ]


_FIRST_CONVOLUTIONS = (0, 4, 5, 7)
"""Indices of the convolutions whose inputs are within +-INPUT_LIMIT; those of the others are activations."""


class Distributions(NamedTuple):
    """Parameters of the Laplace distributions of integers.

    mean: int64 [channels, rows, columns], in sixteenths. level: int64 of the same shape, the scale as a level
    of jrecomp.model.laplace. Both may exceed the tables, see limited().
    """

    mean: Int64
    level: Int64

    @classmethod
    def of(cls, sums: Float32) -> "Distributions":
        """The distributions from the sums of a last convolution: means in the first half, then levels."""
        mean, level = np.split(sums, 2)
        return cls(
            shifted(mean, MEAN_SHIFT).astype(np.int64),
            shifted(level, LEVEL_SHIFT).astype(np.int64) + LEVEL_OF_ONE,
        )

    def limited(self) -> "Distributions":
        """The distributions with means and levels limited to the range of the tables."""
        return Distributions(np.clip(self.mean, -MEAN_LIMIT, MEAN_LIMIT), np.clip(self.level, 0, LEVELS - 1))

    def in_steps(self, steps: Int64, tables: Tables) -> "Distributions":
        """The distributions relative to quantization steps, int64 [channels].

        The means are given relative to the step of the first channel, the levels relative to steps of 1.
        """
        steps = steps[:, None, None]
        mean = np.clip(self.mean, -MEAN_LIMIT, MEAN_LIMIT) * steps[0] // steps
        return Distributions(mean, self.level - level_of(steps, tables))


def level_of(steps: Int64, tables: Tables) -> Int64:
    """The level, relative to LEVEL_OF_ONE, of scales that equal the steps."""
    levels: Int64 = LEVELS_PER_OCTAVE * tables.log2_of(steps) >> 4
    return levels


class Autoencoder:
    """The autoencoder of a group of coefficients in a component class.

    Inputs and latents have the shape [channels, rows, columns].
    """

    def __init__(self, convolutions: list[Convolution]) -> None:
        (
            self._analysis,
            self._latents,
            self._analysis_2,
            self._latents_2,
            self._static,
            self._prior,
            self._prior_out,
            self._synthesis,
            self._shared,
            self._out,
        ) = convolutions

    def analyse(self, x: Float32) -> tuple[Int64, Int64]:
        """Compute the latents y1 and y2 of a group; only encoders do this.

        x: result of features.latents.group_inputs(), in float32.
        """
        h = _activations(self._analysis.sums(x, stride=2))
        h2 = _activations(self._analysis_2.sums(h, stride=2))
        return _quantized(self._latents.sums(h)), _quantized(self._latents_2.sums(h2))

    def of_latents_2(self, steps: Float32, rows: int, columns: int) -> Distributions:
        """Distributions of y2; steps: float32 [STEPS], result of features.latents.step_inputs()."""
        return Distributions.of(self._static.sums(np.zeros((0, rows, columns), np.float32), steps))

    def of_latents(self, y2: Int64, steps: Float32, rows: int, columns: int) -> Distributions:
        """Distributions of y1 given y2; rows, columns: size of y1."""
        x = enlarged(_as_inputs(y2), rows, columns)
        return Distributions.of(self._prior_out.sums(_activations(self._prior.sums(x, steps))))

    def of_values(self, y1: Int64, known: Float32, steps: Float32) -> Distributions:
        """Distributions of the group's coefficients given y1.

        known: float32 [known_width, rows, columns], result of features.latents.known_inputs().
        """
        x = np.concatenate([known, enlarged(_as_inputs(y1), *known.shape[1:])])
        h = _activations(self._synthesis.sums(x, steps))
        for _ in range(ITERATIONS):
            h = np.clip(h + shifted(self._shared.sums(h), HIDDEN_SHIFT), 0, ACTIVATION_LIMIT)
        return Distributions.of(self._out.sums(h))


def _activations(sums: Float32) -> Float32:
    return np.clip(shifted(sums, HIDDEN_SHIFT), 0, ACTIVATION_LIMIT)


def _quantized(sums: Float32) -> Int64:
    return np.clip(shifted(sums, LATENT_SHIFT), -LATENT_LIMIT, LATENT_LIMIT).astype(np.int64)


def _as_inputs(latents: Int64) -> Float32:
    return (LATENT_UNIT * latents).astype(np.float32)


class LatentsModel(Model):
    """A model with latents."""

    kind = "latents"

    @cached_property
    def laplace(self) -> Laplace:
        """The tables of logits."""
        return Laplace(self.arrays["head"], self.arrays["tail"])

    @cached_property
    def classes(self) -> list[list[Autoencoder]]:
        """The autoencoders of each component class, one for each group; raises ValueError."""
        return [_autoencoders(self.arrays, c) for c in range(CLASSES)]


def build(identifier: int, name: str, arrays: Arrays) -> LatentsModel:
    """Make a model from the arrays of a weights file; raises ValueError if sizes or sums do not fit."""
    model = LatentsModel(identifier, name, arrays)
    assert model.classes and model.tables and model.laplace
    return model


def _autoencoders(arrays: Arrays, number: int) -> list[Autoencoder]:
    channels, latents = arrays["hidden"].tolist()
    layout = [shape for group in range(len(GROUPS)) for shape in shapes(number, group, channels, latents)]
    weights = split(arrays[f"weight_{number}"].astype(np.float32), [shape.matrix for shape in layout])
    biases = split(arrays[f"bias_{number}"].astype(np.float32), [(shape.outputs, 1) for shape in layout])
    count = len(layout) // len(GROUPS)
    limits = [INPUT_LIMIT if i in _FIRST_CONVOLUTIONS else ACTIVATION_LIMIT for i in range(count)]
    convolutions = list(map(Convolution, layout, weights, biases, limits * len(GROUPS)))
    starts = range(0, len(convolutions), count)
    return [Autoencoder(convolutions[start : start + count]) for start in starts]
