"""Training data of models with latents: square parts of components, as the codec sees them."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, fields
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Float32, Int8, Int16, Int32
from jrecomp.features import latents as groups
from jrecomp.features.store import ComponentPlanes
from jrecomp.features.tables import Tables
from jrecomp.jpeg.types import JpegFile
from jrecomp.model.arrays import CLASSES, component_class
from jrecomp.model.latents import level_of
from jrecomp.train import corpus
from jrecomp.train.planes import samples

SIZE = 24
"""Blocks along a side of a crop."""

COUNTS = (2, 1, 1)
"""Crops of each picture, by component class."""


@dataclass
class Crops:
    """Parts of components of one class.

    coefficients: int16 [n, 64, SIZE, SIZE]. other: int8 likewise, groups.reference_inputs, zero in class 0.
    steps: int32 [n, 64]. weight: float32 [n], what one bit is of the file's entropy-coded data, times the
    crops that the component consists of: the mean of weighted bits is the component's share of its file.
    """

    coefficients: Int16
    other: Int8
    steps: Int32
    weight: Float32


SHAPES: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
    "coefficients": (np.int16, (64, SIZE, SIZE)),
    "other": (np.int8, (64, SIZE, SIZE)),
    "steps": (np.int32, (64,)),
    "weight": (np.float32, ()),
}


def of_picture(
    picture: corpus.Picture, tables: Tables, rng: np.random.Generator
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(class, fields of Crops) of some places in all components that are large enough."""
    for number, (planes, other) in enumerate(_components(picture.file, tables)):
        if min(planes.rows, planes.columns) < SIZE:
            continue
        values = planes.values[:64, planes.blocks[0]]
        weight = planes.rows * planes.columns / (8 * picture.scan_bytes * SIZE**2)
        for _ in range(COUNTS[component_class(number)]):
            y, x = rng.integers(planes.rows - SIZE + 1), rng.integers(planes.columns - SIZE + 1)
            part = np.s_[:, y : y + SIZE, x : x + SIZE]
            crop = {"coefficients": values[part], "other": other[part]}
            yield component_class(number), crop | {"steps": planes.steps, "weight": weight}


def _components(file: JpegFile, tables: Tables) -> Iterator[tuple[ComponentPlanes, Int8]]:
    """Each component and what it sees of the one before."""
    before: ComponentPlanes | None = None
    for component, array in zip(file.frame.components, file.coefficients, strict=True):
        steps = component.steps.astype(np.int64)
        planes = ComponentPlanes(steps, component.block_rows, component.block_columns, [])
        planes.values[:64, planes.blocks[0]] = array.transpose(2, 0, 1)
        if before is None:
            other = np.zeros((64, planes.rows, planes.columns), np.int8)
        else:
            other = groups.reference_inputs(before, planes, tables)
        yield planes, other
        before = planes


def _job(job: samples.Job) -> list[Crops | None]:
    rng = np.random.default_rng(job.seed)
    found: list[list[dict[str, Any]]] = [[] for _ in range(CLASSES)]
    for picture in corpus.pictures(job.recipes, job.cameras):
        for number, crop in of_picture(picture, job.tables, rng):
            found[number].append(crop)
    return [_joined(items) if items else None for items in found]


def _joined(items: list[dict[str, Any]]) -> Crops:
    return Crops(**{name: np.stack([i[name] for i in items]).astype(t) for name, (t, _) in SHAPES.items()})


def gather(source: samples.Corpus, workers: int, folder: Path) -> None:
    """Writes the crops of a corpus to folder, raw arrays for each class."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    jobs = source.jobs(None)
    with get_context("fork").Pool(workers) as pool:
        for done, result in enumerate(pool.imap(_job, jobs), 1):
            for number, crops in enumerate(result):
                if crops is not None:
                    _append(folder, number, crops)
            print(f"crops: part {done} of {len(jobs)}", flush=True)


def _append(folder: Path, number: int, crops: Crops) -> None:
    for field in fields(Crops):
        with (folder / f"{number}.{field.name}").open("ab") as file:
            getattr(crops, field.name).tofile(file)


def read(folder: Path, number: int) -> Crops | None:
    """The crops of a class, None where there are none."""
    if not (folder / f"{number}.weight").is_file():
        return None
    arrays = {
        name: np.fromfile(folder / f"{number}.{name}", kind).reshape(-1, *shape)
        for name, (kind, shape) in SHAPES.items()
    }
    return Crops(**arrays)


@dataclass
class Examples:
    """What an autoencoder learns from, for n crops.

    own: int8, groups.group_inputs. known: int8, groups.known_inputs. target: int32 DC residuals or int16 AC
    coefficients; all [n, planes, SIZE, SIZE]. step_inputs: int8 [n, 64]. steps, levels: int32 [n, planes of
    the group, 1, 1], the latter of model.latents.level_of. weight: float32 [n], of Crops.
    """

    own: Int8
    known: Int8
    target: Int32 | Int16
    step_inputs: Int8
    steps: Int32
    levels: Int32
    weight: Float32

    def arrays(self) -> list[npt.NDArray[Any]]:
        """In the order of the fields."""
        return [getattr(self, field.name) for field in fields(self)]


def examples(crops: Crops, component_class: int, group: int, tables: Tables) -> Examples:
    """All crops as one group's autoencoder meets them."""
    start, stop = groups.GROUPS[group]
    target: Int32 | Int16 = crops.coefficients[:, start:stop]
    if start == 0:
        residuals = [groups.dc_residual(dc.astype(np.int64)) for dc in target[:, 0]]
        target = np.stack(residuals)[:, None].astype(np.int32)
    steps = crops.steps[:, start:stop, None, None]
    return Examples(
        own=np.stack([groups.group_inputs(one.astype(np.int64), tables) for one in target]),
        known=_known(crops, component_class, group, tables),
        target=target,
        step_inputs=groups.step_inputs(crops.steps.astype(np.int64), tables).astype(np.int8),
        steps=steps,
        levels=level_of(steps.astype(np.int64), tables).astype(np.int32),
        weight=crops.weight,
    )


def _known(crops: Crops, component_class: int, group: int, tables: Tables) -> Int8:
    def one(values: Int16, steps: Int32, other: Int8) -> Int8:
        seen = other if component_class else None
        return groups.known_inputs(group, values.astype(np.int64), steps.astype(np.int64), seen, tables)

    return np.stack(list(map(one, crops.coefficients, crops.steps, crops.other)))
