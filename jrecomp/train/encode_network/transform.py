"""The colour transform, chroma sampling and DCT of JPEG in torch, differentiable, as products of matrices."""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from jrecomp.t81 import COLUMN, ROW

CENTRE = 128.0
"""Level shift of samples (A.3.1)."""


@cache
def basis(device: str) -> Tensor:
    """The basis functions of the DCT (A.3.3), float32 [zig-zag index, pixel of the block]."""
    x = np.arange(8)
    norm = np.where(x == 0, np.sqrt(1 / 8), 0.5)[:, None]
    waves = norm * np.cos((2 * x + 1) * x[:, None] * np.pi / 16)
    patterns = (waves[ROW][:, :, None] * waves[COLUMN][:, None]).reshape(64, 64)
    return torch.tensor(patterns, dtype=torch.float32, device=device)


def coefficients(plane: Tensor) -> Tensor:
    """DCT coefficients [n, block rows, block columns, 64] of a level-shifted plane [n, rows, columns]."""
    n, rows, columns = plane.shape
    cells = plane.reshape(n, rows // 8, 8, columns // 8, 8).transpose(2, 3)
    return cells.reshape(n, rows // 8, columns // 8, 64) @ basis(str(plane.device)).T


def samples(coefficients: Tensor) -> Tensor:
    """The inverse of coefficients()."""
    n, rows, columns, _ = coefficients.shape
    cells = (coefficients @ basis(str(coefficients.device))).reshape(n, rows, columns, 8, 8)
    return cells.transpose(2, 3).reshape(n, 8 * rows, 8 * columns)


@cache
def _triangle(size: int, device: str) -> Tensor:
    """The matrix [2 * size, size] of the triangle filter that decoders enlarge chroma with."""
    matrix = torch.zeros(2 * size, size)
    for i in range(size):
        for row, other in ((2 * i, max(0, i - 1)), (2 * i + 1, min(size - 1, i + 1))):
            matrix[row, i] += 0.75
            matrix[row, other] += 0.25
    return matrix.to(device)


def enlarged(plane: Tensor) -> Tensor:
    """A plane [n, rows, columns] enlarged by 2 in both directions."""
    device = str(plane.device)
    return _triangle(plane.shape[1], device) @ plane @ _triangle(plane.shape[2], device).T


@cache
def _halving(size: int, device: str) -> Tensor:
    """The matrix [size / 2, size] that halves a side so that _triangle() restores it with least error."""
    return torch.linalg.pinv(_triangle(size // 2, "cpu").double()).float().to(device)


def halved(plane: Tensor) -> Tensor:
    """A plane [n, rows, columns] halved in both directions; enlarged() restores it with least error."""
    device = str(plane.device)
    return _halving(plane.shape[1], device) @ plane @ _halving(plane.shape[2], device).T


def ycc(rgb: Tensor) -> list[Tensor]:
    """Level-shifted Y, Cb and Cr, [n, rows, columns] each, of pixels 0 to 255, [n, 3, rows, columns]."""
    r, g, b = rgb.unbind(1)
    y = 0.299 * r + 0.587 * g + 0.114 * b
    return [y - CENTRE, (b - y) / 1.772, (r - y) / 1.402]


def rgb(planes: list[Tensor]) -> Tensor:
    """Pixels as a decoder gives them: rounded, 0 to 255, with straight-through gradients inside the range."""
    y, blue, red = planes
    real = torch.stack([y + 1.402 * red, y - 0.344136 * blue - 0.714136 * red, y + 1.772 * blue], 1) + CENTRE
    limited = real.clamp(0, 255)
    return limited + (limited.round() - limited).detach()
