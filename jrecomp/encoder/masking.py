"""Masking: errors show less in detail and in bright places than in smooth and in dark ones."""

import numpy as np

from jrecomp.array_types import Float32

DETAIL, BRIGHT = 4.0, 20.0
"""Added to the mean squared AC energy of places, in pixel values, and to their brightness, 0 to 255."""

LIMIT = 3.0
"""Weights are within this factor of their mean."""


def weights(luma: Float32, blocks: tuple[int, int]) -> Float32:
    """How much squared errors count in each block of a component, float32 [block rows, block columns, 1].

    Weights fall with the root of the amplitude of AC coefficients and with the root of the brightness, both
    means over 3x3 blocks.

    luma: float32 [block rows, block columns, 64], real-valued coefficients. blocks: rows and columns of the
    component, of which those of luma are multiples.
    """
    rows, columns = blocks
    parts = rows, luma.shape[0] // rows, columns, luma.shape[1] // columns
    energies: Float32 = np.einsum("yxk,yxk->yx", luma[..., 1:], luma[..., 1:]) / 64
    brightness = luma[..., 0] / 8 + 128
    energy, bright = (pooled(v.reshape(parts).mean((1, 3))[..., None]) for v in (energies, brightness))
    found = 1 / np.sqrt(np.sqrt(energy + DETAIL) * (np.maximum(bright, 0) + BRIGHT))
    result: Float32 = np.clip(found / found.mean(), 1 / LIMIT, LIMIT).astype(np.float32)
    return result


def pooled(means: Float32) -> Float32:
    """Means over 3x3 blocks, float32 [block rows, block columns, any]."""
    for axis in (0, 1):
        edges = [(int(i == axis), int(i == axis)) for i in range(3)]
        padded = np.moveaxis(np.pad(means, edges, "edge"), axis, 0)
        means = np.moveaxis((padded[:-2] + padded[1:-1] + padded[2:]) / np.float32(3), 0, axis)
    return np.ascontiguousarray(means)
