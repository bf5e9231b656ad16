"""The pictures of a training, in one file that can travel to another machine.

The file is a ZIP archive of lossless WebP pictures in the folders train/ and valid/, and of tables.npy: the
distinct pairs of quantization tables of real files.
"""

import io
import random
import zipfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from jrecomp.train.drawings import draw
from jrecomp.train.recipes import CLEAN_HELD_OUT, DRAWINGS_HELD_OUT, held_out

SIDES = {"clean": 352, "jpeg": 224, "drawing": 256}
"""Sides of the squares that are cut from training pictures, in pixels."""

PER_SOURCE = {"metadata_extractor": 224}
"""Most pictures of train/jpeg that are taken from a source, where it is not 11."""

DRAWINGS = 60
VALIDATION_SIDE = 320
LARGEST = 2048
"""Larger sources are first reduced to this width and height, in pixels."""

Pixels = NDArray[np.uint8]
"""RGB samples [rows, columns, 3]."""


@dataclass(frozen=True)
class PictureSet:
    """Pictures for training, whose sides are multiples of 32, and for validation; tables [n, 2, 64] of real
    files in raster order, of luma and chroma."""

    train: list[Pixels]
    valid: list[Pixels]
    tables: NDArray[np.float32]


def prepare(data: Path, path: Path, seed: int = 0) -> None:
    """Write the file of pictures from a data folder with train/clean and train/jpeg."""
    with zipfile.ZipFile(path, "w") as archive, ThreadPoolExecutor(2) as pool:
        jobs = list(_jobs(data, random.Random(seed)))
        for name, encoded in pool.map(_encode, *zip(*jobs, strict=True)):
            if encoded:
                archive.writestr(name, encoded)
        buffer = io.BytesIO()
        np.save(buffer, _tables(data))
        archive.writestr("tables.npy", buffer.getvalue())


def _jobs(data: Path, rng: random.Random) -> Iterator[tuple[str, Path | int, int, int]]:
    """Name in the archive, source (path, or seed of a drawing), side, and seed of the place."""
    clean = sorted((data / "train" / "clean").iterdir())
    for i, path in enumerate(clean):
        valid = i % CLEAN_HELD_OUT == 0
        side = VALIDATION_SIDE if valid else SIDES["clean"]
        yield f"{'valid' if valid else 'train'}/clean{i}.webp", path, side, rng.getrandbits(32)
    real = sorted((data / "train" / "jpeg").iterdir())
    rng.shuffle(real)
    taken: Counter[str] = Counter()
    for i, path in enumerate(real):
        source = path.name.split("__")[0]
        taken[source] += 1
        if not held_out(path) and taken[source] <= PER_SOURCE.get(source, 11):
            yield f"train/jpeg{i}.webp", path, SIDES["jpeg"], rng.getrandbits(32)
    for i in range(DRAWINGS):
        yield f"train/drawing{i}.webp", i, SIDES["drawing"], rng.getrandbits(32)
    for i in DRAWINGS_HELD_OUT[:2]:
        yield f"valid/drawing{i}.webp", i, SIDES["drawing"], 0


def _encode(name: str, source: Path | int, side: int, seed: int) -> tuple[str, bytes]:
    """The name and the WebP file of a square, empty if the source is smaller."""
    rng = random.Random(seed)
    image = _clean(source, rng)
    width, height = image.size
    side = side if min(width, height) >= side else min(width, height) // 32 * 32
    if side < 160:
        return name, b""
    left, top = rng.randint(0, width - side), rng.randint(0, height - side)
    buffer = io.BytesIO()
    square = image.crop((left, top, left + side, top + side))
    square.save(buffer, "WEBP", lossless=True, quality=30, method=3)
    return name, buffer.getvalue()


def _clean(source: Path | int, rng: random.Random) -> Image.Image:
    """A picture without artefacts of compression."""
    if isinstance(source, int):
        return draw(source)
    with Image.open(source) as opened:
        image = ImageOps.exif_transpose(opened).convert("RGB")
    if source.suffix != ".webp":  # by at least 2: this removes most of its artefacts
        scale = rng.uniform(2, 3) if min(image.size) > 3 * SIDES["jpeg"] else 2.0
        scale = max(scale, min(image.size) / LARGEST)
        size = (round(image.width / scale), round(image.height / scale))
        image = image.resize(size, Image.Resampling.LANCZOS if rng.random() < 0.5 else Image.Resampling.BOX)
    return image


def _tables(data: Path) -> NDArray[np.float32]:
    """The distinct pairs of tables of train/jpeg without held-out files."""
    pairs = set()
    for path in sorted((data / "train" / "jpeg").iterdir()):
        with Image.open(path) as image:
            tables = getattr(image, "quantization", {})
        if tables and not held_out(path):
            luma = tuple(tables[0])
            pairs.add((luma, tuple(tables.get(1, luma))))
    return np.array(sorted(pairs), np.float32)


def read(path: Path) -> PictureSet:
    """Read the file that prepare() wrote."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    tables = np.load(io.BytesIO(files.pop("tables.npy")))
    with ThreadPoolExecutor(8) as pool:
        decoded = dict(zip(files, pool.map(_decode, files.values()), strict=True))
    folder = {
        part: [p for name, p in decoded.items() if name.startswith(part)] for part in ("train", "valid")
    }
    return PictureSet(folder["train"], folder["valid"], tables)


def _decode(data: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
