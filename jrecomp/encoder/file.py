"""JPEG files from levels."""

from collections.abc import Sequence

import numpy as np

from jrecomp.array_types import Int16, Int32
from jrecomp.jpeg import JpegFile, ScanReconstruction, parse_frame, rebuild, write
from jrecomp.jpeg.markers import END, START, segment
from jrecomp.options import DEFAULT_LIMITS, Limits
from jrecomp.t81 import APP0, APP14, DQT, SOF0, SOS

_JFIF = b"JFIF\0"
_ADOBE_YCCK = segment(APP14, b"Adobe\0\x64\0\0\0\0\2")
"""The segment by which decoders know the colour transform of four components (ITU-T T.872)."""


def jpeg_file(
    size: tuple[int, int],
    factors: Sequence[tuple[int, int]],
    steps: Sequence[Int32],
    numbers: Sequence[int],
    levels: Sequence[Int16],
    metadata: bytes,
    *,
    progressive: bool,
    strip: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> bytes:
    """The smallest JPEG file of levels, with optimal Huffman tables.

    size: rows and columns of the picture. factors: horizontal and vertical sampling factors of each
    component. steps: quantization tables, int32 [64]. numbers: of these tables, the same for equal ones.
    levels: int16 [block rows, block columns, 64] with whole MCUs. metadata: marker segments. progressive: use
    progressive scans. strip: keep only the metadata that affect the display, see jpeg.metadata.metadata().
    limits: bounds on headers and scans.
    """
    start = START + _first(metadata, len(levels)) + metadata
    headers = start + _tables(steps, numbers) + _frame(size, factors, numbers) + _scan(len(levels)) + END
    file = JpegFile(parse_frame(headers, limits), list(levels), headers, [ScanReconstruction()])
    rebuilt = rebuild(
        file,
        steps,
        levels,
        huffman="optimal",
        progressive=progressive,
        searched=True,
        strip=strip,
        limits=limits,
    )
    return write(rebuilt, limits)


def jfif(unit: int, across: int, down: int) -> bytes:
    """A JFIF segment (ITU-T T.871 10.1). unit: of the pixel densities: 0 none, 1 for an inch, 2 for a cm."""
    return segment(APP0, _JFIF + bytes([1, 1, unit]) + across.to_bytes(2) + down.to_bytes(2) + bytes(2))


def _first(metadata: bytes, components: int) -> bytes:
    """The segment by which decoders know the colour transform, if the metadata have none."""
    if components == 4:
        return _ADOBE_YCCK
    return b"" if metadata[4:].startswith(_JFIF) else jfif(0, 1, 1)


def _tables(steps: Sequence[Int32], numbers: Sequence[int]) -> bytes:
    tables = {number: table.astype(np.uint8).tobytes() for number, table in zip(numbers, steps, strict=True)}
    return b"".join(segment(DQT, bytes([number]) + table) for number, table in tables.items())


def _frame(size: tuple[int, int], factors: Sequence[tuple[int, int]], numbers: Sequence[int]) -> bytes:
    rows, columns = size
    parameters = bytes([8]) + rows.to_bytes(2) + columns.to_bytes(2) + bytes([len(factors)])
    for i, ((horizontal, vertical), number) in enumerate(zip(factors, numbers, strict=True)):
        parameters += bytes([i + 1, horizontal << 4 | vertical, number])
    return segment(SOF0, parameters)


def _scan(components: int) -> bytes:
    parameters = b"".join(bytes([i + 1, 0]) for i in range(components))
    return segment(SOS, bytes([components]) + parameters + bytes([0, 63, 0]))
