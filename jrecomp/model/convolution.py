"""Integer convolutions in NumPy, exact in float32 as in jrecomp.model.network."""

from typing import NamedTuple

import numpy as np

from jrecomp.array_types import Float32
from jrecomp.model.network import Layer


class Shape(NamedTuple):
    """The shape of a convolution.

    outputs, inputs: numbers of channels. size: of the square kernel, 1 or 3. constants: number of additional
    inputs that have the same value at all positions.
    """

    outputs: int
    inputs: int
    size: int
    constants: int = 0

    @property
    def matrix(self) -> tuple[int, int]:
        """Shape of the weight matrix: (outputs, inputs * size * size + constants), in this order."""
        return self.outputs, self.inputs * self.size**2 + self.constants


class Convolution:
    """A convolution with integer weights.

    shape: its shape. weight: integers in float32, of shape.matrix. bias: float32 [outputs, 1]. limit: largest
    magnitude of inputs. Raises ValueError if a sum could be inexact.
    """

    def __init__(self, shape: Shape, weight: Float32, bias: Float32, limit: int) -> None:
        Layer(weight, bias).check(limit)
        spatial, self._constant = np.split(weight, [shape.inputs * shape.size**2], 1)
        taps = spatial.reshape(shape.outputs, shape.inputs, shape.size, shape.size)
        self._taps = np.ascontiguousarray(taps.transpose(2, 3, 0, 1))
        self._bias = bias

    def sums(self, x: Float32, constants: Float32 | None = None, stride: int = 1) -> Float32:
        """Weighted sums with zero padding.

        x: float32 [inputs, rows, columns]. constants: float32 [constants]. stride: between output positions.
        Returns float32 [outputs, ceil(rows / stride), ceil(columns / stride)].
        """
        size = len(self._taps)
        rows, columns = -(-x.shape[1] // stride), -(-x.shape[2] // stride)
        ring = np.pad(x, ((0, 0), (size // 2, size // 2), (size // 2, size // 2)))
        bias = self._bias if constants is None else self._bias + self._constant @ constants[:, None]
        total: Float32 = np.repeat(bias, rows * columns, 1)
        for dy, dx in np.ndindex(size, size):
            moved = ring[:, dy : dy + x.shape[1] : stride, dx : dx + x.shape[2] : stride]
            total += self._taps[dy, dx] @ moved.reshape(len(x), rows * columns)
        return total.reshape(len(total), rows, columns)


def shifted(sums: Float32, shift: int) -> Float32:
    """floor(sums / 2^shift)."""
    result: Float32 = np.floor(sums * np.float32(2.0**-shift))
    return result


def enlarged(x: Float32, rows: int, columns: int) -> Float32:
    """Nearest-neighbour upsampling of [channels, ...] by 2 in each direction, cropped to rows x columns."""
    return x.repeat(2, 1)[:, :rows].repeat(2, 2)[:, :, :columns]
