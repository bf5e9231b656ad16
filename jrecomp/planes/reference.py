"""Components that were coded before, brought to the grid of the one being coded; local slopes on them."""

import numpy as np
import numpy.typing as npt

from jrecomp.planes.store import AROUND, BORDER, DIFFERENCE, Planes, Reference
from jrecomp.planes.tables import Tables
from jrecomp.planes.zigzag import COLUMN, INDEX, ROW

Int64 = npt.NDArray[np.int64]

LIMIT = 32767
SLOPE_PLANES = 16
"""AC planes below this one take part in the local slopes."""

SLOPE_BIAS = 300
"""Added to the energy under a slope, in squared dequantized units."""


def _low(source: Planes, rows: int, columns: int) -> Int64:
    """Dequantized coefficients of the lowest frequencies, int64 [block row, rows, block column, columns]."""
    chosen = [[INDEX[row, column] for column in range(columns)] for row in range(rows)]
    planes = np.array(chosen).ravel()
    values = _limited(source.values[planes], source.steps[planes, None])[:, source.blocks]
    return values.reshape(rows, columns, source.rows, source.columns).transpose(2, 0, 3, 1)


def _axis(values: Int64, ratio: int, tables: Tables) -> Int64:
    """[..., blocks * ratio, 8 / ratio] along one direction to [..., blocks, 8], in integers."""
    if ratio == 1:
        return values
    matrix = (tables.half if ratio == 2 else tables.quarter).astype(np.float64)
    rows = values.reshape(*values.shape[:-2], values.shape[-2] // ratio, 8).astype(np.float64)
    return ((rows @ matrix.T).astype(np.int64) + 2048) >> 12  # sums below 2^53: exact


def reference(source: Planes, target: Planes, tables: Tables) -> Reference | None:
    """`source` at the resolution of `target`; None where their ratio is not 1, 2 or 4 in each direction."""
    vertical, horizontal = source.rows // target.rows, source.columns // target.columns
    fits = source.rows == vertical * target.rows and source.columns == horizontal * target.columns
    if not fits or vertical not in (1, 2, 4) or horizontal not in (1, 2, 4):
        return None
    # [block row, vertical frequency, block column, horizontal frequency], one direction after the other
    x = _axis(_low(source, 8 // vertical, 8 // horizontal), horizontal, tables)
    x = _axis(x.transpose(2, 3, 0, 1), vertical, tables)
    values = np.zeros((64, target.height * target.width), np.int32)
    places = x.transpose(2, 0, 3, 1)[:, :, ROW, COLUMN].transpose(2, 0, 1)
    values[:, target.blocks] = np.clip(places, -LIMIT, LIMIT)
    target.repeat_edge(values[0])
    lasts = source.last[source.blocks].astype(np.int64)
    lasts = lasts.reshape(target.rows, vertical, target.columns, horizontal).sum((1, 3))
    last = np.zeros(target.height * target.width, np.int16)
    last[target.blocks] = lasts // (vertical * horizontal)
    target.repeat_edge(last)
    return Reference(values, last)


class Slopes:
    """Running sums over the known coefficients of a block and its neighbours: c y, y y and c c.

    c is the component being coded, y the reference, both dequantized; AC planes 1 to SLOPE_PLANES - 1
    of the nine blocks and the DC differences of the eight neighbours.
    """

    def __init__(self, planes: Planes, against: Reference) -> None:
        self._planes, self._reference = planes, against
        self._own = np.zeros((3, planes.height, planes.width), np.int64)
        self._differences = np.zeros((3, planes.rows, planes.columns), np.int64)
        inside = planes.blocks
        for number in range(len(AROUND)):
            c = _limited(planes.values[DIFFERENCE + number, inside], planes.steps[:1])
            y = against.values[0, inside + planes.around[number]].astype(np.int64) - against.values[0, inside]
            self._differences += np.stack([c * y, y * y, c * c])
        self.sums = self._differences.reshape(3, -1)

    def position(self, blocks: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """Where the sums of blocks (indices in the bordered grid) are."""
        row, column = np.divmod(blocks, self._planes.width)
        return (row - BORDER) * self._planes.columns + column - BORDER

    def learn(self, k: int) -> None:
        """To be called when plane k is known."""
        if not 0 < k < SLOPE_PLANES:
            return
        planes = self._planes
        c = planes.grid(_limited(planes.values[k], planes.steps[k : k + 1]))
        y = planes.grid(self._reference.values[k].astype(np.int64))
        self._own += np.stack([c * y, y * y, c * c])
        rows = self._own[:, 1:-3] + self._own[:, 2:-2] + self._own[:, 3:-1]
        box = rows[:, :, 1:-3] + rows[:, :, 2:-2] + rows[:, :, 3:-1]
        self.sums = (box + self._differences).reshape(3, -1)


def _limited(values: npt.NDArray[np.int16], steps: Int64) -> Int64:
    limited: Int64 = np.clip(values.astype(np.int64) * steps, -LIMIT, LIMIT)
    return limited


def slope_inputs(sums: Int64, y: Int64, step: int, tables: Tables) -> tuple[Int64, Int64]:
    """The prediction slope * y of a coefficient and how far to trust it.

    sums: int64 [3, n] of c y, y y, c c; y: int64 [n] dequantized; step: of the coefficient.
    Returns the prediction in sixteenths of a step, int64 [n], and inputs int64 [3, n]: agreement
    (signed, of the correlation's logarithm), and the energies' logarithms in steps.
    """
    product, energy, own = sums
    predicted = (16 * product * y) // ((energy + SLOPE_BIAS) * step)
    log_step = int(tables.log2_of(np.array([step]))[0])
    logs = [tables.log2_of(np.abs(value) + 1) for value in (product, energy, own)]
    agreement = np.clip(127 + 2 * (2 * logs[0] - logs[1] - logs[2]), 0, 127)
    trust = [np.sign(product) * agreement, logs[1] // 2 - log_step, logs[2] // 2 - log_step]
    return predicted, np.clip(np.stack(trust), -127, 127)
