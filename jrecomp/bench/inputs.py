"""What is compressed: JPEG files as they are, and pictures encoded at given settings."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from jrecomp.batch import JPEG_SUFFIXES
from jrecomp.errors import UsageError

PICTURE_SUFFIXES = (".png", ".webp", ".ppm", ".tif", ".tiff")
SAMPLINGS = {"444": 0, "422": 1, "420": 2}
"""Chroma subsampling by Pillow's number."""


@dataclass(frozen=True)
class Encoding:
    """How a picture is encoded. sampling: a key of SAMPLINGS. quality: 1 to 100."""

    sampling: str
    quality: int


@dataclass(frozen=True)
class Sample:
    """One JPEG file: as it lies there, or a picture at a setting. Bytes are made when they are asked for."""

    path: Path
    setting: Encoding | None = None

    def read(self) -> bytes:
        """The JPEG file; pictures as Pillow writes them with no other option."""
        if self.setting is None:
            return self.path.read_bytes()
        out = io.BytesIO()
        subsampling = SAMPLINGS[self.setting.sampling]
        with Image.open(self.path) as image:
            image.convert("RGB").save(out, "JPEG", quality=self.setting.quality, subsampling=subsampling)
        return out.getvalue()

    def sub_pixels(self) -> int:
        """Width x height x 3 of a picture; 0 for a JPEG file, whose pixels are not looked at."""
        if self.setting is None:
            return 0
        with Image.open(self.path) as image:
            return image.width * image.height * 3


def find(sources: Iterable[Path]) -> list[Path]:
    """JPEG files and pictures, each once: files as given, those in folders sorted.

    Raises UsageError for other files.
    """
    return list(dict.fromkeys(path for source in sources for path in _expand(source)))


def samples(paths: list[Path], qualities: Iterable[int], samplings: Iterable[str]) -> Iterator[Sample]:
    """All JPEG files, then all pictures at the first setting, at the second and so on."""
    settings = [Encoding(sampling, quality) for sampling in samplings for quality in qualities]
    pictures = [path for path in paths if path.suffix.lower() in PICTURE_SUFFIXES]
    yield from (Sample(path) for path in paths if path.suffix.lower() in JPEG_SUFFIXES)
    yield from (Sample(path, setting) for setting in settings for path in pictures)


def _expand(source: Path) -> list[Path]:
    if source.is_dir():
        return [path for path in sorted(source.iterdir()) if path.is_file() and _is_known(path)]
    if not _is_known(source):
        raise UsageError(f"{source} is neither a JPEG file nor a picture")
    return [source]


def _is_known(path: Path) -> bool:
    return path.suffix.lower() in (*JPEG_SUFFIXES, *PICTURE_SUFFIXES)
