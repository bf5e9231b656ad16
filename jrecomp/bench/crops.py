"""A page to look at: parts of pictures as they were and at two similarities, and what differs."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

import jrecomp
from jrecomp.array_types import UInt8
from jrecomp.bench.inputs import Sample
from jrecomp.bench.lossy import Source
from jrecomp.bench.report import set_name, table
from jrecomp.lossy import psnr

DECIBELS = (38, 45)
SIDE = 160
"""Of a crop, in pixels."""

ENLARGED = 2
AMPLIFIED = 8
"""How many times larger differences are shown, around grey."""

PICTURES = 3
"""Of each set."""


def save(samples: Sequence[Sample], folder: Path) -> None:
    """Writes crops.md and the crops that it shows, as `shrink` has them.

    samples: of which the first pictures at each setting are taken, and no JPEG files.
    """
    (folder / "crops").mkdir(exist_ok=True)
    lines = [
        "# Crops\n",
        f"{SIDE} pixels of each side where the result of the least PSNR differs most, {ENLARGED} times",
        f"enlarged; differences are {AMPLIFIED} times larger than they are, around grey.\n",
    ]
    for setting in dict.fromkeys(sample.setting for sample in samples if sample.setting):
        chosen = [sample for sample in samples if sample.setting == setting][:PICTURES]
        lines += [f"## {set_name(setting)}\n", _table(chosen, folder)]
    (folder / "crops.md").write_text("\n".join(lines), "utf-8", "backslashreplace")


def _table(samples: Sequence[Sample], folder: Path) -> str:
    header = ["source", *(text for dB in DECIBELS for text in (f"at least {dB} dB", "difference"))]
    return table(header, [_row(sample, folder) for sample in samples])


def _row(sample: Sample, folder: Path) -> list[str]:
    source = Source(sample.read())
    stem = "-".join([sample.path.stem, *set_name(sample.setting).replace(":", "").split()])
    results = [Source(jrecomp.shrink(source.jpeg, min_psnr=least)) for least in DECIBELS]
    place = worst(source.pixels, results[0].pixels)
    cells = [_shown(source.pixels[place], f"{stem}-source", folder, f"{len(source.jpeg):,} bytes")]
    for least, result in zip(DECIBELS, results, strict=True):
        told = f"{len(result.jpeg):,} bytes, {_decibels(source.pixels, result.pixels)}"
        cells.append(_shown(result.pixels[place], f"{stem}-{least}", folder, told))
        apart = difference(source.pixels[place], result.pixels[place])
        cells.append(_shown(apart, f"{stem}-{least}-difference", folder, ""))
    return cells


def worst(a: UInt8, b: UInt8) -> tuple[slice, slice]:
    """Rows and columns of the square, on a grid of half its side, where pictures differ most."""
    error = (a.astype(np.int32) - b) ** 2
    rows, columns = a.shape[:2]
    places = [
        (slice(y, y + SIDE), slice(x, x + SIDE))
        for y in range(0, max(rows - SIDE, 0) + 1, SIDE // 2)
        for x in range(0, max(columns - SIDE, 0) + 1, SIDE // 2)
    ]
    return max(places, key=lambda place: int(error[place].sum()))


def difference(a: UInt8, b: UInt8) -> UInt8:
    """b - a, amplified around grey."""
    apart: UInt8 = np.clip(128 + AMPLIFIED * (b.astype(np.int32) - a), 0, 255).astype(np.uint8)
    return apart


def _decibels(a: UInt8, b: UInt8) -> str:
    shape = (*a.shape[:2], -1)
    return f"{psnr(a.reshape(shape), b.reshape(shape)):.2f} dB"


def _shown(pixels: UInt8, name: str, folder: Path, told: str) -> str:
    """Writes a crop, and returns what shows it."""
    image = Image.fromarray(pixels)
    size = (image.width * ENLARGED, image.height * ENLARGED)
    image.resize(size, Image.Resampling.NEAREST).save(folder / "crops" / f"{name}.png", optimize=True)
    return f"![](<crops/{name}.png>) {told}"
