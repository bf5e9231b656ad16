"""Inputs of the AC planes."""

import numpy as np
import numpy.typing as npt

from jrecomp.planes.reference import Slopes, slope_inputs
from jrecomp.planes.store import AC_INPUTS, AROUND, Planes, cross, nearest_known
from jrecomp.planes.tables import FRACTION, SCALES, Tables

Features = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]
Index = npt.NDArray[np.intp]

LINEAR_SHIFT = 12
"""Weights of linear predictions are integers in units of 2^-LINEAR_SHIFT."""

_CLIP = 127
ENERGY_PLANES = 3
_SCALARS = 2 + 1 + len(AROUND) + 3 + len(SCALES) + 1
_PER_REFERENCE = 5 + 1 + 1 + len(SCALES) + 1 + 3


def width(k: int, references: int) -> int:
    """Number of inputs of plane k."""
    return len(AC_INPUTS[k].plane) + _SCALARS + references * _PER_REFERENCE


def box_sums(grid: Int64, *radii: int) -> list[Int64]:
    """For each radius the sums over squares of (2 radius + 1)^2, zero outside; int64 [rows, columns]."""
    border = max(radii) + 1
    total = np.pad(grid, border).cumsum(0).cumsum(1)
    result = []
    for radius in radii:
        first, end = border - radius - 1, border + radius
        left, right = slice(first, first + grid.shape[1]), slice(end, end + grid.shape[1])
        upper, lower = total[first : first + grid.shape[0]], total[end : end + grid.shape[0]]
        result.append(lower[:, right] - upper[:, right] - lower[:, left] + upper[:, left])
    return result


class AcInputs:
    """Builds the inputs of plane k for chunks of blocks; one instance per plane, two phases."""

    def __init__(self, planes: Planes, k: int, tables: Tables, slopes: list[Slopes]) -> None:
        self._planes, self._k, self._tables, self._slopes = planes, k, tables, slopes
        self._inputs = AC_INPUTS[k]
        self._deltas = self._inputs.deltas(planes)
        self._steps = self._inputs.steps(planes)
        self._step = int(planes.steps[k])
        values = np.arange(-_CLIP, _CLIP + 1)
        magnitudes = np.abs(values) * self._steps[:, None] * FRACTION // self._step
        self._lookup = tables.log_of(np.sign(values) * magnitudes).astype(np.float32)
        self._log_step = int(tables.log_of(np.array([self._step * FRACTION // 4]))[0])
        self._near = self._energy(nearest_known(k, ENERGY_PLANES))
        self._maps: list[Int64] = []

    def _energy(self, planes: list[int]) -> Int64:
        """Magnitudes of some planes in sixteenths of this plane's step, int64 [height, width]."""
        p = self._planes
        total = np.zeros((p.height, p.width), np.int64)
        for j in planes:
            total += p.grid(np.abs(p.values[j].astype(np.int64)) * p.steps[j])
        return np.minimum(total * FRACTION // self._step, 1 << 20)

    def start_phase(self, phase: int) -> None:
        """Refreshes what depends on the blocks of the earlier phase."""
        self._phase = phase
        if phase == 0:
            count = max(1, min(ENERGY_PLANES, self._k - 1))
            narrow, wide = box_sums(self._near, 2, 8)
            self._maps = [narrow // (25 * count), wide // (289 * count)]
            own = np.zeros_like(self._near)
        else:
            own = box_sums(self._energy([self._k]), 2)[0] // 12
        self._maps = [*self._maps[:2], own]

    def linear(self, blocks: Index) -> npt.NDArray[np.int16]:
        """The known values that the linear prediction sees, int16 [n, blocks]."""
        known: npt.NDArray[np.int16] = self._planes.values.ravel()[blocks + self._deltas[:, None]]
        return known

    def build(self, blocks: Index, weights: Int64) -> Features:
        """Inputs float32 [width, blocks], integers in [-127, 127].

        weights: int64 [n] in units of 2^-LINEAR_SHIFT, the linear prediction over AC_INPUTS[k].
        """
        planes, tables = self._planes, self._tables
        known = self.linear(blocks)
        count = len(known)
        x = np.empty((width(self._k, len(planes.references)), len(blocks)), np.float32)
        index = np.clip(known, -_CLIP, _CLIP).astype(np.intp)
        index += (np.arange(count) * (2 * _CLIP + 1) + _CLIP)[:, None]
        np.take(self._lookup.ravel(), index, out=x[:count])
        total = ((weights * self._steps).astype(np.float64) @ known.astype(np.float64)).astype(np.int64)
        predicted = total // (self._step << (LINEAR_SHIFT - 4))
        rows = x[count:]
        rows[0] = self._log_step
        rows[1] = 64 * self._phase
        rows[2] = 2 * planes.last[blocks]
        rows[3:11] = 2 * planes.last[blocks + planes.around[:, None]]
        rows[11:14] = tables.log_of(np.stack([m.ravel()[blocks] for m in self._maps]))
        rows[14:22] = tables.tanh_of(predicted)
        rows[22] = tables.log_of(predicted)
        for number, slopes in enumerate(self._slopes):
            self._reference(rows[_SCALARS + number * _PER_REFERENCE :], number, slopes, blocks)
        return x

    def _reference(self, rows: Features, number: int, slopes: Slopes, blocks: Index) -> None:
        planes, tables, step = self._planes, self._tables, self._step
        reference = planes.references[number]
        near = reference.values[np.array(cross(self._k))[:, None], blocks].astype(np.int64)
        rows[0:5] = tables.log_of(near * FRACTION // step)
        around = np.abs(reference.values[self._k][blocks + planes.around[:, None]].astype(np.int64)).sum(0)
        rows[5] = tables.log_of(around * (FRACTION // 8) // step)
        rows[6] = 2 * reference.last[blocks]
        inside = slopes.position(blocks)
        predicted, trust = slope_inputs(slopes.sums[:, inside], near[0], step, tables)
        rows[7:15] = tables.tanh_of(predicted)
        rows[15] = tables.log_of(predicted)
        rows[16:19] = trust
