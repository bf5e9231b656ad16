"""What is compressed: JPEG files as they are, or pictures encoded at given qualities."""

import io
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

JPEG_SUFFIXES = (".jpg", ".jpeg")
SAMPLINGS = {"444": 0, "422": 1, "420": 2}
"""Chroma subsampling by Pillow's number."""


def encode(path: Path, quality: int, sampling: str) -> bytes:
    """A picture as Pillow writes it with no other option."""
    out = io.BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").save(out, "JPEG", quality=quality, subsampling=SAMPLINGS[sampling])
    return out.getvalue()


def sets(folder: Path, qualities: list[int], samplings: list[str]) -> Iterator[tuple[str, list[bytes]]]:
    """Named sets of JPEG files: those of a folder as they are, and its other pictures at each setting."""
    paths = [path for path in sorted(folder.iterdir()) if path.is_file()]
    files = [path.read_bytes() for path in paths if path.suffix.lower() in JPEG_SUFFIXES]
    pictures = [path for path in paths if path.suffix.lower() in (".png", ".webp", ".ppm", ".tif")]
    if files:
        yield "files", files
    for sampling in samplings if pictures else []:
        for quality in qualities:
            yield f"{sampling} q{quality}", [encode(path, quality, sampling) for path in pictures]
