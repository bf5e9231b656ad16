"""PNG files of 8 or 16 bits (ISO/IEC 15948). Pillow writes no colours of 16 bits, and uses one thread."""

import struct
import zlib

import numpy as np

from jrecomp.array_types import UInt8
from jrecomp.errors import InputError
from jrecomp.restoration.colour import Pixels
from jrecomp.restoration.picture import LEVEL, Picture
from jrecomp.threads import Workers

_ADLER = 65521
"""Modulus of the checksum of zlib streams (RFC 1950)."""


def png(picture: Picture, workers: Workers) -> bytes:
    """A PNG file (ISO/IEC 15948); raises InputError for CMYK."""
    height, width, channels = picture.pixels.shape
    if channels == 4:
        raise InputError("a CMYK picture cannot be written as PNG (choose TIFF)")
    header = struct.pack(">IIBBBBB", width, height, picture.bits, 2 if channels == 3 else 0, 0, 0, 0)
    chunks = [_chunk(b"IHDR", header)]
    if picture.attached.icc:
        chunks.append(_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(picture.attached.icc)))
    if picture.attached.exif:
        chunks.append(_chunk(b"eXIf", picture.attached.exif))
    if picture.attached.xmp:
        chunks.append(_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + picture.attached.xmp))
    chunks += [_chunk(b"IDAT", part) for part in _zlib_stream(picture, workers)]
    return b"".join([b"\x89PNG\r\n\x1a\n", *chunks, _chunk(b"IEND", b"")])


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def _zlib_stream(picture: Picture, workers: Workers) -> list[bytes]:
    """The zlib stream (RFC 1950) of a PNG file's rows in parts. Strips are compressed independently."""

    def compressed(first: int) -> tuple[bytes, int, int]:
        data = _filtered(picture.strip(first), picture.pixels[first - 1 : first]).tobytes()
        packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        flush = zlib.Z_FINISH if first == picture.strips[-1] else zlib.Z_SYNC_FLUSH
        return packer.compress(data) + packer.flush(flush), zlib.adler32(data), len(data)

    parts, low, high = [b"\x78\x5e"], 1, 0
    for part, check, length in workers.map(compressed, picture.strips):
        parts.append(part)
        high = (high + (check >> 16) + (low - 1) * length) % _ADLER
        low = (low + (check & 0xFFFF) - 1) % _ADLER
    return [*parts, struct.pack(">HH", high, low)]


def _filtered(pixels: Pixels, above: Pixels) -> UInt8:
    """The filtered bytes of rows, each after the type of its filter (ISO/IEC 15948, clause 9).

    above: the row before them, empty at the top. Of the filters Sub, Average and Paeth each row takes the one
    with the smallest sum of absolute differences.
    """
    width = pixels.shape[2] * pixels.dtype.itemsize
    rows = np.concatenate([above, pixels]).astype(f">u{pixels.dtype.itemsize}").view(np.uint8)
    rows = rows.reshape(len(rows), -1)
    if not len(above):
        rows = np.concatenate([np.zeros_like(rows[:1]), rows])
    padded = np.pad(rows, ((0, 0), (width, 0))).astype(np.int16)
    x, a, b, c = padded[1:, width:], padded[1:, :-width], padded[:-1, width:], padded[:-1, :-width]
    by_a, by_b, by_c = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    nearest = np.where((by_a <= by_b) & (by_a <= by_c), a, np.where(by_b <= by_c, b, c))
    candidates = np.stack([x - a, x - ((a + b) >> 1), x - nearest]).astype(np.int8)
    best = np.abs(candidates.astype(np.int16)).sum(2, dtype=np.int64).argmin(0)
    types = np.array([1, 3, 4], np.uint8)[best]
    return np.concatenate([types[:, None], candidates.view(np.uint8)[best, np.arange(len(best))]], 1)
