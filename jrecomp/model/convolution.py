"""Integer convolutions in NumPy: exact float32 products, as in jrecomp.model.network."""

from typing import NamedTuple

import numpy as np

from jrecomp.array_types import Float32
from jrecomp.model.network import Layer


class Shape(NamedTuple):
    """Of a convolution: size is 1 or 3; constants: how many inputs are the same everywhere."""

    outputs: int
    inputs: int
    size: int
    constants: int = 0

    @property
    def matrix(self) -> tuple[int, int]:
        """(outputs, weights of each output): [inputs, size, size] flattened, then the constants."""
        return self.outputs, self.inputs * self.size**2 + self.constants


class Convolution:
    """weight: integers in float32, of shape.matrix; bias: [outputs, 1].

    Raises ValueError where a sum over inputs of magnitude `limit` could be inexact.
    """

    def __init__(self, shape: Shape, weight: Float32, bias: Float32, limit: int) -> None:
        Layer(weight, bias).check(limit)
        spatial, self._constant = np.split(weight, [shape.inputs * shape.size**2], 1)
        taps = spatial.reshape(shape.outputs, shape.inputs, shape.size, shape.size)
        self._taps = np.ascontiguousarray(taps.transpose(2, 3, 0, 1))
        self._bias = bias

    def sums(self, x: Float32, constants: Float32 | None = None, stride: int = 1) -> Float32:
        """[outputs, ceil(rows / stride), ceil(columns / stride)] for [inputs, rows, columns], 0 outside.

        constants: [constants].
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
    """[channels, rows, columns] of twice as many rows and columns, each value repeated, cut to size."""
    return x.repeat(2, 1)[:, :rows].repeat(2, 2)[:, :, :columns]
