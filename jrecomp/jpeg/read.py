"""Reading of JPEG files."""

import numpy as np

from jrecomp.errors import StoredReason, UnsupportedJpegError
from jrecomp.jpeg.markers import parse, split
from jrecomp.jpeg.scans import ScanReader, idle_from, native_scan
from jrecomp.jpeg.types import JpegFile
from jrecomp.options import DEFAULT_LIMITS, Limits


def read(data: bytes, limits: Limits = DEFAULT_LIMITS, *, idle: bool = True, exact: bool = True) -> JpegFile:
    """Parse a JPEG file of a sequential or progressive process, Huffman or arithmetic, with 8 or 12 bits.

    data: the file. limits: bounds on memory and time. idle: also decode repeated bytes at the end of scans
    (scans.idle_from()), which some damaged files have in place of lost data. exact: write the scans again and
    compare. Without that, the result of write() may differ from the file, so the caller has to compare it.

    Returns the parsed file; write() gives the identical bytes for it. Damaged parts of scans are kept as raw
    bytes. Raises UnsupportedJpegError with its reason for other inputs, and LimitError for files
    beyond the limits.
    """
    headers, ranges = split(data, limits)
    layout = parse(headers, limits)
    coefficients = [np.zeros((c.block_rows, c.block_columns, 64), np.int16) for c in layout.frame.components]
    readers = [
        ScanReader(
            header,
            native_scan(layout, header, coefficients),
            data,
            begin,
            end,
            end if idle else idle_from(data, begin, end),
        )
        for header, (begin, end) in zip(layout.scans, ranges, strict=True)
    ]
    left = limits.max_segments
    for reader in readers:
        left -= reader.decode(max(1, left))
    scans = [reader.reconstruction(exact) for reader in readers]
    if all(s.segments and not any(segment.mcus for segment in s.segments) for s in scans):
        raise UnsupportedJpegError(StoredReason.MALFORMED, "no scan can be decoded")
    return JpegFile(layout.frame, coefficients, headers, scans)
