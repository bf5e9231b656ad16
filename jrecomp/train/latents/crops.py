"""Training data of models with latents: square crops of components."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Float32, Int8, Int16, Int32
from jrecomp.features import latents as inputs
from jrecomp.features.store import ComponentPlanes
from jrecomp.features.tables import Tables
from jrecomp.jpeg.types import JpegFile
from jrecomp.model.arrays import component_class
from jrecomp.model.latents import level_of
from jrecomp.train import sample_files
from jrecomp.train.corpus import CorpusPart
from jrecomp.train.pictures import Picture
from jrecomp.train.sample_files import Found

SIZE = 24
"""Blocks along a side of a crop."""

COUNTS = (2, 1, 1)
"""Number of crops of each component, by component class."""


@dataclass
class Crops:
    """Crops of components of one class.

    coefficients: int16 [n, 64, SIZE, SIZE]. other: int8 [n, 64, SIZE, SIZE], as from reference_inputs(), 0 in
    class 0. steps: int32 [n, 64]. weight: float32 [n], factors of bits. The weighted bits of a crop estimate
    the size of its component as a fraction of the file's entropy-coded data.
    """

    coefficients: Int16
    other: Int8
    steps: Int32
    weight: Float32


LAYOUT: sample_files.Layout = [
    ("coefficients", np.int16, (64, SIZE, SIZE)),
    ("other", np.int8, (64, SIZE, SIZE)),
    ("steps", np.int32, (64,)),
    ("weight", np.float32, ()),
]
"""The fields of Crops."""


def of_picture(
    picture: Picture, tables: Tables, rng: np.random.Generator
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(component class, fields of Crops) of random crops of all components that are large enough."""
    for number, (planes, other) in enumerate(_components(picture.file, tables)):
        if min(planes.rows, planes.columns) < SIZE:
            continue
        values = planes.values[:64, planes.blocks]
        weight = planes.rows * planes.columns / (8 * picture.scan_bytes * SIZE**2)
        for _ in range(COUNTS[component_class(number)]):
            y, x = rng.integers(planes.rows - SIZE + 1), rng.integers(planes.columns - SIZE + 1)
            part = np.s_[:, y : y + SIZE, x : x + SIZE]
            crop = {"coefficients": values[part], "other": other[part]}
            yield component_class(number), crop | {"steps": planes.steps, "weight": weight}


def _components(file: JpegFile, tables: Tables) -> Iterator[tuple[ComponentPlanes, Int8]]:
    """Each component, and the inputs from the component before it."""
    before: ComponentPlanes | None = None
    for component, array in zip(file.frame.components, file.coefficients, strict=True):
        steps = component.steps.astype(np.int64)
        planes = ComponentPlanes(steps, component.block_rows, component.block_columns, [])
        planes.values[:64, planes.blocks] = array.transpose(2, 0, 1)
        if before is None:
            other = np.zeros((64, planes.rows, planes.columns), np.int8)
        else:
            other = inputs.reference_inputs(before, planes, tables)
        yield planes, other
        before = planes


def collect(tables: Tables, part: CorpusPart) -> Found:
    """The crops of a part of a corpus, by file name."""
    rng, found = np.random.default_rng(part.number), Found(list)
    for picture in part.pictures():
        for number, crop in of_picture(picture, tables, rng):
            found[str(number)].append(vars(joined([crop])))
    return found


def joined(items: list[dict[str, Any]]) -> Crops:
    """Crops from the fields of single crops."""
    arrays: dict[str, npt.NDArray[Any]] = {
        name: np.stack([item[name] for item in items]).astype(kind) for name, kind, _ in LAYOUT
    }
    return Crops(**arrays)


def read(folder: Path, number: int) -> Crops | None:
    """The crops of a component class, None if there are none."""
    found = sample_files.read(folder, str(number), LAYOUT)
    return None if found is None else Crops(**found)


@dataclass
class Examples:
    """Inputs and targets of an autoencoder for n crops.

    own: int8, as from group_inputs(). known: int8, as from known_inputs(). target: int32 DC residuals or
    int16 AC coefficients. These three are [n, planes, SIZE, SIZE]. step_inputs: int8 [n, 64]. steps, levels:
    int32 [n, planes of the group, 1, 1]; levels are those of model.latents.level_of(). weight: as in Crops.
    """

    own: Int8
    known: Int8
    target: Int32 | Int16
    step_inputs: Int8
    steps: Int32
    levels: Int32
    weight: Float32

    def arrays(self) -> list[npt.NDArray[Any]]:
        """The fields in their order."""
        return [getattr(self, field.name) for field in fields(self)]


def examples(crops: Crops, component_class: int, group: int, tables: Tables) -> Examples:
    """The examples of all crops for the autoencoder of a group."""
    start, stop = inputs.GROUPS[group]
    target: Int32 | Int16 = crops.coefficients[:, start:stop]
    if start == 0:
        residuals = [inputs.dc_residual(dc.astype(np.int64)) for dc in target[:, 0]]
        target = np.stack(residuals)[:, None].astype(np.int32)
    steps = crops.steps[:, start:stop, None, None]
    return Examples(
        own=np.stack([inputs.group_inputs(one.astype(np.int64), tables) for one in target]),
        known=_known(crops, component_class, group, tables),
        target=target,
        step_inputs=inputs.step_inputs(crops.steps.astype(np.int64), tables).astype(np.int8),
        steps=steps,
        levels=level_of(steps.astype(np.int64), tables).astype(np.int32),
        weight=crops.weight,
    )


def _known(crops: Crops, component_class: int, group: int, tables: Tables) -> Int8:
    def one(values: Int16, steps: Int32, other: Int8) -> Int8:
        reference = other if component_class else None
        return inputs.known_inputs(group, values.astype(np.int64), steps.astype(np.int64), reference, tables)

    return np.stack(list(map(one, crops.coefficients, crops.steps, crops.other)))
