"""Training pictures made from the coefficients of others."""

import io
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jrecomp import jpeg
from jrecomp.jpeg.types import JpegFile
from jrecomp.train.coefficients import transposed, with_dead_zone

ONES = [[1] * 64] * 2


def cosine_transform(pixels: np.ndarray) -> np.ndarray:
    """DCT coefficients (T.81 A.3.3), float [block row, block column, vertical, horizontal]."""
    u, x = np.mgrid[:8, :8]
    basis = np.cos((2 * x + 1) * u * np.pi / 16) * np.where(u == 0, np.sqrt(1 / 8), 0.5)
    rows, columns = pixels.shape
    blocks = (pixels - 128.0).reshape(rows // 8, 8, columns // 8, 8).transpose(0, 2, 1, 3)
    transformed: np.ndarray = basis @ blocks @ basis.T
    return transformed


def zigzag(blocks: np.ndarray) -> np.ndarray:
    """The last two axes in the order of T.81 figure A.6, computed step by step."""
    places, row, column = [], 0, 0
    for _ in range(64):
        places.append(row * 8 + column)
        if (row + column) % 2 == 0:
            row, column = (row + 1, column) if column == 7 else (max(row - 1, 0), column + 1)
        else:
            row, column = (row, column + 1) if row == 7 else (row + 1, max(column - 1, 0))
    return blocks.reshape(*blocks.shape[:2], 64)[..., places]


def test_transposed_coefficients_are_those_of_the_transposed_pixels() -> None:
    pixels = np.random.default_rng(4).integers(0, 256, (24, 40)).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", qtables=ONES[:1])
    found = transposed(jpeg.read(out.getvalue()))
    wanted = zigzag(cosine_transform(pixels.T))
    assert found.coefficients[0].shape == wanted.shape == (5, 3, 64)
    assert np.abs(found.coefficients[0] - wanted).max() < 1


def test_transposing_is_what_jpegtran_does(make_photo: Callable[..., bytes], tmp_path: Path) -> None:
    jpegtran = shutil.which("jpegtran")
    if jpegtran is None:
        pytest.skip("the oracle jpegtran is not installed")
    photo, turned = make_photo(96, 64, subsampling="4:2:2"), tmp_path / "turned.jpg"
    (tmp_path / "photo.jpg").write_bytes(photo)
    subprocess.run([jpegtran, "-transpose", "-outfile", turned, tmp_path / "photo.jpg"], check=True)
    found, wanted = transposed(jpeg.read(photo)), jpeg.read(turned.read_bytes())
    assert_same(found, wanted)
    assert [(c.horizontal, c.vertical) for c in found.frame.components] == [(1, 2), (1, 1), (1, 1)]


def test_transposing_twice_changes_nothing(make_photo: Callable[..., bytes]) -> None:
    file = jpeg.read(make_photo(90, 50, subsampling="4:2:2"))
    assert_same(transposed(transposed(file)), file)


def assert_same(a: JpegFile, b: JpegFile) -> None:
    assert (a.frame.width, a.frame.height) == (b.frame.width, b.frame.height)
    assert (a.frame.mcu_rows, a.frame.mcu_columns) == (b.frame.mcu_rows, b.frame.mcu_columns)
    for one, other in zip(a.frame.components, b.frame.components, strict=True):
        assert np.array_equal(one.quantization, other.quantization)
        assert (one.horizontal, one.vertical) == (other.horizontal, other.vertical)
        assert (one.block_rows, one.block_columns) == (other.block_rows, other.block_columns)
    for mine, yours in zip(a.coefficients, b.coefficients, strict=True):
        assert mine.dtype == yours.dtype and np.array_equal(mine, yours)


@pytest.mark.parametrize("quality", [40, 75, 92, 97])
@pytest.mark.parametrize("width", [0.05, 0.25])
def test_a_dead_zone_only_lowers_magnitudes(
    make_photo: Callable[..., bytes], quality: int, width: float
) -> None:
    file = jpeg.read(make_photo(quality=quality))
    changed = with_dead_zone(file, jpeg.read(make_photo(qtables=ONES, quality=100)), width)
    assert changed.frame == file.frame
    for new, old in zip(changed.coefficients, file.coefficients, strict=True):
        new, old = new.astype(int), old.astype(int)
        assert (np.abs(new) <= np.abs(old)).all() and (new * old >= 0).all()
        assert np.abs(new - old).max() <= 1 and np.array_equal(new[..., 0], old[..., 0])
    assert sum(map(np.count_nonzero, changed.coefficients)) < sum(map(np.count_nonzero, file.coefficients))


def test_a_dead_zone_of_no_width_is_ordinary_rounding(make_photo: Callable[..., bytes]) -> None:
    """Exactly so for odd steps, whose halves no whole number hits."""
    file = jpeg.read(make_photo(qtables=[list(range(1, 129, 2))] * 2, quality=100))
    changed = with_dead_zone(file, jpeg.read(make_photo(qtables=ONES, quality=100)), 0.0)
    assert_same(changed, file)
