"""Training pictures: real JPEG files as they are, and clean sources encoded anew at every quality."""

import io
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from jrecomp import jpeg
from jrecomp.errors import JrecompError
from jrecomp.jpeg.types import JpegFile

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

Tables = list[list[int]]


@dataclass(frozen=True)
class Recipe:
    """How to make one training file; `quality` None takes the file as it is."""

    path: Path
    seed: int
    quality: int | None = None


def held_out(path: Path) -> bool:
    """Whether a file of train/jpeg belongs to a source held out for validation."""
    return path.name.startswith(HELD_OUT)


def training_recipes(data: Path, variants: int, seed: int) -> list[Recipe]:
    """All training files once as they are, and `variants` re-encodings of every source, shuffled."""
    rng = random.Random(seed)
    real = [p for p in sorted((data / "train" / "jpeg").iterdir()) if not held_out(p)]
    clean = [p for i, p in enumerate(sorted((data / "train" / "clean").iterdir())) if i % CLEAN_HELD_OUT]
    recipes = [Recipe(path, rng.getrandbits(32)) for path in real]
    for path in [*real, *clean, *clean, *clean]:
        for _ in range(variants):
            recipes.append(Recipe(path, rng.getrandbits(32), rng.randint(25, 100)))
    rng.shuffle(recipes)
    return recipes


def validation_recipes(data: Path) -> list[Recipe]:
    """Held-out real files as they are, and held-out clean pictures at four qualities."""
    real = [p for p in sorted((data / "train" / "jpeg").iterdir()) if held_out(p)]
    clean = sorted((data / "train" / "clean").iterdir())[::CLEAN_HELD_OUT]
    recipes = [Recipe(path, 0) for path in real[::4]]
    return recipes + [Recipe(path, seed, q) for seed, path in enumerate(clean) for q in (50, 75, 90, 95)]


def camera_tables(recipes: list[Recipe]) -> list[Tables]:
    """Distinct quantization tables of the real files, in natural order as Pillow takes them."""
    found: dict[str, Tables] = {}
    for path in sorted({r.path for r in recipes if r.quality is None}):
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


def realise(recipe: Recipe, cameras: list[Tables]) -> Picture:
    """The JPEG file of a recipe, parsed; raises JrecompError where it cannot be modelled."""
    data = recipe.path.read_bytes() if recipe.quality is None else encode(recipe, cameras)
    file = jpeg.read(data)
    return Picture(file, len(data) - len(file.headers))


def encode(recipe: Recipe, cameras: list[Tables]) -> bytes:
    """Re-encodes a source: random downscaling (JPEG sources always, to kill old traces), crop,
    chroma sampling, and one time in four the tables of a camera."""
    rng = random.Random(recipe.seed)
    assert recipe.quality is not None
    with Image.open(recipe.path) as opened:
        image = opened.convert("RGB")
    is_jpeg = recipe.path.suffix.lower() in (".jpg", ".jpeg")
    scale = rng.uniform(1.8, 3.2) if is_jpeg else rng.choice([1.0, 1.0, rng.uniform(1.0, 2.0)])
    if scale > 1 and min(image.size) >= 64:
        image = image.resize(
            (round(image.width / scale), round(image.height / scale)), Image.Resampling.LANCZOS
        )
    left = rng.randrange(max(1, image.width - LARGEST + 1)) if image.width > LARGEST else rng.randrange(8)
    top = rng.randrange(max(1, image.height - LARGEST + 1)) if image.height > LARGEST else rng.randrange(8)
    right, bottom = min(image.width, left + LARGEST), min(image.height, top + LARGEST)
    if right - left >= 16 and bottom - top >= 16:
        image = image.crop((left, top, right, bottom))
    gray, sampling = rng.random() < 0.05, rng.choice([0, 0, 1, 2, 2])
    out = io.BytesIO()
    if cameras and rng.random() < 0.25:
        tables = rng.choice(cameras)
        image.save(out, "JPEG", qtables=tables, subsampling=sampling)
    elif gray:
        image.convert("L").save(out, "JPEG", quality=recipe.quality)
    else:
        image.save(out, "JPEG", quality=recipe.quality, subsampling=sampling)
    return out.getvalue()


def pictures(recipes: list[Recipe], cameras: list[Tables]) -> Iterator[Picture]:
    """The pictures of some recipes, less those that cannot be modelled, are empty or very large."""
    for recipe in recipes:
        try:
            picture = realise(recipe, cameras)
        except JrecompError:
            continue
        blocks = sum(c.block_rows * c.block_columns for c in picture.file.frame.components)
        if 16 <= blocks <= LARGEST_BLOCKS and any(array.any() for array in picture.file.coefficients):
            yield picture
