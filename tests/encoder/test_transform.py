"""From pixels to coefficients."""

import numpy as np
import pytest

from jrecomp.array_types import Float32, Float64
from jrecomp.encoder.coefficients import SUBSAMPLINGS, Planes
from jrecomp.native import _encode
from jrecomp.t81 import COLUMN, ROW
from jrecomp.threads import Workers
from tests.encoder.drawings import noisy


def upsampling(length: int) -> Float64:
    """The matrix by which decoders enlarge half a line, whose ends they repeat: 3/4 and 1/4."""
    half = (length + 1) // 2
    matrix = np.zeros((2 * half, half))
    for i in range(half):
        matrix[2 * i, i] += 0.75
        matrix[2 * i, max(i - 1, 0)] += 0.25
        matrix[2 * i + 1, i] += 0.75
        matrix[2 * i + 1, min(i + 1, half - 1)] += 0.25
    return matrix


def repeated(plane: Float32) -> Float64:
    """The plane with an even number of rows and columns."""
    return np.pad(plane, [(0, side % 2) for side in plane.shape], "edge").astype(np.float64)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 3), (3, 8), (16, 17), (31, 40)])
def test_halves_have_the_least_squared_error(shape: tuple[int, int]) -> None:
    plane = np.random.default_rng(1).normal(0, 40, shape).astype(np.float32)
    half = np.empty([(side + 1) // 2 for side in shape], np.float32)
    _encode.halve(plane, half)
    down, across = (np.linalg.pinv(upsampling(side)) for side in shape)
    assert np.allclose(half, down @ repeated(plane) @ across.T, atol=1e-3)


def test_only_columns_are_halved_for_422() -> None:
    plane = np.random.default_rng(2).normal(0, 40, (5, 12)).astype(np.float32)
    half = np.empty((5, 6), np.float32)
    _encode.halve(plane, half)
    assert np.allclose(half, plane @ np.linalg.pinv(upsampling(12)).T, atol=1e-3)


def test_residual_is_what_decoders_lose() -> None:
    plane = np.random.default_rng(3).normal(0, 40, (19, 26)).astype(np.float32)
    half, sums = np.empty((10, 13), np.float32), np.zeros((3, 4), np.float32)
    _encode.halve(plane, half)
    _encode.residual(plane, half, sums)
    errors = (upsampling(19) @ half @ upsampling(26).T)[:19] - plane
    padded = np.pad(errors**2, [(0, 5), (0, 6)]).reshape(3, 8, 4, 8).sum((1, 3))
    assert np.allclose(sums, padded, rtol=1e-3)


@pytest.mark.parametrize("shape", [(8, 8), (1, 1), (13, 30)])
def test_transform_is_the_orthonormal_dct(shape: tuple[int, int]) -> None:
    plane = np.random.default_rng(4).normal(0, 60, shape).astype(np.float32)
    rows, columns = (-(-side // 8) for side in shape)
    blocks = np.empty((rows, columns, 64), np.float32)
    _encode.transform(plane, blocks, 0)
    x = np.arange(8)
    cosines = np.cos((2 * x + 1) * x[:, None] * np.pi / 16) * np.where(x == 0, 0.125, 0.25)[:, None] ** 0.5
    padded = np.pad(plane, [(0, 8 * rows - shape[0]), (0, 8 * columns - shape[1])], "edge")
    expected = np.einsum("ur,yrxc,vc->yxuv", cosines, padded.reshape(rows, 8, columns, 8), cosines)
    assert np.allclose(blocks, expected[..., ROW, COLUMN], atol=1e-3)


@pytest.mark.parametrize("subsampling", ["422", "420"])
@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (17, 31)])
def test_averaged_chroma_has_the_means_of_pixels(shape: tuple[int, int], subsampling: str) -> None:
    across, down = SUBSAMPLINGS[subsampling]
    pixels = noisy(*shape)
    with Workers(1) as workers:
        planes = Planes.of(pixels, workers)
        half = planes.components(subsampling, workers, averaged=True)[1]
    edge = np.pad(planes.chroma[0], [(0, -shape[0] % down), (0, -shape[1] % across)], "edge")
    expected = edge.reshape(len(edge) // down, down, -1, across).mean((1, 3))
    blocks = np.empty_like(half)
    _encode.transform(np.ascontiguousarray(expected), blocks, 0)
    assert np.allclose(half, blocks, atol=1e-3)


@pytest.mark.parametrize("subsampling", ["444", "422", "420"])
def test_threads_do_not_change_coefficients(subsampling: str) -> None:
    pixels = noisy(600, 70)
    found = []
    for count in (1, 3):
        with Workers(count) as workers:
            found.append(Planes.of(pixels, workers).components(subsampling, workers))
    for one, other in zip(*found, strict=True):
        assert np.array_equal(one, other)


def test_colours_are_those_of_t871() -> None:
    pixels = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
    with Workers(1) as workers:
        planes = Planes.of(pixels, workers)
        deep = Planes.of(pixels.astype(np.uint16) * 257, workers)
    assert np.allclose(planes.luma + 128, [[76.245, 149.685, 29.07, 255]], atol=1e-3)
    assert np.allclose(planes.chroma[0], [[-43.0277, -84.4723, 127.5, 0]], atol=1e-3)
    assert np.allclose(planes.chroma[1], [[127.5, -106.7654, -20.7346, 0]], atol=1e-3)
    assert np.allclose(planes.luma, deep.luma, atol=1e-3)


def test_shapes_that_do_not_fit_are_refused() -> None:
    plane = np.zeros((8, 8), np.float32)
    with pytest.raises(ValueError):
        _encode.halve(plane, np.zeros((3, 4), np.float32))
    with pytest.raises(ValueError):
        _encode.residual(plane, plane, plane)
    with pytest.raises(ValueError):
        _encode.transform(plane, np.zeros((1, 1, 63), np.float32), 0)
