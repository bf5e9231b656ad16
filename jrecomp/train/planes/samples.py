"""Training samples: what the codec's own walk shows to its networks, thinned out and kept."""

import shutil
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from jrecomp.array_types import Int8, Int16, Int32, UInt8
from jrecomp.features.tables import Tables
from jrecomp.jpeg.types import JpegFile
from jrecomp.model.arrays import CLASSES, component_class
from jrecomp.model.planes import LAST, PlanesModel
from jrecomp.native.engine import Engine
from jrecomp.train import corpus
from jrecomp.train.export import Linear, assemble
from jrecomp.train.planes import linear

JOB_RECIPES = 60
"""Recipes that one worker takes at a time."""

SHARE = (4000, 12000, 12000)
"""Per component class: a block is kept with probability SHARE / bytes of its file, so that a file
counts by the share of its bytes and high quality does not drown the low."""

GROWTH = (0.0, 0.25, 0.25)
"""Per component class: what is added to the factor 1 on SHARE for each AC plane, because few blocks of
chroma reach the high ones and their networks would learn the samples by heart."""


@dataclass
class Samples:
    """x: int8 [n, inputs], target: int32 [n], known_nonzero: uint8 [n], 1 where zero is impossible."""

    x: Int8
    target: Int32
    known_nonzero: UInt8


Key = tuple[int, int]
Part = dict[Key, list[Samples]]


def collecting_engine(tables: Tables, linear: Linear) -> Engine:
    """An engine that knows what networks see, but no networks."""
    return PlanesModel(0, "collector", assemble(tables, (1, 1), linear, {})).engine


def collect(part: Part, picture: corpus.Picture, engine: Engine, seed: int) -> None:
    """Adds samples of all components of one picture."""
    shares = [[_share(c, p) / max(picture.scan_bytes, 1) for p in range(LAST + 1)] for c in range(CLASSES)]
    for number, networks in enumerate(engine.collect(steps_and_blocks(picture.file), shares, seed)):
        for plane, (x, target, known_nonzero) in enumerate(networks):
            if len(target):
                key = component_class(number), plane
                part.setdefault(key, []).append(Samples(x, target, known_nonzero))


def steps_and_blocks(file: JpegFile) -> list[tuple[list[int], Int16]]:
    """Quantization steps and coefficients of each component, as the native engine takes them."""
    steps = [c.steps.tolist() for c in file.frame.components]
    return list(zip(steps, map(np.ascontiguousarray, file.coefficients), strict=True))


def _share(number: int, plane: int) -> float:
    return SHARE[number] * (1 + GROWTH[number] * (plane if plane < LAST else 0))


@dataclass(frozen=True)
class Job:
    """A part of a corpus for one worker."""

    recipes: list[corpus.Recipe]
    cameras: list[corpus.QuantizationTables]
    tables: Tables
    weights: Linear | None
    seed: int


def _linear_job(job: Job) -> linear.NormalEquations:
    rng, result = np.random.default_rng(job.seed), linear.NormalEquations()
    for picture in corpus.pictures(job.recipes, job.cameras):
        linear.learn(result, picture.file, job.tables, rng)
    return result


def _collect_job(job: Job) -> dict[Key, Samples]:
    assert job.weights is not None
    engine, part = collecting_engine(job.tables, job.weights), Part()
    for number, picture in enumerate(corpus.pictures(job.recipes, job.cameras)):
        collect(part, picture, engine, (job.seed << 20) + (number << 3))
    return {key: _join(items) for key, items in part.items()}


def _join(items: list[Samples]) -> Samples:
    return Samples(
        np.concatenate([s.x for s in items]),
        np.concatenate([s.target for s in items]),
        np.concatenate([s.known_nonzero for s in items]),
    )


@dataclass(frozen=True)
class Corpus:
    """Recipes with what all of them share."""

    recipes: list[corpus.Recipe]
    cameras: list[corpus.QuantizationTables]
    tables: Tables

    def jobs(self, weights: Linear | None) -> list[Job]:
        """The corpus in parts for workers."""
        starts = range(0, len(self.recipes), JOB_RECIPES)
        return [
            Job(self.recipes[s : s + JOB_RECIPES], self.cameras, self.tables, weights, seed)
            for seed, s in enumerate(starts)
        ]


def learn_linear(source: Corpus, workers: int) -> Linear:
    """The linear predictions of a corpus."""
    total = linear.NormalEquations()
    with get_context("fork").Pool(workers) as pool:
        for result in pool.imap_unordered(_linear_job, source.jobs(None)):
            total.merge(result)
    return total.solve()


def gather(source: Corpus, weights: Linear, workers: int, folder: Path) -> None:
    """Writes the samples of a corpus to folder, raw arrays for each network."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    jobs = source.jobs(weights)
    with get_context("fork").Pool(workers) as pool:
        for number, result in enumerate(pool.imap(_collect_job, jobs), 1):
            for key, samples in result.items():
                _append(folder, key, samples)
            print(f"samples: part {number} of {len(jobs)}", flush=True)


def _path(folder: Path, key: Key, kind: str) -> Path:
    return folder / f"{key[0]}-{key[1]:02}.{kind}"


def _append(folder: Path, key: Key, samples: Samples) -> None:
    for kind in ("x", "target", "known_nonzero"):
        with _path(folder, key, kind).open("ab") as file:
            getattr(samples, kind).tofile(file)


def read(folder: Path, key: Key) -> Samples | None:
    """The samples of a network, None where there are none."""
    if not _path(folder, key, "x").is_file():
        return None
    target = np.fromfile(_path(folder, key, "target"), np.int32)
    x = np.fromfile(_path(folder, key, "x"), np.int8).reshape(len(target), -1)
    return Samples(x, target, np.fromfile(_path(folder, key, "known_nonzero"), np.uint8))
