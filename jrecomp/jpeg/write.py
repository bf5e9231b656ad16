"""Writing of JPEG files."""

from collections.abc import Sequence

import numpy as np

from jrecomp.array_types import Int16
from jrecomp.errors import CorruptContainerError
from jrecomp.jpeg.markers import parse
from jrecomp.jpeg.scans import encode_scan, native_scan
from jrecomp.jpeg.types import Frame, JpegFile
from jrecomp.options import DEFAULT_LIMITS, Limits

ScanData = Sequence[tuple[int, bytes]]
"""Positions in JpegFile.headers, and the data of scans that are inserted there."""


def write(jpeg: JpegFile, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The bytes of a JPEG file; the inverse of read(). The parameters and errors are those of scan_data()."""
    return b"".join(insert(jpeg.headers, scan_data(jpeg, limits)))


def insert(headers: bytes, scans: ScanData) -> list[memoryview]:
    """The pieces of a JPEG file: JpegFile.headers with the data of the scans."""
    pieces, position, view = list[memoryview](), 0, memoryview(headers)
    for offset, data in scans:
        pieces += [view[position:offset], memoryview(data)]
        position = offset
    return [*pieces, view[position:]]


def scan_data(jpeg: JpegFile, limits: Limits = DEFAULT_LIMITS) -> ScanData:
    """The data of each scan, and the position in the headers at which they are inserted.

    jpeg: frame and tables are taken from its headers. limits: bounds on the headers.

    Raises CorruptContainerError if coefficients or reconstruction data do not fit the headers, and
    UnsupportedJpegError for headers that read() rejects.
    """
    layout = parse(jpeg.headers, limits)
    if len(jpeg.scans) != len(layout.scans):
        raise CorruptContainerError("the number of scans does not fit the headers")
    _check_shapes(layout.frame, jpeg.coefficients)
    # The native codec requires writable arrays, also for encoding.
    coefficients = [np.require(c, np.int16, ["C", "W"]) for c in jpeg.coefficients]
    return [
        (header.offset, encode_scan(header, native_scan(layout, header, coefficients), data))
        for header, data in zip(layout.scans, jpeg.scans, strict=True)
    ]


def parse_frame(headers: bytes, limits: Limits = DEFAULT_LIMITS) -> Frame:
    """The frame in JpegFile.headers; raises UnsupportedJpegError as read() does."""
    return parse(headers, limits).frame


def _check_shapes(frame: Frame, coefficients: Sequence[Int16]) -> None:
    expected = [(c.block_rows, c.block_columns, 64) for c in frame.components]
    if [c.shape for c in coefficients] != expected or any(c.dtype != np.int16 for c in coefficients):
        raise CorruptContainerError("the coefficients do not fit the frame")
