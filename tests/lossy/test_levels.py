"""Histograms against NumPy, and estimates against what files have."""

import numpy as np
import pytest

from jrecomp import jpeg
from jrecomp.errors import UnsupportedJpegError
from jrecomp.jpeg.types import JpegFile
from jrecomp.lossy import OperatingPoint, Requantizer, load_rule, rule_names
from jrecomp.lossy.distortion import pixel_weights
from jrecomp.lossy.levels import LARGEST, Histograms
from jrecomp.native._scan import count_magnitudes
from tests.jpeg import samples


@pytest.fixture(scope="module")
def file() -> JpegFile:
    return jpeg.read(samples.pillow(160, 120, quality=90))


def test_histograms(file: JpegFile) -> None:
    tables = Histograms.of(file).tables
    assert len(tables) == 64 * len(file.coefficients)
    for number, table in enumerate(tables):
        values = np.abs(file.coefficients[number // 64][..., number % 64].astype(int))
        np.testing.assert_array_equal(table, np.bincount(values.ravel()))


@pytest.mark.parametrize("value", [LARGEST, -LARGEST, LARGEST + 1, -LARGEST - 1, 32767, -32768])
def test_large_magnitudes(file: JpegFile, value: int) -> None:
    coefficients = [c.copy() for c in file.coefficients]
    coefficients[1][2, 3, 9] = value
    changed = JpegFile(file.frame, coefficients, file.headers, file.scans)
    if abs(value) > LARGEST:
        with pytest.raises(UnsupportedJpegError, match="out of range"):
            Histograms.of(changed)
    else:
        assert Histograms.of(changed).tables[64 + 9][LARGEST] == 1


def test_counts_need_a_place_for_each_index() -> None:
    blocks = np.zeros((1, 1, 64), np.int16)
    for shape in ((63, 4), (64, 0), (65, 4)):
        with pytest.raises(ValueError, match="shape"):
            count_magnitudes(blocks, np.zeros(shape, np.int64))
    with pytest.raises(ValueError, match="shape"):
        count_magnitudes(np.zeros((1, 1, 63), np.int16), np.zeros((64, 4), np.int64))
    with pytest.raises(TypeError):
        count_magnitudes(blocks.astype(np.int32), np.zeros((64, 4), np.int64))


@pytest.mark.parametrize("rule", rule_names())
@pytest.mark.parametrize(
    "setting",
    [
        OperatingPoint.at(30),
        OperatingPoint.at(80),
        OperatingPoint(85, 85, 60, 1.0),
        OperatingPoint(100, 90, 50, 0.3),
    ],
)
def test_estimates_are_what_levels_have(file: JpegFile, rule: str, setting: OperatingPoint) -> None:
    """Errors as they are; bits of both parts of a mix, each taken for all blocks."""
    picture = Requantizer(file, load_rule(rule))
    new, estimate = picture.requantized(setting), picture.estimate(setting)
    error = sum(
        float((w * (old * c.quantization - levels * steps.astype(float)) ** 2).sum())
        for w, old, c, levels, steps in zip(
            pixel_weights(file),
            file.coefficients,
            file.frame.components,
            new.coefficients,
            new.steps,
            strict=True,
        )
    )
    mixed = 0 < setting.share < 1
    assert estimate.error == pytest.approx(error, rel=0.1 if mixed else 1e-9)
    assert estimate.bits == pytest.approx(_entropy(new.coefficients), rel=0.1 if mixed else 1e-9)


def _entropy(coefficients: list[np.ndarray]) -> float:
    bits = 0.0
    for blocks in coefficients:
        for k in range(64):
            counts = np.bincount(np.abs(blocks[..., k].astype(int)).ravel())
            seen = counts[counts > 0]
            bits += (seen * np.log2(counts.sum() / seen)).sum() + counts[1:].sum()
    return bits


def test_shares_are_spread_evenly(file: JpegFile) -> None:
    """A quarter of the blocks differ, in every part of the picture."""
    picture = Requantizer(file, load_rule("mse"))
    upper, mixed = (picture.requantized(OperatingPoint(90, 90, 20, share)) for share in (0.0, 0.25))
    lower = picture.requantized(OperatingPoint(90, 90, 20, 1.0))
    for a, b, c in zip(upper.coefficients, mixed.coefficients, lower.coefficients, strict=True):
        apart = (a != c).any(-1)
        np.testing.assert_array_equal((b != a) & (b != c), False)
        for half in (slice(None, len(a) // 2), slice(len(a) // 2, None)):
            share = (b != a).any(-1)[half][apart[half]].mean()
            assert share == pytest.approx(0.25, abs=0.12)
