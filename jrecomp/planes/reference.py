"""Components that were coded before, brought to the grid of the one being coded; local slopes on them."""

import numpy as np
import numpy.typing as npt

from jrecomp.planes.store import AROUND, BORDER, DIFFERENCE, Planes, Reference
from jrecomp.planes.tables import Tables
from jrecomp.planes.zigzag import COLUMN, ROW

Int64 = npt.NDArray[np.int64]

LIMIT = 32767
SLOPE_PLANES = 16
"""AC planes below this one take part in the local slopes."""

SLOPE_BIAS = 300
"""Added to the energy under a slope, in squared dequantized units."""


def _dequantized(planes: Planes) -> npt.NDArray[np.int32]:
    return _limited(planes.values[:64], planes.steps[:, None]).astype(np.int32)


def _axis(values: Int64, ratio: int, tables: Tables) -> Int64:
    """[..., blocks * ratio, 8] along one direction to [..., blocks, 8], in integers."""
    if ratio == 1:
        return values
    low = 8 // ratio
    matrix = (tables.half if ratio == 2 else tables.quarter).astype(np.int64)
    shape = (*values.shape[:-2], values.shape[-2] // ratio, 8)
    return (values[..., :low].reshape(shape) @ matrix.T + 2048) >> 12


def reference(source: Planes, target: Planes, tables: Tables) -> Reference | None:
    """`source` at the resolution of `target`; None where their ratio is not 1, 2 or 4 in each direction."""
    vertical, horizontal = source.rows // target.rows, source.columns // target.columns
    fits = source.rows == vertical * target.rows and source.columns == horizontal * target.columns
    if not fits or vertical not in (1, 2, 4) or horizontal not in (1, 2, 4):
        return None
    natural = np.zeros((source.rows, source.columns, 8, 8), np.int64)
    natural[:, :, ROW, COLUMN] = _dequantized(source)[:, source.blocks].transpose(1, 2, 0)
    # [block row, vertical frequency, block column, horizontal frequency], one direction after the other
    x = _axis(natural.transpose(0, 2, 1, 3), horizontal, tables)
    x = _axis(np.moveaxis(x, (0, 1), (2, 3)), vertical, tables)
    x = np.moveaxis(x, (2, 3), (0, 1))
    values = np.zeros((64, target.height * target.width), np.int32)
    places = x.transpose(0, 2, 1, 3)[:, :, ROW, COLUMN].transpose(2, 0, 1)
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
