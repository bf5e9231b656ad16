"""Parsed JPEG files from recipes: sources are read, or scaled, cropped and encoded."""

import io
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from jrecomp import jpeg
from jrecomp.errors import JrecompError
from jrecomp.jpeg.types import JpegFile
from jrecomp.train.coefficients import transposed, with_dead_zone
from jrecomp.train.drawings import draw
from jrecomp.train.recipes import Recipe

LARGEST = 640
"""Largest width and height in pixels of a crop that is re-encoded."""

LARGEST_BLOCKS = 60000
"""Files with more blocks are left out to limit memory."""

VERY_LARGE = 1200
"""JPEG sources with a side of at least this many pixels are sometimes scaled down further than others."""

SAMPLINGS = {"4:4:4": 36, "4:2:0": 36, "4:2:2": 15, "4:4:0": 8, "gray": 5}
"""Chroma samplings of re-encodings, and their frequencies in percent."""

DEAD_ZONES = 0.12
"""Fraction of re-encodings that are quantized with a dead zone."""

QuantizationTables = list[list[int]]


def camera_tables(recipes: Sequence[Recipe]) -> list[QuantizationTables]:
    """Distinct quantization tables of the real files, in the order of Pillow: row by row."""
    found: dict[str, QuantizationTables] = {}
    for path in sorted({r.path for r in recipes if r.path and r.quality is None}):
        with Image.open(path) as image:
            tables = getattr(image, "quantization", {})
        if 1 <= len(tables) <= 2 and max(max(t) for t in tables.values()) <= 255:
            found[str(tables)] = [list(table) for table in tables.values()]
    return list(found.values())


@dataclass(frozen=True)
class Picture:
    """A parsed file, and the size of its entropy-coded data in bytes."""

    file: JpegFile
    scan_bytes: int


def realise(recipe: Recipe, cameras: Sequence[QuantizationTables]) -> Picture:
    """The parsed JPEG file of a recipe; raises JrecompError if it cannot be modelled."""
    if recipe.path and recipe.quality is None:
        return _parsed(recipe.path.read_bytes())
    return _encoded(recipe, cameras)


def _parsed(data: bytes) -> Picture:
    file = jpeg.read(data)
    return Picture(file, len(data) - len(file.headers))


def _encoded(recipe: Recipe, cameras: Sequence[QuantizationTables]) -> Picture:
    """A source that is scaled, cropped and encoded: in one case of four with the tables of a camera, in
    DEAD_ZONES of the cases with a dead zone."""
    rng = random.Random(recipe.seed)
    image = _decoded(recipe.path) if recipe.path else draw(recipe.seed)
    image = _cut(image, _scale(recipe.path, image, rng), rng)
    sampling = rng.choices(list(SAMPLINGS), list(SAMPLINGS.values()))[0]
    from_camera = bool(cameras) and rng.random() < 0.25
    how = {"qtables": rng.choice(cameras)} if from_camera else {"quality": recipe.quality}
    picture = _saved(image, sampling, how)
    if rng.random() >= DEAD_ZONES:
        return picture
    fine = _saved(image, sampling, {"qtables": [[1] * 64] * 2})
    file = with_dead_zone(picture.file, fine.file, rng.uniform(0.05, 0.25))
    return _with_fewer(picture, file)


def _with_fewer(picture: Picture, file: JpegFile) -> Picture:
    """A version of a picture with fewer non-zero coefficients; its size is estimated in proportion."""
    return Picture(file, round(picture.scan_bytes * _non_zero(file) / max(1, _non_zero(picture.file))))


@lru_cache(maxsize=1)
def _decoded(path: Path) -> Image.Image:
    with Image.open(path) as opened:
        return opened.convert("RGB")


def _scale(path: Path | None, image: Image.Image, rng: random.Random) -> float:
    """The factor to scale a source down by; for JPEG files above 1, to remove compression artefacts."""
    if path is None or path.suffix.lower() not in (".jpg", ".jpeg"):
        return rng.choice([1.0, 1.0, rng.uniform(1.0, 2.0)])
    very_large = max(image.size) >= VERY_LARGE
    return rng.uniform(3.2, 6.0) if very_large and rng.random() < 0.2 else rng.uniform(1.8, 3.2)


def _cut(image: Image.Image, scale: float, rng: random.Random) -> Image.Image:
    """A random crop of the image scaled down; only the crop is computed."""
    if min(image.size) < 64:
        scale = 1.0
    size = round(image.width / scale), round(image.height / scale)
    (left, right), (top, bottom) = (_span(side, rng) for side in size)
    x, y = image.width / size[0], image.height / size[1]
    box = (left * x, top * y, min(right * x, image.width), min(bottom * y, image.height))
    return image.resize((right - left, bottom - top), Image.Resampling.LANCZOS, box)


def _span(side: int, rng: random.Random) -> tuple[int, int]:
    """A random range of LARGEST pixels; of a shorter side all pixels, except up to 7 at the beginning."""
    if side > LARGEST:
        start = rng.randrange(side - LARGEST + 1)
        return start, start + LARGEST
    return rng.randrange(min(8, max(1, side - 15))), side


def _saved(image: Image.Image, sampling: str, how: dict[str, Any]) -> Picture:
    """An image as a JPEG file with one of SAMPLINGS. Pillow does not write 4:4:0, which is made from 4:2:2
    of the transposed image."""
    out = io.BytesIO()
    if sampling == "gray":
        image.convert("L").save(out, "JPEG", **how)
    elif sampling == "4:4:0":
        image.transpose(Image.Transpose.TRANSPOSE).save(out, "JPEG", subsampling="4:2:2", **how)
    else:
        image.save(out, "JPEG", subsampling=sampling, **how)
    picture = _parsed(out.getvalue())
    return Picture(transposed(picture.file), picture.scan_bytes) if sampling == "4:4:0" else picture


def _non_zero(file: JpegFile) -> int:
    return sum(int(np.count_nonzero(array)) for array in file.coefficients)


def pictures(recipes: Sequence[Recipe], cameras: Sequence[QuantizationTables]) -> Iterator[Picture]:
    """The pictures of recipes, without those that cannot be modelled, are empty or very large."""
    for recipe in recipes:
        try:
            picture = realise(recipe, cameras)
        except JrecompError:
            continue
        blocks = sum(c.block_rows * c.block_columns for c in picture.file.frame.components)
        if 16 <= blocks <= LARGEST_BLOCKS and any(array.any() for array in picture.file.coefficients):
            yield picture
