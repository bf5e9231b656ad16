"""Training samples: what the codec's own walk shows to its networks, thinned out and kept."""

from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt

from jrecomp.codec import walk
from jrecomp.model.weights import CLASSES, LAST
from jrecomp.planes.store import Planes
from jrecomp.planes.tables import Tables
from jrecomp.train import corpus, linear

JOB_RECIPES = 60
"""Recipes that one worker takes at a time."""

Int64 = npt.NDArray[np.int64]
Linear = list[list[Int64]]

SHARE = (4000, 12000, 12000)
"""Per component class: a block is kept with probability SHARE / bytes of its file, so that a file
counts by the share of its bytes and high quality does not drown the low."""

GROWTH = (0.0, 0.25, 0.25)
"""Per component class: what is added to the factor 1 on SHARE for each AC plane, because few blocks of
chroma reach the high ones and their networks would learn the samples by heart."""


@dataclass
class Samples:
    """x: int8 [n, inputs], target: int32 [n], sure: bool [n]."""

    x: npt.NDArray[np.int8]
    target: npt.NDArray[np.int32]
    sure: npt.NDArray[np.bool_]


Key = tuple[int, int]
Part = dict[Key, list[Samples]]


class Collector:
    """A walk.Sink that learns instead of coding."""

    def __init__(self, number: int, weights: list[Int64], keep: float, part: Part, rng: np.random.Generator):
        self.linear = weights
        self._number, self._keep, self._part, self._rng = number, keep, part, rng

    def value(
        self, plane: int, x: npt.NDArray[np.float32], truth: Int64 | None, sure: npt.NDArray[np.bool_]
    ) -> Int64:
        """Keeps some blocks of a chunk."""
        assert truth is not None
        share = self._keep * (1 + GROWTH[self._number] * (plane if plane < LAST else 0))
        kept = np.flatnonzero(self._rng.random(len(truth)) < share)
        if len(kept):
            sample = Samples(x[:, kept].T.astype(np.int8), truth[kept].astype(np.int32), sure[kept])
            self._part.setdefault((self._number, plane), []).append(sample)
        return truth

    def last(self, x: npt.NDArray[np.float32], truth: Int64 | None) -> Int64:
        """Keeps some blocks of a chunk of `last`."""
        assert truth is not None
        return self.value(LAST, x, truth, np.zeros(len(truth), np.bool_))


def collect(
    part: Part, picture: corpus.Picture, weights: Linear, tables: Tables, rng: np.random.Generator
) -> None:
    """Adds samples of all components of one picture."""
    file = picture.file
    done: list[Planes] = []
    for number, component in enumerate(file.frame.components):
        rows, columns = component.block_rows, component.block_columns
        planes = walk.new_planes(number, component.quantization, rows, columns, done, tables)
        truth = walk.bordered(planes, file.coefficients[number])
        kind = walk.component_class(number)
        keep = SHARE[kind] / max(picture.scan_bytes, 1)
        walk.Walk(planes, tables, Collector(kind, weights[kind], keep, part, rng), truth).run()
        done.append(planes)


@dataclass(frozen=True)
class Job:
    """A part of a corpus for one worker."""

    recipes: list[corpus.Recipe]
    cameras: list[corpus.Tables]
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
    rng, part = np.random.default_rng(job.seed), Part()
    for picture in corpus.pictures(job.recipes, job.cameras):
        collect(part, picture, job.weights, job.tables, rng)
    return {key: _join(items) for key, items in part.items()}


def _join(items: list[Samples]) -> Samples:
    return Samples(
        np.concatenate([s.x for s in items]),
        np.concatenate([s.target for s in items]),
        np.concatenate([s.sure for s in items]),
    )


@dataclass(frozen=True)
class Corpus:
    """Recipes with what all of them share."""

    recipes: list[corpus.Recipe]
    cameras: list[corpus.Tables]
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
    """Writes the samples of a corpus to folder, one .npz for each network."""
    parts: Part = {}
    jobs = source.jobs(weights)
    with get_context("fork").Pool(workers) as pool:
        for number, result in enumerate(pool.imap(_collect_job, jobs), 1):
            for key, samples in result.items():
                parts.setdefault(key, []).append(samples)
            print(f"samples: part {number} of {len(jobs)}", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(CLASSES):
        for plane in range(LAST + 1):
            if items := parts.pop((number, plane), []):
                joined = _join(items)
                np.savez(
                    sample_path(folder, (number, plane)), x=joined.x, target=joined.target, sure=joined.sure
                )


def sample_path(folder: Path, key: Key) -> Path:
    """Where the samples of a network lie."""
    return folder / f"{key[0]}-{key[1]:02}.npz"


def read(folder: Path, key: Key) -> Samples | None:
    """The samples of a network, None where there are none."""
    path = sample_path(folder, key)
    if not path.is_file():
        return None
    with np.load(path) as arrays:
        return Samples(arrays["x"], arrays["target"], arrays["sure"])
