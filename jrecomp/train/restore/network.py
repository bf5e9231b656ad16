"""The network of jrecomp.restoration.network in torch.

The forward pass computes the same integers, but for the rounding of sums to 8 bits where convolutions are
computed in bfloat16. Roundings have straight-through gradients. The parameters are those of a network of real
numbers near 1: weights, octaves and offsets of channels. The integers have a scale of their own for each
channel, which the gains undo. All parameters are in one vector, so that a step of the optimizer is a few
operations.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from jrecomp.restoration import network as integer
from jrecomp.restoration.network import (
    ACTIVATION_LIMIT,
    COARSENESS_FACTOR,
    CONVOLUTION_SHIFT,
    CORRECTION_UNIT,
    DESCRIPTION,
    EXPONENT_SHIFT,
    GAIN_SHIFT,
    HIDDEN_SHIFT,
    INPUT_LIMIT,
    INPUTS,
    OFFSET_SHIFT,
    OUTPUTS,
    PIXELS,
    SIDE,
    STEPS_PER_OCTAVE,
    STREAM_LIMIT,
)

HIDDEN = 64
"""Hidden units between tables and controls."""

WEIGHT_LIMIT = 127
"""The integer for the largest weight of each output channel of a convolution."""

INPUT_UNIT = 24
"""The integer for a real value of 1 in the inputs of the first convolution."""

STREAM_UNIT = 128
"""The integer for a real value of 1 in the stream."""

ACTIVATION_UNIT = 32
"""The integer for a real value of 1 in the input of another convolution."""

OUTPUT_UNIT = 0.3 * CORRECTION_UNIT
"""The integer for a real output of 1 where the mean logarithm of the steps is 0."""

HIDDEN_UNIT = 256
"""The integer for a weight of 1 between tables and hidden units, whose inputs are divided by 128."""

HIDDEN_VALUE = 128
"""The integer for a hidden unit of 1."""

EXPONENT_UNIT = STEPS_PER_OCTAVE << EXPONENT_SHIFT
"""The integer for an octave of a gain."""

OFFSET_UNIT = 1 << GAIN_SHIFT - OFFSET_SHIFT
"""The integer for an offset of 1 in integers."""

SMALLEST_WEIGHT = 1e-6
"""Rows of smaller weights are scaled as if this were the largest."""

Function = Callable[[Tensor, Tensor, Tensor], Tensor]
"""An element-wise function, which can be compiled."""


def floored(x: Tensor) -> Tensor:
    """floor(x), with the gradient of x."""
    return x + (x.floor() - x).detach()


def narrowed(sums: Tensor) -> Tensor:
    """Sums of a convolution as 16-bit integers."""
    wide = sums.to(torch.promote_types(sums.dtype, torch.float32))
    return floored(wide * 2.0**-CONVOLUTION_SHIFT + 0.5).clamp(-STREAM_LIMIT, STREAM_LIMIT)


def scaled(value: Tensor, gain: Tensor, offset: Tensor | float, low: float, high: float) -> Tensor:
    """Channels with a gain and an offset, within limits."""
    return floored((value * gain + offset) * 2.0**-GAIN_SHIFT + 0.5).clamp(low, high)


def begin(sums: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
    """The stream after the first convolution, and the correction after the last."""
    return scaled(narrowed(sums), gain, offset, -STREAM_LIMIT, STREAM_LIMIT)


def activations(value: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
    """Channels with a gain and an offset, as inputs of a convolution."""
    return scaled(value, gain, offset, 0, ACTIVATION_LIMIT)


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
        self.convolutions = list(self.shapes)
        self.shapes |= {
            "hidden": (HIDDEN, DESCRIPTION),
            "hidden_bias": (HIDDEN,),
            "control": (self.gains + self.offsets, HIDDEN),
            "control_bias": (self.gains + self.offsets,),
        }
        self.sizes = [int(np.prod(shape)) for shape in self.shapes.values()]
        self._units: dict[tuple[torch.device, torch.dtype], Tensor] = {}
        self.begin: Function = begin
        self.enter: Function = enter
        self.middle: Function = middle
        self.leave: Function = leave

    def start(self, seed: int) -> Tensor:
        """Initial parameters."""
        generator = torch.Generator().manual_seed(seed)
        parts = []
        for name, shape in self.shapes.items():
            part = (
                torch.randn(shape, generator=generator) * self._spread(name) / math.sqrt(np.prod(shape[1:]))
            )
            parts.append(part.flatten())
        return torch.cat(parts)

    def _spread(self, name: str) -> float:
        """Standard deviation of the initial sums of a layer with inputs of 1."""
        if not name.startswith("convolution_"):
            return {"hidden": 0.6, "control": 0.2}.get(name, 0.0)
        number = int(name.removeprefix("convolution_"))
        if number in (0, self.count - 1):
            return 1.0 if number == 0 else 0.0
        return 1.4 if number % 2 else 0.3

    def split(self, parameters: Tensor) -> dict[str, Tensor]:
        """The parameters by name."""
        parts = torch.split(parameters, self.sizes)
        named = zip(self.shapes, parts, strict=True)
        return {name: part.view(self.shapes[name]) for name, part in named}

    def integers(self, parameters: Tensor) -> dict[str, Tensor]:
        """The integers that the network computes with, as floats with straight-through gradients."""
        parts = self.split(parameters)
        result, octaves = {}, []
        units = [INPUT_UNIT, *[ACTIVATION_UNIT] * (self.count - 1)]
        for i, unit in enumerate(units):
            weight = parts[f"convolution_{i}"]
            scale = weight.detach().abs().amax((1, 2, 3)).clamp(min=SMALLEST_WEIGHT) / WEIGHT_LIMIT
            result[f"convolution_{i}"] = floored(weight / scale[:, None, None, None] + 0.5)
            octaves.append((scale / unit * 2**CONVOLUTION_SHIFT * self._unit(i)).log2())
        result["hidden"] = floored((parts["hidden"] * HIDDEN_UNIT).clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT) + 0.5)
        result["hidden_bias"] = floored(parts["hidden_bias"] * (HIDDEN_VALUE << HIDDEN_SHIFT) + 0.5)
        units_of_controls = self._control_units(parameters)
        control = parts["control"] * (units_of_controls / HIDDEN_VALUE)[:, None]
        result["control"] = floored(control.clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT) + 0.5)
        bias = torch.cat([self._gains_in_order(octaves) + GAIN_SHIFT, octaves[0].new_zeros(self.offsets)])
        result["control_bias"] = floored((parts["control_bias"] + bias) * units_of_controls + 0.5)
        return result

    def _unit(self, i: int) -> float:
        """The integer for 1 in what the gain after a convolution gives."""
        if i == self.count - 1:
            return OUTPUT_UNIT
        return ACTIVATION_UNIT if i % 2 else STREAM_UNIT

    def _gains_in_order(self, octaves: list[Tensor]) -> Tensor:
        """Octaves of all gains in the order of use from those after convolutions."""
        enter = torch.full_like(octaves[0], math.log2(ACTIVATION_UNIT / STREAM_UNIT))
        first, *pairs, last = octaves
        ordered = [first]
        for middle_octaves, leave_octaves in zip(pairs[::2], pairs[1::2], strict=True):
            ordered += [enter, middle_octaves, leave_octaves]
        return torch.cat([*ordered, enter, last])

    def _control_units(self, like: Tensor) -> Tensor:
        """The integers for 1 in sums of the layer that gives gains and offsets.

        They are kept on the device, as a CUDA graph may not copy from the host.
        """
        key = like.device, like.dtype
        if key not in self._units:
            offsets = [STREAM_UNIT] * self.width + [ACTIVATION_UNIT] * (self.count - 1) * self.width
            offsets += [CORRECTION_UNIT] * OUTPUTS
            units = [EXPONENT_UNIT] * self.gains + [OFFSET_UNIT * unit for unit in offsets]
            self._units[key] = torch.tensor(units, device=like.device, dtype=like.dtype)
        return self._units[key]

    def controls(self, weights: dict[str, Tensor], logs: Tensor, flags: Tensor) -> Iterator[Tensor]:
        """Groups of gains [n, channels, 1, 1], then of offsets.

        logs: logarithms [n, 3, 64] of the steps, integers. flags: [n, 3], 0 or 1.
        """
        x = torch.cat([logs.flatten(1) - 128, INPUT_LIMIT * flags], 1)
        sums = F.linear(x, weights["hidden"], weights["hidden_bias"])
        hidden = floored(sums * 2.0**-HIDDEN_SHIFT + 0.5).clamp(0, ACTIVATION_LIMIT)
        sums = F.linear(hidden, weights["control"], weights["control_bias"])
        exponents, offsets = torch.split(sums, [self.gains, self.offsets], 1)
        exponents = floored(exponents * 2.0**-EXPONENT_SHIFT + 0.5)
        coarseness = (logs.sum(2) / 64 + 0.5).floor()
        scale = (coarseness * COARSENESS_FACTOR / 4).floor().repeat_interleave(PIXELS, 1)
        rest, last = torch.split(exponents, [self.gains - OUTPUTS, OUTPUTS], 1)
        exponents = torch.cat([rest, last + scale], 1)
        exponents = exponents.clamp(0, 15 * STEPS_PER_OCTAVE - 1)
        gains = floored(torch.exp2(exponents / STEPS_PER_OCTAVE) + 0.5).clamp(max=STREAM_LIMIT)
        gain_groups = [self.width] * integer.gain_count(self.count)
        offset_groups = [self.width] * integer.offset_count(self.count)
        yield from torch.split(gains[:, :, None, None], [*gain_groups, OUTPUTS], 1)
        yield from torch.split((offsets * 2.0**OFFSET_SHIFT)[:, :, None, None], [*offset_groups, OUTPUTS], 1)

    def correction(
        self,
        weights: dict[str, Tensor],
        x: Tensor,
        logs: Tensor,
        flags: Tensor,
        precision: torch.dtype = torch.float32,
    ) -> Tensor:
        """Corrections [n, 3, rows, columns] in units of 1/CORRECTION_UNIT.

        weights: of integers(). x: [n, INPUTS, rows / SIDE, columns / SIDE]. logs, flags: see controls().
        precision: of convolutions.
        """
        groups = list(self.controls(weights, logs, flags))
        split = integer.gain_count(self.count) + 1
        gains, offsets = iter(groups[:split]), iter(groups[split:])

        def convolved(x: Tensor, i: int) -> Tensor:
            weight = weights[f"convolution_{i}"].to(precision, memory_format=torch.channels_last)
            return F.conv2d(x.to(precision), weight, padding=1)

        stream = self.begin(convolved(x, 0), next(gains), next(offsets))
        for i in range(1, self.count - 1, 2):
            x = self.enter(stream, next(gains), next(offsets))
            x = self.middle(convolved(x, i), next(gains), next(offsets))
            stream = self.leave(stream, convolved(x, i + 1), next(gains))
        x = self.enter(stream, next(gains), next(offsets))
        result = self.begin(convolved(x, self.count - 1), next(gains), next(offsets))
        return F.pixel_shuffle(result, SIDE)

    def export(self, parameters: Tensor) -> dict[str, NDArray[Any]]:
        """The arrays of a weights file."""
        with torch.no_grad():
            integers = self.integers(parameters.detach().double().cpu())
        arrays = {
            name: value.numpy().astype(np.int32 if name.endswith("bias") else np.int8)
            for name, value in integers.items()
        }
        return arrays | {"logarithms": integer.logarithms(), "gains": integer.gain_table()}
