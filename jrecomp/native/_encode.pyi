"""From pixels to coefficients, and from coefficients to levels, in C++.

Arrays are C-contiguous and writable where they are results. Shapes that do not fit raise ValueError. The GIL
is released, and calls on different rows may run at the same time.
"""

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]

def convert(
    pixels: npt.NDArray[np.uint8 | np.uint16],
    y: Float32,
    cb: Float32,
    cr: Float32,
    scale: float,
) -> None:
    """Y - 128, Cb and Cr [rows, columns] of pixels [rows, columns, at least 3] times `scale`."""

def halve(plane: Float32, result: Float32) -> None:
    """Halve the columns of a plane, and the rows if `result` has half as many.

    The triangle filter of decoders restores the plane from the result with the least squared error.
    """

def residual(plane: Float32, half: Float32, sums: Float32) -> None:
    """Add squared errors that remain when decoders restore a plane from its half in both directions.

    sums: [ceil(rows / 8), ceil(columns / 8)], for the blocks of the plane.
    """

def transform(plane: Float32, blocks: Float32, first_row: int) -> None:
    """The orthonormal DCT of the blocks from the block row first_row on, in zig-zag order.

    blocks: [block rows, block columns, 64]. Beyond its edges the plane is repeated.
    """

def choose(
    coefficients: Float32,
    steps: Float32,
    weights: Float32,
    kept: npt.NDArray[np.uint8],
    bits: Float32,
    lmbda: float,
    levels: npt.NDArray[np.int16],
    counts: npt.NDArray[np.int64],
) -> None:
    """Choose levels with the least sum of weights * (coefficient / step - level)**2 + lmbda * bits.

    coefficients, levels: [block rows, block columns, 64]. steps: [64]. weights: [block rows, block columns, 1
    or 64]. kept: [block rows, block columns]; AC coefficients up to this index are rounded, as DC always is.
    bits: [256], of the symbols of a sequential scan (T.81 F.1.2.2), without the bits that follow them.
    counts: [256]; the symbols of the AC levels are added.
    """
