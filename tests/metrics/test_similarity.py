"""Similarity of pictures against slow and direct computations."""

import io
import math
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageChops

from jrecomp.metrics import luma_psnr, ms_ssim, pixels, psnr, to_rgb
from jrecomp.metrics.ms_ssim import MS_SSIM_WEIGHTS
from tests.jpeg import samples


def noisy(shape: tuple[int, ...], strength: float) -> tuple[np.ndarray, np.ndarray]:
    """A picture of waves, and the same with noise."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    picture = 120 + 80 * np.sin(rows / 9 + columns / 5) + 30 * np.cos(rows * columns / 200)
    stack = np.repeat(picture[..., None], shape[2], 2)
    noise = np.random.default_rng(3).normal(0, strength, shape)
    return stack.clip(0, 255).astype(np.uint8), (stack + noise).clip(0, 255).astype(np.uint8)


def direct_ms_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Wang, Simoncelli and Bovik (2003) in double precision, with windows one by one."""
    x, y = a.astype(float), b.astype(float)
    place = np.arange(-5, 6)
    window = np.exp(-(place[:, None] ** 2 + place**2) / (2 * 1.5**2))
    window /= window.sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    result = 1.0
    for scale, weight in enumerate(MS_SSIM_WEIGHTS):
        luminance, contrast = [], []
        for i in range(x.shape[0] - 10):
            for j in range(x.shape[1] - 10):
                p, q = x[i : i + 11, j : j + 11], y[i : i + 11, j : j + 11]
                mean_p, mean_q = (window * p).sum(), (window * q).sum()
                variance_p, variance_q = (
                    (window * (p - mean_p) ** 2).sum(),
                    (window * (q - mean_q) ** 2).sum(),
                )
                covariance = (window * (p - mean_p) * (q - mean_q)).sum()
                luminance.append((2 * mean_p * mean_q + c1) / (mean_p**2 + mean_q**2 + c1))
                contrast.append((2 * covariance + c2) / (variance_p + variance_q + c2))
        last = scale == len(MS_SSIM_WEIGHTS) - 1
        result *= float(np.mean(np.multiply(luminance, contrast) if last else contrast)) ** weight
        x, y = (
            (v[:-1:2, :-1:2] + v[1::2, :-1:2] + v[:-1:2, 1::2] + v[1::2, 1::2]) / 4
            for v in (v[: len(v) // 2 * 2, : v.shape[1] // 2 * 2] for v in (x, y))
        )
    return result


@pytest.mark.parametrize("strength", [3, 30])
def test_ms_ssim_of_all_scales(strength: float) -> None:
    a, b = noisy((177, 179, 1), strength)
    assert ms_ssim(a, b) == pytest.approx(direct_ms_ssim(a[..., 0], b[..., 0]), abs=1e-5)


def test_ms_ssim_is_the_mean_of_channels() -> None:
    a, b = noisy((40, 50, 3), 20)
    assert ms_ssim(a, b) == pytest.approx(np.mean([ms_ssim(a[..., [c]], b[..., [c]]) for c in range(3)]))


@pytest.mark.parametrize("side", [1, 2, 10, 11, 21, 22, 60, 175])
def test_ms_ssim_of_small_pictures(side: int) -> None:
    """1 for the same, less the more noise there is, never above 1 or not a number."""
    a, little = noisy((side, side + 3, 1), 5)
    _, much = noisy((side, side + 3, 1), 60)
    assert ms_ssim(a, a.copy()) == 1
    assert 0 <= ms_ssim(a, much) < ms_ssim(a, little) < 1


def test_ms_ssim_of_flat_pictures() -> None:
    """Nothing but the luminance term of the last scale is left."""
    a, b = np.full((176, 176, 1), 100, np.uint8), np.full((176, 176, 1), 150, np.uint8)
    expected = (2 * 100 * 150 + 2.55**2) / (100**2 + 150**2 + 2.55**2)
    assert ms_ssim(a, b) == pytest.approx(expected ** MS_SSIM_WEIGHTS[-1], abs=1e-4)


def test_psnr_against_pillow() -> None:
    a, b = noisy((33, 47, 3), 7)
    squares = ImageChops.difference(Image.fromarray(a), Image.fromarray(b)).histogram()
    mean = sum(count * (i % 256) ** 2 for i, count in enumerate(squares)) / a.size
    assert psnr(a, b) == psnr(b, a) == pytest.approx(10 * math.log10(255**2 / mean), abs=1e-4)


def test_luma_psnr_against_pillow() -> None:
    a, b = noisy((33, 47, 3), 7)
    luma = [np.asarray(Image.fromarray(x).convert("YCbCr"))[..., :1] for x in (a, b)]
    assert luma_psnr(a, b) == pytest.approx(psnr(*luma), abs=0.2)  # Pillow rounds luma
    gray = noisy((33, 47, 1), 7)
    assert luma_psnr(*gray) == psnr(*gray)
    assert luma_psnr(a, a) == math.inf


def test_psnr_at_its_ends() -> None:
    black, white = np.zeros((300, 300, 3), np.uint8), np.full((300, 300, 3), 255, np.uint8)
    assert psnr(black, black) == math.inf
    assert psnr(black, white) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pixels(channels: int) -> None:
    data = samples.pillow(20, 10, channels)
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(image)
    assert pixels(data).shape == (10, 20, channels)
    np.testing.assert_array_equal(pixels(data), expected.reshape(10, 20, channels))


def test_to_rgb_against_pillow() -> None:
    ink = np.random.default_rng(1).integers(0, 256, (40, 30, 4), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(ink, "CMYK").convert("RGB"))
    assert np.abs(to_rgb(ink).astype(int) - expected).max() <= 1
    assert to_rgb(expected) is expected


def test_pixels_are_not_rotated(make_photo: Callable[..., bytes]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert pixels(make_photo(48, 32, exif=exif)).shape == (32, 48, 3)


@pytest.mark.parametrize("cut", [0, 2, 100, -100])
def test_pixels_of_damaged_files(photo: bytes, cut: int) -> None:
    with pytest.raises(OSError):
        pixels(photo[:cut])
