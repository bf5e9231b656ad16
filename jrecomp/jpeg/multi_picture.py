"""The index of further pictures after the first one (CIPA DC-007, Multi-Picture Format).

Stereo pictures, gain maps and previews follow the first picture. An APP2 segment in the first picture states
their sizes and offsets. Offsets count from the TIFF header in that segment.
"""

import struct
from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

from jrecomp.jpeg.markers import START, located_segments
from jrecomp.t81 import APP2, SOS

MPF = b"MPF\0"
"""Start of the parameters of the segment."""

_ENTRIES = 0xB002
"""The tag of the MP entries."""

_ENTRY_BYTES = 16
_LARGEST = 0xFFFFFFFF


class _Index(NamedTuple):
    """An index in JpegFile.headers.

    start: position of its TIFF header. order: "<" or ">" as in struct. entries: positions of the MP entries.
    Each holds attributes, the size and the offset of a picture, and the numbers of two dependent pictures.
    """

    start: int
    order: str
    entries: range

    def pictures(self, headers: bytes) -> Iterator[tuple[int, int]]:
        """The size and the position of each picture; position 0 is that of the first one."""
        for entry in self.entries:
            size, offset = struct.unpack_from(f"{self.order}2I", headers, entry + 4)
            yield size, self.start + offset if offset else 0


def index_problem(headers: bytes) -> str:
    """Why the index in JpegFile.headers cannot be moved, as a phrase; "" if it can, or if there is none."""
    try:
        index = _find(headers)
    except (ValueError, struct.error):
        return "the index of further pictures is damaged"
    if index is None:
        return ""
    scan = next(begin for code, begin, _ in located_segments(headers) if code == SOS)
    if any(0 < at < scan and headers.startswith(START, at) for _, at in index.pictures(headers)):
        return "the index of further pictures points into the first one"
    return ""


def moved_index(data: bytes, end: int, source: bytes, source_end: int) -> bytes:
    """Adapt the index in a new file, which still has the contents of the source's index.

    data: the new file, or its JpegFile.headers. end: length in bytes of its first picture, from SOI to EOI.
    source, source_end: the same of the source. What follows the first picture is the same in both files.

    Returns the data with the size of the first picture and the offsets of those after it. Without an index
    it returns as it is, as do offsets that point elsewhere.
    """
    old, new = _find(source), _find(data)
    if old is None or new is None:
        return data
    result = bytearray(data)
    for (size, at), entry in zip(old.pictures(source), new.entries, strict=True):
        if at == 0:
            size = end + max(size - source_end, 0)  # some writers count the bytes up to the next picture
            struct.pack_into(f"{new.order}I", result, entry + 4, min(size, _LARGEST))
        elif at >= source_end:
            offset = at - source_end + end - new.start
            struct.pack_into(f"{new.order}I", result, entry + 8, min(offset, _LARGEST))
    return bytes(result)


def _segment(headers: bytes) -> tuple[int, bytes] | None:
    """Position and bytes of the TIFF file of the index, None if there is no index."""
    leading = takewhile(lambda found: found[0] != SOS, located_segments(headers))
    return next(
        (
            (begin + len(MPF), data[len(MPF) :])
            for code, begin, data in leading
            if code == APP2 and data.startswith(MPF)
        ),
        None,
    )


def _find(headers: bytes) -> _Index | None:
    """The index before the first scan; raises ValueError or struct.error if it is damaged."""
    found = _segment(headers)
    if found is None:
        return None
    start, tiff = found
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        raise ValueError("no TIFF header")
    (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
    (count,) = struct.unpack_from(f"{order}H", tiff, directory)
    for position in range(directory + 2, directory + 2 + 12 * count, 12):
        tag, _, length, offset = struct.unpack_from(f"{order}2H2I", tiff, position)
        if tag == _ENTRIES:
            if length % _ENTRY_BYTES or offset + length > len(tiff):
                raise ValueError("the MP entries have a wrong length")
            return _Index(start, order, range(start + offset, start + offset + length, _ENTRY_BYTES))
    raise ValueError("no MP entries")
