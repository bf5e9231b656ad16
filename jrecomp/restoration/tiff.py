"""TIFF files of 8 or 16 bits (TIFF 6.0; Deflate: Adobe Photoshop TIFF Technical Notes)."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np

from jrecomp.restoration.picture import LEVEL, Picture
from jrecomp.threads import Workers

_BYTE, _SHORT, _LONG, _UNDEFINED = 1, 3, 4, 7
_CODES = {_BYTE: "B", _SHORT: "H", _LONG: "I", _UNDEFINED: "B"}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
"""Bytes of a value of each type."""

_DIRECTORIES = {34665, 34853}
"""Tags that point to the directories of Exif and GPS."""

_KEPT = {
    270,
    271,
    272,
    274,
    282,
    283,
    296,
    305,
    306,
    315,
    316,
    18246,
    18249,
    33432,
    *range(40091, 40096),
} | _DIRECTORIES
"""Tags of Exif's first directory that describe the picture and not the data of an image: description, camera,
orientation, resolution, software, date, artist, rating, copyright.
"""


def tiff(picture: Picture, workers: Workers) -> bytes:
    """A TIFF file. It begins with the TIFF file of the Exif segment, so that offsets in that stay right."""
    height, width, channels = picture.pixels.shape
    start = picture.attached.exif or b"II*\0" + bytes(4)
    order = "<" if start.startswith(b"I") else ">"

    def compressed(first: int) -> bytes:
        strip = picture.strip(first)
        differences = np.concatenate([strip[:, :1], np.diff(strip, axis=1)], 1)
        return zlib.compress(differences.astype(f"{order}u{picture.bits // 8}").tobytes(), LEVEL)

    strips = workers.map(compressed, picture.strips)
    file = bytearray(start)
    offsets = []
    for strip in strips:
        offsets.append(len(file))
        file += strip
    values = {
        256: (_LONG, [width]),
        257: (_LONG, [height]),
        258: (_SHORT, [picture.bits] * channels),
        259: (_SHORT, [8]),  # compression: Deflate
        262: (_SHORT, [{1: 1, 3: 2, 4: 5}[channels]]),  # gray from black, RGB, separated
        273: (_LONG, offsets),
        277: (_SHORT, [channels]),
        278: (_LONG, [picture.strip_rows]),
        279: (_LONG, [len(strip) for strip in strips]),
        284: (_SHORT, [1]),  # channels beside each other
        317: (_SHORT, [2]),  # predictor: differences of neighbours
        700: (_BYTE, picture.attached.xmp),
        34675: (_UNDEFINED, picture.attached.icc),
    }
    entries = dict(_kept(start, order))
    for tag, (kind, numbers) in values.items():
        if numbers:
            packed = struct.pack(f"{order}{len(numbers)}{_CODES[kind]}", *numbers)
            if len(packed) > 4:
                file += bytes(len(file) % 2)
                packed, place = struct.pack(f"{order}I", len(file)), packed
                file += place
            entries[tag] = struct.pack(f"{order}HHI", tag, kind, len(numbers)) + packed.ljust(4, b"\0")
    file += bytes(len(file) % 2)
    file[4:8] = struct.pack(f"{order}I", len(file))
    file += struct.pack(f"{order}H", len(entries))
    file += b"".join(entries[tag] for tag in sorted(entries)) + bytes(4)
    return bytes(file)


def _kept(start: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Those entries of the first directory of a TIFF file that describe the picture, by tag."""
    (directory,) = struct.unpack_from(f"{order}I", start, 4) if len(start) >= 8 else (0,)
    if not 8 <= directory <= len(start) - 2:
        return
    (count,) = struct.unpack_from(f"{order}H", start, directory)
    first = directory + 2
    for place in range(first, min(first + 12 * count, len(start) - 11), 12):
        tag, kind, number, value = struct.unpack_from(f"{order}HHII", start, place)
        size = _SIZES.get(kind, 0) * number
        inside = (
            value < len(start) if tag in _DIRECTORIES else 0 < size <= 4 or 0 < size <= len(start) - value
        )
        if tag in _KEPT and inside:
            yield tag, start[place : place + 12]
