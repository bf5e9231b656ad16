"""Convolutions of integers in float32."""

import numpy as np
import pytest

from jrecomp.model.convolution import Convolution, Shape, enlarged


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("stride", [1, 2])
def test_floats_compute_convolutions_exactly(size: int, stride: int) -> None:
    rng = np.random.default_rng(size)
    shape = Shape(4, 5, size, 6)
    weight, bias = rng.integers(-127, 128, shape.matrix), rng.integers(-9999, 9999, (4, 1))
    x, constants = rng.integers(0, 256, (5, 7, 6)), rng.integers(-127, 128, 6)
    made = Convolution(shape, weight.astype(np.float32), bias.astype(np.float32), 255)
    sums = made.sums(x.astype(np.float32), constants.astype(np.float32), stride)
    ring = np.pad(x, ((0, 0), (size // 2, size // 2), (size // 2, size // 2)))
    for row in range(sums.shape[1]):
        for column in range(sums.shape[2]):
            y, z = row * stride, column * stride
            seen = np.concatenate([ring[:, y : y + size, z : z + size].ravel(), constants])
            assert (sums[:, row, column] == weight @ seen + bias[:, 0]).all()
    assert sums.shape[1:] == (-(-7 // stride), -(-6 // stride))


def test_enlarging_repeats_and_cuts() -> None:
    x = np.arange(4.0, dtype=np.float32).reshape(1, 2, 2)
    assert enlarged(x, 3, 4).tolist() == [[[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3]]]
