"""Training samples of models of blocks: random blocks of all files, with the data that predicts them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Bool, Index, Int16, Int64, UInt8, UInt16
from jrecomp.codec import blocks as codec
from jrecomp.codec.blocks import NEIGHBOURS, ComponentBlocks
from jrecomp.jpeg.types import JpegFile
from jrecomp.model.arrays import CLASSES, component_class
from jrecomp.model.blocks import BANDS, ENERGIES, NEAR_LEVELS, OWN_LEVELS, VALUES, BlocksModel, make_tables
from jrecomp.train import sample_files
from jrecomp.train.corpus import CorpusPart
from jrecomp.train.pictures import Picture
from jrecomp.train.sample_files import Found

SHARE = (1500, 2500, 2500)
"""For each component class: the probability that a block becomes a sample is SHARE / (bytes of its file), so
that all files have equal weight."""

NONE = ENERGIES
"""Replaces `last` of a neighbour that does not exist, and levels of energy without a first component."""


@dataclass
class Blocks:
    """n blocks of one component class.

    coefficients: int16 [n, 64]. steps: uint16 [n, 64]. values: int16 [n, VALUES]. base: int16 [n].
    near: uint8 [n, 4, 63], classes_of() the neighbours' AC coefficients. near_last: uint8 [n, 4].
    energy: uint8 [n, 5]. across: int16 [n, 63], the dequantized AC coefficients of the component before.
    across_near: uint8 [n, 63], classes_of() these. The last two are [n, 0] in component classes that do not
    use the component before.
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
        """`last` of each block, uint8 [n]."""
        return codec.last_of(self.coefficients.astype(np.int64)).astype(np.uint8)


def layout(number: int) -> sample_files.Layout:
    """The fields of Blocks in a component class."""
    before = 63 if number == CLASSES - 1 else 0
    return [
        ("coefficients", np.int16, (64,)),
        ("steps", np.uint16, (64,)),
        ("values", np.int16, (VALUES,)),
        ("base", np.int16, ()),
        ("near", np.uint8, (len(NEIGHBOURS), 63)),
        ("near_last", np.uint8, (len(NEIGHBOURS),)),
        ("energy", np.uint8, (len(BANDS),)),
        ("across", np.int16, (before,)),
        ("across_near", np.uint8, (before,)),
    ]


def classes_of(coefficients: npt.NDArray[np.integer], limits: tuple[int, ...]) -> UInt8:
    """0 for coefficients of 0, otherwise the level of the magnitude plus 1; of any shape."""
    values = coefficients.astype(np.int64)
    return np.where(values != 0, codec.level(values, limits) + 1, 0).astype(np.uint8)


def of_picture(picture: Picture, rng: np.random.Generator) -> Iterator[tuple[int, Blocks]]:
    """(component class, random blocks) of each component."""
    for number, component in enumerate(picture.file.frame.components):
        share = SHARE[component_class(number)] / max(picture.scan_bytes, 1)
        chosen = np.flatnonzero(rng.random(component.block_rows * component.block_columns) < share)
        if len(chosen) and picture.file.coefficients[number].any():
            yield component_class(number), of_component(picture.file, number, chosen)


def of_component(file: JpegFile, number: int, chosen: Index) -> Blocks:
    """Blocks of a component; chosen: their indices in raster order."""
    part = _part(file, number)
    rows, columns = np.divmod(chosen, part.shape[1])
    near, exists = _neighbours(part, rows, columns)
    last = np.where(exists, codec.last_of(near), NONE)
    base, values = _surroundings(codec.dequantized(near, part.steps), exists)
    across, across_near = _before(file, number, rows, columns)
    return Blocks(
        coefficients=part.values[rows, columns].astype(np.int16),
        steps=np.broadcast_to(part.steps.astype(np.uint16), (len(rows), 64)),
        values=values.astype(np.int16),
        base=base.astype(np.int16),
        near=classes_of(near[..., 1:], NEAR_LEVELS),
        near_last=last.astype(np.uint8),
        energy=_energy(file, number, rows, columns),
        across=across,
        across_near=across_near,
    )


def _part(file: JpegFile, number: int) -> ComponentBlocks:
    """A component as the codec has it after coding, except for `last` and edges, which are 0."""
    steps, values = file.frame.components[number].steps.astype(np.int64), file.coefficients[number]
    part = ComponentBlocks.empty(steps, values.shape[:2])
    part.values[:] = values
    part.dequantized[:] = codec.dequantized(part.values, steps)
    return part


def _neighbours(part: ComponentBlocks, rows: Index, columns: Index) -> tuple[Int64, Bool]:
    """Coefficients of neighbours [n, 4, 64], 0 if they do not exist, and whether they exist [n, 4]."""
    places = [(rows + dy, columns + dx) for dy, dx in NEIGHBOURS]
    width = part.shape[1]
    exists = np.stack([(y >= 0) & (x >= 0) & (x < width) for y, x in places], 1)
    found = np.stack([part.values[np.maximum(y, 0), np.clip(x, 0, width - 1)] for y, x in places], 1)
    return found * exists[..., None], exists


def _surroundings(near: Int64, exists: Bool) -> tuple[Int64, Int64]:
    """Base [n] and values [n, VALUES]; near, exists: as from _neighbours(), but dequantized."""
    base, values = np.zeros(len(near), np.int64), np.zeros((len(near), VALUES), np.int64)
    for pattern in np.unique(exists, axis=0):
        rows = np.flatnonzero((exists == pattern).all(1))
        edges = {int(n): codec.edges(near[rows, n], _tables()) for n in np.flatnonzero(pattern)}
        base[rows], values[rows] = codec.surroundings(edges)
    return base, values


@cache
def _tables() -> BlocksModel:
    """A model that has only the tables."""
    return BlocksModel(0, "tables", make_tables())


def _energy(file: JpegFile, number: int, rows: Index, columns: Index) -> UInt8:
    if number:
        first, part = _part(file, 0), _part(file, number)
        if codec.covers(first, part):
            return np.stack(codec.energies(first, part, (rows, columns)), -1).astype(np.uint8)
    return np.full((len(rows), len(BANDS)), NONE, np.uint8)


def _before(file: JpegFile, number: int, rows: Index, columns: Index) -> tuple[Int16, UInt8]:
    """Blocks.across and Blocks.across_near."""
    if component_class(number) < CLASSES - 1:
        return np.zeros((len(rows), 0), np.int16), np.zeros((len(rows), 0), np.uint8)
    before = _part(file, number - 1)
    if before.shape != file.coefficients[number].shape[:2]:
        return np.zeros((len(rows), 63), np.int16), np.zeros((len(rows), 63), np.uint8)
    across = before.dequantized[rows, columns, 1:].astype(np.int16)
    return across, classes_of(before.values[rows, columns, 1:], OWN_LEVELS)


def collect(part: CorpusPart) -> Found:
    """Samples from a part of a corpus, by file name."""
    rng, found = np.random.default_rng(part.number), Found(list)
    for picture in part.pictures():
        for number, blocks in of_picture(picture, rng):
            found[str(number)].append(vars(blocks))
    return found


def read(folder: Path, number: int) -> Blocks | None:
    """The samples of a component class, None if there are none."""
    fields = sample_files.read(folder, str(number), layout(number))
    return None if fields is None else Blocks(**fields)
