"""Inputs of the networks of AC planes (docs/format/planes.md, "Inputs")."""

import numpy as np

from jrecomp.array_types import Float32, Index, Int64
from jrecomp.features.reference import Slopes, slope_inputs
from jrecomp.features.store import AC_INPUTS, AROUND, ComponentPlanes, cross, nearest_known
from jrecomp.features.tables import FRACTION, SCALES, Tables

LINEAR_SHIFT = 12
"""Weights of linear predictions are integers in units of 2^-LINEAR_SHIFT."""

_CLIP = 127

ENERGY_PLANES = 3
"""Number of known planes whose magnitudes are summed in an energy."""

SCALARS = 2 + 1 + len(AROUND) + 3 + len(SCALES) + 1
"""Number of inputs besides known values and references."""

PER_REFERENCE = 5 + 1 + 1 + len(SCALES) + 1 + 3
"""Number of inputs for each reference."""


def width(k: int, references: int) -> int:
    """Number of inputs of plane k with this number of references."""
    return len(AC_INPUTS[k].plane) + SCALARS + references * PER_REFERENCE


def box_sums(grid: Int64, *radii: int) -> list[Int64]:
    """Sums over squares around each element.

    grid: int64 [..., rows, columns], 0 outside. radii: a square has sides of 2 radius + 1.
    Returns for each radius int64 [..., rows, columns].
    """
    border = max(radii) + 1
    rows, columns = grid.shape[-2:]
    padded = np.zeros((*grid.shape[:-2], rows + 2 * border, columns + 2 * border), dtype=np.int64)
    padded[..., border:-border, border:-border] = grid
    total = padded.cumsum(-2).cumsum(-1)
    result = []
    for radius in radii:
        first, end = border - radius - 1, border + radius
        left, right = slice(first, first + columns), slice(end, end + columns)
        upper, lower = total[..., first : first + rows, :], total[..., end : end + rows, :]
        result.append(lower[..., right] - upper[..., right] - lower[..., left] + upper[..., left])
    return result


class AcInputs:
    """Computes the inputs of AC plane k for the blocks of its two phases.

    planes: coefficients known so far. tables: the model's integer tables. slopes: one for each reference.
    """

    def __init__(self, planes: ComponentPlanes, k: int, tables: Tables, slopes: list[Slopes]) -> None:
        self._planes, self._k, self._tables, self._slopes = planes, k, tables, slopes
        inputs = AC_INPUTS[k]
        self._deltas, self._steps = inputs.deltas(planes), inputs.steps(planes)
        self._step = planes.steps[k : k + 1]
        self._cross = np.array(cross(k))
        values = np.arange(-_CLIP, _CLIP + 1)
        magnitudes = abs(values) * self._steps[:, None] * FRACTION // self._step
        self._lookup = tables.log_of(np.sign(values) * magnitudes).astype(np.float32).ravel()
        """float32: for each known value the inputs for coefficients from -_CLIP to _CLIP."""
        self._centres = (np.arange(0, len(self._deltas)) * (2 * _CLIP + 1) + _CLIP)[:, None]
        self._log_step = tables.log_of(self._step * FRACTION // 4)
        self._nearest_energy = self._energy(nearest_known(k, ENERGY_PLANES))
        self._maps: list[Int64] = []

    def _energy(self, planes: list[int]) -> Int64:
        """Sum of magnitudes of planes in sixteenths of this plane's step, int64 [height, width]."""
        p = self._planes
        total = np.zeros((p.height, p.width), dtype=np.int64)
        for j in planes:
            total += p.grid(abs(p.values[j].astype(np.int64)) * p.steps[j])
        energy: Int64 = (total * FRACTION // self._step).clip(max=1 << 20)
        return energy

    def start_phase(self, phase: int) -> None:
        """Prepare for the blocks of phase 0 or 1, with the values of earlier phases."""
        self._phase = phase
        if phase == 0:
            count = max(1, min(ENERGY_PLANES, self._k - 1))
            narrow, wide = box_sums(self._nearest_energy, 2, 8)
            self._maps = [narrow // (25 * count), wide // (289 * count)]
            own = np.zeros_like(self._nearest_energy)
        else:
            own = box_sums(self._energy([self._k]), 2)[0] // 12
        self._maps = [*self._maps[:2], own]

    def build(self, blocks: Index, weights: Int64) -> Float32:
        """The inputs of blocks.

        blocks: intp [n], indices in a bordered plane. weights: int64 [known values], of the linear prediction
        from AC_INPUTS[k] in this phase, in units of 2^-LINEAR_SHIFT.
        Returns float32 [width, n], integers in [-127, 127].
        """
        planes, tables = self._planes, self._tables
        known = planes.values.ravel()[blocks + self._deltas[:, None]]
        count = len(known)
        x: Float32 = np.zeros((width(self._k, len(planes.references)), len(blocks)), dtype=np.float32)
        x[:count] = self._lookup[known.clip(-_CLIP, _CLIP) + self._centres]
        total = (weights * self._steps).astype(np.float64) @ known.astype(np.float64)
        predicted = total.astype(np.int64) // (self._step << (LINEAR_SHIFT - 4))
        rows = x[count:]
        rows[0] = self._log_step
        rows[1] = 64 * self._phase
        rows[2] = 2 * planes.last[blocks]
        rows[3:11] = 2 * planes.last[blocks + planes.around[:, None]]
        rows[11:14] = tables.log_of(np.stack([m.ravel()[blocks] for m in self._maps]))
        rows[14:22] = tables.tanh_of(predicted)
        rows[22] = tables.log_of(predicted)
        for number, slopes in enumerate(self._slopes):
            self._reference(rows[SCALARS + number * PER_REFERENCE :], number, slopes, blocks)
        return x

    def _reference(self, rows: Float32, number: int, slopes: Slopes, blocks: Index) -> None:
        planes, tables, step = self._planes, self._tables, self._step
        reference = planes.references[number]
        y = reference.values[self._cross[:, None], blocks].astype(np.int64)
        rows[0:5] = tables.log_of(y * FRACTION // step)
        around = reference.values[self._k][blocks + planes.around[:, None]].astype(np.int64)
        rows[5] = tables.log_of(abs(around).sum(0) * (FRACTION // 8) // step)
        rows[6] = 2 * reference.last[blocks]
        predicted, trust = slope_inputs(slopes.sums[:, blocks], y[0], step, tables)
        rows[7:15] = tables.tanh_of(predicted)
        rows[15] = tables.log_of(predicted)
        rows[16:19] = trust
