"""Training samples of models of blocks: blocks drawn from all files, with all that their coding sees."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, fields
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Bool, Index, Int16, Int32, UInt8, UInt16
from jrecomp.codec.blocks import NEIGHBOURS
from jrecomp.jpeg.types import JpegFile
from jrecomp.model.arrays import CLASSES, component_class
from jrecomp.model.blocks import BANDS, ENERGIES, VALUES
from jrecomp.train import corpus
from jrecomp.train.blocks import features
from jrecomp.train.planes import samples

SHARE = (1500, 2500, 2500)
"""Per component class: a block is kept with probability SHARE / bytes of its file, so that each file counts
the same."""

NONE = ENERGIES
"""In place of the `last` of a neighbour, or of a level, that does not exist."""


@dataclass
class Blocks:
    """n blocks of one component class.

    coefficients: int16 [n, 64]. steps: uint16 [n, 64]. values: int16 [n, VALUES]. base: int16 [n].
    near: uint8 [n, 4, 63], features.near_class of the neighbours' AC coefficients. near_last: uint8 [n, 4].
    energy: uint8 [n, 5]. across: int16 [n, 63], the dequantized AC coefficients of the component before;
    across_near: uint8 [n, 63], their features.own_class. These two are [n, 0] in the classes that see none.
    """

    coefficients: Int16
    steps: UInt16
    values: Int16
    base: Int16
    near: UInt8
    near_last: UInt8
    energy: UInt8
    across: Int16
    across_near: UInt8

    def __len__(self) -> int:
        return len(self.base)

    @property
    def last(self) -> UInt8:
        """`last` [n]."""
        return features.last_of(self.coefficients)


def shapes(number: int) -> dict[str, tuple[type[np.generic], tuple[int, ...]]]:
    """The type and the shape of a block's part of each field of Blocks, in a component class."""
    before = 63 if number == CLASSES - 1 else 0
    return {
        "coefficients": (np.int16, (64,)),
        "steps": (np.uint16, (64,)),
        "values": (np.int16, (VALUES,)),
        "base": (np.int16, ()),
        "near": (np.uint8, (len(NEIGHBOURS), 63)),
        "near_last": (np.uint8, (len(NEIGHBOURS),)),
        "energy": (np.uint8, (len(BANDS),)),
        "across": (np.int16, (before,)),
        "across_near": (np.uint8, (before,)),
    }


def of_picture(picture: corpus.Picture, rng: np.random.Generator) -> Iterator[tuple[int, Blocks]]:
    """(class, blocks) of each component of which some were drawn."""
    for number, component in enumerate(picture.file.frame.components):
        share = SHARE[component_class(number)] / max(picture.scan_bytes, 1)
        chosen = np.flatnonzero(rng.random(component.block_rows * component.block_columns) < share)
        if len(chosen) and picture.file.coefficients[number].any():
            yield component_class(number), of_component(picture.file, number, chosen)


def of_component(file: JpegFile, number: int, chosen: Index) -> Blocks:
    """The blocks of a component at some places in raster order."""
    component, array = file.frame.components[number], file.coefficients[number]
    steps = _steps(file, number)
    rows, columns = np.divmod(chosen, component.block_columns)
    near, exists = _neighbours(array, rows, columns)
    values, base = features.values(features.dequantized(near, steps), exists)
    across, across_near = _before(file, number, rows, columns)
    return Blocks(
        coefficients=array[rows, columns],
        steps=np.broadcast_to(steps.astype(np.uint16), (len(rows), 64)),
        values=values,
        base=base,
        near=features.near_class(near[..., 1:]),
        near_last=np.where(exists, features.last_of(near), NONE).astype(np.uint8),
        energy=_energy(file, number, rows, columns),
        across=across,
        across_near=across_near,
    )


def _steps(file: JpegFile, number: int) -> Int32:
    return file.frame.components[number].steps


def _neighbours(array: Int16, rows: Index, columns: Index) -> tuple[Int16, Bool]:
    """Coefficients [n, 4, 64], zero where there is no neighbour, and whether there is one [n, 4]."""
    places = [(rows + dy, columns + dx) for dy, dx in NEIGHBOURS]
    width = array.shape[1]
    exists = np.stack([(y >= 0) & (x >= 0) & (x < width) for y, x in places], 1)
    found = np.stack([array[np.maximum(y, 0), np.clip(x, 0, width - 1)] for y, x in places], 1)
    return found * exists[..., None], exists


def _energy(file: JpegFile, number: int, rows: Index, columns: Index) -> UInt8:
    component, levels = file.frame.components[number], None
    if number:
        first = features.dequantized(file.coefficients[0], _steps(file, 0))
        steps = _steps(file, number)
        levels = features.energy_levels(first, component.block_rows, component.block_columns, steps)
    return np.full((len(rows), len(BANDS)), NONE, np.uint8) if levels is None else levels[rows, columns]


def _before(file: JpegFile, number: int, rows: Index, columns: Index) -> tuple[Int16, UInt8]:
    """Blocks.across and across_near."""
    if component_class(number) < CLASSES - 1:
        return np.zeros((len(rows), 0), np.int16), np.zeros((len(rows), 0), np.uint8)
    before = file.coefficients[number - 1]
    if before.shape != file.coefficients[number].shape:
        return np.zeros((len(rows), 63), np.int16), np.zeros((len(rows), 63), np.uint8)
    seen = before[rows, columns, 1:]
    d = features.dequantized(seen, _steps(file, number - 1)[1:])
    return d.astype(np.int16), features.own_class(seen)


def _job(job: samples.Job) -> list[Blocks | None]:
    rng = np.random.default_rng(job.seed)
    found: list[list[Blocks]] = [[] for _ in range(CLASSES)]
    for picture in corpus.pictures(job.recipes, job.cameras):
        for number, blocks in of_picture(picture, rng):
            found[number].append(blocks)
    return [_joined(parts) if parts else None for parts in found]


def _joined(parts: list[Blocks]) -> Blocks:
    return Blocks(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Blocks)})


def gather(source: samples.Corpus, workers: int, folder: Path) -> None:
    """Writes blocks of a corpus to folder, raw arrays for each class."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    jobs = source.jobs(None)
    with get_context("fork").Pool(workers) as pool:
        for done, result in enumerate(pool.imap(_job, jobs), 1):
            for number, blocks in enumerate(result):
                if blocks is not None:
                    _append(folder, number, blocks)
            print(f"blocks: part {done} of {len(jobs)}", flush=True)


def _append(folder: Path, number: int, blocks: Blocks) -> None:
    for field in fields(Blocks):
        with (folder / f"{number}.{field.name}").open("ab") as file:
            getattr(blocks, field.name).tofile(file)


def read(folder: Path, number: int) -> Blocks | None:
    """The blocks of a class, None where there are none."""
    if not (folder / f"{number}.base").is_file():
        return None
    count = (folder / f"{number}.base").stat().st_size // 2
    arrays: dict[str, npt.NDArray[Any]] = {
        name: np.fromfile(folder / f"{number}.{name}", kind).reshape(count, *shape)
        for name, (kind, shape) in shapes(number).items()
    }
    return Blocks(**arrays)
