"""Small versions of pictures. Only low frequencies are decoded where a model codes them first."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from numbers import Integral

from PIL import Image, ImageOps

from jrecomp import container, jpeg, pipeline
from jrecomp.codec import HIGHEST, Resources
from jrecomp.encoder.coefficients import as_decoded
from jrecomp.encoder.source import DAMAGED, of_image, opened
from jrecomp.encoder.source import FORMATS as PICTURE_FORMATS
from jrecomp.errors import InputError, JrecompError, UsageError, shortage, unsupported_as
from jrecomp.info import ThumbnailInfo
from jrecomp.jpeg.markers import START
from jrecomp.jpeg.types import JpegFile
from jrecomp.options import DEFAULT_LIMITS, Buffer, Limits, as_bytes, check_type

SIZE = 256
"""The default width and height that thumbnails fit into, in pixels."""

LARGEST = 65500
"""The largest width and height, which is that of JPEG files of libjpeg."""

_REFUSED = "cannot be shown"

HIGHEST_OF_SCALES = {8: 0, 4: 4, 2: 24, 1: HIGHEST}
"""For each divisor of width and height the highest zig-zag index of a coefficient of luma that counts.

A picture of 1/8 of the size has the means of blocks, others have the lowest 2 x 2 or 4 x 4 frequencies.
"""

FORMATS: Mapping[str, Mapping[str, object]] = {
    "jpeg": {"quality": 85, "optimize": True},
    "webp": {"quality": 80, "method": 4},
    "png": {"optimize": True},
}
"""The formats of thumbnails with options of Pillow."""

SUFFIXES = {"jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"), "webp": (".webp",), "png": (".png",)}
"""Endings of file names by format, the usual one first."""


def thumbnail(
    data: Buffer, size: int = SIZE, *, threads: int = 0, limits: Limits = DEFAULT_LIMITS
) -> Image.Image:
    """A small version of a picture, upright.

    Models of planes decode no more than the size needs. Up to 1/8 of the size these are the means of blocks,
    which are exact. Up to 1/2 of the size, chroma comes from the means of its blocks.

    data: a JPEG file or a container; also another picture file that Pillow opens.
    size: the width and height that the result fits into, in pixels. Pictures are never enlarged.
    threads, limits: as for pipeline.compress().

    Returns an image of mode L or RGB; its `info` has the ICC profile. Raises InputError if there is no
    picture that Pillow opens, LimitError, UsageError, and for containers the errors of pipeline.decompress().
    """
    data = as_bytes(data)
    check_type("size", size, Integral)
    check_type("limits", limits, Limits)
    if not 1 <= size <= LARGEST:
        raise UsageError(f"size must be from 1 to {LARGEST}, not {size}")
    Resources(threads)
    if container.is_container(data):
        data = reduced_file(data, size, threads, limits)
    try:
        return _scaled(data, size, limits)
    except InputError:
        if not data.startswith(START):
            raise
    with unsupported_as(InputError, _REFUSED):
        damaged = jpeg.read(data, limits)
    return _scaled(_written(damaged, limits), size, limits)


def _scaled(data: bytes, size: int, limits: Limits) -> Image.Image:
    """The thumbnail of a picture file by Pillow."""
    with _pillow_errors(), opened(data, limits, ("JPEG", *PICTURE_FORMATS)) as image:
        scale, wanted = divisor(image.size, size), fitted(image.size, size)
        reduced = image.draft(None, (max(1, image.width // scale), max(1, image.height // scale)))
        # the last row and column of a reduced picture may lie partly outside of the picture
        fitting = image.resize(wanted, Image.Resampling.LANCZOS, reduced[1]) if reduced else image
        upright = _displayed(ImageOps.exif_transpose(fitting), limits)
        upright.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=None)
    return upright


def _displayed(image: Image.Image, limits: Limits) -> Image.Image:
    """An image of the mode L or RGB, with transparent pixels on white."""
    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return image
    if image.mode == "CMYK":
        return image.convert("RGB")
    pixels = as_decoded(of_image(image, (255, 255, 255), limits).pixels)
    displayed = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    displayed.info = image.info
    return displayed


def thumbnail_file(
    data: bytes, form: str, size: int, threads: int = 0, limits: Limits = DEFAULT_LIMITS
) -> tuple[bytes, ThumbnailInfo]:
    """The thumbnail of a picture as a file. form: a key of FORMATS; other parameters as for thumbnail()."""
    image = thumbnail(data, size, threads=threads, limits=limits)
    buffer = io.BytesIO()
    image.save(buffer, form, icc_profile=image.info.get("icc_profile"), **FORMATS[form])
    written = buffer.getvalue()
    return written, ThumbnailInfo(len(data), len(written), *image.size, form)


def reduced_file(data: bytes, size: int, threads: int, limits: Limits) -> bytes:
    """The file in a container, as a JPEG file without the frequencies that a thumbnail does not need."""
    picture = pipeline.inspect(data, limits=limits).jpeg
    scale = 1 if picture is None else divisor((picture.width, picture.height), size)
    file = low_frequencies(data, scale, threads, limits)
    return pipeline.decompress(data, threads=threads, limits=limits) if file is None else file


def low_frequencies(data: bytes, scale: int, threads: int, limits: Limits) -> bytes | None:
    """The picture in a container as a JPEG file with what counts at a scale, a key of HIGHEST_OF_SCALES.

    threads, limits, and errors: those of pipeline.first_picture(). Returns None for stored files, and for
    files that begin with something else.
    """
    file = pipeline.first_picture(data, threads, limits, HIGHEST_OF_SCALES[scale])
    return None if file is None else _written(file, limits)


def fitted(size: tuple[int, int], largest: int) -> tuple[int, int]:
    """Width and height that fit into a square, with the ratio of a picture."""
    factor = min(1.0, largest / max(size))
    width, height = (max(1, round(side * factor)) for side in size)
    return width, height


def divisor(size: tuple[int, int], largest: int) -> int:
    """The largest scale, a key of HIGHEST_OF_SCALES, at which a picture is not smaller than its thumbnail."""
    wanted = fitted(size, largest)
    fits = (s for s in HIGHEST_OF_SCALES if all(ceil(a / s) >= b for a, b in zip(size, wanted, strict=True)))
    return next(fits)


def _written(file: JpegFile, limits: Limits) -> bytes:
    """A sequential JPEG file with the metadata that the display needs."""
    steps = [component.steps for component in file.frame.components]
    with unsupported_as(InputError, _REFUSED):
        rebuilt = jpeg.rebuild(
            file, steps, file.coefficients, huffman="typical", strip=True, strip_trailer=True, limits=limits
        )
    return jpeg.write(rebuilt, limits)


@contextmanager
def _pillow_errors() -> Iterator[None]:
    """Raises InputError where Pillow cannot open or decode a picture."""
    try:
        yield
    except JrecompError:
        raise
    except DAMAGED as error:
        raise shortage(error) or InputError(f"{_REFUSED}: {error}") from error
