"""The known coefficients of a component during coding, and the selection of those that predict others."""

from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Index, Int16, Int32, Int64
from jrecomp.t81 import COLUMN, INDEX, PLACES, ROW

BORDER = 2
"""Width in blocks of the border around a slice. Its inner ring repeats the edge for DC and `last`; all other
values of the border are 0.
"""

AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
"""(dy, dx) of the eight neighbours in raster order."""

SIDES = (1, 3, 4, 6)
"""Indices into AROUND of the direct neighbours: above, left, right, below."""

DIFFERENCE = 64
"""Index of the first of eight planes with DC differences: DC of a neighbour minus the block's own."""

PLANES = DIFFERENCE + len(AROUND)

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass
class Reference:
    """A coded component of the slice, resampled to the block grid of the component being coded.

    values: dequantized coefficients, int32 [64, bordered plane], within +-32767.
    last: int16 [bordered plane], mean index of the last non-zero AC coefficient.
    """

    values: Int32
    last: Int16


@dataclass
class ComponentPlanes:
    """The known coefficients of a component in a slice, by plane.

    A bordered plane is the grid of blocks with a border, row by row; it has
    (rows + 2 BORDER) * (columns + 2 BORDER) blocks.

    steps: int64 [64], the quantization table. rows, columns: size of the slice in blocks.
    references: up to two coded components; the first component of the frame comes first.
    values: int16 [PLANES, bordered plane], 0 where not yet known.
    last: int16 [bordered plane], index of the last non-zero AC coefficient, 0 if there is none.
    """

    steps: Int64
    rows: int
    columns: int
    references: list[Reference]
    values: Int16 = field(init=False)
    last: Int16 = field(init=False)

    def __post_init__(self) -> None:
        self.height, self.width = self.rows + 2 * BORDER, self.columns + 2 * BORDER
        self.size = self.height * self.width
        self.values = np.zeros((PLANES, self.size), dtype=np.int16)
        self.last = np.zeros(self.size, dtype=np.int16)
        self.blocks: Index = self.grid(np.arange(self.size))[BORDER:-BORDER, BORDER:-BORDER]
        """intp [rows, columns]: indices of the blocks in a bordered plane."""
        self.offsets = [dy * self.width + dx for dy, dx in AROUND]
        self.around: Index = np.array(self.offsets)

    def grid(self, plane: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """A view of a bordered plane as [height, width]."""
        return plane.reshape(self.height, self.width)

    def repeat_edge(self, plane: npt.NDArray[np.signedinteger]) -> None:
        """Copy the outermost blocks of the slice in a bordered plane to the ring around them."""
        g, b = self.grid(plane), BORDER
        g[b - 1, b:-b], g[-b, b:-b] = g[b, b:-b], g[-b - 1, b:-b]
        ring = slice(b - 1, 1 - b)
        g[ring, b - 1], g[ring, -b] = g[ring, b], g[ring, -b - 1]

    def blank_reference(self) -> Reference:
        """A reference of zeros, for components whose block grids do not fit."""
        values = np.zeros((64, self.size), dtype=np.int32)
        return Reference(values, np.zeros(self.size, dtype=np.int16))

    def finish_dc(self) -> None:
        """Compute the planes of DC differences; call it when all DC coefficients are coded."""
        inside = self.blocks.ravel()
        self.repeat_edge(self.values[0])
        dc = self.values[0].astype(np.int32)
        for number, offset in enumerate(self.offsets):
            difference = (dc[inside + offset] - dc[inside]).clip(-32767, 32767)
            self.values[DIFFERENCE + number, inside] = difference.astype(np.int16)

    def coefficients(self) -> Int16:
        """The coefficients, int16 [rows, columns, 64]."""
        return np.ascontiguousarray(self.values[:64, self.blocks].transpose(1, 2, 0))


class Inputs(NamedTuple):
    """The known values that predict an AC plane; value i is values[plane[i], block + offset of side[i]].

    plane: intp [n], plane indices. side: intp [n], indices into AROUND, or -1 for the block itself.
    """

    plane: Index
    side: Index

    def deltas(self, planes: ComponentPlanes) -> Index:
        """Offsets from the index of a block to its known values in `planes.values`, flattened; intp [n]."""
        offsets = np.array([*planes.offsets, 0])
        deltas: Index = self.plane * planes.size + offsets[self.side]
        return deltas

    def steps(self, planes: ComponentPlanes) -> Int64:
        """The quantization step of each known value, int64 [n]."""
        steps: Int64 = planes.steps[np.where(self.plane < DIFFERENCE, self.plane, 0)]
        return steps


_DISTANCE = np.abs(ROW[:, None] - ROW) + np.abs(COLUMN[:, None] - COLUMN)
"""City-block distance of two zig-zag indices in frequency, [64, 64]."""


def _inputs() -> list[Inputs]:
    index, k = np.arange(64), np.arange(64).clip(1)[:, None]
    near, same_row, same_column = _DISTANCE[k[:, 0]], ROW[k] == ROW, COLUMN[k] == COLUMN
    own, diagonal = (index < 10) | (near <= 4) | same_row | same_column, near <= 2
    vertical, horizontal = (near <= 3) | same_column, (near <= 3) | same_row
    before, until = (index > 0) & (index < k), (index > 0) & (index <= k)
    chosen = [own & before]
    for dy, dx in AROUND:
        chosen.append(diagonal & before if dy and dx else (vertical if dy else horizontal) & until)
    differences, block = np.arange(DIFFERENCE, PLANES), np.full(len(AROUND), -1)
    found = map(np.nonzero, np.stack(chosen, 1))  # of each k: [side + 1, plane]
    return [Inputs(np.append(plane, differences), np.append(side - 1, block)) for side, plane in found]


AC_INPUTS = _inputs()
"""Known values that predict each AC plane; entry 0 is unused."""


def nearest_known(k: int, count: int) -> list[int]:
    """The `count` AC planes below k that are nearest in frequency, of equally near ones the highest."""
    order = np.argsort(64 * _DISTANCE[k, 1:k] - np.arange(1, k))
    nearest: list[int] = (1 + order[:count]).tolist()
    return nearest


def cross(k: int) -> tuple[int, int, int, int, int]:
    """Plane k and its neighbours in frequency above, left, right and below; k where there is none."""
    row, column = PLACES[k]
    above, left = INDEX.get((row - 1, column), k), INDEX.get((row, column - 1), k)
    right, below = INDEX.get((row, column + 1), k), INDEX.get((row + 1, column), k)
    return k, above, left, right, below
