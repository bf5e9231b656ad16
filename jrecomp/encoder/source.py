"""Pictures to encode: their pixels and metadata, from files, Pillow images and NumPy arrays."""

import io
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from jrecomp.encoder.coefficients import Pixels
from jrecomp.encoder.file import jfif
from jrecomp.errors import InputError, LimitError, UsageError, check_memory, shortage
from jrecomp.jpeg.markers import segment
from jrecomp.options import Limits
from jrecomp.t81 import APP1, APP2, COM

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "TIFF", "WEBP", "BMP", "GIF", "PPM", "JPEG2000", "AVIF", "TGA", "PCX", "SGI", "QOI", "ICO")
"""The formats that are read, by Pillow's names. None of them runs another program."""

SUFFIXES = (".png", ".tif", ".tiff", ".webp", ".bmp", ".gif", ".ppm", ".pgm", ".pnm", ".jp2", ".avif", ".tga")
"""Endings of the files to encode in folders."""

MOST_SIDE = 65500
"""Largest width and height; decoders accept no more (JPEG_MAX_DIMENSION of libjpeg)."""

BYTES_PER_PIXEL = 48
"""Estimate of the memory that encoding takes: pixels, components, coefficients and levels."""

_LONGEST = 65533
_EXIF, _XMP, _ICC = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0"
_SPACES = {2: b"GRAY", 3: b"RGB ", 4: b"CMYK"}
_ORIENTATION, _EXIF_DIRECTORY, _GPS_DIRECTORY, _XMP_TAG = 0x0112, 0x8769, 0x8825, 700
_TIFF_TAGS = (0x010E, 0x010F, 0x0110, _ORIENTATION, 0x0131, 0x0132, 0x013B, 0x8298)
"""Description, make, model, orientation, software, date, artist and copyright in the tags of a TIFF file."""

_MODES = {
    "1": "L", "L": "L", "I;16": "I;16", "I;16L": "I;16", "I;16B": "I;16", "I;16N": "I;16", "I": "I",
    "P": "RGB", "RGB": "RGB", "RGBX": "RGB", "YCbCr": "RGB", "HSV": "RGB", "CMYK": "CMYK",
    "LA": "RGBA", "PA": "RGBA", "La": "RGBA", "RGBA": "RGBA", "RGBa": "RGBA",
}  # fmt: skip
"""The mode that an image of each mode is converted to."""


DAMAGED = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RuntimeError,
    EOFError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow's readers raise for damaged files."""


@dataclass(frozen=True)
class Picture:
    """A picture to encode.

    pixels: uint8 or uint16 [rows, columns] for gray, [rows, columns, 3] for RGB, [rows, columns, 4] for CMYK.
    metadata: marker segments. remark: what of the source is not in it, or "".
    """

    pixels: Pixels
    metadata: bytes = b""
    remark: str = ""


def of_array(array: npt.NDArray[Any], background: tuple[int, int, int] | None, limits: Limits) -> Picture:
    """The picture in an array, uint8 or uint16: gray [rows, columns], RGB or RGBA [rows, columns, 3 or 4].

    Raises UsageError for other arrays, and the errors of of_image() for the size and for transparency.
    """
    if array.dtype not in (np.uint8, np.uint16):
        raise UsageError(f"pixels must be uint8 or uint16, not {array.dtype}")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise UsageError(
            f"pixels have the shape [rows, columns] or [rows, columns, 3 or 4], not {array.shape}"
        )
    _check_size(array.shape[1], array.shape[0], limits)
    if array.ndim == 3 and array.shape[2] == 4:
        array = _flattened(array, background)
    return Picture(np.ascontiguousarray(array))


def of_file(data: bytes, background: tuple[int, int, int] | None, limits: Limits) -> Picture:
    """The picture in a file of one of FORMATS.

    Raises InputError for other files and those that Pillow cannot decode, and the errors of of_image().
    """
    try:
        with opened(data, limits) as image:
            return of_image(image, background, limits)
    except InputError:
        raise
    except DAMAGED as error:
        text = str(error) or type(error).__name__
        raise shortage(error) or InputError(f"cannot be read: {text}") from error


def of_image(image: "Image.Image", background: tuple[int, int, int] | None, limits: Limits) -> Picture:
    """The picture in a Pillow image, the first of several.

    background: the colour that transparent pixels are laid on, 0 to 255; None refuses them. limits: bounds
    on pixels and memory. Raises InputError for transparency, sizes and modes that JPEG files cannot hold,
    and LimitError.
    """
    _check_size(*image.size, limits)
    frames = getattr(image, "n_frames", 1)
    pixels = _pixels(image, background)
    metadata, dropped = _metadata(image, pixels)
    if frames > 1:
        dropped = [f"{frames - 1} further pictures", *dropped]
    return Picture(pixels, metadata, f"without {' and '.join(dropped)}" if dropped else "")


def opened(data: bytes, limits: Limits, formats: Iterable[str] = FORMATS) -> "Image.Image":
    """The image in a file of one of some formats, not decoded yet.

    Image.open() has a limit of its own, as a warning. Raises UnidentifiedImageError, and the errors of
    of_image().
    """
    from PIL import Image, UnidentifiedImageError

    Image.init()
    for name in formats:
        if name not in Image.OPEN:
            continue
        factory, accept = Image.OPEN[name]
        if accept is not None and not accept(data[:16]):
            continue
        try:
            image: Image.Image = factory(io.BytesIO(data), "")
        except (SyntaxError, IndexError, TypeError, struct.error):
            continue
        _check_size(*image.size, limits)
        return image
    raise UnidentifiedImageError("not a picture of a known format")


def _check_size(width: int, height: int, limits: Limits) -> None:
    if not (0 < width <= MOST_SIDE and 0 < height <= MOST_SIDE):
        raise InputError(f"{width} x {height} pixels do not fit a JPEG file (1 to {MOST_SIDE} each)")
    if width * height > limits.max_pixels:
        raise LimitError(f"has more than {limits.max_pixels:,} pixels ({{}})", "max_pixels")
    check_memory(BYTES_PER_PIXEL * width * height, limits.max_memory)


def _pixels(image: "Image.Image", background: tuple[int, int, int] | None) -> Pixels:
    if image.mode == "La":  # which Pillow converts to LA only
        image = image.convert("LA")
    if image.mode not in _MODES:
        raise InputError(f"pixels of the mode {image.mode} are not supported (convert them to RGB)")
    if image.mode == "I;16B" or image.mode == "I;16N" or image.mode == "I":
        values = np.asarray(image)
        if values.size and (values.min() < 0 or values.max() > 65535):
            raise InputError("pixels of 32 bits are not supported (convert them to 16 or 8)")
        return np.ascontiguousarray(values, np.uint16)
    if "transparency" in image.info or _MODES[image.mode] == "RGBA":
        gray = image.mode in ("1", "L", "LA", "La")
        pixels = _flattened(np.asarray(image.convert("RGBA")), background)
        return np.ascontiguousarray(pixels[..., 0]) if gray and _is_gray(background) else pixels
    return np.ascontiguousarray(np.asarray(image.convert(_MODES[image.mode])))


def _is_gray(background: tuple[int, int, int] | None) -> bool:
    return background is None or len(set(background)) == 1


def _flattened(rgba: Pixels, background: tuple[int, int, int] | None) -> Pixels:
    """RGB of pixels with transparency."""
    most = int(np.iinfo(rgba.dtype).max)
    colours, alpha = rgba[..., :3], rgba[..., 3:]
    if (alpha == most).all():
        return np.ascontiguousarray(colours)
    if background is None:
        raise InputError("has transparent pixels, which JPEG files cannot hold ({} lays them on a colour)",
                         "background")  # fmt: skip
    behind = np.array(background, np.float32) * np.float32(most / 255)
    share = alpha.astype(np.float32) / most
    return np.rint(colours * share + behind * (1 - share)).astype(rgba.dtype)


def _metadata(image: "Image.Image", pixels: Pixels) -> tuple[bytes, list[str]]:
    """The marker segments of an image's metadata, and the kinds of metadata that do not fit."""
    exif, xmp = exif_of(image), _xmp(image)
    profile = image.info.get("icc_profile") or b""
    channels = pixels.shape[2] if pixels.ndim == 3 else 2
    dropped, segments = [], b"" if channels == 4 else _density(image)
    for name, start, data in (("Exif data", _EXIF, exif), ("XMP data", _XMP, xmp)):
        if len(start + data) > _LONGEST:
            dropped.append(f"{len(data):,} bytes of {name}")
        elif data:
            segments += segment(APP1, start + data)
    comment = image.info.get("comment") or b""
    if isinstance(comment, str):
        comment = comment.encode()
    if len(comment) > _LONGEST:
        dropped.append(f"{len(comment):,} bytes of comment")
    elif comment:
        segments += segment(COM, comment)
    if profile and profile[16:20] == _SPACES[channels] and len(profile) <= 255 * (_LONGEST - 14):
        pieces = [profile[i : i + _LONGEST - 14] for i in range(0, len(profile), _LONGEST - 14)]
        for number, piece in enumerate(pieces, 1):
            segments += segment(APP2, _ICC + bytes([number, len(pieces)]) + piece)
    elif profile:
        dropped.append("a colour profile of other components")
    return segments, dropped


def _density(image: "Image.Image") -> bytes:
    """A JFIF segment with the density of the pixels, b"" if it is not known."""
    per_inch = image.info.get("dpi")
    unit, pair = (1, per_inch) if per_inch else (0, image.info.get("aspect"))
    if not isinstance(pair, tuple) or len(pair) != 2:
        return b""
    across, down = (float(value) for value in pair)
    if not (0.5 <= across < 65535 and 0.5 <= down < 65535):
        return b""
    return jfif(unit, round(across), round(down))


def exif_of(image: "Image.Image") -> bytes:
    """The Exif data as a TIFF file, without the name that precedes it in JPEG files."""
    found = image.info.get("exif")
    if found is not None and not isinstance(found, bytes):  # Image.Exif
        found = found.tobytes()
    if found:
        return bytes(found).removeprefix(_EXIF)
    if image.format != "TIFF":
        return b""
    from PIL import Image as Pillow

    tags, kept = image.getexif(), Pillow.Exif()
    for tag in _TIFF_TAGS:
        if tag in tags and (tag != _ORIENTATION or tags[tag] != 1):
            kept[tag] = tags[tag]
    for directory in (_EXIF_DIRECTORY, _GPS_DIRECTORY):
        if inner := tags.get_ifd(directory):
            kept.get_ifd(directory).update(inner)
    return kept.tobytes().removeprefix(_EXIF) if len(kept) else b""


def _xmp(image: "Image.Image") -> bytes:
    found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    if image.format == "TIFF" and not found:
        found = getattr(image, "tag_v2", {}).get(_XMP_TAG, b"")
    if isinstance(found, tuple):
        found = bytes(found)
    return found.encode() if isinstance(found, str) else bytes(found)
