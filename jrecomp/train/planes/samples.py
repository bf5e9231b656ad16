"""Training samples: the inputs and values of networks at random blocks, from the native engine."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jrecomp.array_types import Int8, Int16, Int32, UInt8
from jrecomp.features.tables import Tables
from jrecomp.jpeg.types import JpegFile
from jrecomp.model.arrays import CLASSES, component_class
from jrecomp.model.planes import LAST, NETWORKS, PlanesModel, shapes
from jrecomp.native.engine import Engine
from jrecomp.train import sample_files
from jrecomp.train.corpus import CorpusPart
from jrecomp.train.pictures import Picture
from jrecomp.train.planes.export import Linear, assemble
from jrecomp.train.sample_files import Found

SHARE = (2400, 7200, 7200)
"""For each component class: the probability that a block becomes a sample is SHARE / (bytes of its file), so
that all files have equal weight."""

RARE, RARE_FACTOR = 28, 4.0
"""In the first component, the share is multiplied by RARE_FACTOR from plane RARE on."""

GROWTH = 0.25
"""In other components, the share is multiplied by 1 + GROWTH * plane, as high planes have few blocks."""

VALIDATION = 5.0
"""Factor to all shares in held-out files, as there are few."""


@dataclass
class Samples:
    """x: int8 [n, inputs]. target: int32 [n]. known_nonzero: uint8 [n], 1 where 0 is impossible."""

    x: Int8
    target: Int32
    known_nonzero: UInt8

    def __len__(self) -> int:
        return len(self.target)


@dataclass(frozen=True)
class Collector:
    """Collects samples from parts of a corpus; linear: as in export, factor: to the shares of blocks."""

    tables: Tables
    linear: Linear
    factor: float = 1.0

    def __call__(self, part: CorpusPart) -> Found:
        """The samples from a part, by file name."""
        engine, found = self.engine(), Found(list)
        for number, picture in enumerate(part.pictures()):
            seed = (part.number << 20) + (number << 3)
            for component, plane, samples in self.of_picture(picture, engine, seed):
                found[file_name(component, plane)].append(vars(samples))
        return found

    def engine(self) -> Engine:
        """An engine that computes the inputs of networks; the networks have weights of 0."""
        return PlanesModel(0, "collector", assemble(self.tables, (1, 1), self.linear, {})).engine

    def of_picture(self, picture: Picture, engine: Engine, seed: int) -> Iterator[tuple[int, int, Samples]]:
        """(component class, plane, samples) for all components of a picture."""
        per_byte = self.factor / max(picture.scan_bytes, 1)
        shares = [[per_byte * share(c, plane) for plane in range(NETWORKS)] for c in range(CLASSES)]
        for number, networks in enumerate(engine.collect(steps_and_blocks(picture.file), shares, seed)):
            for plane, arrays in enumerate(networks):
                samples = Samples(*arrays)
                if len(samples):
                    yield component_class(number), plane, samples


def share(number: int, plane: int) -> float:
    """The probability that a block of a component class and plane is kept, times the bytes of the file."""
    if plane == LAST:
        return SHARE[number]
    if number == 0:
        return SHARE[0] * (RARE_FACTOR if plane >= RARE else 1)
    return SHARE[number] * (1 + GROWTH * plane)


def steps_and_blocks(file: JpegFile) -> list[tuple[list[int], Int16]]:
    """Quantization steps and coefficients of each component, as the native engine takes them."""
    steps = [c.steps.tolist() for c in file.frame.components]
    return list(zip(steps, map(np.ascontiguousarray, file.coefficients), strict=True))


def file_name(number: int, plane: int) -> str:
    """Name of the files of samples of a component class and plane."""
    return f"{number}-{plane:02}"


def read(folder: Path, number: int, plane: int, most: int) -> Samples | None:
    """The samples of a component class and plane, about `most` at most; None if there are none."""
    (_, inputs), *_ = shapes(number, (1, 1), plane)
    layout: sample_files.Layout = [
        ("x", np.int8, (inputs,)),
        ("target", np.int32, ()),
        ("known_nonzero", np.uint8, ()),
    ]
    fields = sample_files.read(folder, file_name(number, plane), layout, most)
    return None if fields is None else Samples(**fields)
