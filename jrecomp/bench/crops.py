"""A Markdown page with crops of pictures before and after `shrink`, and their differences."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

import jrecomp
from jrecomp.array_types import UInt8
from jrecomp.bench.inputs import Sample
from jrecomp.bench.lossy import Source
from jrecomp.bench.report import set_name, table
from jrecomp.metrics import psnr

DECIBELS = (38, 45)
"""The values of PSNR, in dB, that are compared."""

SIDE = 160
"""Side of a crop, in pixels."""

ENLARGED = 2
"""Factor by which crops are enlarged."""

AMPLIFIED = 8
"""Factor by which differences are amplified around grey."""

PICTURES = 3
"""Number of pictures of each set."""


def save(samples: Sequence[Sample], folder: Path) -> None:
    """Write crops.md and its images.

    samples: the first PICTURES pictures at each setting are used; JPEG files are not. folder: output folder.
    """
    (folder / "crops").mkdir(exist_ok=True)
    lines = [
        "# Crops\n",
        f"Squares of {SIDE} pixels, where the result with the lowest PSNR differs most from the source,",
        f"enlarged {ENLARGED} times. Differences are amplified {AMPLIFIED} times around grey.\n",
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
    square = worst(source.pixels, results[0].pixels)
    cells = [_saved_crop(source.pixels[square], f"{stem}-source", folder, f"{len(source.jpeg):,} bytes")]
    for least, result in zip(DECIBELS, results, strict=True):
        caption = f"{len(result.jpeg):,} bytes, {_decibels(source.pixels, result.pixels)}"
        cells.append(_saved_crop(result.pixels[square], f"{stem}-{least}", folder, caption))
        amplified = difference(source.pixels[square], result.pixels[square])
        cells.append(_saved_crop(amplified, f"{stem}-{least}-difference", folder, ""))
    return cells


def worst(a: UInt8, b: UInt8) -> tuple[slice, slice]:
    """Rows and columns of the square in which two pictures have the largest squared error.

    Squares are on a grid with a spacing of half their side.
    """
    error = (a.astype(np.int32) - b) ** 2
    rows, columns = a.shape[:2]
    squares = [
        (slice(y, y + SIDE), slice(x, x + SIDE))
        for y in range(0, max(rows - SIDE, 0) + 1, SIDE // 2)
        for x in range(0, max(columns - SIDE, 0) + 1, SIDE // 2)
    ]
    return max(squares, key=lambda square: int(error[square].sum()))


def difference(a: UInt8, b: UInt8) -> UInt8:
    """b - a, amplified around grey, as a picture."""
    amplified: UInt8 = np.clip(128 + AMPLIFIED * (b.astype(np.int32) - a), 0, 255).astype(np.uint8)
    return amplified


def _decibels(a: UInt8, b: UInt8) -> str:
    shape = (*a.shape[:2], -1)
    return f"{psnr(a.reshape(shape), b.reshape(shape)):.2f} dB"


def _saved_crop(pixels: UInt8, name: str, folder: Path, caption: str) -> str:
    """Writes an image, and returns Markdown that displays it."""
    image = Image.fromarray(pixels)
    size = (image.width * ENLARGED, image.height * ENLARGED)
    image.resize(size, Image.Resampling.NEAREST).save(folder / "crops" / f"{name}.png", optimize=True)
    return f"![](<crops/{name}.png>) {caption}"
