"""The coefficients of a component in all slices of a batch, on a device.

A plane holds the grids of all slices one after the other, in rows of blocks. GAP blocks, which are 0, lie
between rows, and GAP rows between grids. So kernels can read all blocks around a block, as far as the widest
sum of energies reaches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, zip_longest
from typing import Any

import numpy as np
import torch

from jrecomp.array_types import Index, Int32
from jrecomp.codec.gpu.engine import GAP
from jrecomp.features.schedule import checkerboard, pyramid
from jrecomp.features.store import PLANES

Tensor = Any  # torch.Tensor; torch is optional for type checking

RASTER, PYRAMID, CHECKERBOARD = 0, 1, 8
"""Indices of lists of blocks: all in raster order, the first phase of a pyramid, the first of AC planes."""

Shape = tuple[int, int]
"""Rows and columns of a slice, in blocks."""


@dataclass(frozen=True)
class Places:
    """A list of blocks of a phase, slice by slice.

    first: index in the component's array of places. starts: where the blocks of each slice begin, counted
    from `first`, and the number of all blocks.
    """

    first: int
    starts: list[int]

    @property
    def count(self) -> int:
        """Number of blocks."""
        return self.starts[-1]


class Component:
    """A component of all slices.

    steps: int32 [slices, 64]. shapes: of each slice. device: where the arrays are.
    values: int16 [PLANES, size], 0 where not yet known. last: int16 [size]. slices: int32 [size], number of
    the slice of each place. grids: int32 [slices, 4], its first place, rows, columns, and places from row to
    row. places: int32, blocks of all lists. lists: raster, the phases of a pyramid, those of AC planes.
    """

    def __init__(self, steps: Int32, shapes: Sequence[Shape], device: str) -> None:
        self.device, self.shapes = device, shapes
        grids, self.size = _grids(shapes)
        self.grids, self.steps = _put(grids, device), _put(steps, device)
        ends = [*grids[1:, 0].tolist(), self.size]
        numbers = np.repeat(np.arange(len(shapes), dtype=np.int32), np.diff([0, *ends]))
        self.slices = _put(numbers, device)
        places, self.lists = _places(grids)
        self.places = _put(places, device)
        self.values = torch.zeros((PLANES, self.size), dtype=torch.int16, device=device)
        self.last = torch.zeros(self.size, dtype=torch.int16, device=device)

    @property
    def count(self) -> int:
        """Number of blocks."""
        return self.lists[RASTER].count

    def coded_planes(self, highest: int) -> tuple[Tensor, list[tuple[Places, Places]]]:
        """The blocks of the phases of AC planes from 1 on, as `last` of all blocks is known.

        Returns places, and for each plane up to the largest `last` and up to `highest` its two lists.
        """
        nothing = Places(0, [0] * (len(self.shapes) + 1))
        found, first, phases = [self.places[:1]], 1, []
        for places in self.lists[CHECKERBOARD:]:
            blocks = self.places[places.first : places.first + places.count]
            last = self.last[blocks]
            key = self.slices[blocks].long() * 64 + last
            counts = torch.bincount(key, minlength=64 * len(self.shapes)).reshape(-1, 64)
            above = counts.flip(1).cumsum(1).flip(1).cpu().numpy()  # blocks with this `last` at least
            coded = np.flatnonzero(above[:, 1 : highest + 1].any(0)) + 1
            if len(coded):
                chosen = last >= torch.from_numpy(coded)[:, None].to(self.device)
                found.append(blocks[chosen.flatten().nonzero().flatten() % len(blocks)])
            lists = []
            for k in coded:
                lists.append(Places(first, [0, *np.cumsum(above[:, k]).tolist()]))
                first += lists[-1].count
            phases.append(lists)
        even, odd = phases
        return torch.cat(found), list(zip_longest(even, odd, fillvalue=nothing))


def ratios(source: Component, target: Component) -> Tensor:
    """How many blocks of a component make one of another: int32 [slices, 2], 0 if references are 0."""
    table = np.zeros((len(target.shapes), 2), np.int32)
    for number, (fine, coarse) in enumerate(zip(source.shapes, target.shapes, strict=True)):
        v, h = fine[0] // coarse[0], fine[1] // coarse[1]
        if (v * coarse[0], h * coarse[1]) == tuple(fine) and {v, h} <= {1, 2, 4}:
            table[number] = v, h
    return _put(table, target.device)


def _put(array: Any, device: str) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(device)


def _grids(shapes: Sequence[Shape]) -> tuple[Int32, int]:
    """First place, rows, columns and places from row to row of each slice; and the number of places."""
    table = np.array([(0, rows, columns, columns + GAP) for rows, columns in shapes], np.int64)
    gap = GAP * int(table[:, 3].max()) + GAP
    table[:, 0] = gap + np.cumsum([0, *(table[:, 1] * table[:, 3] + gap)[:-1]])
    size = int(table[-1, 0] + table[-1, 1] * table[-1, 3]) + gap
    return table.astype(np.int32), size


def _places(grids: Int32) -> tuple[Int32, list[Places]]:
    """The blocks of all lists."""
    parts: list[list[Int32]] = []
    for (rows, columns), group in groupby(grids.tolist(), lambda grid: (grid[1], grid[2])):
        bases = np.array([grid[0] for grid in group], np.int32)[:, None]
        parts.append([bases + offsets for offsets in _order(rows, columns)])
    lists, found, first = [], [], 0
    for same in zip(*parts, strict=True):
        counts = [count for array in same for count in [array.shape[1]] * len(array)]
        lists.append(Places(first, [0, *np.cumsum(counts).tolist()]))
        found += [array.ravel() for array in same]
        first += lists[-1].count
    return np.concatenate(found), lists


@lru_cache(maxsize=32)
def _order(rows: int, columns: int) -> list[Int32]:
    """The places of the blocks of each list, for a slice that begins at 0."""
    masks = [np.ones((rows, columns), np.bool_), *checkerboard(rows, columns)]
    (raster, even, odd), phases = map(np.nonzero, masks), pyramid(rows, columns)
    found: list[tuple[Index, ...]] = [raster, *((phase.rows, phase.columns) for phase in phases), even, odd]
    return [(y * (columns + GAP) + x).astype(np.int32) for y, x in found]
