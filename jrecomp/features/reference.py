"""Components that were coded before, brought to the grid of the one being coded; local slopes on them."""

from typing import Any

import numpy as np

from jrecomp.array_types import Int16, Int64
from jrecomp.features.store import DIFFERENCE, ComponentPlanes, Reference
from jrecomp.features.tables import Tables
from jrecomp.t81 import COLUMN, INDEX, ROW

LIMIT = 32767
SLOPE_PLANES = 16
"""AC planes below this one take part in the local slopes."""

SLOPE_BIAS = 300
"""Added to the energy under a slope, in squared dequantized units."""


def _low(source: ComponentPlanes, rows: int, columns: int) -> Int64:
    """Dequantized coefficients of the lowest frequencies of each block.

    int64 [slice, block row, rows, block column, columns].
    """
    xp = source.xp
    planes = xp.asarray(np.array([[INDEX[row, column] for column in range(columns)] for row in range(rows)]))
    steps = source.steps[planes.ravel(), None]
    values = _limited(source.values[planes.ravel()], steps, xp)[:, source.blocks]
    low: Int64 = xp.permute_dims(values.reshape(rows, columns, *source.blocks.shape), (2, 3, 0, 4, 1))
    return low


def _axis(values: Int64, ratio: int, tables: Tables) -> Int64:
    """[..., blocks * ratio, 8 / ratio] along one direction to [..., blocks, 8], in integers."""
    if ratio == 1:
        return values
    xp = tables.xp
    matrix = xp.astype(tables.half if ratio == 2 else tables.quarter, xp.float64)
    rows = xp.astype(values.reshape(*values.shape[:-2], values.shape[-2] // ratio, 8), xp.float64)
    resampled: Int64 = (xp.astype(rows @ matrix.T, xp.int64) + 2048) >> 12  # sums below 2^53: exact
    return resampled


def reference(source: ComponentPlanes, target: ComponentPlanes, tables: Tables) -> Reference | None:
    """`source` at the resolution of `target`; None where their ratio is not 1, 2 or 4 in each direction."""
    vertical, horizontal = source.rows // target.rows, source.columns // target.columns
    fits = source.rows == vertical * target.rows and source.columns == horizontal * target.columns
    if not fits or vertical not in (1, 2, 4) or horizontal not in (1, 2, 4):
        return None
    xp, result = target.xp, target.blank_reference()
    # [slice, block row, vertical frequency, block column, horizontal frequency]; one way, then the other
    x = _axis(_low(source, 8 // vertical, 8 // horizontal), horizontal, tables)
    x = _axis(xp.permute_dims(x, (0, 3, 4, 1, 2)), vertical, tables)
    places = xp.permute_dims(x, (4, 2, 0, 3, 1))[xp.asarray(ROW), xp.asarray(COLUMN)]
    result.values[:, target.blocks] = xp.astype(places.clip(-LIMIT, LIMIT), xp.int32)
    target.repeat_edge(result.values[0])
    lasts = xp.astype(source.last[source.blocks], xp.int64)
    lasts = lasts.reshape(target.slices, target.rows, vertical, target.columns, horizontal).sum((2, 4))
    result.last[target.blocks] = xp.astype(lasts // (vertical * horizontal), xp.int16)
    target.repeat_edge(result.last)
    return result


class Slopes:
    """Running sums over the known coefficients of a block and its neighbours: c y, y y and c c.

    c is the component being coded, y the reference, both dequantized; AC planes 1 to SLOPE_PLANES - 1
    of the nine blocks and the DC differences of the eight neighbours. sums: int64 [3, bordered plane].
    """

    def __init__(self, planes: ComponentPlanes, against: Reference) -> None:
        self._planes, self._reference = planes, against
        xp, inside = planes.xp, planes.blocks
        self._own = xp.zeros((3, planes.slices, planes.height, planes.width), dtype=xp.int64)
        self.sums = xp.zeros((3, planes.size), dtype=xp.int64)
        dc = xp.astype(against.values[0], xp.int64)
        for number, offset in enumerate(planes.offsets):
            c = _limited(planes.values[DIFFERENCE + number, inside], planes.steps[0], xp)
            y = dc[inside + offset] - dc[inside]
            self.sums[:, inside] += xp.stack([c * y, y * y, c * c])
        self._differences = self.sums

    def learn(self, k: int) -> None:
        """To be called when plane k is known."""
        if not 0 < k < SLOPE_PLANES:
            return
        planes, xp = self._planes, self._planes.xp
        c = planes.grid(_limited(planes.values[k], planes.steps[k], xp))
        y = planes.grid(xp.astype(self._reference.values[k], xp.int64))
        self._own += xp.stack([c * y, y * y, c * c])
        rows = self._own[:, :, :-2] + self._own[:, :, 1:-1] + self._own[:, :, 2:]
        box = xp.zeros_like(self._own)
        box[:, :, 1:-1, 1:-1] = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
        self.sums = box.reshape(3, -1) + self._differences


def _limited(values: Int16, steps: Int64, xp: Any) -> Int64:
    limited: Int64 = (xp.astype(values, xp.int64) * steps).clip(-LIMIT, LIMIT)
    return limited


def slope_inputs(sums: Int64, y: Int64, step: Int64, tables: Tables) -> tuple[Int64, Int64]:
    """The prediction slope * y of a coefficient and how far to trust it.

    sums: int64 [3, n] of c y, y y, c c; y: int64 [n] dequantized; step: int64 [1], of the coefficient.
    Returns the prediction in sixteenths of a step, int64 [n], and inputs int64 [3, n]: agreement
    (signed, of the correlation's logarithm), and the energies' logarithms in steps.
    """
    xp = tables.xp
    product, energy = sums[:2]
    predicted = (16 * product * y) // ((energy + SLOPE_BIAS) * step)
    log_step = tables.log2_of(step)
    logs = tables.log2_of(abs(sums) + 1)
    agreement = (127 + 2 * (2 * logs[0] - logs[1] - logs[2])).clip(0, 127)
    trust = [xp.sign(product) * agreement, logs[1] // 2 - log_step, logs[2] // 2 - log_step]
    return predicted, xp.stack(trust).clip(-127, 127)
