"""MS-SSIM, the multiscale structural similarity."""

import numpy as np

from jrecomp.array_types import Float32, UInt8

MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the scales, the finest first (Wang, Simoncelli, Bovik: "Multiscale structural similarity for
image quality assessment", 2003).
"""

WINDOW, SIGMA = 11, 1.5
"""Size and standard deviation of the Gaussian window, in pixels."""

C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""Constants that stabilize the divisions."""

SMALLEST = (WINDOW - 1) * 2 ** (len(MS_SSIM_WEIGHTS) - 1)
"""All scales are used for pictures whose width and height exceed this."""


def ms_ssim(a: UInt8, b: UInt8) -> float:
    """The multiscale structural similarity of two pictures, as the mean over channels; 1 if they are equal.

    a, b: uint8 [rows, columns, channels]. For small pictures only the scales that fit are used, with weights
    that sum to 1. Source: Wang, Simoncelli, Bovik (2003), see MS_SSIM_WEIGHTS.
    """
    if np.array_equal(a, b):
        return 1.0
    return float(np.mean([_of_channel(a[..., c], b[..., c]) for c in range(a.shape[-1])]))


def _of_channel(a: UInt8, b: UInt8) -> float:
    x, y = a.astype(np.float32), b.astype(np.float32)
    terms: list[tuple[float, float]] = []
    while min(x.shape) >= WINDOW and len(terms) < len(MS_SSIM_WEIGHTS):
        terms.append(_similarity(x, y))
        x, y = _halved(x), _halved(y)
    if not terms:
        return float(np.mean(_point_similarity(x, y)))
    weights = np.array(MS_SSIM_WEIGHTS[: len(terms)]) / sum(MS_SSIM_WEIGHTS[: len(terms)])
    factors = [contrast for _, contrast in terms[:-1]] + [whole for whole, _ in terms[-1:]]
    return float(np.prod(np.maximum(factors, 0) ** weights))


def _similarity(x: Float32, y: Float32) -> tuple[float, float]:
    """Means of the SSIM index, and of its product of contrast and structure."""
    mean_x, mean_y = _blurred(x), _blurred(y)
    variance_x, variance_y = _blurred(x * x) - mean_x**2, _blurred(y * y) - mean_y**2
    covariance = _blurred(x * y) - mean_x * mean_y
    contrast = (2 * covariance + C2) / (variance_x + variance_y + C2)
    luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    return float((luminance * contrast).mean()), float(contrast.mean())


def _point_similarity(x: Float32, y: Float32) -> Float32:
    similarity: Float32 = (2 * x * y + C1) / (x**2 + y**2 + C1)
    return similarity


def _blurred(x: Float32) -> Float32:
    """Weighted means in a Gaussian window at all positions at which it fits."""
    offset = np.arange(WINDOW) - WINDOW // 2
    window = np.exp(-(offset**2) / (2 * SIGMA**2)).astype(np.float32)
    window /= window.sum()
    for _ in range(2):
        x = sum(w * x[i : len(x) - WINDOW + 1 + i] for i, w in enumerate(window)).T
    return x


def _halved(x: Float32) -> Float32:
    rows, columns = x.shape[0] // 2 * 2, x.shape[1] // 2 * 2
    halved: Float32 = x[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2).mean((1, 3))
    return halved
