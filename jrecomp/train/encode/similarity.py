"""A decoder and MS-SSIM in torch, for gradients."""

import torch
from torch import Tensor
from torch.nn import functional

from jrecomp.jpeg.types import Frame
from jrecomp.metrics.ms_ssim import C1, C2, MS_SSIM_WEIGHTS, SIGMA, WINDOW
from jrecomp.t81 import RASTER
from jrecomp.train.transform import dct_matrix


def decode(planes: list[Tensor], frame: Frame) -> Tensor:
    """Decode dequantized coefficients, [rows, columns, 64] for each component.

    Smaller components are upsampled with the triangle filter. Returns the pixels, float32
    [1, channels, rows, columns], not rounded and not clamped.
    """
    highest = max(c.vertical for c in frame.components), max(c.horizontal for c in frame.components)
    channels = []
    for plane, c in zip(planes, frame.components, strict=True):
        factor = highest[0] / c.vertical, highest[1] / c.horizontal
        samples = _samples(plane)[None, None]
        channels.append(functional.interpolate(samples, scale_factor=factor, mode="bilinear"))
    ycc = torch.cat(channels, 1)
    if len(planes) != 3:
        return ycc + 128
    y, blue, red = ycc.unbind(1)
    rgb = y + 1.402 * red, y - 0.344136 * blue - 0.714136 * red, y + 1.772 * blue
    return torch.stack(rgb, 1) + 128


def _samples(coefficients: Tensor) -> Tensor:
    rows, columns, _ = coefficients.shape
    blocks = coefficients @ torch.from_numpy(dct_matrix()[RASTER])
    return blocks.reshape(rows, columns, 8, 8).permute(0, 2, 1, 3).reshape(8 * rows, 8 * columns)


def ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """As jrecomp.metrics.ms_ssim(), for pixels [1, channels, rows, columns], large enough for all scales."""
    factors = []
    for number in range(len(MS_SSIM_WEIGHTS)):
        if number:
            a, b = functional.avg_pool2d(a, 2), functional.avg_pool2d(b, 2)
        whole, contrast = _similarity(a, b)
        factors.append(whole if number == len(MS_SSIM_WEIGHTS) - 1 else contrast)
    weights = torch.tensor(MS_SSIM_WEIGHTS)[:, None]
    return (torch.stack(factors).clamp(min=1e-6) ** weights).prod(0).mean()


def _similarity(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Means of the SSIM index, and of its product of contrast and structure, for each channel."""
    mean_x, mean_y = _blurred(x), _blurred(y)
    variances = _blurred(x * x) - mean_x**2 + _blurred(y * y) - mean_y**2
    contrast = (2 * (_blurred(x * y) - mean_x * mean_y) + C2) / (variances + C2)
    luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    return (luminance * contrast).mean((0, 2, 3)), contrast.mean((0, 2, 3))


def _blurred(x: Tensor) -> Tensor:
    place = torch.arange(WINDOW) - WINDOW // 2
    window = (-(place**2) / (2 * SIGMA**2)).exp()
    kernel = (window / window.sum()).expand(x.shape[1], 1, 1, -1)
    x = functional.conv2d(x, kernel, groups=x.shape[1])
    return functional.conv2d(x, kernel.transpose(2, 3), groups=x.shape[1])
