"""Costs in MS-SSIM of errors at each frequency, from gradients of a decoder and the metric in torch."""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from jrecomp.jpeg.types import Frame, JpegFile
from jrecomp.lossy import Requantized
from jrecomp.lossy.distortion import pixel_weights
from jrecomp.metrics.ms_ssim import C1, C2, MS_SSIM_WEIGHTS, SIGMA, SMALLEST, WINDOW
from jrecomp.t81 import COLUMN, ROW

CROP = 224
"""Largest side of a crop in pixels; all scales of MS-SSIM need 161."""

LEAST_SHARE = 1e-3
"""Frequencies with less than this fraction of a file's squared error are ignored."""


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
    blocks = coefficients @ _basis()
    return blocks.reshape(rows, columns, 8, 8).permute(0, 2, 1, 3).reshape(8 * rows, 8 * columns)


def _basis() -> Tensor:
    """The basis functions of the DCT, float32 [zig-zag index, pixel]."""
    x = np.arange(8)
    norm = np.where(x == 0, np.sqrt(1 / 8), 0.5)[:, None]
    waves = norm * np.cos((2 * x + 1) * x[:, None] * np.pi / 16)
    return torch.from_numpy(
        (waves[ROW][:, :, None] * waves[COLUMN][:, None]).reshape(64, 64).astype(np.float32)
    )


def ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """As jrecomp.lossy.ms_ssim(), for pixels [1, channels, rows, columns], large enough for all scales."""
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


def sensitivity(pairs: Iterable[tuple[JpegFile, Requantized]]) -> Tensor:
    """Weights of errors in MS-SSIM relative to those in the squared error of pixels.

    Returns float32 [2, 64], for the first component and for the others: medians over files, with a geometric
    mean of 1 over the frequencies of the first component. Files that are too small for MS-SSIM, or that do
    not have three components, are left out.
    """
    found: list[list[Tensor]] = [[torch.zeros(64)], [torch.zeros(64)]]
    for file, new in pairs:
        if _is_usable(file):
            for number, logs in enumerate(_logs(file, new)):
                found[number > 0].append(logs)
    medians = torch.stack([torch.stack(logs).nanmedian(0)[0] for logs in found])
    return (medians - medians[0].mean()).exp()


def _is_usable(file: JpegFile) -> bool:
    first, *others = file.frame.components
    return len(others) == 2 and 8 * min(first.block_rows, first.block_columns) > SMALLEST


def _logs(file: JpegFile, new: Requantized) -> Tensor:
    """Logarithms of costs relative to squared errors of pixels, [3, 64]; NaN where errors are too small."""
    cost, squared = costs(file, new)
    squared = squared * torch.from_numpy(np.stack(pixel_weights(file)).astype(np.float32))
    known = squared > LEAST_SHARE * squared.sum()
    ratio = cost / squared * (squared.sum() / cost.sum())
    return torch.where(known, ratio.clamp(min=1e-3).log(), torch.nan)


def costs(file: JpegFile, new: Requantized) -> tuple[Tensor, Tensor]:
    """Costs of the errors at each frequency, and sums of their squares, for a crop from the middle.

    The loss 1 - MS-SSIM is nearly quadratic in the errors. So the cost of the errors at a frequency is half
    the derivative of the loss by their scale. Returns two tensors [components, 64].
    """
    source, changed = _crop(file, new)
    scale = torch.ones(len(source), 64, requires_grad=True)
    planes = [x + s * (y - x) for x, y, s in zip(source, changed, scale, strict=True)]
    loss = 1 - ms_ssim(decode(source, file.frame), decode(planes, file.frame))
    (slope,) = torch.autograd.grad(loss, scale)
    return slope / 2, torch.stack([((y - x) ** 2).sum((0, 1)) for x, y in zip(source, changed, strict=True)])


def _crop(file: JpegFile, new: Requantized) -> tuple[list[Tensor], list[Tensor]]:
    """Dequantized coefficients of MCUs from the middle, before and after requantization."""
    tall, wide = (max(getattr(c, name) for c in file.frame.components) for name in ("vertical", "horizontal"))
    source: list[Tensor] = []
    changed: list[Tensor] = []
    for c, steps, old, levels in zip(
        file.frame.components, new.steps, file.coefficients, new.coefficients, strict=True
    ):
        rows, columns = (
            _middle(file.frame.mcu_rows, CROP // (8 * tall), c.vertical),
            _middle(file.frame.mcu_columns, CROP // (8 * wide), c.horizontal),
        )
        for found, array, table in ((source, old, c.quantization), (changed, levels, steps)):
            found.append(torch.from_numpy(array[rows, columns] * table.astype(np.float32)))
    return source, changed


def _middle(mcus: int, wanted: int, factor: int) -> slice:
    start = max(0, (mcus - wanted) // 2)
    return slice(start * factor, min(mcus, start + wanted) * factor)
