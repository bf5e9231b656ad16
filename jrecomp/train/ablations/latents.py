"""Whether the hierarchical model's latents would help the networks of planes, if they cost nothing."""

from multiprocessing import get_context

import numpy as np
import numpy.typing as npt

from jrecomp.codec.walk import last_of
from jrecomp.jpeg.types import JpegFile
from jrecomp.model import HierarchicalModel, load
from jrecomp.model.convolution import enlarged
from jrecomp.model.hierarchical import LATENT_UNIT
from jrecomp.model.symbols import VALUE_OUTPUTS
from jrecomp.model.weights import LAST
from jrecomp.planes.groups import GROUPS, group_inputs
from jrecomp.train import corpus
from jrecomp.train.ablations.report import Trial, bits, table, thinned
from jrecomp.train.export import Linear
from jrecomp.train.samples import Corpus, Job, Samples, collecting_engine, steps_and_blocks

PLANES = (1, 3, 8, 20, 36)
"""AC planes of the first component."""

HIDDEN = (64, 32)
RECIPES = 240
OF_FILE = 1500
"""Samples of a plane that are taken of one file."""

MOST = 250_000

Parts = dict[int, list[Samples]]
Places = npt.NDArray[np.intp]


def latents(source: tuple[Corpus, Corpus], linear: Linear, steps: int, workers: int) -> str:
    """A table of the bits of planes, without and with latents among the inputs."""
    train, valid = (_gather(part, linear, workers) for part in source)
    width = int(load("hierarchical").arrays["hidden"][1])
    pairs = [(thinned(train[plane], MOST), thinned(valid[plane], MOST)) for plane in PLANES]
    trials = []
    for hide in (True, False):
        for plane, pair in zip(PLANES, pairs, strict=True):
            shown = [_without_latents(part, width) if hide else part for part in pair]
            trials.append(Trial(plane, HIDDEN, VALUE_OUTPUTS, shown[0], shown[1], steps))
    counts = [len(pair[1].target) for pair in pairs] * 2
    found = [total / count for total, count in zip(bits(trials, workers), counts, strict=True)]
    rows = {"without latents": found[: len(PLANES)], "with latents": found[len(PLANES) :]}
    return table("first component", [f"AC {plane}" for plane in PLANES], rows, "bits")


def _without_latents(part: Samples, width: int) -> Samples:
    x = part.x.copy()
    x[:, -width:] = 0
    return Samples(x, part.target, part.sure)


def _gather(source: Corpus, linear: Linear, workers: int) -> dict[int, Samples]:
    step = -(-len(source.recipes) // RECIPES)
    thin = Corpus(source.recipes[::step], source.cameras, source.tables)
    with get_context("fork").Pool(workers) as pool:
        results = pool.map(_collect, thin.jobs(linear), chunksize=1)
    return {plane: _joined([s for parts in results for s in parts[plane]]) for plane in PLANES}


def _joined(items: list[Samples]) -> Samples:
    return Samples(*(np.concatenate([getattr(s, name) for s in items]) for name in ("x", "target", "sure")))


def _collect(job: Job) -> Parts:
    assert job.weights is not None
    engine, rng = collecting_engine(job.tables, job.weights), np.random.default_rng(job.seed)
    shares = [[float(plane in PLANES) for plane in range(LAST + 1)]] * 3
    result: Parts = {plane: [] for plane in PLANES}
    for picture in corpus.pictures(job.recipes, job.cameras):
        networks = engine.collect(steps_and_blocks(picture.file)[:1], shares, 0)[0]
        seen = _seen(picture.file)
        for plane in PLANES:
            x, target, sure = networks[plane]
            chosen = rng.permutation(len(target))[:OF_FILE]
            joined = np.concatenate([x[chosen], seen[plane][chosen]], 1)
            result[plane].append(Samples(joined, target[chosen], sure[chosen]))
    return result


def _seen(file: JpegFile) -> dict[int, npt.NDArray[np.int8]]:
    """For each plane the latents at its coded blocks, in coding order, int8 [blocks, latents]."""
    maps, result = _latents(file.coefficients[0].transpose(2, 0, 1).astype(np.int64)), {}
    for plane in PLANES:
        group = next(g for g, (start, stop) in enumerate(GROUPS) if start <= plane < stop)
        rows, columns = places(file.coefficients[0], plane)
        result[plane] = maps[group][:, rows, columns].T.astype(np.int8)
    return result


def places(blocks: npt.NDArray[np.int16], plane: int) -> tuple[Places, Places]:
    """Rows and columns of the blocks whose coefficient is coded, in coding order."""
    last = last_of(blocks.transpose(2, 0, 1))
    y, x = np.indices(last.shape)
    phases = [np.nonzero((last >= plane) & ((y + x) % 2 == phase)) for phase in (0, 1)]
    rows, columns = (np.concatenate(axis) for axis in zip(*phases, strict=True))
    return rows, columns


def _latents(values: npt.NDArray[np.int64]) -> dict[int, npt.NDArray[np.float32]]:
    """Latents of each group of AC coefficients on the grid of blocks, as networks see them."""
    model = load("hierarchical")
    assert isinstance(model, HierarchicalModel)
    result = {}
    for group, (start, stop) in enumerate(GROUPS):
        if start:
            inputs = group_inputs(values[start:stop], model.tables).astype(np.float32)
            y1, _ = model.classes[0][group].analyse(inputs)
            result[group] = enlarged(LATENT_UNIT * y1.astype(np.float32), *values.shape[1:])
    return result
