"""Inputs of the networks of the DC plane and of `last` (docs/format/planes.md, "Inputs").

Both are coded in the seven phases of a pyramid, see jrecomp.features.schedule.
"""

import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Float32, Index, Int64
from jrecomp.features.reference import LIMIT, slope_inputs
from jrecomp.features.schedule import PRIMARY, PYRAMID_PHASES, SLOTS, PyramidPhase
from jrecomp.features.store import DIFFERENCE, ComponentPlanes, Reference
from jrecomp.features.tables import FRACTION, SCALES, Tables

_DC_SCALARS = 2 + PYRAMID_PHASES
_DC_PER_REFERENCE = 1 + len(SCALES) + 1 + 3
_LAST_STEPS = np.array([1, 2, 5, 9, 14, 20, 35, 60])
_LAST_SCALARS = 8 + len(_LAST_STEPS) + PYRAMID_PHASES
_BANDS = ((1, 3), (3, 6), (6, 10), (10, 21), (21, 36), (36, 64))
_LAST_PER_REFERENCE = 2 + 3 + len(_BANDS)


def dc_width(references: int) -> int:
    """Number of inputs of the DC plane with this number of references."""
    return SLOTS + _DC_SCALARS + references * _DC_PER_REFERENCE


def last_width(references: int) -> int:
    """Number of inputs of `last` with this number of references."""
    return SLOTS + _LAST_SCALARS + references * _LAST_PER_REFERENCE


class Neighbourhood:
    """The known blocks around the blocks of a pyramid phase.

    Values outside the slice are replaced by the mean of the primary values inside.
    """

    def __init__(self, planes: ComponentPlanes, phase: PyramidPhase) -> None:
        self.phase = phase
        self.blocks: Index = planes.blocks[phase.rows, phase.columns]
        """intp [blocks]: indices in a bordered plane."""
        offsets = np.array(phase.offsets, np.intp).reshape(-1, 2)
        y, x = phase.rows + offsets[:, :1], phase.columns + offsets[:, 1:]
        self._inside = (y >= 0) & (y < planes.rows) & (x >= 0) & (x < planes.columns)
        deltas = offsets @ [planes.width, 1]
        self._index = np.where(self._inside, self.blocks + deltas[:, None], 0)

    def gather(self, plane: npt.NDArray[np.signedinteger]) -> Int64:
        """The values of a bordered plane around each block, int64 [SLOTS, blocks]; unused slots are 0."""
        inside = self._inside
        values = np.where(inside, plane[self._index], 0).astype(np.int64)
        mean = values[:PRIMARY].sum(0) // inside[:PRIMARY].sum(0).clip(min=1)
        result: Int64 = np.zeros((SLOTS, len(self.blocks)), dtype=np.int64)
        result[: len(values)] = np.where(inside, values, mean)
        return result


def dc_inputs(
    planes: ComponentPlanes, neighbourhood: Neighbourhood, weights: Int64, tables: Tables
) -> tuple[Float32, Int64]:
    """The inputs of the DC plane for the blocks of a phase.

    planes: coefficients known so far. neighbourhood: of the phase. weights: int64 [SLOTS], the weights of the
    phase's linear prediction in units of 2^-12. tables: the model's integer tables.
    Returns float32 [width, blocks], and the rounded linear prediction of DC, int64 [blocks].
    """
    step = planes.steps[:1]
    values = neighbourhood.gather(planes.values[0])
    fine = weights @ values >> 8
    predicted = (fine + 8) >> 4
    x = np.zeros((dc_width(len(planes.references)), len(neighbourhood.blocks)), dtype=np.float32)
    used = len(neighbourhood.phase.offsets)
    x[:used] = tables.log_of((values - predicted)[:used] * FRACTION)
    rows = x[SLOTS:]
    rows[0] = 8 * (fine - 16 * predicted)
    rows[1] = tables.log_of(step * FRACTION)
    rows[2 + neighbourhood.phase.number] = 64
    for number, reference in enumerate(planes.references):
        part = rows[_DC_SCALARS + number * _DC_PER_REFERENCE :]
        _dc_reference(part, reference, neighbourhood, values, weights, step, tables)
    return x, predicted


def _dc_reference(
    rows: Float32,
    reference: Reference,
    neighbourhood: Neighbourhood,
    values: Int64,
    weights: Int64,
    step: Int64,
    tables: Tables,
) -> None:
    count = max(1, len(neighbourhood.phase.offsets))
    y = neighbourhood.gather(reference.values[0])
    residual = reference.values[0][neighbourhood.blocks] - (weights @ y >> 12)
    c = (values * step).clip(-LIMIT, LIMIT)
    c, y = c[:count] - c[:count].sum(0) // count, y[:count] - y[:count].sum(0) // count
    sums = np.stack([(c * y).sum(0), (y * y).sum(0), (c * c).sum(0)])
    predicted, trust = slope_inputs(sums, residual, step, tables)
    rows[0] = tables.log_of(residual * FRACTION // step)
    rows[1:9] = tables.tanh_of(predicted)
    rows[9] = tables.log_of(predicted)
    rows[10:13] = trust


def last_inputs(planes: ComponentPlanes, neighbourhood: Neighbourhood, tables: Tables) -> Float32:
    """The inputs of `last`, the index of the last non-zero AC coefficient, for the blocks of a phase.

    planes: coefficients known so far. neighbourhood: of the phase. tables: the model's integer tables.
    Returns float32 [width, blocks].
    """
    blocks = neighbourhood.blocks
    x: Float32 = np.zeros((last_width(len(planes.references)), len(blocks)), dtype=np.float32)
    x[:SLOTS] = 2 * neighbourhood.gather(planes.last)
    rows = x[SLOTS:]
    rows[:8] = tables.log_of(planes.values[DIFFERENCE:, blocks].astype(np.int64) * FRACTION)
    rows[8:16] = tables.log_of(planes.steps[_LAST_STEPS] * FRACTION)[:, None]
    rows[16 + neighbourhood.phase.number] = 64
    for number, reference in enumerate(planes.references):
        _last_reference(
            rows[_LAST_SCALARS + number * _LAST_PER_REFERENCE :], reference, planes, blocks, tables
        )
    return x


def _last_reference(
    rows: Float32, reference: Reference, planes: ComponentPlanes, blocks: Index, tables: Tables
) -> None:
    rows[0] = 2 * reference.last[blocks]
    rows[1] = 2 * (reference.last[blocks + planes.around[:, None]].astype(np.int64).sum(0) // 8)
    dequantized = reference.values[:, blocks].astype(np.int64)
    magnitudes = abs(dequantized) * FRACTION // planes.steps[:, None]
    index = np.arange(0, 64)[:, None]
    for number, threshold in enumerate((8, 16, 32)):
        rows[2 + number] = 2 * np.max((magnitudes >= threshold) * index, axis=0)
    for number, (start, stop) in enumerate(_BANDS):
        rows[5 + number] = tables.log_of(magnitudes[start:stop].sum(0))
