"""Blocks in which errors are seen first: flat ones, in which steps and bands appear, and dark ones."""

import numpy as np

from jrecomp.array_types import Float32, UInt8

FLAT = 4.0
"""Largest root of the mean squared AC energy, in pixel values, of a block that counts as flat."""

DARK = 40.0
"""Largest mean of the luma of a block that counts as dark, of 255."""

FIRST = 5
"""The AC coefficients of such blocks that are only rounded, up to this zig-zag index."""


def kept(luma: Float32, component: Float32) -> UInt8:
    """The zig-zag index up to which the coefficients of each block are only rounded, 0 for most blocks.

    luma, component: float32 [block rows, block columns, 64], real-valued coefficients. A block of a halved
    component is dark if the first of its blocks of luma is. Returns uint8 [block rows, block columns].
    """
    energy = np.einsum("yxk,yxk->yx", component[..., 1:], component[..., 1:]) / 64
    down, across = (a // b for a, b in zip(luma.shape[:2], component.shape[:2], strict=True))
    dark = luma[::down, ::across, 0] / 8 + 128 <= DARK
    result: UInt8 = np.where((energy <= FLAT**2) | dark, FIRST, 0).astype(np.uint8)
    return result
