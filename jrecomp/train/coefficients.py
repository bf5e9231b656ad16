"""Training pictures that no encoder at hand writes, made from the coefficients of some that one wrote.

The results are for modelling: they have no headers and no scans, so they cannot be written.
"""

from dataclasses import replace

import numpy as np

from jrecomp.array_types import Int16, Int32
from jrecomp.jpeg.types import Component, Frame, JpegFile
from jrecomp.lossy import Requantized
from jrecomp.t81 import COLUMN, INDEX, PLACES, ROW

TRANSPOSED = np.array([INDEX[column, row] for row, column in PLACES])
"""Zig-zag index of each coefficient's mirror image."""

HIGHEST = 14
"""The sum of the two frequencies of the last coefficient."""


def transposed(file: JpegFile) -> JpegFile:
    """A picture with rows and columns exchanged, without loss: 4:2:2 becomes 4:4:0.

    Quantization tables are transposed too, as in pictures that were rotated without loss.
    """
    old = file.frame
    components = tuple(map(_transposed_component, old.components))
    frame = Frame(old.height, old.width, old.progressive, old.mcu_columns, old.mcu_rows, components)
    arrays = [np.ascontiguousarray(a.transpose(1, 0, 2)[..., TRANSPOSED]) for a in file.coefficients]
    return JpegFile(frame, arrays, b"", [])


def _transposed_component(old: Component) -> Component:
    return replace(
        old,
        horizontal=old.vertical,
        vertical=old.horizontal,
        quantization=old.quantization[TRANSPOSED],
        block_rows=old.block_columns,
        block_columns=old.block_rows,
    )


def with_dead_zone(file: JpegFile, fine: JpegFile, width: float) -> JpegFile:
    """`file` as an encoder that saves bits would have quantized it: AC coefficients are rounded up from
    0.5 + width steps on, from 0.5 + 1.5 width at the highest frequency.

    fine: the same picture, all its quantization tables ones. width: up to 1/3; where it is above 0,
    magnitudes are at most those of `file`. DC coefficients and tables are the same.
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
    """What lossy recompression makes of a file."""
    pairs = zip(file.frame.components, new.steps, strict=True)
    components = tuple(replace(c, quantization=steps) for c, steps in pairs)
    return JpegFile(replace(file.frame, components=components), new.coefficients, b"", [])
