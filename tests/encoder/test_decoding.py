"""The decoder that encoders measure with, against Pillow; its transpose, against its definition."""

import io

import numpy as np
import pytest
from PIL import Image

from jrecomp import jpeg
from jrecomp.array_types import UInt8
from jrecomp.encoder.decoding import Decoder, shown
from jrecomp.metrics import pixels

FACTORS = {0: (1, 1), 1: (1, 2), 2: (2, 2)}
"""Of Pillow's numbers of subsampling: how many times chroma is smaller, down and across."""


def photo(rows: int, columns: int, channels: int) -> UInt8:
    """Smooth colours with some noise."""
    y, x, c = np.ogrid[:rows, :columns, :channels]
    waves = 128 + 70 * np.sin(x / 9 + c) * np.cos(y / 7 - c)
    noise = np.random.default_rng(1).normal(0, 4, (rows, columns, channels))
    result: UInt8 = np.clip(waves + noise, 0, 255).astype(np.uint8)
    return result


@pytest.mark.parametrize("subsampling", FACTORS)
@pytest.mark.parametrize("shape", [(1, 1, 3), (16, 16, 3), (33, 47, 3), (50, 31, 3), (40, 23, 1)])
def test_decoder_against_pillow(shape: tuple[int, int, int], subsampling: int) -> None:
    out = io.BytesIO()
    image = Image.fromarray(photo(*shape) if shape[2] == 3 else photo(*shape)[..., 0])
    image.save(out, "JPEG", quality=80, subsampling=subsampling)
    file = jpeg.read(out.getvalue())
    tables = [component.quantization for component in file.frame.components]
    coefficients = [
        (levels * table).astype(np.float32)
        for levels, table in zip(file.coefficients, tables, strict=True)
        if table is not None
    ]
    decoder = Decoder(*shape[:2], *(FACTORS[subsampling] if shape[2] == 3 else (1, 1)))
    decoded = shown(decoder.pixels(coefficients)).astype(int)
    difference = np.abs(decoded - pixels(out.getvalue()))
    assert difference.max() <= 3
    assert difference.mean() < 0.55  # Pillow rounds planes before it mixes them


@pytest.mark.parametrize("factors", FACTORS.values())
@pytest.mark.parametrize("size", [(1, 1), (17, 9), (32, 48), (35, 50)])
def test_gradients_are_the_transpose(size: tuple[int, int], factors: tuple[int, int]) -> None:
    """For a linear map A and its transpose, (A x) y = x (transpose y)."""
    random = np.random.default_rng(2)
    decoder = Decoder(*size, *factors)
    mcus = [-(-side // (8 * factor)) for side, factor in zip(size, factors, strict=True)]
    shapes = [(mcus[0] * factors[0], mcus[1] * factors[1], 64), (*mcus, 64), (*mcus, 64)]
    x = [random.normal(size=shape).astype(np.float32) for shape in shapes]
    y = random.normal(size=(*size, 3)).astype(np.float32)
    changed = decoder.pixels(x) - decoder.pixels([np.zeros_like(c) for c in x])
    gradients = decoder.gradients(y, x)
    assert [g.shape for g in gradients] == shapes
    expected = sum(float((c.astype(float) * g).sum()) for c, g in zip(x, gradients, strict=True))
    assert float((changed.astype(float) * y).sum()) == pytest.approx(expected, rel=1e-3, abs=1e-2)


def test_shown_rounds_and_clamps() -> None:
    assert shown(np.array([-3, 0.4, 0.6, 254.7, 300], np.float32)).tolist() == [0, 0, 1, 255, 255]
