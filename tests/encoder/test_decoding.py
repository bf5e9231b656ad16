"""The decoder that encoders measure with, against Pillow; its transpose, against its definition."""

import io

import numpy as np
import pytest
from PIL import Image

from jrecomp import jpeg
from jrecomp.array_types import Float32, Float64, Int16, UInt8
from jrecomp.encoder.decoding import Decoder
from jrecomp.metrics import pixels
from jrecomp.native import _encode
from jrecomp.threads import Workers

FACTORS = {0: (1, 1), 1: (1, 2), 2: (2, 2)}
"""Of Pillow's numbers of subsampling: how many times chroma is smaller, down and across."""

ONES = [np.ones(64, np.float32)] * 3


def photo(rows: int, columns: int, channels: int) -> UInt8:
    """Smooth colours with some noise."""
    y, x, c = np.ogrid[:rows, :columns, :channels]
    waves = 128 + 70 * np.sin(x / 9 + c) * np.cos(y / 7 - c)
    noise = np.random.default_rng(1).normal(0, 4, (rows, columns, channels))
    result: UInt8 = np.clip(waves + noise, 0, 255).astype(np.uint8)
    return result


@pytest.mark.parametrize("subsampling", FACTORS)
@pytest.mark.parametrize(
    "shape", [(1, 1, 3), (16, 16, 3), (33, 47, 3), (50, 31, 3), (300, 20, 3), (40, 23, 1)]
)
def test_decoder_against_pillow(shape: tuple[int, int, int], subsampling: int) -> None:
    out = io.BytesIO()
    image = Image.fromarray(photo(*shape) if shape[2] == 3 else photo(*shape)[..., 0])
    image.save(out, "JPEG", quality=80, subsampling=subsampling)
    file = jpeg.read(out.getvalue())
    tables = [component.quantization for component in file.frame.components]
    steps = [table.astype(np.float32) for table in tables if table is not None]
    decoder = Decoder(*shape[:2], *(FACTORS[subsampling] if shape[2] == 3 else (1, 1)))
    with Workers(2) as workers:
        decoded = decoder.pixels(file.coefficients, steps, workers).astype(int)
    difference = np.abs(decoded - pixels(out.getvalue()))
    assert difference.max() <= 3
    assert difference.mean() < 0.55  # Pillow rounds planes before it mixes them


def planes(random: np.random.Generator, size: tuple[int, int], factors: tuple[int, int]) -> list[Float32]:
    """Y, Cb and Cr of small values, of whole blocks."""
    mcus = [-(-side // (8 * factor)) for side, factor in zip(size, factors, strict=True)]
    whole = 8 * mcus[0] * factors[0], 8 * mcus[1] * factors[1]
    shapes = [whole, (8 * mcus[0], 8 * mcus[1]), (8 * mcus[0], 8 * mcus[1])]
    return [random.normal(0, 9, shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("factors", FACTORS.values())
@pytest.mark.parametrize("size", [(1, 1), (1, 3), (17, 9), (32, 48), (35, 50), (18, 2)])
def test_gradients_are_the_transpose(size: tuple[int, int], factors: tuple[int, int]) -> None:
    """For an affine map x -> A x + b and the transpose of A, (A x) y = x (transpose y)."""
    random = np.random.default_rng(2)
    x, decoder = planes(random, size, factors), Decoder(*size, *factors)
    shown = np.empty((*size, 3), np.uint8)
    _encode.show(x[0], x[1], x[2], shown, 0, size[0])
    y = random.normal(size=(*size, 3)).astype(np.float32)
    blocks = [(len(plane) // 8, plane.shape[1] // 8, 64) for plane in x]
    with Workers(2) as workers:
        gradients = decoder.gradients(y, blocks, workers)
    assert [g.shape for g in gradients] == blocks
    coefficients = [np.empty(shape, np.float32) for shape in blocks]
    for plane, result in zip(x, coefficients, strict=True):
        _encode.transform(plane, result, 0)
    expected = sum(float((c.astype(float) * g).sum()) for c, g in zip(coefficients, gradients, strict=True))
    changed = shown.astype(float) - 128
    rounding = 4 * np.sqrt((y.astype(float) ** 2).sum() / 12)  # four deviations of the sum of rounding errors
    assert abs(float((changed * y).sum()) - expected) < rounding


def test_levels_give_samples() -> None:
    """Against the inverse DCT by its definition (T.81 A.3.3)."""
    random = np.random.default_rng(3)
    levels: Int16 = (random.integers(-20, 20, (2, 3, 64)) * (random.random((2, 3, 64)) < 0.2)).astype(
        np.int16
    )
    steps = random.uniform(1, 30, 64).astype(np.float32)
    plane, back = np.empty((16, 24), np.float32), np.empty((2, 3, 64), np.float32)
    _encode.untransform(levels, steps, plane)
    _encode.transform(plane, back, 0)
    np.testing.assert_allclose(back, levels * steps, atol=2e-3)


def test_pixels_are_rounded_and_clamped() -> None:
    luma = np.array([[-131, -127.6, -127.4, 126.7, 172, 0.4, 0.6, -0.6]], np.float32).repeat(8, 0)
    shown = np.empty((1, 8, 1), np.uint8)
    _encode.show(luma, luma, luma, shown, 0, 1)
    assert shown.ravel().tolist() == [0, 0, 1, 255, 255, 128, 129, 127]


def test_shapes_that_do_not_fit_are_refused() -> None:
    luma, half, empty = (np.zeros((n, 16), np.float32) for n in (16, 8, 0))
    pixels_ = np.zeros((16, 16, 3), np.uint8)
    for blue, rows in ((half[:7].copy(), 16), (empty, 16), (luma, 15), (luma, 17)):
        with pytest.raises(ValueError):
            _encode.show(luma, blue, blue, pixels_, 0, rows)
    gradient: Float32 = np.zeros((16, 16, 3), np.float32)
    for mix, down, end in (([1.0], 1, 16), ([1.0] * 3, 3, 4), ([1.0] * 3, 2, 9), ([1.0] * 3, 1, 17)):
        with pytest.raises(ValueError):
            _encode.project(gradient, mix, down, 1, luma, 0, end)
    wrong: Float64 = np.zeros((16, 16, 3))
    with pytest.raises(TypeError):
        _encode.project(wrong, [1.0] * 3, 1, 1, luma, 0, 16)  # type: ignore[arg-type]
