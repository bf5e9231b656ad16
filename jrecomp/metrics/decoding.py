"""Pixels of JPEG files, decoded by Pillow."""

import io
from collections.abc import Callable

import numpy as np

from jrecomp.array_types import UInt8
from jrecomp.errors import UsageError

Decode = Callable[[bytes], UInt8]
"""Decodes a JPEG file to uint8 [rows, columns, channels], as pixels() does."""


def pixels(data: bytes) -> UInt8:
    """Decode a JPEG file.

    data: the file. Returns uint8 [rows, columns, channels], without applying the Exif orientation.
    Raises OSError if it cannot be decoded, and UsageError if Pillow is not installed.
    """
    try:
        from PIL import Image
        from PIL.JpegImagePlugin import JpegImageFile  # Image.open limits the number of pixels
    except ImportError as error:
        raise UsageError("comparing pictures requires Pillow (pip install pillow)") from error

    class Plain(JpegImageFile):
        def getexif(self) -> Image.Exif:
            """No data, as damaged Exif data would cause warnings."""
            return Image.Exif()

    try:
        with Plain(io.BytesIO(data)) as image:
            decoded = np.asarray(image)
    except SyntaxError as error:  # raised by Pillow for malformed headers
        raise OSError(str(error)) from error
    return decoded.reshape(*decoded.shape[:2], -1)


def to_rgb(picture: UInt8) -> UInt8:
    """A picture of 1, 3 or 4 channels as gray or RGB.

    picture: uint8 [rows, columns, channels]; four channels are CMYK as Pillow decodes it, 255 for full ink.
    """
    if picture.shape[-1] != 4:
        return picture
    light = 255 - picture.astype(np.uint16)
    return ((light[..., :3] * light[..., 3:] + 127) // 255).astype(np.uint8)
