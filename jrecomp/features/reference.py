"""References: coded components resampled to the block grid of another, and local regression on them.

Specified in docs/format/planes.md, "References" and "Local slopes".
"""

import numpy as np

from jrecomp.array_types import Int16, Int64
from jrecomp.features.store import DIFFERENCE, ComponentPlanes, Reference
from jrecomp.features.tables import Tables
from jrecomp.t81 import COLUMN, INDEX, ROW

LIMIT = 32767
"""Largest magnitude of a dequantized coefficient."""

SLOPE_PLANES = 16
"""Slopes are computed from the AC planes below this index."""

SLOPE_BIAS = 300
"""Regularization: added to the denominator of a slope, in squared dequantized units."""


def _low(source: ComponentPlanes, rows: int, columns: int) -> Int64:
    """Dequantized coefficients of the lowest rows x columns frequencies of each block.

    Returns int64 [block rows, rows, block columns, columns].
    """
    planes = np.array([[INDEX[row, column] for column in range(columns)] for row in range(rows)])
    steps = source.steps[planes.ravel(), None]
    values = _limited(source.values[planes.ravel()], steps)[:, source.blocks]
    low: Int64 = np.permute_dims(values.reshape(rows, columns, *source.blocks.shape), (2, 0, 3, 1))
    return low


def _axis(values: Int64, ratio: int, tables: Tables) -> Int64:
    """Resampling in one direction, from [..., blocks * ratio, 8 / ratio] to [..., blocks, 8]."""
    if ratio == 1:
        return values
    matrix = (tables.half if ratio == 2 else tables.quarter).astype(np.float64)
    rows = values.reshape(*values.shape[:-2], values.shape[-2] // ratio, 8).astype(np.float64)
    resampled: Int64 = ((rows @ matrix.T).astype(np.int64) + 2048) >> 12  # exact: sums are below 2^53
    return resampled


def reference(source: ComponentPlanes, target: ComponentPlanes, tables: Tables) -> Reference | None:
    """Resample a coded component to the block grid of another.

    source: the coded component. target: the component with the wanted grid. tables: the model's tables.
    Returns None unless `source` has 1, 2 or 4 times the blocks of `target` in each direction.
    """
    vertical, horizontal = source.rows // target.rows, source.columns // target.columns
    fits = source.rows == vertical * target.rows and source.columns == horizontal * target.columns
    if not fits or vertical not in (1, 2, 4) or horizontal not in (1, 2, 4):
        return None
    result = target.blank_reference()
    # x: [block row, vertical frequency, block column, horizontal frequency]; horizontal pass first
    x = _axis(_low(source, 8 // vertical, 8 // horizontal), horizontal, tables)
    x = _axis(np.permute_dims(x, (2, 3, 0, 1)), vertical, tables)
    places = np.permute_dims(x, (3, 1, 2, 0))[ROW, COLUMN]
    result.values[:, target.blocks] = places.clip(-LIMIT, LIMIT).astype(np.int32)
    target.repeat_edge(result.values[0])
    lasts = source.last[source.blocks].astype(np.int64)
    lasts = lasts.reshape(target.rows, vertical, target.columns, horizontal).sum((1, 3))
    result.last[target.blocks] = (lasts // (vertical * horizontal)).astype(np.int16)
    target.repeat_edge(result.last)
    return result


class Slopes:
    """Sums for the local regression of a component on a reference, updated after each plane.

    Let c be the dequantized coefficients of the component and y those of the reference. `sums`, int64 [3,
    bordered plane], holds the sums of c y, y y and c c over the known AC planes below SLOPE_PLANES of a block
    and its eight neighbours, and over the DC differences of the neighbours.
    """

    def __init__(self, planes: ComponentPlanes, reference: Reference) -> None:
        self._planes, self._reference = planes, reference
        inside = planes.blocks
        self._own = np.zeros((3, planes.height, planes.width), dtype=np.int64)
        self.sums = np.zeros((3, planes.size), dtype=np.int64)
        dc = reference.values[0].astype(np.int64)
        for number, offset in enumerate(planes.offsets):
            c = _limited(planes.values[DIFFERENCE + number, inside], planes.steps[0])
            y = dc[inside + offset] - dc[inside]
            self.sums[:, inside] += np.stack([c * y, y * y, c * c])
        self._differences = self.sums

    def learn(self, k: int) -> None:
        """Add plane k to the sums; call it when the plane is coded."""
        if not 0 < k < SLOPE_PLANES:
            return
        planes = self._planes
        c = planes.grid(_limited(planes.values[k], planes.steps[k]))
        y = planes.grid(self._reference.values[k].astype(np.int64))
        self._own += np.stack([c * y, y * y, c * c])
        rows = self._own[:, :-2] + self._own[:, 1:-1] + self._own[:, 2:]
        box = np.zeros_like(self._own)
        box[:, 1:-1, 1:-1] = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
        self.sums = box.reshape(3, -1) + self._differences


def _limited(values: Int16, steps: Int64) -> Int64:
    limited: Int64 = (values.astype(np.int64) * steps).clip(-LIMIT, LIMIT)
    return limited


def slope_inputs(sums: Int64, y: Int64, step: Int64, tables: Tables) -> tuple[Int64, Int64]:
    """Predict coefficients from a reference by local regression.

    sums: int64 [3, n], the sums of c y, y y and c c. y: int64 [n], dequantized values of the reference. step:
    int64 [1], of the coefficients. tables: the model's integer tables.

    Returns the prediction (c y / y y) y in sixteenths of a step, int64 [n], and three inputs that measure its
    reliability ("trust"), int64 [3, n]: the logarithm of the squared correlation with the sign of the
    correlation, and the logarithms of the energies of y and c relative to the step.
    """
    product, energy = sums[:2]
    predicted = (16 * product * y) // ((energy + SLOPE_BIAS) * step)
    log_step = tables.log2_of(step)
    logs = tables.log2_of(abs(sums) + 1)
    agreement = (127 + 2 * (2 * logs[0] - logs[1] - logs[2])).clip(0, 127)
    trust = [np.sign(product) * agreement, logs[1] // 2 - log_step, logs[2] // 2 - log_step]
    return predicted, np.stack(trust).clip(-127, 127)
