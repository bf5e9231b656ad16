"""Linear predictions, fitted by weighted least squares to the known dequantized values."""

import numpy as np

from jrecomp.array_types import Float64, Index, Int64
from jrecomp.codec.planes import bordered, last_of
from jrecomp.features.ac import LINEAR_SHIFT
from jrecomp.features.dc import Neighbourhood
from jrecomp.features.schedule import SLOTS, checkerboard, pyramid, pyramid_slots
from jrecomp.features.store import AC_INPUTS, ComponentPlanes
from jrecomp.jpeg.types import JpegFile
from jrecomp.model.arrays import CLASSES, component_class
from jrecomp.model.planes import linear_shape
from jrecomp.train.corpus import CorpusPart

_LIMIT = 2000.0
"""Largest magnitude of a value in the sums, in steps of the plane."""

_DC_LIMIT = 2.99
"""Largest sum of magnitudes of DC weights: less than the limit of 3 of weights files, for rounding."""

_ROWS = 1500
"""Largest number of blocks that are used of a plane of a component."""


class NormalEquations:
    """Sums of x x' and x t for each component class, plane and phase; x: inputs, t: target."""

    def __init__(self) -> None:
        shapes = [linear_shape(plane) for plane in range(64)]
        self.xx = [[np.zeros((p, n, n)) for p, n in shapes] for _ in range(CLASSES)]
        self.xt = [[np.zeros((p, n)) for p, n in shapes] for _ in range(CLASSES)]

    def add(self, number: int, plane: int, phase: int, x: Float64, t: Float64) -> None:
        """Adds blocks. x: [n, blocks], t: [blocks], in steps of the plane. Weight: 1 / (1 + activity)^2."""
        x, t = np.clip(x, -_LIMIT, _LIMIT), np.clip(t, -_LIMIT, _LIMIT)
        activity = np.abs(x - x.mean(0)).mean(0) if plane == 0 else np.abs(x).mean(0)
        weighted = x / np.square(1 + activity)
        self.xx[number][plane][phase] += weighted @ x.T
        self.xt[number][plane][phase] += weighted @ t

    def merge(self, other: "NormalEquations") -> None:
        """Add the sums of another part of the corpus."""
        for mine, theirs in ((self.xx, other.xx), (self.xt, other.xt)):
            for number in range(CLASSES):
                for plane in range(64):
                    mine[number][plane] += theirs[number][plane]

    def solve(self) -> list[list[Int64]]:
        """The weights by class and plane, int64 [phases, inputs], in units of 2^-LINEAR_SHIFT."""
        return [[self._solve(number, plane) for plane in range(64)] for number in range(CLASSES)]

    def _solve(self, number: int, plane: int) -> Int64:
        xx, xt = self.xx[number][plane], self.xt[number][plane]
        weights = np.zeros(xt.shape)
        for phase in range(len(xt)):
            ridge = 1e-4 * (xx[phase].trace() / len(xt[phase])) + 1e-3
            weights[phase] = np.linalg.solve(xx[phase] + ridge * np.eye(len(xt[phase])), xt[phase])
            if plane == 0:  # values are centred in sums, so weights must sum to 1
                used = pyramid_slots(phase)
                weights[phase, :used] += (1 - weights[phase, :used].sum()) / max(1, used)
                weights[phase, :used] = _bounded(weights[phase, :used])
        return np.clip(np.rint(weights * (1 << LINEAR_SHIFT)), -32767, 32767).astype(np.int64)


def _bounded(weights: Float64) -> Float64:
    """DC weights that sum to 1, moved towards their mean until their magnitudes sum to at most _DC_LIMIT.

    docs/format/planes.md, "Weights files", limits the sum. Only fits to very few pictures exceed it.
    """
    if np.abs(weights).sum() < _DC_LIMIT:
        return weights
    mean = 1 / len(weights)
    bounded: Float64 = mean + (weights - mean) * (_DC_LIMIT - 1) / np.abs(weights - mean).sum()
    return bounded


def equations(part: CorpusPart) -> NormalEquations:
    """The sums over a part of a corpus."""
    rng, result = np.random.default_rng(part.number), NormalEquations()
    for picture in part.pictures():
        add_file(result, picture.file, rng)
    return result


def add_file(equations: NormalEquations, file: JpegFile, rng: np.random.Generator) -> None:
    """Add all components of a file."""
    for number, component in enumerate(file.frame.components[:CLASSES]):
        if not file.coefficients[number].any():
            continue
        planes = ComponentPlanes(
            component.quantization.astype(np.int64), component.block_rows, component.block_columns, []
        )
        truth = bordered(planes, file.coefficients[number])
        planes.values[:64], planes.last = truth, last_of(truth).astype(np.int16)
        planes.finish_dc()
        _add_dc(equations, component_class(number), planes)
        for k in range(1, 64):
            _add_ac(equations, component_class(number), planes, k, rng)


def _sample(items: Index, rng: np.random.Generator) -> Index:
    return items if len(items) <= _ROWS else rng.choice(items, _ROWS, replace=False)


def _add_dc(equations: NormalEquations, number: int, planes: ComponentPlanes) -> None:
    for phase in pyramid(planes.rows, planes.columns)[1:]:
        near = Neighbourhood(planes, phase)
        values = near.gather(planes.values[0]).astype(np.float64)
        used = len(phase.offsets)
        mean = values[:used].mean(0)
        x = np.zeros((SLOTS, len(mean)))
        x[:used] = values[:used] - mean
        target = planes.values[0, near.blocks] - mean
        equations.add(number, 0, phase.number, x, target)


def _add_ac(
    equations: NormalEquations, number: int, planes: ComponentPlanes, k: int, rng: np.random.Generator
) -> None:
    inputs, step = AC_INPUTS[k], planes.steps[k]
    deltas, ratio = inputs.deltas(planes), inputs.steps(planes) / step
    for phase, mask in enumerate(checkerboard(planes.rows, planes.columns)):
        blocks = planes.blocks[mask]
        blocks = _sample(blocks[planes.last[blocks] >= k], rng)
        if not len(blocks):
            continue
        x = planes.values.ravel()[blocks + deltas[:, None]] * ratio[:, None]
        if phase == 0:
            x[inputs.plane == k] = 0
        equations.add(number, k, phase, x, planes.values[k, blocks].astype(np.float64))
