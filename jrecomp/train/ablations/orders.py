"""The order of a block's coefficients, on blocks with their neighbours straight from training files."""

from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import numpy.typing as npt

from jrecomp.codec.walk import last_of
from jrecomp.jpeg.types import JpegFile
from jrecomp.model.symbols import VALUE_OUTPUTS
from jrecomp.planes.store import AROUND
from jrecomp.planes.tables import Tables, make
from jrecomp.train import corpus
from jrecomp.train.ablations.report import Trial, bits, table
from jrecomp.train.samples import Corpus, Job, Samples

PLANES = 20
"""Planes below this one are coded; the higher ones are left out of every order."""

ASCENDING = list(range(1, PLANES))
ORDERS = {
    "DC first, ascending": [0, *ASCENDING],
    "ascending, DC last": [*ASCENDING, 0],
    "DC first, descending": [0, *ASCENDING[::-1]],
    "descending, DC last": [*ASCENDING[::-1], 0],
}
BLOCKS = 150
"""Of each file."""

RECIPES = 1000
DIRECT = [number for number, (dy, dx) in enumerate(AROUND) if not (dy and dx)]
HIDDEN = (64, 32)


@dataclass(frozen=True)
class Blocks:
    """coefficients: int16 [n, 9, 64], neighbours in order of AROUND, then the block. steps: int32 [n, 64]."""

    coefficients: npt.NDArray[np.int16]
    steps: npt.NDArray[np.int32]


def orders(source: tuple[Corpus, Corpus], steps: int, workers: int) -> str:
    """A table of the bits per block of planes 0 to PLANES - 1 in several orders."""
    train, valid = (_gather(part, workers) for part in source)
    rows: dict[str, list[float]] = {}
    for name, order in ORDERS.items():
        found = bits([_trial(train, valid, order, place, steps) for place in range(PLANES)], workers)
        by_plane = dict(zip(order, found, strict=True))
        parts = (by_plane[0], sum(found) - by_plane[0], sum(found))
        rows[name] = [part / len(valid.steps) for part in parts]
    return table("order", ["DC", f"AC 1-{PLANES - 1}", "together"], rows, "bits a block")


def _gather(source: Corpus, workers: int) -> Blocks:
    step = -(-len(source.recipes) // RECIPES)
    thin = Corpus(source.recipes[::step], source.cameras, source.tables)
    with get_context("fork").Pool(workers) as pool:
        parts = [part for job in pool.map(_blocks_of, thin.jobs(None), chunksize=1) for part in job]
    return Blocks(np.concatenate([p.coefficients for p in parts]), np.concatenate([p.steps for p in parts]))


def _blocks_of(job: Job) -> list[Blocks]:
    rng = np.random.default_rng(job.seed)
    return [_sample(picture.file, rng) for picture in corpus.pictures(job.recipes, job.cameras)]


def _sample(file: JpegFile, rng: np.random.Generator) -> Blocks:
    """Some blocks of the first component with all of their neighbours."""
    grid = file.coefficients[0]
    rows, columns = grid.shape[:2]
    inner = max(rows - 2, 0) * max(columns - 2, 0)
    chosen = rng.integers(0, max(inner, 1), BLOCKS if inner else 0)
    y, x = 1 + chosen // max(columns - 2, 1), 1 + chosen % max(columns - 2, 1)
    around = np.stack([grid[y + dy, x + dx] for dy, dx in (*AROUND, (0, 0))], 1)
    steps = np.maximum(file.frame.components[0].quantization, 1)
    return Blocks(around, np.tile(steps.astype(np.int32), (len(y), 1)))


def _trial(train: Blocks, valid: Blocks, order: list[int], place: int, steps: int) -> Trial:
    plane, known = order[place], sorted(order[:place])
    parts = [_features(blocks, plane, known) for blocks in (train, valid)]
    weights = _least_squares(parts[0].dequantized / parts[0].step[:, None], parts[0].wanted / parts[0].step)
    tables = make()
    ready = [part.samples(part.dequantized @ weights, tables) for part in parts]
    return Trial(plane, HIDDEN, VALUE_OUTPUTS, ready[0], ready[1], steps)


def _least_squares(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    normal = x.T @ x
    normal[np.diag_indices_from(normal)] += 1e-3 * len(x)
    return np.linalg.solve(normal, x.T @ y).astype(np.float64)


@dataclass(frozen=True)
class Features:
    """Blocks that code a plane. dequantized: what is known, DC less a mean; wanted: the value."""

    dequantized: npt.NDArray[np.float64]
    wanted: npt.NDArray[np.float64]
    step: npt.NDArray[np.int32]
    last: npt.NDArray[np.int64]
    target: npt.NDArray[np.int32]
    sure: npt.NDArray[np.uint8]

    def samples(self, linear: npt.NDArray[np.float64], tables: Tables) -> Samples:
        """Inputs like the codec's: logarithms in steps of the plane, the linear prediction in scales."""
        step = self.step[:, None].astype(np.int64)
        known = tables.log_of((16 * self.dequantized / step).astype(np.int64))
        predicted = (16 * linear / self.step).astype(np.int64)
        own = [
            tables.tanh_of(predicted).T,
            tables.log_of(predicted)[:, None],
            tables.log_of(4 * step),
            self.last,
        ]
        return Samples(np.concatenate([known, *own], 1).astype(np.int8), self.target, self.sure)


def _features(blocks: Blocks, plane: int, known: list[int]) -> Features:
    values = blocks.coefficients
    last = last_of(values.transpose(2, 0, 1))
    rows = last[:, 8] >= plane
    values, steps, last = values[rows], blocks.steps[rows], last[rows]
    scaled = values * steps[:, None, :]
    level = scaled[:, DIRECT, 0].mean(1, keepdims=True) // steps[:, :1] * steps[:, :1]
    scaled[:, :, 0] -= level.astype(np.int32)
    own = scaled[:, 8, known]
    around = scaled[:, :8, known].reshape(len(own), -1)
    seen = [own, around, scaled[:, DIRECT, plane]]
    wanted = scaled[:, 8, plane].astype(np.float64)
    target = (wanted / steps[:, plane]).astype(np.int32)
    sure = ((last[:, 8] == plane) & (plane > 0)).astype(np.uint8)
    return Features(
        np.concatenate(seen, 1).astype(np.float64), wanted, steps[:, plane], 2 * last, target, sure
    )
