"""Recipes of the JPEG files for training and validation.

A recipe is a real JPEG file without changes, or a source to re-encode at some quality.
"""

import random
from dataclasses import dataclass
from pathlib import Path

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
"""Sources in train/jpeg, as prefixes of file names, that are used for validation only."""

CLEAN_HELD_OUT = 10
"""Every tenth clean picture is held out."""

DRAWINGS = 0.08
"""Share of re-encodings whose source is a drawing."""

DRAWINGS_HELD_OUT = range(1 << 32, (1 << 32) + 12)
"""Seeds of drawings for validation; those for training have at most 32 bits."""

QUALITIES = (50, 75, 90, 95)
"""JPEG qualities of validation pictures."""


@dataclass(frozen=True)
class Recipe:
    """How to make a JPEG file.

    path: the source, None for a drawing. seed: of all random choices. quality: None for the source itself.
    """

    path: Path | None
    seed: int
    quality: int | None = None

    @property
    def label(self) -> str:
        """The kind of picture, by which results are grouped."""
        if self.path is None:
            return "drawings"
        return "real files" if self.quality is None else f"quality {self.quality}"


def held_out(path: Path) -> bool:
    """Whether a file of train/jpeg belongs to a source held out for validation."""
    return path.name.startswith(HELD_OUT)


def training_recipes(data: Path, variants: int, seed: int) -> list[Recipe]:
    """Every real file as it is, and `variants` re-encodings of it; three times as many of clean pictures.

    Drawings are added. Sources are shuffled; the recipes of a source are consecutive, so that it is decoded
    only once.
    """
    rng = random.Random(seed)
    real = [p for p in sorted((data / "train" / "jpeg").iterdir()) if not held_out(p)]
    clean = [p for i, p in enumerate(sorted((data / "train" / "clean").iterdir())) if i % CLEAN_HELD_OUT]
    groups = [[Recipe(path, rng.getrandbits(32)), *_encodings(path, variants, rng)] for path in real]
    groups += [_encodings(path, 3 * variants, rng) for path in clean]
    encodings = variants * (len(real) + 3 * len(clean))
    groups += [_encodings(None, 1, rng) for _ in range(round(encodings * DRAWINGS / (1 - DRAWINGS)))]
    rng.shuffle(groups)
    return [recipe for group in groups for recipe in group]


def _encodings(path: Path | None, count: int, rng: random.Random) -> list[Recipe]:
    return [Recipe(path, rng.getrandbits(32), _quality(rng)) for _ in range(count)]


def _quality(rng: random.Random) -> int:
    """Uniform from 25 to 100, but in one case of four from 85 to 97, where most real files are."""
    return rng.randint(85, 97) if rng.random() < 0.25 else rng.randint(25, 100)


def validation_recipes(data: Path) -> list[Recipe]:
    """Held-out real files as they are, held-out clean pictures at four qualities, drawings of other seeds."""
    real = [p for p in sorted((data / "train" / "jpeg").iterdir()) if held_out(p)]
    clean = sorted((data / "train" / "clean").iterdir())[::CLEAN_HELD_OUT]
    recipes = [Recipe(path, 0) for path in real[::4]]
    recipes += [Recipe(path, seed, q) for seed, path in enumerate(clean) for q in QUALITIES]
    return recipes + [Recipe(None, seed, QUALITIES[seed % 4]) for seed in DRAWINGS_HELD_OUT]
