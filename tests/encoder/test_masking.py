"""Weights of errors by detail and brightness."""

import numpy as np
import pytest

from jrecomp.array_types import Float32
from jrecomp.encoder.coefficients import Planes
from jrecomp.encoder.encode import Encoder, Options
from jrecomp.encoder.masking import LIMIT, weights
from jrecomp.options import DEFAULT_LIMITS
from jrecomp.threads import Workers
from tests.encoder.drawings import noisy


def luma(brightness: float, energy: float, blocks: tuple[int, int] = (12, 16)) -> Float32:
    """Blocks of one brightness, with one AC coefficient; energy: its mean square over the block."""
    result = np.zeros((*blocks, 64), np.float32)
    result[..., 0] = 8 * (brightness - 128)
    result[..., 9] = np.sqrt(64 * energy)
    return result


@pytest.mark.parametrize("blocks", [(12, 16), (6, 8), (12, 8), (1, 1)])
def test_equal_places_count_alike(blocks: tuple[int, int]) -> None:
    found = weights(luma(90, 50), blocks)
    assert found.shape == (*blocks, 1) and found.dtype == np.float32
    assert found == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("blocks", [(12, 16), (6, 8)])
@pytest.mark.parametrize(
    ("other", "ratio"),
    [
        ((100, 1292), 0.5),  # 16 times the energy + 4
        ((220, 77), 0.5**0.5),  # twice the brightness + 20
        ((10, 77), 2.0),  # a quarter of it
    ],
)
def test_weights_fall_with_detail_and_brightness(
    blocks: tuple[int, int], other: tuple[float, float], ratio: float
) -> None:
    """Halves that differ in one of both, away from the edge between them."""
    halves = luma(100, 77)
    halves[:, 8:] = luma(*other)[:, 8:]
    found = weights(halves, blocks)
    assert found[:, -1] / found[:, 0] == pytest.approx(ratio, rel=1e-4)


def test_weights_are_limited() -> None:
    one_dark = luma(250, 10000, (40, 40))
    one_dark[:6, :6] = luma(0, 0)[:6, :6]
    found = weights(one_dark, (40, 40))
    assert found.max() == np.float32(LIMIT) and found.min() > 1 / LIMIT


def test_other_tunes_have_equal_weights() -> None:
    with Workers(1) as workers:
        planes = Planes.of(noisy(64, 80), workers)
        for tune, equal in (("psnr", True), ("ssimulacra2", False), ("ms-ssim", True)):
            options = Options(tune, False, False, DEFAULT_LIMITS)
            found = Encoder.of(planes, "420", b"", options, workers).weights
            assert [w.shape for w in found] == [(8, 10, 1), (4, 5, 1), (4, 5, 1)]
            assert all((w == 1).all() for w in found) == equal
