"""What is known of one component of a slice while it is coded."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Index, Int16, Int32, Int64
from jrecomp.features.arrays import namespace, to_numpy
from jrecomp.t81 import COLUMN, INDEX, PLACES, ROW

BORDER = 2
"""Rings of blocks around the slice; those nearest repeat the edge for DC and `last`, others are zero."""

AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
"""(dy, dx) of the eight neighbours in raster order."""

SIDES = (1, 3, 4, 6)
"""Indices into AROUND of the direct neighbours: above, left, right, below."""

DIFFERENCE = 64
"""Pseudo-planes 64 to 71 hold the DC differences of the eight neighbours from the block's own."""

PLANES = DIFFERENCE + len(AROUND)

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass
class Reference:
    """Another component of the slice, brought to the block grid of the one being coded.

    values: dequantized coefficients, int32 [64, blocks of the bordered grid], within +-32767.
    """

    values: Int32
    last: Int16


@dataclass
class ComponentPlanes:
    """The known coefficients of one component of some slices of the same shape, plane by plane.

    steps: int64 [64], the quantization table. rows, columns: of a slice in blocks. Every slice has a grid
    of (rows + 2 BORDER) * (columns + 2 BORDER) blocks; a bordered plane is the grids of all slices in turn.
    values: int16 [PLANES, bordered plane], zero where not known yet.
    last: int16 likewise, index of the last non-zero AC coefficient, 0 where there is none.
    references: up to two components that were coded before, the nearest in kind last.
    """

    steps: Int64
    rows: int
    columns: int
    references: list[Reference]
    slices: int = 1
    xp: Any = field(init=False, repr=False)
    values: Int16 = field(init=False)
    last: Int16 = field(init=False)

    def __post_init__(self) -> None:
        xp = self.xp = namespace(self.steps)
        self.height, self.width = self.rows + 2 * BORDER, self.columns + 2 * BORDER
        self.size = self.slices * self.height * self.width
        self.values = xp.zeros((PLANES, self.size), dtype=xp.int16)
        self.last = xp.zeros(self.size, dtype=xp.int16)
        grids = np.arange(self.size).reshape(self.slices, self.height, self.width)
        self.blocks: Index = xp.asarray(grids[:, BORDER:-BORDER, BORDER:-BORDER])
        """intp [slices, rows, columns]: index of each block in a bordered plane."""
        self.offsets = [dy * self.width + dx for dy, dx in AROUND]
        self.around: Index = xp.asarray(np.array(self.offsets))

    def grid(self, plane: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """The view [slices, height, width] of a bordered plane."""
        return plane.reshape(self.slices, self.height, self.width)

    def repeat_edge(self, plane: npt.NDArray[np.signedinteger]) -> None:
        """Copies the outermost blocks of each slice of a bordered plane into the ring around them."""
        g, b = self.grid(plane), BORDER
        g[:, b - 1, b:-b], g[:, -b, b:-b] = g[:, b, b:-b], g[:, -b - 1, b:-b]
        ring = slice(b - 1, 1 - b)
        g[:, ring, b - 1], g[:, ring, -b] = g[:, ring, b], g[:, ring, -b - 1]

    def blank_reference(self) -> Reference:
        """What stands in for a component whose sampling does not fit."""
        values = self.xp.zeros((64, self.size), dtype=self.xp.int32)
        return Reference(values, self.xp.zeros(self.size, dtype=self.xp.int16))

    def finish_dc(self) -> None:
        """To be called when all DC coefficients are known: fills the difference planes."""
        xp, inside = self.xp, self.blocks.ravel()
        self.repeat_edge(self.values[0])
        dc = xp.astype(self.values[0], xp.int32)
        for number, offset in enumerate(self.offsets):
            difference = (dc[inside + offset] - dc[inside]).clip(-32767, 32767)
            self.values[DIFFERENCE + number, inside] = xp.astype(difference, xp.int16)

    def coefficients(self) -> Int16:
        """int16 [slices, rows, columns, 64], NumPy's."""
        return np.ascontiguousarray(to_numpy(self.values[:64, self.blocks]).transpose(1, 2, 3, 0))


@dataclass(frozen=True)
class Inputs:
    """Which known values feed plane k: input i is values[plane[i], block + offset of side[i]].

    side: index into AROUND, or -1 for the block itself.
    """

    plane: Index
    side: Index

    def deltas(self, planes: ComponentPlanes) -> Index:
        """intp [n]: what to add to a block's index to address `planes.values` flattened."""
        offsets = np.array([*planes.offsets, 0])
        deltas: Index = planes.xp.asarray(self.plane * planes.size + offsets[self.side])
        return deltas

    def steps(self, planes: ComponentPlanes) -> Int64:
        """int64 [n]: the quantization step of each input."""
        steps: Int64 = planes.steps[planes.xp.asarray(np.where(self.plane < DIFFERENCE, self.plane, 0))]
        return steps


def _wanted(k: int, side: int) -> list[int]:
    """Zig-zag indices below k worth seeing in the block (side -1) or in a neighbour."""
    known = range(1, k)
    if side == -1:
        return [j for j in known if j < 10 or distance(j, k) <= 4 or _same_row(j, k) or _same_column(j, k)]
    dy, dx = AROUND[side]
    if dy and dx:
        return [j for j in known if distance(j, k) <= 2]
    same_line = _same_row if dy == 0 else _same_column
    return [j for j in known if distance(j, k) <= 3 or same_line(j, k)] + [k]


def distance(a: int, b: int) -> int:
    """City-block distance of two zig-zag indices in frequency."""
    return abs(int(ROW[a] - ROW[b])) + abs(int(COLUMN[a] - COLUMN[b]))


def _same_row(j: int, k: int) -> bool:
    return PLACES[j][0] == PLACES[k][0]


def _same_column(j: int, k: int) -> bool:
    return PLACES[j][1] == PLACES[k][1]


def _inputs(k: int) -> Inputs:
    pairs = [(j, side) for side in (-1, *range(len(AROUND))) for j in _wanted(k, side)]
    pairs += [(DIFFERENCE + number, -1) for number in range(len(AROUND))]
    plane, side = np.array(pairs, np.intp).T
    return Inputs(plane, side)


AC_INPUTS = [_inputs(max(k, 1)) for k in range(64)]
"""Inputs of each AC plane; entry 0 is never used."""


def nearest_known(k: int, count: int) -> list[int]:
    """The `count` AC planes before k that are nearest in frequency."""
    return sorted(range(1, k), key=lambda j: (distance(j, k), -j))[:count]


def cross(k: int) -> tuple[int, int, int, int, int]:
    """Plane k and the planes above, left, right and below it in frequency, k where there is none."""
    row, column = PLACES[k]
    above, left = INDEX.get((row - 1, column), k), INDEX.get((row, column - 1), k)
    right, below = INDEX.get((row, column + 1), k), INDEX.get((row + 1, column), k)
    return k, above, left, right, below
