"""Compressed pictures to learn from: the samples that a file decodes to, and those that it was made from.

The files are made by the library itself and by libjpeg (Pillow), and decoded by the library.
"""

import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import jrecomp
from jrecomp import jpeg
from jrecomp.array_types import Int16
from jrecomp.encoder.coefficients import Planes
from jrecomp.encoder.encode import Encoder, Options
from jrecomp.encoder.tables import TUNES
from jrecomp.jpeg.types import JpegFile
from jrecomp.options import DEFAULT_LIMITS
from jrecomp.restoration import expectation
from jrecomp.restoration.transform import unit_bits
from jrecomp.t81 import COLUMN, RASTER, ROW, scaled_table
from jrecomp.threads import Workers

MARGIN = 16
"""Pixels by which the compressed part of a picture is smaller: its place is random."""

SAMPLINGS = {"4:2:0": 0.5, "4:4:4": 0.2, "4:2:2": 0.12, "4:4:0": 0.06, "gray": 0.12}
"""Shares of the samplings."""

DOUBLE = 0.2
"""Share of pictures that were compressed before, with another grid."""

LIKENESS = 25, 93
"""Range of the likeness of files of `encode`."""

TO_RESTORE = 0.5
"""Share of the files of `encode` that are meant to be restored."""

ENCODERS = {"rounded": 0.45, "dead zone": 0.23, "encode": 0.2, "shrink": 0.12}
"""Shares of the ways in which levels are chosen."""

Pixels = NDArray[np.uint8]
Tables = NDArray[np.float32]
Integers = NDArray[np.int64]


class Example(NamedTuple):
    """A compressed picture.

    planes: int16 [3 kinds, 3 components, rows, columns] in units of 1/32: the restoration by
    expectation, the plain decoding, and the original; chroma of gray pictures is 0. steps: uint16 [3, 64] in
    raster order. sampling: a key of SAMPLINGS.
    """

    planes: Int16
    steps: NDArray[np.uint16]
    sampling: str


def examples(pictures: Sequence[Pixels], tables: Tables, seed: int) -> Iterator[Example]:
    """One example of each picture, made on all processors.

    pictures: RGB, with sides that are multiples of 32. tables: [n, 2, 64] of real files in raster order.
    """
    with ProcessPoolExecutor() as pool:
        seeds = [(seed, number) for number in range(len(pictures))]
        yield from pool.map(_example, pictures, [tables] * len(pictures), seeds, chunksize=8)


def _example(picture: Pixels, tables: Tables, seed: tuple[int, int]) -> Example:
    rng = np.random.default_rng(seed)
    sampling = str(rng.choice(list(SAMPLINGS), p=list(SAMPLINGS.values())))
    target = _turned(picture, rng)
    source = target
    if rng.random() < DOUBLE:
        source = _before(target, tables, rng)
    top, left = rng.integers(0, MARGIN + 1, 2)
    place = slice(top, top + len(target) - MARGIN), slice(left, left + target.shape[1] - MARGIN)
    made = "4:2:2" if sampling == "4:4:0" else sampling
    file = _compressed(np.ascontiguousarray(source[place]), made, _steps(tables, rng), rng)
    planes, steps, _ = example(file, target[place], made)
    if sampling == "4:4:0":  # libjpeg does not make it from Pillow
        planes, steps = planes.swapaxes(2, 3), steps.reshape(3, 8, 8).swapaxes(1, 2).reshape(3, 64)
    return Example(planes, steps, sampling)


def example(file: JpegFile, original: Pixels, sampling: str) -> Example:
    """The example of a file. original: uint8 RGB [rows, columns, 3] of whole MCUs."""
    with Workers(1) as workers:
        decoded = [expectation.restored(file, workers), expectation.centres(file, workers)]
    planes = np.zeros((3, 3, *original.shape[:2]), np.int16)
    for kind, components in enumerate(decoded):
        planes[kind, : len(components)] = components
    pixels = np.asarray(Image.fromarray(original).convert("L")) if sampling == "gray" else original
    with Workers(1) as workers:
        source = Planes.of(np.ascontiguousarray(pixels), workers)
    samples = np.array([source.luma, *source.chroma])
    planes[2, : len(samples)] = np.rint(samples * (1 << unit_bits(8)))
    steps = np.ones((3, 64), np.uint16)
    for number, component in enumerate(file.frame.components):
        steps[number, RASTER] = component.steps
    return Example(planes, steps, sampling)


def _turned(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Mirrored or transposed at random."""
    if rng.random() < 0.5:
        picture = picture[::-1]
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    if rng.random() < 0.5:
        picture = picture.transpose(1, 0, 2)
    return np.ascontiguousarray(picture)


def _before(picture: Pixels, tables: Tables, rng: np.random.Generator) -> Pixels:
    """A picture that was compressed before."""
    data = saved(picture, str(rng.choice(["4:2:0", "4:4:4"])), _steps(tables, rng))
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def saved(picture: Pixels, sampling: str, steps: Integers) -> bytes:
    """A JPEG file by libjpeg."""
    image, options = Image.fromarray(picture), {}
    if sampling == "gray":
        image = image.convert("L")
    else:
        options["subsampling"] = sampling
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", qtables=steps[: len(image.getbands())].tolist(), **options)
    return buffer.getvalue()


def quality_tables(quality: int) -> Integers:
    """Steps [2, 64] of Annex K scaled as libjpeg does, in raster order. quality: 1 to 100."""
    steps = np.empty((2, 64), np.int64)
    steps[:, RASTER] = [list(scaled_table(quality, chrominance)) for chrominance in (False, True)]
    return steps


def _steps(tables: Tables, rng: np.random.Generator) -> Integers:
    """Random steps [2, 64]: Annex K, real tables, and both flattened and scaled."""
    quality = rng.integers(5, 99) if rng.random() < 0.7 else rng.integers(85, 99)
    annex_k = quality_tables(int(quality))
    kind = rng.random()
    real: Tables = tables[rng.integers(len(tables))].clip(1, 255)
    if kind < 0.5:
        return annex_k
    if kind < 0.62:
        return real.astype(np.int64)
    shape = np.log2(real)
    shape -= shape[0].mean()
    power = 1.0 if rng.random() < 0.3 else rng.random()
    logs = power * shape + np.log2(annex_k[0]).mean() + np.array([[0.0], [rng.uniform(-1, 1)]])
    steps: Integers = np.rint(np.exp2(logs)).clip(1, 255).astype(np.int64)
    return steps


def _compressed(picture: Pixels, sampling: str, steps: Integers, rng: np.random.Generator) -> JpegFile:
    encoder = str(rng.choice(list(ENCODERS), p=list(ENCODERS.values())))
    if encoder == "encode" and sampling != "gray":
        data = _encoded(picture, sampling.replace(":", ""), rng)
    elif encoder == "shrink":
        fine = saved(picture, sampling, quality_tables(int(rng.integers(85, 99))))
        data = jrecomp.shrink(fine, quality=float(rng.uniform(30, 90)))
    elif encoder == "dead zone":
        return _dead_zone(picture, sampling, steps, rng)
    else:
        data = saved(picture, sampling, steps)
    return jpeg.read(data)


def _encoded(picture: Pixels, subsampling: str, rng: np.random.Generator) -> bytes:
    """A file of `encode` with a random likeness."""
    options = Options(
        TUNES[rng.integers(len(TUNES))],
        False,
        False,
        DEFAULT_LIMITS,
        restored=bool(rng.random() < TO_RESTORE),
    )
    with Workers(1) as workers:
        encoder = Encoder.of(Planes.of(picture, workers), subsampling, b"", options, workers)
        return encoder.file(float(rng.uniform(*LIKENESS)))


def _dead_zone(picture: Pixels, sampling: str, steps: Integers, rng: np.random.Generator) -> JpegFile:
    """A file with more levels of 0, and smaller levels, than by rounding."""
    file = jpeg.read(saved(picture, sampling, np.ones((2, 64), np.int64)))
    frequency = (ROW + COLUMN) / 14
    wide = 0.35 * rng.random() * (0.4 + 0.6 * frequency) * (frequency > 0)
    narrow = (rng.random() < 0.5) * 0.12 * rng.random() * (frequency > 0)
    components, levels = [], []
    for number, (component, coefficients) in enumerate(
        zip(file.frame.components, file.coefficients, strict=True)
    ):
        quantization = steps[min(number, 1), RASTER].astype(np.int32)
        size = np.abs(coefficients) / quantization
        zone = wide * rng.uniform(0.75, 1.25, size.shape[:2])[..., None]
        magnitude = np.floor(size + 0.5 - np.where(size < 1, zone, narrow))
        levels.append((np.sign(coefficients) * magnitude).astype(np.int16))
        components.append(component._replace(quantization=quantization))
    return replace(file, frame=file.frame._replace(components=tuple(components)), coefficients=levels)
