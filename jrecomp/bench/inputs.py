"""The files of benchmarks: JPEG files as they are, and pictures that are encoded at given settings."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from jrecomp.errors import UsageError
from jrecomp.jobs import JPEG_SUFFIXES

PICTURE_SUFFIXES = (".png", ".webp", ".ppm", ".tif", ".tiff")
SAMPLINGS = {"444": 0, "422": 1, "420": 2}
"""Pillow's number of each chroma subsampling."""


@dataclass(frozen=True)
class Encoding:
    """The settings of an encoded picture; sampling: a key of SAMPLINGS, quality: 1 to 100."""

    sampling: str
    quality: int


@dataclass(frozen=True)
class Sample:
    """A JPEG file of a benchmark; setting: how the picture at `path` is encoded, None for a JPEG file."""

    path: Path
    setting: Encoding | None = None

    def read(self) -> bytes:
        """The bytes of the JPEG file. Pictures are encoded by Pillow with its default options."""
        if self.setting is None:
            return self.path.read_bytes()
        out = io.BytesIO()
        subsampling = SAMPLINGS[self.setting.sampling]
        with Image.open(self.path) as image:
            image.convert("RGB").save(out, "JPEG", quality=self.setting.quality, subsampling=subsampling)
        return out.getvalue()

    def sub_pixels(self) -> int:
        """Width times height times 3 of a picture; 0 for a JPEG file, which is not decoded."""
        if self.setting is None:
            return 0
        with Image.open(self.path) as image:
            return image.width * image.height * 3


def find(sources: Iterable[Path]) -> list[Path]:
    """Find JPEG files and pictures.

    sources: files and folders. Returns the paths without duplicates; those in folders are sorted.
    Raises UsageError if a source is another kind of file.
    """
    return list(dict.fromkeys(path for source in sources for path in _expand(source)))


def samples(paths: list[Path], qualities: Iterable[int], samplings: Iterable[str]) -> Iterator[Sample]:
    """The samples for files: all JPEG files, then all pictures at the first setting, the second, and so on.

    qualities, samplings: of the settings; a setting combines one of each.
    """
    settings = [Encoding(sampling, quality) for sampling in samplings for quality in qualities]
    pictures = [path for path in paths if path.suffix.lower() in PICTURE_SUFFIXES]
    yield from (Sample(path) for path in paths if path.suffix.lower() in JPEG_SUFFIXES)
    yield from (Sample(path, setting) for setting in settings for path in pictures)


def _expand(source: Path) -> list[Path]:
    if source.is_dir():
        return [path for path in sorted(source.iterdir()) if path.is_file() and _is_known(path)]
    if not _is_known(source):
        raise UsageError(f"{source} is neither a JPEG file nor a picture (PNG, WebP, PPM or TIFF)")
    return [source]


def _is_known(path: Path) -> bool:
    return path.suffix.lower() in (*JPEG_SUFFIXES, *PICTURE_SUFFIXES)
