"""Quantized DCT coefficients of JPEG files and containers as arrays, without decoding pixels."""

from dataclasses import dataclass

import numpy as np

from jrecomp import container, jpeg, pipeline
from jrecomp.array_types import Int16, UInt16
from jrecomp.codec import Resources
from jrecomp.errors import InputError, unsupported_as
from jrecomp.jpeg.types import Component, Frame, JpegFile
from jrecomp.options import DEFAULT_LIMITS, Buffer, Limits, as_bytes, check_type
from jrecomp.t81 import RASTER


@dataclass(frozen=True)
class Plane:
    """The coefficients of one component.

    identifier: of the component in the frame header. factors: horizontal and vertical sampling factor.
    table: quantization steps, uint16 [8, 8], vertical frequency first. levels: quantized coefficients, int16
    [8 * block rows, 8 * block columns]: the 8 x 8 coefficients of each block at its place. This is the shape
    of `coef_arrays` in jpegio. levels.reshape(rows, 8, columns, 8).swapaxes(1, 2) has the blocks.
    """

    identifier: int
    factors: tuple[int, int]
    table: UInt16
    levels: Int16


@dataclass(frozen=True)
class Coefficients:
    """The coefficients of a picture. width, height: in pixels. precision: bits of a sample, 8 or 12."""

    width: int
    height: int
    precision: int
    components: tuple[Plane, ...]


def coefficients(data: Buffer, *, threads: int = 0, limits: Limits = DEFAULT_LIMITS) -> Coefficients:
    """The quantized coefficients of a JPEG file or of the one in a container, which is not restored.

    data: the file or container. threads, limits: as for pipeline.compress().

    Returns the coefficients of all blocks that have pixels. Raises InputError if there is no JPEG picture at
    the beginning, LimitError, UsageError, and for containers the errors of pipeline.decompress().
    """
    data = as_bytes(data)
    check_type("limits", limits, Limits)
    workers = Resources(threads).workers
    file = None
    if container.is_container(data):
        file = pipeline.first_picture(data, workers, limits)
        if file is None:
            data = pipeline.decompress(data, threads=threads, limits=limits)
    if file is None:
        with unsupported_as(InputError, "has no coefficients"):
            file = jpeg.read(data, limits)
    planes = [_plane(file, number) for number in range(len(file.frame.components))]
    return Coefficients(file.frame.width, file.frame.height, file.frame.precision, tuple(planes))


def _plane(file: JpegFile, number: int) -> Plane:
    component = file.frame.components[number]
    rows, columns = _blocks(file.frame, component)
    blocks = np.empty((rows, columns, 64), np.int16)
    blocks[..., RASTER] = file.coefficients[number][:rows, :columns]
    levels = blocks.reshape(rows, columns, 8, 8).swapaxes(1, 2).reshape(8 * rows, 8 * columns)
    table = np.empty(64, np.uint16)
    table[RASTER] = component.quantization
    factors = component.horizontal, component.vertical
    return Plane(component.identifier, factors, table.reshape(8, 8), levels)


def _blocks(frame: Frame, component: Component) -> tuple[int, int]:
    """Rows and columns of the blocks that have pixels; scans may have more, to fill up MCUs (T.81 A.2.4)."""
    down = max(c.vertical for c in frame.components)
    across = max(c.horizontal for c in frame.components)
    rows = -(-frame.height * component.vertical // down)
    columns = -(-frame.width * component.horizontal // across)
    return -(-rows // 8), -(-columns // 8)
