"""Pictures in pieces: in several marker segments of a JPEG file, and as Base64 text (RFC 4648)."""

import re
from base64 import b64decode, b64encode
from typing import NamedTuple

PART = rb"\xff[\xe1\xe2\xeb]..(?:http://ns\.adobe\.com/xmp/extension/\0|FPXR\0|JP)"
"""Pattern of the begin of a marker segment that is a part of something longer."""

TEXT = rb"/9j/"
"""Pattern of the begin of Base64 text that encodes a JPEG picture."""

_PARTS = {0xE1: (67, 79), 0xE2: (9, 17), 0xEB: (4, 20)}
"""By marker: number of bytes behind the length that are equal in all parts; where the contents begin.

Extended XMP (XMP specification part 3, 1.1.3.1), FPXR (CIPA DC-008, 4.7.3), boxes (ISO/IEC 18477-3, B.2).
"""

_SEPARATOR = re.compile(rb"&#xA;|\r?\n")
_RUN = re.compile(rb"[A-Za-z0-9+/]*+(?:(?:%s)[A-Za-z0-9+/]++)*+={0,2}" % _SEPARATOR.pattern)
_SHORTEST = 200
"""Shorter text is left alone."""

Range = tuple[int, int]
"""Begin and end of a range of bytes."""


class Encoded(NamedTuple):
    """Base64 text. lines: their ranges. length: number of characters. decoded: the bytes they encode."""

    lines: list[Range]
    length: int
    decoded: bytes


def parts_at(data: bytearray, begin: int) -> list[Range]:
    """The contents of consecutive marker segments that belong together, from the one at `begin` on."""
    marker, (key, head) = data[begin : begin + 2], _PARTS[data[begin + 1]]
    signature = data[begin + 4 : begin + 4 + key]
    ranges: list[Range] = []
    while data[begin : begin + 2] == marker and data[begin + 4 : begin + 4 + key] == signature:
        end = begin + 2 + int.from_bytes(data[begin + 2 : begin + 4])
        if not begin + head < end <= len(data):
            break
        ranges.append((begin + head, end))
        begin = end
    return ranges


def encoded_at(data: bytearray, begin: int) -> Encoded | None:
    """The Base64 text at `begin`, None if it is short.

    Its last group is left out if it is incomplete or if encoding would give another one.
    """
    end = _end_of_text(data, begin)
    if end - begin < _SHORTEST:
        return None
    separators = [match.span() for match in _SEPARATOR.finditer(data, begin, end)]
    starts, ends = [begin, *(e for _, e in separators)], [*(b for b, _ in separators), end]
    lines = list(zip(starts, ends, strict=True))
    text = b"".join(bytes(data[b:e]) for b, e in lines)
    groups = text.rstrip(b"=")
    if len(text) % 4 == 0 and b64encode(decoded := b64decode(text)) == text:
        return Encoded(lines, len(text), decoded)
    length = len(groups) // 4 * 4
    return Encoded(lines, length, b64decode(groups[:length]))


def _end_of_text(data: bytearray, begin: int) -> int:
    match = _RUN.match(data, begin)
    return match.end() if match else begin
