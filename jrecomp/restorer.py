"""The network that predicts the errors of decoded samples, in integers: the reference, in NumPy alone.

It reads the plainly decoded picture and its quantization tables, and gives a correction for every sample at
full resolution. All sums are below 2^24, so products in float32 are exact in any order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

CELL = 4
"""Width and height in pixels of a cell, which is a pixel of the network."""

COMPONENTS = 3
PLACES = 8
"""Constant channels: one-hot the place of a cell in its 8 x 8 block, and of this block in its MCU."""

INPUTS = COMPONENTS * CELL * CELL + PLACES
OUTPUTS = COMPONENTS * CELL * CELL
PLACE_VALUE = 127
"""Value of the constant channel that is on."""

DESCRIPTION = COMPONENTS * 64 + 3
"""Inputs of the layers that read the tables: logarithms of the steps, and three flags."""

HIDDEN_SHIFT = 8
EXPONENT_SHIFT = 8
OFFSET_SHIFT = 6
CONVOLUTION_SHIFT = 3
GAIN_SHIFT = 14
STREAM_LIMIT = 32767
ACTIVATION_LIMIT = 255
SUM_LIMIT = 1 << 24
STEPS_PER_OCTAVE = 64
"""Exponents of gains for a factor of 2."""

LOGARITHMS_PER_OCTAVE = 32
COARSENESS_FACTOR = 5
"""Quarters of an exponent of the last gains for a mean logarithm of 1: errors grow as the power 5/8 of the
steps. The first gains have -1 exponent for a mean logarithm of luma of 1: the power -1/2."""

LARGEST_STEP = 255
"""Larger quantization steps are described as this one."""

CORRECTION_UNIT = 64
"""The integer for a correction of 1 level."""

Integers = NDArray[np.int64]


def logarithms() -> NDArray[np.uint8]:
    """Logarithms of the steps 0 to LARGEST_STEP; that of 0 is 0."""
    steps = np.arange(LARGEST_STEP + 1).clip(1)
    rounded: NDArray[np.float64] = np.rint(LOGARITHMS_PER_OCTAVE * np.log2(steps))
    return rounded.clip(max=255).astype(np.uint8)


def gain_table() -> NDArray[np.int16]:
    """Gains by exponent, in units of 2^-GAIN_SHIFT."""
    return np.rint(2.0 ** (np.arange(15 * STEPS_PER_OCTAVE) / STEPS_PER_OCTAVE)).astype(np.int16)


class Description(NamedTuple):
    """What a file says of its picture: steps [3, 64] in raster order (any of absent components), whether
    chroma is halved in width and in height, and whether it is absent."""

    steps: Integers
    halved: tuple[bool, bool]
    gray: bool


@dataclass(frozen=True)
class Controls:
    """Factors and offsets of the channels of all layers for a picture, in the order of use."""

    gains: list[Integers]
    offsets: list[Integers]


@dataclass(frozen=True)
class Restorer:
    """The weights of a network.

    convolutions: int8 [outputs, inputs, 3, 3], the first and last of the network outside, pairs between.
    hidden, hidden_bias, control, control_bias: the two layers that read the tables. logarithms, gains: see
    the functions of this module.
    """

    convolutions: list[NDArray[np.int8]]
    hidden: NDArray[np.int8]
    hidden_bias: NDArray[np.int32]
    control: NDArray[np.int8]
    control_bias: NDArray[np.int32]
    logarithms: NDArray[np.uint8]
    gains: NDArray[np.int16]

    def controls(self, description: Description) -> Controls:
        """The factors and offsets for a picture."""
        logarithms, inputs = self._described(description)
        sums = self.hidden.astype(np.int64) @ inputs + self.hidden_bias
        hidden = shifted(sums, HIDDEN_SHIFT).clip(0, ACTIVATION_LIMIT)
        sums = self.control.astype(np.int64) @ hidden + self.control_bias
        count, width = len(self.convolutions), len(self.convolutions[0])
        gained = gain_count(count) * width + OUTPUTS
        exponents = shifted(sums[:gained], EXPONENT_SHIFT)
        coarseness = shifted(logarithms.sum(1), 6)
        exponents[:width] -= coarseness[0]
        exponents[-OUTPUTS:] += np.repeat(COARSENESS_FACTOR * coarseness >> 2, OUTPUTS // COMPONENTS)
        gains = self.gains.astype(np.int64)[exponents.clip(0, len(self.gains) - 1)]
        offsets = sums[gained:] << OFFSET_SHIFT
        ends = width * np.arange(1, gain_count(count) + 1)
        return Controls(np.split(gains, ends), np.split(offsets, ends[: offset_count(count)]))

    def _described(self, description: Description) -> tuple[Integers, Integers]:
        """Logarithms [3, 64] of the steps, and the inputs."""
        logarithms = self.logarithms.astype(np.int64)[description.steps.clip(1, LARGEST_STEP)]
        if description.gray:
            logarithms[1:] = 0
        flags = PLACE_VALUE * np.array([*description.halved, description.gray], np.int64)
        return logarithms, np.concatenate([logarithms.ravel() - 128, flags])

    def correction(self, samples: NDArray[np.uint8], description: Description) -> Integers:
        """Corrections [3, rows, columns] in units of 1/64 level.

        samples: the decoded components [3, rows, columns], chroma enlarged by the triangle
        filter, 128 where it is absent. Rows and columns are multiples of 8.
        """
        controls = self.controls(description)
        gains, offsets = iter(controls.gains), iter(controls.offsets)
        first, *pairs, last = self.convolutions
        stream = scaled(self._sums(first, inputs(samples, description.halved)), next(gains), next(offsets))
        for enter, leave in zip(pairs[::2], pairs[1::2], strict=True):
            x = activations(stream, next(gains), next(offsets))
            x = activations(self._sums(enter, x), next(gains), next(offsets))
            stream = limited(stream + scaled(self._sums(leave, x), next(gains), np.zeros(1, np.int64)))
        x = activations(stream, next(gains), next(offsets))
        return spread(scaled(self._sums(last, x), next(gains), next(offsets)))

    def _sums(self, weight: NDArray[np.int8], x: Integers) -> Integers:
        """A 3 x 3 convolution of [inputs, rows, columns], in units of 2^CONVOLUTION_SHIFT."""
        _, rows, columns = x.shape
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1))).astype(np.float32)
        total = np.zeros((len(weight), rows, columns), np.float32)
        for dy in range(3):
            for dx in range(3):
                part = padded[:, dy : dy + rows, dx : dx + columns]
                total += np.tensordot(weight[:, :, dy, dx].astype(np.float32), part, 1)
        return limited(shifted(total.astype(np.int64), CONVOLUTION_SHIFT))


def gain_count(convolutions: int) -> int:
    """Groups of gains, without those of the last convolution."""
    return 2 + 3 * (convolutions - 2) // 2


def offset_count(convolutions: int) -> int:
    """Groups of offsets, without those of the last convolution."""
    return convolutions


def shifted(value: Integers, shift: int) -> Integers:
    """value / 2^shift, rounded; halves are rounded up."""
    return (value + (1 << shift >> 1)) >> shift


def limited(value: Integers) -> Integers:
    """Values within +-STREAM_LIMIT."""
    return value.clip(-STREAM_LIMIT, STREAM_LIMIT)


def scaled(value: Integers, gain: Integers, offset: Integers) -> Integers:
    """(value * gain + offset) / 2^GAIN_SHIFT within +-STREAM_LIMIT; gain and offset are those of channels."""
    return limited(shifted(value * gain[:, None, None] + offset[:, None, None], GAIN_SHIFT))


def activations(value: Integers, gain: Integers, offset: Integers) -> Integers:
    """As scaled(), within 0 and ACTIVATION_LIMIT: the input of a convolution."""
    return scaled(value, gain, offset).clip(0, ACTIVATION_LIMIT)


def gathered(planes: NDArray[Any]) -> NDArray[Any]:
    """Planes [3, rows, columns] as channels [48, rows / 4, columns / 4]."""
    count, rows, columns = planes.shape
    cells = planes.reshape(count, rows // CELL, CELL, columns // CELL, CELL)
    return cells.transpose(0, 2, 4, 1, 3).reshape(-1, rows // CELL, columns // CELL)


def spread(channels: NDArray[Any]) -> NDArray[Any]:
    """The inverse of gathered()."""
    _, rows, columns = channels.shape
    cells = channels.reshape(-1, CELL, CELL, rows, columns).transpose(0, 3, 1, 4, 2)
    return cells.reshape(-1, rows * CELL, columns * CELL)


def places(rows: int, columns: int, halved: tuple[bool, bool]) -> Integers:
    """The constant channels [PLACES, rows, columns] of cells."""
    y, x = np.mgrid[:rows, :columns]
    in_block = (y & 1) << 1 | x & 1
    in_mcu = (y >> 1 & halved[1]) << 1 | x >> 1 & halved[0]
    one_hot = np.concatenate([np.arange(4)[:, None, None] == place for place in (in_block, in_mcu)])
    return PLACE_VALUE * one_hot.astype(np.int64)


def inputs(samples: NDArray[np.uint8], halved: tuple[bool, bool]) -> Integers:
    """The inputs [INPUTS, rows / 4, columns / 4] of the first convolution."""
    channels = gathered(samples).astype(np.int64) - 128
    _, rows, columns = channels.shape
    return np.concatenate([channels, places(rows, columns, halved)])


def build(arrays: Mapping[str, NDArray[Any]]) -> Restorer:
    """A network from the arrays of its weights file; raises ValueError if they do not fit together."""
    count = sum(name.startswith("convolution_") for name in arrays)
    convolutions = [arrays[f"convolution_{i}"] for i in range(count)]
    width = len(convolutions[0])
    widths = [INPUTS, *[width] * (count - 1), OUTPUTS]
    expected: dict[str, tuple[tuple[int, ...], type]] = {
        f"convolution_{i}": ((widths[i + 1], widths[i], 3, 3), np.int8) for i in range(count)
    }
    hidden = len(arrays["hidden_bias"])
    controls = (gain_count(count) + offset_count(count)) * width + 2 * OUTPUTS
    expected |= {
        "hidden": ((hidden, DESCRIPTION), np.int8),
        "hidden_bias": ((hidden,), np.int32),
        "control": ((controls, hidden), np.int8),
        "control_bias": ((controls,), np.int32),
        "logarithms": ((LARGEST_STEP + 1,), np.uint8),
        "gains": ((15 * STEPS_PER_OCTAVE,), np.int16),
    }
    if count % 2 or {name: (a.shape, a.dtype.type) for name, a in arrays.items()} != expected:
        raise ValueError("the arrays of the restorer have unexpected names, shapes or types")
    largest = [128, *[ACTIVATION_LIMIT] * (count - 1)]
    matrices = [*convolutions, arrays["hidden"], arrays["control"]]
    biases = [*[np.zeros(1)] * count, arrays["hidden_bias"], arrays["control_bias"]]
    for matrix, bias, limit in zip(matrices, biases, [*largest, 128, ACTIVATION_LIMIT], strict=True):
        sums = np.abs(matrix.astype(np.int64)).reshape(len(matrix), -1).sum(1) * limit
        if np.any(sums + np.abs(bias.astype(np.int64)) >= SUM_LIMIT):
            raise ValueError("sums of the restorer are too large")
    rest = {name: arrays[name] for name in expected if not name.startswith("convolution_")}
    return Restorer(convolutions, **rest)
