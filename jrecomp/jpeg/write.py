"""JpegFile to JPEG file, and to JpegFile from its parts."""

from collections.abc import Sequence

import numpy as np

from jrecomp.array_types import Int16
from jrecomp.errors import CorruptContainerError
from jrecomp.jpeg.markers import parse
from jrecomp.jpeg.scans import encode_scan, native_scan
from jrecomp.jpeg.types import Frame, JpegFile, ScanReconstruction
from jrecomp.options import DEFAULT_LIMITS, Limits


def write(jpeg: JpegFile, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The file's bytes: those that read() took apart, if nothing was changed.

    Frame and tables are those of `jpeg.headers`. Raises CorruptContainerError where coefficients or
    reconstruction data do not fit them, UnsupportedJpegError for headers that read() would not take.
    """
    layout = parse(jpeg.headers, limits)
    if len(jpeg.scans) != len(layout.scans):
        raise CorruptContainerError("not as many scans as the headers have")
    _check_shapes(layout.frame, jpeg.coefficients)
    # The native codec asks for arrays that it could also decode into.
    coefficients = [np.require(c, np.int16, ["C", "W"]) for c in jpeg.coefficients]
    pieces = []
    position = 0
    for header, data in zip(layout.scans, jpeg.scans, strict=True):
        pieces.append(jpeg.headers[position : header.offset])
        pieces.append(encode_scan(header, native_scan(layout, header, coefficients), data))
        position = header.offset
    pieces.append(jpeg.headers[position:])
    return b"".join(pieces)


def parse_frame(headers: bytes, limits: Limits = DEFAULT_LIMITS) -> Frame:
    """The frame that JpegFile.headers describe; raises UnsupportedJpegError like read()."""
    return parse(headers, limits).frame


def assemble(
    headers: bytes,
    scans: Sequence[ScanReconstruction],
    coefficients: Sequence[Int16],
    limits: Limits = DEFAULT_LIMITS,
) -> JpegFile:
    """A JpegFile from what a container holds: headers, reconstruction data and coefficients.

    coefficients: per component int16 [block row, block column, 64] as parse_frame() says. Raises
    CorruptContainerError or UnsupportedJpegError where the parts do not fit each other.
    """
    layout = parse(headers, limits)
    if len(scans) != len(layout.scans):
        raise CorruptContainerError("not as many scans as the headers have")
    _check_shapes(layout.frame, coefficients)
    return JpegFile(layout.frame, list(coefficients), headers, list(scans))


def _check_shapes(frame: Frame, coefficients: Sequence[Int16]) -> None:
    expected = [(c.block_rows, c.block_columns, 64) for c in frame.components]
    if [c.shape for c in coefficients] != expected or any(c.dtype != np.int16 for c in coefficients):
        raise CorruptContainerError("the coefficients do not fit the frame")
