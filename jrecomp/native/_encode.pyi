"""From pixels to coefficients, and from coefficients to levels, in C++.

Arrays are C-contiguous and writable where they are results. Shapes that do not fit raise ValueError. The GIL
is released, and calls on different rows may run at the same time.
"""

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Int16 = npt.NDArray[np.int16]

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
    importance: Float32,
    weights: Float32,
    kept: npt.NDArray[np.uint8],
    bits: Float32,
    lmbda: float,
    levels: Int16,
    counts: npt.NDArray[np.int64],
) -> None:
    """Choose levels with the least importance * weights * (coefficient / step - level)**2 + lmbda * bits.

    coefficients, levels: [block rows, block columns, 64]. steps, importance: [64]. weights: [block rows,
    block columns, 1, 7 or 64]; seven are for bands of frequencies, which end before zig-zag index 1, 3, 6,
    10, 21, 43 and 64. kept: [block rows, block columns]; AC coefficients up to this index are rounded, as DC
    always is. bits: [256], of the symbols of a sequential scan (T.81 F.1.2.2), without the bits that follow
    them. counts: [256]; the symbols of the AC levels are added.
    """

def untransform(levels: Int16, steps: Float32, plane: Float32) -> None:
    """The samples [8 block rows, 8 block columns] of levels [block rows, block columns, 64] times steps."""

def show(
    luma: Float32,
    blue: Float32,
    red: Float32,
    pixels: npt.NDArray[np.uint8],
    first_row: int,
    rows: int,
) -> None:
    """Pixels [rows, columns, 1 or 3] from first_row on as decoders round and clamp them.

    luma, blue, red: planes of whole blocks; Cb and Cr of the size of luma or half of it. Smaller chroma is
    enlarged with the triangle filter of libjpeg. Gray pixels ignore chroma. rows: of the whole picture.
    """

def project(
    pixels: Float32,
    mix: list[float],
    down: int,
    across: int,
    plane: Float32,
    first_row: int,
    end: int,
) -> None:
    """The gradient by a plane from that by the pixels [rows, columns, 1 or 3]: the transpose of show().

    mix: how much the plane counts in each channel. down, across: how many times the plane is smaller, 1 or 2.
    Rows from first_row to `end` of the plane are computed, of those in the picture.
    """

def bands(
    gradients: Float32,
    levels: Int16,
    coefficients: Float32,
    steps: Float32,
    importance: Float32,
    slopes: Float32,
    sizes: Float32,
) -> None:
    """Means in bands of frequencies.

    slopes: of (gradients * steps)**2 / importance. sizes: of (levels - coefficients / steps)**2 * importance.
    Both are results, [block rows, block columns, 7]. The other arrays have 64 for 7; steps, importance: [64].
    """

def move(
    gradients: Float32,
    levels: Int16,
    coefficients: Float32,
    steps: Float32,
    importance: Float32,
    curvatures: Float32,
    fixed: npt.NDArray[np.uint8],
    step: float,
    anchor: float,
    farthest: float,
    targets: Float32,
) -> None:
    """Move targets [block rows, block columns, 64] to where the metric is better, see encoder.refine.

    importance: [64]. curvatures: [block rows, block columns, 7], relative to it. fixed: [block rows, block
    columns]; targets up to this index are the coefficients.
    """

def few_colours(pixels: npt.NDArray[np.uint8], most: int, few: npt.NDArray[np.uint8]) -> None:
    """Set `few` [block rows, block columns] to 1 for 8x8 blocks with at most `most` (63) colours."""
