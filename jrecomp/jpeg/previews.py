"""Previews after the picture to which Exif data and maker notes point (CIPA DC-008).

Some cameras write a preview behind EOI. An entry of a TIFF directory in the Exif segment, mostly in the
maker note, has its offset from the TIFF header of that segment. Maker notes have no common structure. So an
entry is recognized by its value, which is the offset of a JPEG file behind EOI, and by the fields before it.
"""

import re
import struct
from collections.abc import Iterator
from itertools import takewhile

from jrecomp.jpeg.markers import START, located_segments
from jrecomp.t81 import APP1, SOS

EXIF = b"Exif\0\0"
"""Start of the parameters of the segment."""

_MOST = 64
"""Largest number of JPEG files behind EOI that are looked up."""

_LARGEST = 0xFFFFFFFF
_LONG, _UNDEFINED = 4, 7  # TIFF types: an offset, and data at an offset
_PICTURE = re.compile(re.escape(START + b"\xff"))


def moved_previews(data: bytes, end: int, source: bytes, source_end: int) -> bytes:
    """Adapt the offsets of previews in a new file; the arguments and the result are those of moved_index().

    source: the whole source.
    """
    old, new = _exif(source), _exif(data)
    if old is None or new is None or old[1] != new[1]:
        return data
    (begin, tiff), (target, _) = old, new
    result = bytearray(data)
    for position, offset in _offsets(tiff, begin, source, source_end):
        moved = offset + begin - source_end + end - target
        struct.pack_into(f"{_order(tiff)}I", result, target + position, min(moved, _LARGEST))
    return bytes(result)


def _exif(data: bytes) -> tuple[int, bytes] | None:
    """Position and bytes of the TIFF file in the first Exif segment before the first scan."""
    leading = takewhile(lambda found: found[0] != SOS, located_segments(data))
    found = ((at, parameters) for code, at, parameters in leading if code == APP1)
    exif = next(((at, parameters) for at, parameters in found if parameters.startswith(EXIF)), None)
    return (exif[0] + len(EXIF), exif[1][len(EXIF) :]) if exif else None


def _order(tiff: bytes) -> str:
    return "<" if tiff[:1] == b"I" else ">"


def _offsets(tiff: bytes, begin: int, source: bytes, source_end: int) -> Iterator[tuple[int, int]]:
    """Position in the TIFF file, and value, of each offset of a JPEG file at or after source_end."""
    for number, picture in enumerate(_PICTURE.finditer(source, source_end)):
        offset = picture.start() - begin
        if number == _MOST or offset > _LARGEST:
            return
        value = struct.pack(f"{_order(tiff)}I", offset)
        for match in re.finditer(re.escape(value), tiff):
            if match.start() < 8:
                continue
            kind, count = struct.unpack_from(f"{_order(tiff)}HI", tiff, match.start() - 6)
            fits = len(START) < count <= len(source) - picture.start()
            if (kind == _UNDEFINED and fits) or (kind == _LONG and count == 1):
                yield match.start(), offset
