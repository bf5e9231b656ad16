"""Containers in Pillow: `import jrecomp.pillow`, then Image.open("photo.jpg.jrc") and image.save("x.jrc").

Pillow has no entry point for plugins, so this module is to be imported once.
"""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

import jrecomp
from jrecomp import container, pipeline
from jrecomp.encoder.source import exif_of
from jrecomp.errors import JrecompError, shortage
from jrecomp.options import DEFAULT_LIMITS, Subsampling
from jrecomp.thumbnails import low_frequencies

FORMAT = "JRC"
MIME = "image/x-jrc"

_COMPRESSION = ("model", "threads", "device")
"""Options of save() for jrecomp.compress()."""

_METADATA = ("exif", "xmp", "icc_profile", "dpi", "comment")
"""Options of save() that replace metadata of the image. The others are those of jrecomp.encode()."""

_SUBSAMPLINGS: dict[object, Subsampling] = {
    **{-1: "auto", "keep": "auto", 0: "444", 1: "422", 2: "420"},
    **{"4:4:4": "444", "4:2:2": "422", "4:2:0": "420"},
}
"""What Pillow's JPEG plugin calls subsamplings; "keep" is for files that are kept as they are."""


class JrcImageFile(JpegImageFile):
    """The picture that the file in a container begins with.

    It is a JpegImageFile: size, mode, `info`, Exif data and quantization tables come from the headers of the
    JPEG file, which are read without decoding coefficients. After draft() and thumbnail(), models of planes
    decode no more than the size needs, see jrecomp.thumbnail(). Errors of jrecomp are raised as OSError.
    """

    format = FORMAT
    format_description = "JPEG recompressed by jrecomp"

    def _open(self) -> None:
        stream = cast(IO[bytes], self.fp)
        self.container = stream.read()
        try:
            headers = pipeline.first_headers(self.container, DEFAULT_LIMITS)
        except JrecompError as error:
            raise SyntaxError(str(error)) from error
        if headers is None:
            raise SyntaxError("a container of another file")
        self.fp = io.BytesIO(headers)
        super()._open()
        self.fp = stream  # which close() is to close

    def load(self) -> Any:
        """Decode what the size needs, and load the pixels."""
        if self.tile and self.container:
            decoded = self._decoded(self.decoderconfig[0] if self.decoderconfig else 1)
            if self._exclusive_fp and self.fp:
                self.fp.close()
            self.fp = io.BytesIO(decoded)
        return super().load()

    def verify(self) -> None:
        """Check that the container restores its file."""
        _raised_as(OSError, lambda: jrecomp.verify(self.container))
        super().verify()

    def _decoded(self, scale: int) -> bytes:
        def decode() -> bytes:
            reduced = low_frequencies(self.container, scale, 0, DEFAULT_LIMITS) if scale > 1 else None
            return jrecomp.decompress(self.container) if reduced is None else reduced

        result: bytes = _raised_as(OSError, decode)
        return result


def _raised_as(kind: type[Exception], function: Callable[[], Any]) -> Any:
    """The result of a function whose errors are raised as those that users of Pillow expect."""
    try:
        return function()
    except JrecompError as error:
        raise kind(str(error)) from error


def _save(image: Image.Image, stream: IO[bytes], filename: str | bytes) -> None:
    """Write a container.

    An image that was opened from a container, or from the path of a JPEG file, and still has its pixels is
    written with every byte of that file; other images are encoded. The options of Pillow's JPEG plugin are
    understood, apart from those that choose tables.
    """
    options = dict(getattr(image, "encoderinfo", {}))
    options.pop("optimize", None)  # files always have optimal Huffman tables
    kept = options.get("quality") == "keep"
    if kept:
        del options["quality"]
        options.pop("subsampling", None)
    compression = {name: options.pop(name) for name in _COMPRESSION if name in options}
    data = None if options else _source(image)
    if data is None and kept:
        raise ValueError("quality 'keep' is for images with the pixels of a JPEG file, without other options")
    if data is None:
        data = _raised_as(ValueError, lambda: _encoded(image, options))
    stream.write(_raised_as(OSError, lambda: jrecomp.compress(data, **compression)))


def _encoded(image: Image.Image, options: dict[str, Any]) -> bytes:
    """The JPEG file of an image, with the options of save() for JPEG files."""
    metadata = {name: options.pop(name) for name in _METADATA if name in options}
    if metadata:
        found: dict[str, Any] = {} if "exif" in metadata else {"exif": exif_of(image)}
        described = image.copy()
        described.info.update(found | metadata)
        image = described
    if options.get("subsampling") in _SUBSAMPLINGS:
        options["subsampling"] = _SUBSAMPLINGS[options["subsampling"]]
    return jrecomp.encode(image, **options)


def _source(image: Image.Image) -> bytes | None:
    """The JPEG file that an image was opened from; None if it cannot be read any more, or has other pixels.

    Pillow empties the file before _save() if the image replaces it.
    """
    try:
        if isinstance(image, JrcImageFile):
            data: bytes = _raised_as(OSError, lambda: jrecomp.decompress(image.container))
        elif isinstance(image, JpegImageFile) and image.filename:
            data = Path(os.fsdecode(image.filename)).read_bytes()
        else:
            return None
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as original:
            same = original.size == image.size and original.mode == image.mode
            return data if same and original.tobytes() == image.tobytes() else None
    except OSError as error:
        if shortage(error) or isinstance(image, JrcImageFile):
            raise
        return None


def _accept(prefix: bytes) -> bool:
    return container.is_container(prefix)


Image.register_open(FORMAT, JrcImageFile, _accept)
Image.register_save(FORMAT, _save)
Image.register_extension(FORMAT, ".jrc")
Image.register_mime(FORMAT, MIME)
