"""The network of jrecomp.restore.network in torch.

The forward pass computes the same integers; roundings have straight-through gradients. All parameters are in
one vector, so that a step of the optimizer is a few operations.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from jrecomp.restore import network as integer
from jrecomp.restore.network import (
    ACTIVATION_LIMIT,
    CELL,
    COARSENESS_FACTOR,
    COMPONENTS,
    CONVOLUTION_SHIFT,
    DESCRIPTION,
    EXPONENT_SHIFT,
    GAIN_SHIFT,
    HIDDEN_SHIFT,
    INPUTS,
    OFFSET_SHIFT,
    OUTPUTS,
    PLACE_VALUE,
    STEPS_PER_OCTAVE,
    STREAM_LIMIT,
)

HIDDEN = 64
"""Hidden units between tables and controls."""

WEIGHT_LIMIT = 127
WEIGHT_UNIT = 512
"""The integer for a weight of 1 in a convolution."""

OFFSET_UNIT = 16 << GAIN_SHIFT - OFFSET_SHIFT
"""The integer for an offset parameter of 1, which is an offset of 16."""

EXPONENT_UNIT = STEPS_PER_OCTAVE << EXPONENT_SHIFT
"""The integer for an exponent parameter of 1, which is an octave."""

HIDDEN_UNIT = 1 << 14
LEAK = 0.1
"""Share of the gradient that passes where an activation is limited."""

CONTROL_UNIT = 8
"""The integer for a weight of 1 in the layers that read the tables. Their inputs are many and alike, so it is
small: a step of the optimizer may not change gains much."""


EXPONENT_RATE, OFFSET_RATE = 8.0, 4.0
"""Factors of the learning rate of the exponents and offsets of channels."""


def floored(x: Tensor) -> Tensor:
    """floor(x), with the gradient of x."""
    return x + (x.floor() - x).detach()


def narrowed(sums: Tensor) -> Tensor:
    """Sums of a convolution as 16-bit integers."""
    return floored(sums * 2.0**-CONVOLUTION_SHIFT + 0.5).clamp(-STREAM_LIMIT, STREAM_LIMIT)


def scaled(value: Tensor, gain: Tensor, offset: Tensor | float, low: float, high: float) -> Tensor:
    """Channels with a gain and an offset, within limits."""
    return floored((value * gain + offset) * 2.0**-GAIN_SHIFT + 0.5).clamp(low, high)


def begin(sums: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
    """The stream after the first convolution, and the correction after the last."""
    return scaled(narrowed(sums), gain, offset, -STREAM_LIMIT, STREAM_LIMIT)


def activations(value: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
    """Channels with a gain and an offset, as inputs of a convolution.

    Outside the limits some of the gradient passes, so that channels which are off can come back.
    """
    free = floored((value * gain + offset) * 2.0**-GAIN_SHIFT + 0.5)
    within = free.clamp(0, ACTIVATION_LIMIT)
    rest = LEAK * (free - within)
    return within + (rest - rest.detach())


def enter(stream: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
    """Activations from the stream."""
    return activations(stream, gain, offset)


def middle(sums: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
    """Activations between the two convolutions of a pair."""
    return activations(narrowed(sums), gain, offset)


def leave(stream: Tensor, sums: Tensor, gain: Tensor) -> Tensor:
    """The stream after a pair."""
    change = scaled(narrowed(sums), gain, 0.0, -STREAM_LIMIT, STREAM_LIMIT)
    return (stream + change).clamp(-STREAM_LIMIT, STREAM_LIMIT)


class Network:
    """Shapes and functions of a network with `width` channels and `pairs` pairs of convolutions."""

    def __init__(self, width: int, pairs: int) -> None:
        self.width, self.pairs = width, pairs
        self.count = 2 * pairs + 2
        widths = [INPUTS, *[width] * (self.count - 1), OUTPUTS]
        self.gains = integer.gain_count(self.count) * width + OUTPUTS
        self.offsets = integer.offset_count(self.count) * width + OUTPUTS
        self.shapes: dict[str, tuple[int, ...]] = {
            f"convolution_{i}": (widths[i + 1], widths[i], 3, 3) for i in range(self.count)
        }
        self.shapes |= {
            "hidden": (HIDDEN, DESCRIPTION),
            "hidden_bias": (HIDDEN,),
            "control": (self.gains + self.offsets, HIDDEN),
            "control_bias": (self.gains + self.offsets,),
        }
        self.sizes = [int(np.prod(shape)) for shape in self.shapes.values()]
        self.begin, self.enter, self.middle, self.leave = begin, enter, middle, leave

    def start(self, seed: int) -> Tensor:
        """Initial parameters."""
        generator = torch.Generator().manual_seed(seed)
        parts = []
        for name, shape in self.shapes.items():
            spread = {"hidden": 4.0, "control": 0.3}.get(name, 0.07)
            part = torch.empty(shape).uniform_(-spread, spread, generator=generator)
            if name == "convolution_0":  # blind to constant samples
                samples = part[:, :OUTPUTS].view(-1, COMPONENTS, CELL * CELL, 9)
                samples -= samples.mean((2, 3), keepdim=True)
            if name == f"convolution_{self.count - 1}":
                part.zero_()
            if name == "hidden_bias":
                part.uniform_(0, 2, generator=generator)
            if name == "control_bias":
                part = self._start_controls(generator)
            parts.append(part.flatten())
        return torch.cat(parts)

    def _start_controls(self, generator: torch.Generator) -> Tensor:
        """Octaves of the gains above 2^-GAIN_SHIFT, and offsets in units of 16."""
        gains, pair = [0.4], [0.1, 0.014, 0.02]
        gains += pair * self.pairs + [0.06]
        octaves = torch.tensor(gains).log2().repeat_interleave(self.width)
        last = torch.full((OUTPUTS,), np.log2(0.003))
        offsets = torch.empty(self.offsets).uniform_(0, 2, generator=generator)
        offsets[: self.width] = 0
        offsets[-OUTPUTS:] = 0
        return torch.cat([octaves + GAIN_SHIFT, last + GAIN_SHIFT, offsets])

    def rates(self) -> Tensor:
        """Factors of the learning rate: exponents and offsets of channels start far from their best values."""
        rates = {name: torch.ones(shape) for name, shape in self.shapes.items()}
        rates["control_bias"][: self.gains] = EXPONENT_RATE
        rates["control_bias"][self.gains :] = OFFSET_RATE
        return torch.cat([part.flatten() for part in rates.values()])

    def split(self, parameters: Tensor) -> dict[str, Tensor]:
        """The parameters by name."""
        parts = parameters.split(self.sizes)
        named = zip(self.shapes, parts, strict=True)
        return {name: part.view(self.shapes[name]) for name, part in named}

    def integers(self, parameters: Tensor) -> dict[str, Tensor]:
        """The integers that the network computes with, as floats with straight-through gradients."""
        parts = self.split(parameters)
        result = {}
        for name, part in parts.items():
            if name.startswith("convolution_"):
                result[name] = floored((part * WEIGHT_UNIT).clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT) + 0.5)
        for name in ("hidden", "control"):
            result[name] = floored((parts[name] * CONTROL_UNIT).clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT) + 0.5)
        result["hidden_bias"] = floored(parts["hidden_bias"] * HIDDEN_UNIT + 0.5)
        octaves, offsets = parts["control_bias"].split([self.gains, self.offsets])
        result["control_bias"] = floored(torch.cat([octaves * EXPONENT_UNIT, offsets * OFFSET_UNIT]) + 0.5)
        return result

    def controls(self, weights: dict[str, Tensor], logs: Tensor, flags: Tensor) -> Iterator[Tensor]:
        """Groups of gains [n, channels, 1, 1], then of offsets.

        logs: logarithms [n, 3, 64] of the steps, integers. flags: [n, 3], 0 or 1.
        """
        x = torch.cat([logs.flatten(1) - 128, PLACE_VALUE * flags], 1)
        sums = F.linear(x, weights["hidden"], weights["hidden_bias"])
        hidden = floored(sums * 2.0**-HIDDEN_SHIFT + 0.5).clamp(0, ACTIVATION_LIMIT)
        sums = F.linear(hidden, weights["control"], weights["control_bias"])
        exponents, offsets = sums.split([self.gains, self.offsets], 1)
        exponents = floored(exponents * 2.0**-EXPONENT_SHIFT + 0.5)
        coarseness = (logs.sum(2) / 64 + 0.5).floor()
        scale = (coarseness * COARSENESS_FACTOR / 4).floor().repeat_interleave(OUTPUTS // COMPONENTS, 1)
        exponents = torch.cat([exponents[:, :-OUTPUTS], exponents[:, -OUTPUTS:] + scale], 1)
        exponents = exponents.clamp(0, 15 * STEPS_PER_OCTAVE - 1)
        gains = floored(torch.exp2(exponents / STEPS_PER_OCTAVE) + 0.5).clamp(max=STREAM_LIMIT)
        gain_groups = [self.width] * integer.gain_count(self.count)
        offset_groups = [self.width] * integer.offset_count(self.count)
        yield from gains[:, :, None, None].split([*gain_groups, OUTPUTS], 1)
        yield from (offsets * 2.0**OFFSET_SHIFT)[:, :, None, None].split([*offset_groups, OUTPUTS], 1)

    def correction(self, weights: dict[str, Tensor], x: Tensor, logs: Tensor, flags: Tensor) -> Tensor:
        """Corrections [n, 3, rows, columns] in units of 1/64 level.

        weights: of integers(). x: [n, INPUTS, rows / 4, columns / 4]. logs, flags: see controls().
        """
        groups = list(self.controls(weights, logs, flags))
        split = integer.gain_count(self.count) + 1
        gains, offsets = iter(groups[:split]), iter(groups[split:])

        def convolved(x: Tensor, i: int) -> Tensor:
            return F.conv2d(x, weights[f"convolution_{i}"], padding=1)

        stream = self.begin(convolved(x, 0), next(gains), next(offsets))
        for i in range(1, self.count - 1, 2):
            x = self.enter(stream, next(gains), next(offsets))
            x = self.middle(convolved(x, i), next(gains), next(offsets))
            stream = self.leave(stream, convolved(x, i + 1), next(gains))
        x = self.enter(stream, next(gains), next(offsets))
        result = self.begin(convolved(x, self.count - 1), next(gains), next(offsets))
        return F.pixel_shuffle(result, CELL)

    def export(self, parameters: Tensor) -> dict[str, NDArray[Any]]:
        """The arrays of a weights file."""
        with torch.no_grad():
            integers = self.integers(parameters.detach().double().cpu())
        arrays = {
            name: value.numpy().astype(np.int32 if name.endswith("bias") else np.int8)
            for name, value in integers.items()
        }
        return arrays | {"logarithms": integer.logarithms(), "gains": integer.gain_table()}
