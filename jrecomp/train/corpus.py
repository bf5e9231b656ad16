"""Training pictures: real JPEG files as they are, and clean sources encoded anew at every quality."""

import io
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from jrecomp import jpeg
from jrecomp.errors import JrecompError
from jrecomp.jpeg.types import JpegFile
from jrecomp.lossy import OperatingPoint, Requantizer, load_rule
from jrecomp.options import RULES
from jrecomp.train.coefficients import transposed, with_dead_zone, with_levels
from jrecomp.train.drawings import draw

HELD_OUT = (
    "coral_test_data",
    "drone_brighton",
    "forty_jekyll",
    "kde_wallpapers",
    "mdn_learning_area",
    "nextcloud_examples",
    "odm_copr",
    "opensfm",
    "plantcv",
    "popos_wallpapers",
    "rpl_picamera",
    "sb_clean_blog",
    "uikit",
    "metadata_extractor__jpg__Canon",
    "metadata_extractor__jpg__Panasonic",
)
"""Sources (prefixes of file names) of train/jpeg that serve for validation only."""

CLEAN_HELD_OUT = 10
"""Every tenth clean picture is held out."""

LARGEST = 640
"""Pictures are cut to at most this many pixels a side before they are encoded anew."""

LARGEST_BLOCKS = 60000
"""Files with more blocks are left out, for their memory."""

VERY_LARGE = 1200
"""JPEG sources with a longer side of this many pixels are sometimes scaled down further than others."""

SAMPLINGS = {"4:4:4": 36, "4:2:0": 36, "4:2:2": 15, "4:4:0": 8, "gray": 5}
"""Chroma samplings of re-encodings and how often they are taken, in percent."""

DRAWINGS = 0.08
"""Share of re-encodings whose source is a drawing."""

DRAWINGS_HELD_OUT = range(1 << 32, (1 << 32) + 12)
"""Seeds of drawings for validation; those for training have at most 32 bits."""

QUALITIES = (50, 75, 90, 95)
"""Of validation pictures."""

REQUANTIZED = (40.0, 95.0)
"""Qualities of pictures that lossy recompression changes."""

DEAD_ZONES = 0.12
"""Share of re-encodings that are quantized with a dead zone."""

QuantizationTables = list[list[int]]


@dataclass(frozen=True)
class Recipe:
    """How to make one training file.

    path: the source; None for a drawing, which the seed makes. quality: None takes the file as it is.
    requantized: the quality of what lossy recompression makes of that, None for the file itself.
    """

    path: Path | None
    seed: int
    quality: int | None = None
    requantized: float | None = None

    @property
    def label(self) -> str:
        """The kind of picture, for results by kind."""
        if self.path is None:
            return "drawings"
        return "real files" if self.quality is None else f"quality {self.quality}"


def held_out(path: Path) -> bool:
    """Whether a file of train/jpeg belongs to a source held out for validation."""
    return path.name.startswith(HELD_OUT)


def training_recipes(data: Path, variants: int, seed: int, requantized: float = 0) -> list[Recipe]:
    """Every real file as it is, and `variants` re-encodings of it; three times as many of clean pictures.

    Drawings join them. Sources are shuffled; recipes of one source follow one another, so that it is
    decoded once. requantized: the share that lossy recompression changes.
    """
    rng = random.Random(seed)
    real = [p for p in sorted((data / "train" / "jpeg").iterdir()) if not held_out(p)]
    clean = [p for i, p in enumerate(sorted((data / "train" / "clean").iterdir())) if i % CLEAN_HELD_OUT]
    groups = [[Recipe(path, rng.getrandbits(32)), *_encodings(path, variants, rng)] for path in real]
    groups += [_encodings(path, 3 * variants, rng) for path in clean]
    encodings = variants * (len(real) + 3 * len(clean))
    groups += [_encodings(None, 1, rng) for _ in range(round(encodings * DRAWINGS / (1 - DRAWINGS)))]
    rng.shuffle(groups)
    changes = random.Random(seed)
    return [_changed(recipe, requantized, changes) for group in groups for recipe in group]


def _changed(recipe: Recipe, share: float, rng: random.Random) -> Recipe:
    return replace(recipe, requantized=rng.uniform(*REQUANTIZED)) if rng.random() < share else recipe


def _encodings(path: Path | None, count: int, rng: random.Random) -> list[Recipe]:
    return [Recipe(path, rng.getrandbits(32), _quality(rng)) for _ in range(count)]


def _quality(rng: random.Random) -> int:
    """Evenly from 25 to 100, but one time in four where most real files are."""
    return rng.randint(85, 97) if rng.random() < 0.25 else rng.randint(25, 100)


def validation_recipes(data: Path) -> list[Recipe]:
    """Held-out real files as they are, held-out clean pictures at four qualities, drawings of other seeds."""
    real = [p for p in sorted((data / "train" / "jpeg").iterdir()) if held_out(p)]
    clean = sorted((data / "train" / "clean").iterdir())[::CLEAN_HELD_OUT]
    recipes = [Recipe(path, 0) for path in real[::4]]
    recipes += [Recipe(path, seed, q) for seed, path in enumerate(clean) for q in QUALITIES]
    return recipes + [Recipe(None, seed, QUALITIES[seed % 4]) for seed in DRAWINGS_HELD_OUT]


def camera_tables(recipes: list[Recipe]) -> list[QuantizationTables]:
    """Distinct quantization tables of the real files, in natural order as Pillow takes them."""
    found: dict[str, QuantizationTables] = {}
    for path in sorted({r.path for r in recipes if r.path and r.quality is None}):
        with Image.open(path) as image:
            tables = getattr(image, "quantization", {})
        if 1 <= len(tables) <= 2 and max(max(t) for t in tables.values()) <= 255:
            found[str(tables)] = [list(table) for table in tables.values()]
    return list(found.values())


@dataclass(frozen=True)
class Picture:
    """A parsed file and the bytes that its entropy-coded data takes."""

    file: JpegFile
    scan_bytes: int


def realise(recipe: Recipe, cameras: list[QuantizationTables]) -> Picture:
    """The JPEG file of a recipe, parsed; raises JrecompError where it cannot be modelled."""
    if recipe.path and recipe.quality is None:
        picture = _parsed(recipe.path.read_bytes())
    else:
        picture = _encoded(recipe, cameras)
    if recipe.requantized is None:
        return picture
    change = Requantizer(picture.file, load_rule(RULES[0])).requantized(OperatingPoint.at(recipe.requantized))
    return _with_fewer(picture, with_levels(picture.file, change))


def _parsed(data: bytes) -> Picture:
    file = jpeg.read(data)
    return Picture(file, len(data) - len(file.headers))


def _encoded(recipe: Recipe, cameras: list[QuantizationTables]) -> Picture:
    """A source encoded anew: scaled, cut, one time in four with the tables of a camera, sometimes with a
    dead zone."""
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
    """A file made of a picture that has fewer coefficients, with about as many bytes for each."""
    return Picture(file, round(picture.scan_bytes * _non_zero(file) / max(1, _non_zero(picture.file))))


@lru_cache(maxsize=1)
def _decoded(path: Path) -> Image.Image:
    with Image.open(path) as opened:
        return opened.convert("RGB")


def _scale(path: Path | None, image: Image.Image, rng: random.Random) -> float:
    """The factor to scale a source down by: JPEG files always, to kill the traces of their compression."""
    if path is None or path.suffix.lower() not in (".jpg", ".jpeg"):
        return rng.choice([1.0, 1.0, rng.uniform(1.0, 2.0)])
    very_large = max(image.size) >= VERY_LARGE
    return rng.uniform(3.2, 6.0) if very_large and rng.random() < 0.2 else rng.uniform(1.8, 3.2)


def _cut(image: Image.Image, scale: float, rng: random.Random) -> Image.Image:
    """A random part of an image, scaled down; no more than that part is computed."""
    if min(image.size) < 64:
        scale = 1.0
    size = round(image.width / scale), round(image.height / scale)
    (left, right), (top, bottom) = (_span(side, rng) for side in size)
    x, y = image.width / size[0], image.height / size[1]
    box = (left * x, top * y, min(right * x, image.width), min(bottom * y, image.height))
    return image.resize((right - left, bottom - top), Image.Resampling.LANCZOS, box)


def _span(side: int, rng: random.Random) -> tuple[int, int]:
    """Where a cut begins and ends: LARGEST pixels anywhere, or all but up to 7 at the beginning."""
    if side > LARGEST:
        start = rng.randrange(side - LARGEST + 1)
        return start, start + LARGEST
    return rng.randrange(min(8, max(1, side - 15))), side


def _saved(image: Image.Image, sampling: str, how: dict[str, Any]) -> Picture:
    """An image as a JPEG file of one of SAMPLINGS. Pillow does not write 4:4:0, so it gets 4:2:2 of the
    transposed image."""
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


def pictures(recipes: list[Recipe], cameras: list[QuantizationTables]) -> Iterator[Picture]:
    """The pictures of some recipes, less those that cannot be modelled, are empty or very large."""
    for recipe in recipes:
        try:
            picture = realise(recipe, cameras)
        except JrecompError:
            continue
        blocks = sum(c.block_rows * c.block_columns for c in picture.file.frame.components)
        if 16 <= blocks <= LARGEST_BLOCKS and any(array.any() for array in picture.file.coefficients):
            yield picture
