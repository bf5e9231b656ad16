"""Metadata of JPEG files: the APPn and COM marker segments that a rebuilt file keeps."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

from jrecomp.jpeg.markers import START, located_segments, segment, segments, trailer, without
from jrecomp.jpeg.multi_picture import MPF
from jrecomp.jpeg.previews import EXIF
from jrecomp.t81 import APP0, APP1, APP2, APP13, APP14, APP15, COM, FRAMES, SOS

_JFIF, _ICC, _ADOBE = b"JFIF\0", b"ICC_PROFILE\0", b"Adobe"
_GAIN_MAP = b"urn:iso:std:iso:ts:21496:-1\0"  # ISO 21496-1: the pictures that follow include a gain map
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_LINKS = b"hdrgm:", b"Container:", b"GContainer:", b"MicroVideo", b"MotionPhoto"
"""What XMP has that describes gain maps, videos and other items after the picture."""

FITTED = 2
"""Number of the quantization table of chroma that is fitted, see has_fitted_chroma()."""

_KINDS = [
    (APP0, b"JF", "JFIF"),
    (APP1, EXIF, "Exif"),
    (APP1, b"http://ns.adobe.com/x", "XMP"),
    (APP2, _ICC, "ICC profile"),
    (APP2, MPF, "index of further pictures"),
    (APP13, b"Photoshop 3.0\0", "Photoshop"),
    (COM, b"", "comments"),
]
_TIFF = b"II*\0", b"MM\0*"
_ORIENTATION = 0x0112
_WIDTHS = {3: 2, 4: 4}  # bytes of the TIFF types SHORT and LONG


def metadata(headers: bytes, strip: bool, followed: bool) -> bytes:
    """The metadata before the first scan, as marker segments in order.

    headers: JpegFile.headers. strip: keep only what affects the display of the picture: colour transform
    (JFIF, Adobe), pixel density, ICC profile, and orientation (Exif). followed: whether the bytes after the
    picture are kept. Then `strip` also keeps what leads to pictures in them: the index of a Multi-Picture
    file (CIPA DC-007), the mark of a gain map (ISO 21496-1), and XMP that describes a gain map or a video.
    """
    kept = _kept(_leading(headers))
    return _joined(_essential(kept, followed) if strip else kept)


def late_metadata(headers: bytes) -> bytes:
    """The metadata after the first scan header, which decoders ignore, as marker segments in order."""
    return _joined(_kept(list(segments(headers))[len(_leading(headers)) :]))


def removed_metadata(old: bytes, new: bytes) -> str:
    """The metadata that are only in the first of two JpegFile.headers, as a phrase; "" without any."""
    before, after = (list(_kept(segments(headers))) for headers in (old, new))
    size = len(_joined(before)) - len(_joined(after))
    gone = [_kind(*found) for found in Counter(before) - Counter(after)]
    return f"{size:,} bytes of metadata ({', '.join(dict.fromkeys(gone))})" if size > 0 else ""


def _kind(code: int, data: bytes) -> str:
    kinds = (name for known, start, name in _KINDS if code == known and data.startswith(start))
    return next(kinds, f"APP{code - APP0}")


def _joined(found: Iterable[tuple[int, bytes]]) -> bytes:
    return b"".join(segment(code, data) for code, data in found)


def _leading(headers: bytes) -> list[tuple[int, bytes]]:
    return list(takewhile(lambda found: found[0] != SOS, segments(headers)))


def _kept(found: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    return ((code, data) for code, data in found if _is_metadata(code, data))


def _is_metadata(code: int, _: bytes) -> bool:
    return APP0 <= code <= APP15 or code == COM


def stripped(headers: bytes, followed: bool) -> bytes:
    """The headers of a picture with only the metadata that metadata() keeps with `strip`.

    headers: of a picture that separate() returns. followed: as for metadata(). If EOI is missing, nothing
    after the first scan header is removed, as it may belong to another picture.
    """
    end = len(headers)
    if trailer(headers) is None:
        end = next(begin for code, begin, _ in located_segments(headers) if code == SOS)
    kept = without(headers[:end], _is_metadata) + headers[end:]
    return START + metadata(headers, True, followed) + kept[len(START) :]


def unlinked(headers: bytes) -> bytes:
    """JpegFile.headers without the index of pictures after the first one, and without the mark of a gain map.

    They would lead nowhere if the bytes after the picture were omitted.
    """
    return without(headers, lambda code, data: code == APP2 and data.startswith((MPF, _GAIN_MAP)))


def table_numbers(headers: bytes) -> list[int]:
    """The number of each component's quantization table (Tq, T.81 B.2.2); none without a frame header."""
    return next((list(parameters[8::3]) for code, parameters in segments(headers) if code in FRAMES), [])


def has_fitted_chroma(headers: bytes) -> bool:
    """Whether samples of smaller chroma are those whose triangle interpolation is nearest to the picture.

    They usually are means of pixels. Files of `encode` tell by the number of chroma's quantization table.
    """
    return table_numbers(headers)[1:3] == [FITTED, FITTED]


def is_rgb(headers: bytes, identifiers: Sequence[int]) -> bool:
    """Whether decoders interpret three components as R, G and B instead of Y, Cb and Cr.

    headers: JpegFile.headers. identifiers: of the components in the frame header.

    A JFIF segment means Y, Cb and Cr. Otherwise the transform in an Adobe segment decides, and without one
    the identifiers (ITU-T T.872, 6.5.3; libjpeg).
    """
    found = _leading(headers)
    if any(code == APP0 and data.startswith(_JFIF) and len(data) >= 14 for code, data in found):
        return False
    transform = _adobe_transform(found)
    return bytes(identifiers) == b"RGB" if transform is None else transform == 0


def is_ycck(headers: bytes) -> bool:
    """Whether decoders interpret four components as Y, Cb, Cr and K instead of C, M, Y and K.

    headers: JpegFile.headers. The transform in an Adobe segment decides (libjpeg, jdapimin.c).
    """
    return _adobe_transform(_leading(headers)) not in (None, 0)


def _adobe_transform(found: Iterable[tuple[int, bytes]]) -> int | None:
    adobe = [data for code, data in found if code == APP14 and data.startswith(_ADOBE) and len(data) >= 12]
    return adobe[-1][11] if adobe else None


class Attachments(NamedTuple):
    """What other formats of picture files can carry, too. Each is empty if it is missing or damaged.

    icc: the ICC profile. exif: the TIFF file in the Exif segment. xmp: the XMP packet, in UTF-8.
    """

    icc: bytes = b""
    exif: bytes = b""
    xmp: bytes = b""


def attachments(headers: bytes) -> Attachments:
    """ICC profile, Exif and XMP of JpegFile.headers. Further XMP packets (of large ones) are left out."""
    found = _leading(headers)
    exif = [data[len(EXIF) :] for code, data in found if code == APP1 and data.startswith(EXIF)]
    xmp = [data[len(_XMP) :] for code, data in found if code == APP1 and data.startswith(_XMP)]
    return Attachments(
        _profile([data[len(_ICC) :] for code, data in found if code == APP2 and data.startswith(_ICC)]),
        next((tiff for tiff in exif[:1] if tiff.startswith(_TIFF)), b""),
        next((packet for packet in xmp[:1] if _is_utf8(packet)), b""),
    )


def _profile(parts: Sequence[bytes]) -> bytes:
    """The ICC profile of parts that begin with number and count (ICC.1, B.4), empty if any is missing."""
    whole = [part for part in parts if len(part) > 2]
    numbered = {part[0]: part[2:] for part in reversed(whole)}
    expected = range(1, max((part[1] for part in whole), default=0) + 1)
    return b"".join(numbered[n] for n in expected) if sorted(numbered) == list(expected) else b""


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _essential(metadata: Iterable[tuple[int, bytes]], followed: bool) -> Iterator[tuple[int, bytes]]:
    has_exif = False
    for code, data in metadata:
        if code == APP0 and data.startswith(_JFIF) and len(data) >= 14:
            yield code, data[:12] + bytes(2)  # no thumbnail
        elif code == APP1 and data.startswith(EXIF) and not has_exif:
            has_exif = True  # readers use the first Exif segment
            orientation = exif_orientation(data)
            if orientation != 1:
                yield code, _exif(orientation)
        elif code == APP2 and data.startswith((_ICC, MPF, _GAIN_MAP) if followed else _ICC):
            yield code, data
        elif code == APP14 and data.startswith(_ADOBE) and len(data) >= 12:
            yield code, data[:12]
        elif followed and code == APP1 and data.startswith(_XMP) and any(link in data for link in _LINKS):
            yield code, data


def exif_orientation(data: bytes) -> int:
    """The orientation (1 to 8) in an Exif APP1 segment (CIPA DC-008), 1 if it is missing or invalid.

    data: the parameters of the segment. They hold a TIFF file with the tag in its first directory.
    """
    tiff = data[len(EXIF) :]
    if not tiff.startswith(_TIFF):
        return 1

    def number(begin: int, width: int) -> int:
        return int.from_bytes(tiff[begin : begin + width], "little" if tiff[:1] == b"I" else "big")

    directory = number(4, 4)
    first = directory + 2
    # The count of entries may be wrong; the data bounds the loop.
    for entry in range(first, min(first + 12 * number(directory, 2), len(tiff) - 11), 12):
        width = _WIDTHS.get(number(entry + 2, 2))
        if number(entry, 2) == _ORIENTATION and width is not None and number(entry + 4, 4) == 1:
            orientation = number(entry + 8, width)
            return orientation if 1 <= orientation <= 8 else 1
    return 1


def _exif(orientation: int) -> bytes:
    entry = b"".join(
        [_ORIENTATION.to_bytes(2), (3).to_bytes(2), (1).to_bytes(4), orientation.to_bytes(2), bytes(2)]
    )
    return EXIF + b"MM\0*" + (8).to_bytes(4) + (1).to_bytes(2) + entry + bytes(4)
