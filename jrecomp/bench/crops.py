"""Markdown pages with crops of pictures: before and after `shrink`, by encoders at equal size, restored."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

import jrecomp
from jrecomp.array_types import UInt8
from jrecomp.bench import encoders, restore
from jrecomp.bench.inputs import PICTURE_SUFFIXES, Encoding, Sample
from jrecomp.bench.lossy import LossyCodec, Source
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


CROP_QUALITY = 40
"""Quality of the first encoder, whose size the others do not exceed."""

RESTORED_QUALITIES = (20, 75)
"""Qualities of restored files."""

Square = tuple[slice, slice]

_SQUARES = (
    f"Squares of {SIDE} pixels, enlarged {ENLARGED} times: where the first result differs most from the\n"
    "source, where the source has the least detail, and where it is darkest.\n"
)
_ENCODE_HEAD = f"JPEG files of equal size. {_SQUARES}"


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
    _write(lines, folder)


def _table(samples: Sequence[Sample], folder: Path) -> str:
    header = ["source", *(text for dB in DECIBELS for text in (f"at least {dB} dB", "difference"))]
    return table(header, [_row(sample, folder) for sample in samples])


def _row(sample: Sample, folder: Path) -> list[str]:
    source = Source(sample.read())
    stem = "-".join([sample.path.stem, *set_name(sample.setting).replace(":", "").split()])
    results = [Source(jrecomp.shrink(source.data, min_psnr=least)) for least in DECIBELS]
    square = worst(source.pixels, results[0].pixels)
    cells = [_saved_crop(source.pixels[square], f"{stem}-source", folder, f"{len(source.data):,} bytes")]
    for least, result in zip(DECIBELS, results, strict=True):
        caption = f"{len(result.data):,} bytes, {_decibels(source.pixels, result.pixels)}"
        cells.append(_saved_crop(result.pixels[square], f"{stem}-{least}", folder, caption))
        amplified = difference(source.pixels[square], result.pixels[square])
        cells.append(_saved_crop(amplified, f"{stem}-{least}-difference", folder, ""))
    return cells


def worst(a: UInt8, b: UInt8) -> Square:
    """Rows and columns of the square in which two pictures have the largest squared error.

    Squares are on a grid with a spacing of half their side.
    """
    error = (a.astype(np.int32) - b) ** 2
    return max(_squares(a), key=lambda square: int(error[square].sum()))


def _squares(picture: UInt8) -> list[Square]:
    rows, columns = picture.shape[:2]
    return [
        (slice(y, y + SIDE), slice(x, x + SIDE))
        for y in range(0, max(rows - SIDE, 0) + 1, SIDE // 2)
        for x in range(0, max(columns - SIDE, 0) + 1, SIDE // 2)
    ]


def _interesting(original: UInt8, picture: UInt8) -> dict[str, Square]:
    """The squares with the largest error, the least detail, and the least light, by what they show."""
    gray = original.astype(np.float32).mean(2)
    return {
        "error": worst(original, picture),
        "smooth": min(_squares(gray), key=lambda square: float(gray[square].std())),
        "dark": min(_squares(gray), key=lambda square: float(gray[square].mean())),
    }


def save_encode(coders: Sequence[LossyCodec], own: encoders.Own, paths: Sequence[Path], folder: Path) -> None:
    """Write crops.md with crops of pictures by encoders of JPEG files, at equal size.

    coders: the other encoders; the size is that of the first at CROP_QUALITY, and the others' files are the
    largest that are not larger. own: jrecomp's. paths: the first PICTURES pictures are used.
    """
    (folder / "crops").mkdir(exist_ok=True)
    lines = ["# Crops of encoders\n", _ENCODE_HEAD]
    for path in paths[:PICTURES]:
        source = encoders.picture_source(path)
        limit = len(coders[0].encode(source, CROP_QUALITY))
        files = {coder.name: _at_most(coder, source, limit) for coder in coders}
        files[own.name] = own.encode(source, 0, max_bytes=limit)
        pictures = {name: restore.decoded(jpeg) for name, jpeg in files.items()}
        captions = {name: f"{len(jpeg):,} bytes" for name, jpeg in files.items()}
        lines += [f"## {path.stem}\n", _grid(path.stem, source.pixels, pictures, captions, folder)]
    _write(lines, folder)


def save_restore(restorers: Sequence[restore.Restorer], paths: Sequence[Path], folder: Path) -> None:
    """Write crops.md with crops of pictures, of JPEG files of them decoded by Pillow, and restored."""
    (folder / "crops").mkdir(exist_ok=True)
    lines = ["# Crops of restored pictures\n", _SQUARES]
    for path in [path for path in paths if path.suffix in PICTURE_SUFFIXES][:PICTURES]:
        source = encoders.picture_source(path)
        for quality in RESTORED_QUALITIES:
            jpeg = Sample(path, Encoding("420", quality)).read()
            pictures = {"Pillow": restore.decoded(jpeg)}
            pictures |= {restorer.name: restorer.decode(jpeg) for restorer in restorers}
            captions = {name: _decibels(source.pixels, pixels) for name, pixels in pictures.items()}
            stem = f"{path.stem}-q{quality}"
            lines += [f"## {stem}\n", _grid(stem, source.pixels, pictures, captions, folder)]
    _write(lines, folder)


def _at_most(coder: LossyCodec, source: Source, limit: int) -> bytes:
    """The file of the highest quality that is not larger than a limit; that of the lowest if all are."""
    low, high = int(min(coder.settings)), int(max(coder.settings))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(coder.encode(source, middle)) <= limit else (low, middle - 1)
    return coder.encode(source, low)


def _grid(
    stem: str, original: UInt8, pictures: Mapping[str, UInt8], captions: Mapping[str, str], folder: Path
) -> str:
    """A table with a row for each square and a column for each picture; also one image of all."""
    rows, strips = [], []
    for kind, square in _interesting(original, next(iter(pictures.values()))).items():
        crops = {"source": original[square]} | {name: pixels[square] for name, pixels in pictures.items()}
        strips.append(np.concatenate(list(crops.values()), 1))
        cells = [
            _saved_crop(pixels, f"{stem}-{kind}-{number}", folder, captions.get(name, ""))
            for number, (name, pixels) in enumerate(crops.items())
        ]
        rows.append([kind, *cells])
    _saved_crop(np.concatenate(strips), f"{stem}-all", folder, "")
    return table(["square", "source", *pictures], rows)


def _write(lines: Sequence[str], folder: Path) -> None:
    (folder / "crops.md").write_text("\n".join(lines), "utf-8", "backslashreplace")


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
