"""Files with pictures in many places, and a codec that only takes their scan data out."""

from base64 import b64encode
from collections.abc import Sequence
from itertools import pairwise

from jrecomp import jpeg
from jrecomp.errors import StoredReason, UnsupportedJpegError
from jrecomp.jpeg.markers import parse
from jrecomp.skeleton import Coded, Picture, Step, pictures
from tests.jpeg.builder import segment
from tests.jpeg.samples import pillow

MAIN = pillow(80, 64, quality=85)
THUMBNAIL = pillow(32, 24, quality=60)
OTHER = pillow(48, 40, channels=1, quality=75)
PROGRESSIVE = pillow(40, 40, progressive=True)

XMP = b"http://ns.adobe.com/xmp/extension/\0"
GUID = b"0123456789ABCDEF0123456789ABCDEF"


def with_segments(picture: bytes, *segments: bytes) -> bytes:
    """A picture with marker segments behind SOI."""
    return picture[:2] + b"".join(segments) + picture[2:]


def with_thumbnail(picture: bytes, thumbnail: bytes = THUMBNAIL) -> bytes:
    """A picture with Exif metadata that hold another one."""
    return with_segments(picture, segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0" + bytes(30) + thumbnail))


def extended_xmp(text: bytes, size: int) -> list[bytes]:
    """APP1 segments with `size` bytes of the text each."""
    parts = [(begin, text[begin : begin + size]) for begin in range(0, len(text), size)]
    sizes = len(text).to_bytes(4)
    return [segment(0xE1, XMP + GUID + sizes + begin.to_bytes(4) + part) for begin, part in parts]


def lines(data: bytes, end: bytes) -> bytes:
    """Base64 text of 76 characters a line."""
    text = b64encode(data)
    return end.join(text[begin : begin + 76] for begin in range(0, len(text), 76))


def flashpix(data: bytes, size: int) -> list[bytes]:
    """APP2 segments with a stream of FPXR."""
    begins = range(0, len(data), size)
    return [segment(0xE2, b"FPXR\0\0\2\0\1" + b.to_bytes(4) + data[b : b + size]) for b in begins]


def boxes(data: bytes, size: int) -> list[bytes]:
    """APP11 segments with a box, as in JPEG XT."""
    begins, head = range(0, len(data), size), (len(data) + 8).to_bytes(4) + b"RESI"
    return [
        segment(0xEB, b"JP\0\1" + (n + 1).to_bytes(4) + head + data[b : b + size])
        for n, b in enumerate(begins)
    ]


_TEXT = b"<x GDepth:Data='" + b64encode(MAIN) + b"' GImage:Data='" + b64encode(OTHER) + b"'/>"

FILES: dict[str, tuple[bytes, list[bytes]]] = {
    "one": (MAIN, [MAIN]),
    "progressive": (PROGRESSIVE, [PROGRESSIVE]),
    "thumbnail": (with_thumbnail(MAIN), [with_thumbnail(MAIN), THUMBNAIL]),
    "thumbnail of a thumbnail": (
        with_thumbnail(MAIN, with_thumbnail(OTHER)),
        [with_thumbnail(MAIN, with_thumbnail(OTHER)), with_thumbnail(OTHER), THUMBNAIL],
    ),
    "thumbnail in a progressive picture": (
        with_thumbnail(PROGRESSIVE),
        [with_thumbnail(PROGRESSIVE), THUMBNAIL],
    ),
    "preview and thumbnail": (
        with_segments(MAIN, segment(0xE1, b"Exif\0\0" + THUMBNAIL + bytes(9) + OTHER)),
        [with_segments(MAIN, segment(0xE1, b"Exif\0\0" + THUMBNAIL + bytes(9) + OTHER)), THUMBNAIL, OTHER],
    ),
    "one after the other": (MAIN + OTHER + MAIN, [MAIN, OTHER, MAIN]),
    "multi-picture": (
        with_thumbnail(MAIN) + with_thumbnail(OTHER) + b"trailer",
        [with_thumbnail(MAIN), THUMBNAIL, with_thumbnail(OTHER), THUMBNAIL],
    ),
    "after zeros": (MAIN + bytes(5000) + OTHER + bytes(300), [MAIN, OTHER]),
    "newline": (b"\n" + MAIN, [MAIN]),
    "HTTP": (b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n" + MAIN, [MAIN]),
    "TIFF": (b"II*\0\x08\0\0\0" + bytes(100) + MAIN + bytes(20) + OTHER, [MAIN, OTHER]),
    "PDF": (b"%PDF-1.4\n<< >>\nstream\n" + MAIN + b"\nendstream\n%%EOF", [MAIN]),
    # Without EOI, the first picture ends at the second frame header.
    "without EOI": (
        MAIN[:-2] + b"text" + OTHER,
        [MAIN[:-2] + b"text" + OTHER[: OTHER.index(b"\xff\xc0")], OTHER],
    ),
    "cut": (OTHER + MAIN[:-100], [OTHER, MAIN[:-100]]),
    "extended XMP": (
        with_segments(MAIN, *extended_xmp(_TEXT, 700)),
        [with_segments(MAIN, *extended_xmp(_TEXT, 700)), MAIN, OTHER],
    ),
    "FPXR": (
        with_segments(MAIN, *flashpix(OTHER, 500)),
        [with_segments(MAIN, *flashpix(OTHER, 500)), OTHER],
    ),
    "JPEG XT": (with_segments(MAIN, *boxes(OTHER, 300)), [with_segments(MAIN, *boxes(OTHER, 300)), OTHER]),
    "XMP with lines": (b"<i>" + lines(MAIN, b"&#xA;") + b"</i>", [MAIN]),
    "mail": (b"\r\n\r\n" + lines(MAIN, b"\r\n") + b"\r\n--", [MAIN]),
    "picture in a picture's text": (
        with_segments(MAIN, segment(0xE1, b"<i>" + b64encode(with_thumbnail(OTHER)))),
        [
            with_segments(MAIN, segment(0xE1, b"<i>" + b64encode(with_thumbnail(OTHER)))),
            with_thumbnail(OTHER),
            THUMBNAIL,
        ],
    ),
}
"""Files with the pictures in them, in the order in which they are found."""


def encode(data: bytes, first: bool) -> tuple[bytes, Coded]:
    """Takes scan data out; they are the slices."""
    headers, ranges = jpeg.split(data)
    parse(headers)
    if not first and len(data) - len(headers) < 10:
        raise UnsupportedJpegError(StoredReason.NOT_SMALLER)
    return headers, Coded(b"", b"", 1, tuple(data[begin:end] for begin, end in ranges))


def decode(picture: Picture, headers: bytes) -> Sequence[memoryview]:
    """The inverse of encode()."""
    positions = [0, *(scan.offset for scan in parse(headers).scans), len(headers)]
    pieces = [headers[begin:end] for begin, end in pairwise(positions)]
    return [memoryview(x) for pair in zip(pieces, (*picture.coded.slices, b""), strict=True) for x in pair]


def scan_data(steps: Sequence[Step]) -> bytes:
    """All that was taken out."""
    return b"".join(b"".join(picture.coded.slices) for picture in pictures(steps))
