"""The network that predicts the errors of restored samples, in integers.

It reads the components that restoration by expectation gives, those of plain decoding, and the quantization
tables. It gives a correction for every sample at the resolution of the picture. Cells of 4 x 4 pixels are its
pixels. Sums are below 2^24, so products in float32 are exact in any order. docs/restoring.md specifies it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from jrecomp.array_types import Int16, Int32, Int64
from jrecomp.native import restoration as native
from jrecomp.threads import Workers

Int = TypeVar("Int", Int32, Int64)

SIDE = 4
"""Width and height of a cell in pixels."""

COMPONENTS = 3
PIXELS = SIDE * SIDE
PLACES = 8
"""Constant channels: one-hot the place of a cell in its 8 x 8 block, and of this block in its MCU."""

INPUTS = 2 * COMPONENTS * PIXELS + PLACES
OUTPUTS = COMPONENTS * PIXELS
INPUT_LIMIT = 127
"""Largest magnitude of an input, and the value of a constant channel that is on."""

DESCRIPTION = COMPONENTS * 64 + 3
"""Inputs of the layers that read the tables: logarithms of the steps, and three flags."""

HADAMARD = np.array([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, -1, 1], [1, -1, 1, -1]])
"""Rows by rising frequency."""

LUMA_SHIFTS = (10, 8, 7, 7, 8, 7, 6, 6, 7, 6, 6, 6, 7, 6, 6, 5)
CHROMA_SHIFTS = (9, 6, 4, 4, 6, 4, 3, 3, 4, 3, 2, 2, 4, 3, 2, 2)
"""What the Hadamard coefficients of cells are divided by, as powers of 2: inputs have 8 bits, and
coefficients of higher frequencies are smaller."""

DIFFERENCE_UNITS = 192
"""The input for a difference between the decoded and the restored sample of one mean step."""

DIFFERENCE_BITS = 14

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
steps."""

LARGEST_STEP = 255
"""Larger quantization steps are described as this one."""

BAND_CELLS = 32, 128
"""Smallest and largest number of rows of cells that a thread computes, and some around them."""

SAMPLE_UNIT = 32
"""The integer for a sample of 1 level of 8 bits, see transform.UNIT_BITS."""

CORRECTION_UNIT = 256
"""The integer for a correction of 1 level."""


def logarithms() -> NDArray[np.uint8]:
    """Logarithms of the steps 0 to LARGEST_STEP; that of 0 is 0."""
    steps = np.arange(LARGEST_STEP + 1).clip(1)
    rounded: NDArray[np.float64] = np.rint(LOGARITHMS_PER_OCTAVE * np.log2(steps))
    return rounded.clip(max=255).astype(np.uint8)


def gain_table() -> Int16:
    """Gains by exponent, in units of 2^-GAIN_SHIFT."""
    return np.rint(2.0 ** (np.arange(15 * STEPS_PER_OCTAVE) / STEPS_PER_OCTAVE)).astype(np.int16)


class Description(NamedTuple):
    """What a file says of its picture.

    steps: int64 [3, 64] in raster order, any of absent components. halved: whether chroma is halved in width
    and in height. gray: whether it is absent.
    """

    steps: Int64
    halved: tuple[bool, bool]
    gray: bool


@dataclass(frozen=True)
class Controls:
    """Factors and offsets of the channels of all layers for a picture, in the order of use."""

    gains: list[Int64]
    offsets: list[Int64]


@dataclass(frozen=True)
class Network:
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
    gains: Int16

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
        exponents[-OUTPUTS:] += np.repeat(COARSENESS_FACTOR * coarseness >> 2, PIXELS)
        gains = self.gains.astype(np.int64)[exponents.clip(0, len(self.gains) - 1)]
        offsets = sums[gained:] << OFFSET_SHIFT
        ends = width * np.arange(1, gain_count(count) + 1)
        return Controls(np.split(gains, ends), np.split(offsets, ends[: offset_count(count)]))

    def _described(self, description: Description) -> tuple[Int64, Int64]:
        """Logarithms [3, 64] of the steps, and the inputs."""
        logarithms = self.logarithms.astype(np.int64)[description.steps.clip(1, LARGEST_STEP)]
        if description.gray:
            logarithms[1:] = 0
        flags = INPUT_LIMIT * np.array([*description.halved, description.gray], np.int64)
        return logarithms, np.concatenate([logarithms.ravel() - 128, flags])

    def correction(
        self, restored: Int16, decoded: Int16, description: Description, workers: Workers
    ) -> Int16:
        """Corrections int16 [3, rows, columns] in units of 1/CORRECTION_UNIT.

        restored, decoded: see inputs().
        """
        controls = self.controls(description)
        gains = np.concatenate(controls.gains).astype(np.int16)
        offsets = np.concatenate(controls.offsets).astype(np.int32)
        shifts = input_shifts().astype(np.int32)
        factors = difference_factors(description.steps).astype(np.int32)
        out, correct = np.empty_like(restored), self._native.correct

        def band(first: int, end: int) -> None:
            correct(gains, offsets, shifts, factors, description.halved, restored, decoded, first, end, out)

        rows = restored.shape[1] // SIDE
        step = band_cells(rows, workers.at_once)
        starts = range(0, rows, step)
        workers.map(band, starts, [min(start + step, rows) for start in starts])
        return out

    @cached_property
    def _native(self) -> native.Network:
        return native.Network(self.convolutions)

    def reference(self, restored: Int16, decoded: Int16, description: Description) -> Int64:
        """The same as correction(), one layer after the other.

        restored, decoded: see inputs().
        """
        controls = self.controls(description)
        gains, offsets = iter(controls.gains), iter(controls.offsets)
        first, *pairs, last = self.convolutions
        x = inputs(restored, decoded, description)
        stream = scaled(self._sums(first, x), next(gains), next(offsets))
        for enter, leave in zip(pairs[::2], pairs[1::2], strict=True):
            x = activations(stream, next(gains), next(offsets))
            x = activations(self._sums(enter, x), next(gains), next(offsets))
            stream = limited(stream + scaled(self._sums(leave, x), next(gains), np.zeros(1, np.int64)))
        x = activations(stream, next(gains), next(offsets))
        return spread(scaled(self._sums(last, x), next(gains), next(offsets)))

    def _sums(self, weight: NDArray[np.int8], x: Int64) -> Int64:
        """A 3 x 3 convolution of [inputs, rows, columns], in units of 2^CONVOLUTION_SHIFT."""
        _, rows, columns = x.shape
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1))).astype(np.float32)
        total = np.zeros((len(weight), rows, columns), np.float32)
        for dy in range(3):
            for dx in range(3):
                part = padded[:, dy : dy + rows, dx : dx + columns]
                total += np.tensordot(weight[:, :, dy, dx].astype(np.float32), part, 1)
        return limited(shifted(total.astype(np.int64), CONVOLUTION_SHIFT))


def band_cells(rows: int, threads: int) -> int:
    """Number of rows of cells of a band, so that each thread has the same number of bands."""
    smallest, largest = BAND_CELLS
    bands = threads * -(-rows // (threads * largest))
    return max(smallest, -(-rows // bands))


def gain_count(convolutions: int) -> int:
    """Groups of gains, without those of the last convolution."""
    return 2 + 3 * (convolutions - 2) // 2


def offset_count(convolutions: int) -> int:
    """Groups of offsets, without those of the last convolution."""
    return convolutions


def shifted(value: Int, shift: int) -> Int:
    """value / 2^shift, rounded; halves are rounded up."""
    return (value + (1 << shift >> 1)) >> shift


def limited(value: Int64) -> Int64:
    """Values within +-STREAM_LIMIT."""
    return value.clip(-STREAM_LIMIT, STREAM_LIMIT)


def scaled(value: Int64, gain: Int64, offset: Int64) -> Int64:
    """(value * gain + offset) / 2^GAIN_SHIFT within +-STREAM_LIMIT; gain and offset are those of channels."""
    return limited(shifted(value * gain[:, None, None] + offset[:, None, None], GAIN_SHIFT))


def activations(value: Int64, gain: Int64, offset: Int64) -> Int64:
    """As scaled(), within 0 and ACTIVATION_LIMIT: the input of a convolution."""
    return scaled(value, gain, offset).clip(0, ACTIVATION_LIMIT)


def gathered(planes: NDArray[Any]) -> NDArray[Any]:
    """Planes [3, rows, columns] as channels [48, rows / 4, columns / 4]."""
    count, rows, columns = planes.shape
    cells = planes.reshape(count, rows // SIDE, SIDE, columns // SIDE, SIDE)
    return cells.transpose(0, 2, 4, 1, 3).reshape(-1, rows // SIDE, columns // SIDE)


def spread(channels: NDArray[Any]) -> NDArray[Any]:
    """The inverse of gathered()."""
    _, rows, columns = channels.shape
    cells = channels.reshape(-1, SIDE, SIDE, rows, columns).transpose(0, 3, 1, 4, 2)
    return cells.reshape(-1, rows * SIDE, columns * SIDE)


def input_shifts() -> Int64:
    """The shifts [48] of the Hadamard coefficients of all components."""
    return np.array([*LUMA_SHIFTS, *CHROMA_SHIFTS, *CHROMA_SHIFTS])


def difference_factors(steps: Int64) -> Int64:
    """What differences of samples are multiplied with, in units of 2^-DIFFERENCE_BITS, for each component."""
    whole = DIFFERENCE_UNITS * 64 // SAMPLE_UNIT << DIFFERENCE_BITS
    factors: Int64 = whole // steps.clip(1, LARGEST_STEP).sum(1)
    return factors


def places(rows: int, columns: int, halved: tuple[bool, bool]) -> Int64:
    """The constant channels [PLACES, rows, columns] of cells."""
    y, x = np.mgrid[:rows, :columns]
    in_block = (y & 1) << 1 | x & 1
    in_mcu = (y >> 1 & halved[1]) << 1 | x >> 1 & halved[0]
    one_hot = np.concatenate([np.arange(4)[:, None, None] == place for place in (in_block, in_mcu)])
    return INPUT_LIMIT * one_hot.astype(np.int64)


def inputs(restored: Int16, decoded: Int16, description: Description) -> Int64:
    """The inputs [INPUTS, rows / 4, columns / 4] of the first convolution.

    restored, decoded: int16 [3, rows, columns] in the unit of transform.UNIT_BITS, the results of
    expectation.restored() and expectation.centres(); 0 for absent components. Rows and columns are multiples
    of 8.
    """
    samples = gathered(restored).astype(np.int64)
    _, rows, columns = samples.shape
    cells = samples.reshape(COMPONENTS, SIDE, SIDE, rows * columns)
    found = np.einsum("uy,cyxn,vx->cuvn", HADAMARD, cells, HADAMARD).reshape(samples.shape)
    shifts = input_shifts()[:, None, None]
    difference = gathered(decoded).astype(np.int64) - samples
    factors = difference_factors(description.steps).repeat(PIXELS)[:, None, None]
    parts = [
        (found + (1 << shifts >> 1)) >> shifts,
        shifted(difference * factors, DIFFERENCE_BITS),
        places(rows, columns, description.halved),
    ]
    return np.concatenate(parts).clip(-INPUT_LIMIT, INPUT_LIMIT)


def build(arrays: Mapping[str, NDArray[Any]]) -> Network:
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
    largest = [INPUT_LIMIT, *[ACTIVATION_LIMIT] * (count - 1)]
    matrices = [*convolutions, arrays["hidden"], arrays["control"]]
    biases = [*[np.zeros(1)] * count, arrays["hidden_bias"], arrays["control_bias"]]
    for matrix, bias, limit in zip(matrices, biases, [*largest, 128, ACTIVATION_LIMIT], strict=True):
        sums = np.abs(matrix.astype(np.int64)).reshape(len(matrix), -1).sum(1) * limit
        if np.any(sums + np.abs(bias.astype(np.int64)) >= SUM_LIMIT):
            raise ValueError("sums of the restorer are too large")
    rest = {name: arrays[name] for name in expected if not name.startswith("convolution_")}
    return Network(convolutions, **rest)
