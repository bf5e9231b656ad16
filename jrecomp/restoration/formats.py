"""The formats of picture files that restored pictures are written to."""

import io
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from jrecomp.errors import InputError
from jrecomp.restoration.picture import Picture
from jrecomp.restoration.png import png
from jrecomp.restoration.tiff import tiff
from jrecomp.threads import Workers

_LARGEST_WEBP = 16383
"""Largest width and height of a WebP picture."""


@dataclass(frozen=True)
class Format:
    """A format of picture files.

    suffixes: endings of file names, in lower case; outputs get the first. write: makes a file. bits: of a
    channel.
    """

    suffixes: tuple[str, ...]
    write: Callable[[Picture, Workers], bytes]
    bits: tuple[int, ...] = (8, 16)


def _webp(picture: Picture, workers: Workers) -> bytes:
    """A lossless WebP file, by Pillow."""
    height, width, channels = picture.pixels.shape
    if channels == 4:
        raise InputError("a CMYK picture cannot be written as WebP (choose TIFF)")
    if max(height, width) > _LARGEST_WEBP:
        raise InputError(f"a WebP picture has at most {_LARGEST_WEBP} rows and columns (choose PNG)")
    attached = picture.attached
    named = {"exif": attached.exif, "icc_profile": attached.icc, "xmp": attached.xmp}
    pixels = picture.pixels[:, :, 0] if channels == 1 else picture.pixels
    output = io.BytesIO()
    image = Image.fromarray(pixels).convert("RGB")
    image.save(output, "WEBP", lossless=True, **{name: data for name, data in named.items() if data})
    return output.getvalue()


FORMATS = {
    "png": Format((".png",), png),
    "tiff": Format((".tif", ".tiff"), tiff),
    "webp": Format((".webp",), _webp, (8,)),
}
"""By name; the first is the default."""
