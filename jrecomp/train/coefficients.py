"""Training pictures that available encoders do not write, made from the coefficients of other files.

The results have no headers and no scans, so they can be modelled but not written as files.
"""

import numpy as np

from jrecomp.array_types import Int16, Int32
from jrecomp.jpeg.types import Component, JpegFile
from jrecomp.lossy import Requantized
from jrecomp.t81 import COLUMN, INDEX, PLACES, ROW

TRANSPOSED = np.array([INDEX[column, row] for row, column in PLACES])
"""For each zig-zag index the index of the transposed frequency."""

HIGHEST = 14
"""Vertical plus horizontal frequency of the last coefficient."""


def transposed(file: JpegFile) -> JpegFile:
    """The transposed picture, without loss: 4:2:2 becomes 4:4:0.

    Quantization tables are transposed, too, as in pictures that were rotated without loss.
    """
    old = file.frame
    components = tuple(map(_transposed_component, old.components))
    frame = old._replace(
        width=old.height,
        height=old.width,
        mcu_rows=old.mcu_columns,
        mcu_columns=old.mcu_rows,
        components=components,
    )
    arrays = [np.ascontiguousarray(a.transpose(1, 0, 2)[..., TRANSPOSED]) for a in file.coefficients]
    return JpegFile(frame, arrays, b"", [])


def _transposed_component(old: Component) -> Component:
    return old._replace(
        horizontal=old.vertical,
        vertical=old.horizontal,
        quantization=old.quantization[TRANSPOSED],
        block_rows=old.block_columns,
        block_columns=old.block_rows,
    )


def with_dead_zone(file: JpegFile, fine: JpegFile, width: float) -> JpegFile:
    """`file` quantized with a dead zone, as by encoders that weigh bits against errors.

    The fraction from which magnitudes of AC coefficients are rounded up rises with frequency, from
    0.5 + width to 0.5 + 1.5 width. DC coefficients and quantization tables are those of `file`.
    file: the picture quantized as usual. fine: the same picture, with all quantization steps 1. width: 0
    to 1/3; if it is above 0, magnitudes are at most those of `file`.
    """
    arrays = []
    for component, coarse, exact in zip(
        file.frame.components, file.coefficients, fine.coefficients, strict=True
    ):
        array = _quantized(exact, component.quantization, width)
        array[..., 0] = coarse[..., 0]
        arrays.append(array)
    return JpegFile(file.frame, arrays, b"", [])


def _quantized(exact: Int16, steps: Int32, width: float) -> Int16:
    offset = 0.5 - width * (1 + 0.5 * (ROW + COLUMN) / HIGHEST)
    magnitude = np.floor(np.abs(exact) / steps + offset)
    quantized: Int16 = np.copysign(magnitude, exact).astype(np.int16)
    return quantized


def with_levels(file: JpegFile, new: Requantized) -> JpegFile:
    """A file with the steps and coefficients of lossy recompression."""
    pairs = zip(file.frame.components, new.steps, strict=True)
    components = tuple(c._replace(quantization=steps) for c, steps in pairs)
    return JpegFile(file.frame._replace(components=components), new.coefficients, b"", [])
