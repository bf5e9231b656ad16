"""Inputs of models with latents, and their groups of coefficients (docs/format/latents.md).

Arrays are [planes, rows, columns] over the blocks of a slice.
"""

import numpy as np

from jrecomp.array_types import Int8, Int64
from jrecomp.features.reference import reference
from jrecomp.features.store import ComponentPlanes
from jrecomp.features.tables import FRACTION, Tables

GROUPS = ((0, 1), (1, 15), (15, 64))
"""First zig-zag index of each group, and the index after its last."""

SIDES = ((0, 1), (1, 0), (1, 2), (2, 1))
"""Offsets of the blocks above, left, right and below in a grid that is padded by one block on each side."""

REFERENCE_PLANES = 6
"""The AC planes of the reference below this index are inputs of every group."""

INPUT_LIMIT = 127
"""Largest magnitude of an input."""


def known_width(group: int, references: int) -> int:
    """Number of planes of known_inputs(); references: number of references of the component, 0 or 1."""
    start, _ = GROUPS[group]
    own = 2 * len(SIDES) + start - 1 if start else 0
    return own + references * len(_reference_planes(group))


def _reference_planes(group: int) -> range:
    start, stop = GROUPS[group]
    return range(max(start, 1), max(stop, REFERENCE_PLANES))


def dc_residual(dc: Int64) -> Int64:
    """The residual of DC after the median edge prediction of LOCO-I (Weinberger et al. 2000).

    dc: int64 [rows, columns]. Returns int64 [rows, columns].
    """
    grid = np.pad(dc, ((1, 0), (1, 0)))
    predicted: Int64 = _median_edge(grid[1:, :-1], grid[:-1, 1:], grid[:-1, :-1])
    return dc - predicted


def dc_of(residual: Int64) -> Int64:
    """The inverse of dc_residual(), computed by diagonals of blocks."""
    rows, columns = residual.shape
    grid = np.zeros((rows + 1, columns + 1), np.int64)
    for diagonal in range(rows + columns - 1):
        y = np.arange(max(0, diagonal - columns + 1), min(rows, diagonal + 1))
        x = diagonal - y
        grid[y + 1, x + 1] = residual[y, x] + _median_edge(grid[y + 1, x], grid[y, x + 1], grid[y, x])
    return grid[1:, 1:]


def _median_edge(left: Int64, above: Int64, corner: Int64) -> Int64:
    """left + above - corner, limited to the range between left and above."""
    plane = left + above - corner
    limited: Int64 = np.clip(plane, np.minimum(left, above), np.maximum(left, above))
    return limited


def group_inputs(values: Int64, tables: Tables) -> Int8:
    """Inputs int8 of the encoder's network, from the DC residuals or AC coefficients of a group."""
    return tables.log_of(FRACTION * values)


def step_inputs(steps: Int64, tables: Tables) -> Int64:
    """Inputs int64 [64] from quantization steps int64 [64], each 1 to 65535."""
    inputs: Int64 = np.minimum(tables.log2_of(steps) >> 1, INPUT_LIMIT)
    return inputs


def reference_inputs(source: ComponentPlanes, target: ComponentPlanes, tables: Tables) -> Int8:
    """Inputs from a component that is already coded.

    source: the coded component. target: the component being coded. tables: the model's integer tables.
    Returns int8 [64, rows, columns], relative to the steps of `target`; 0 if the block grids do not fit.
    """
    resampled = reference(source, target, tables) or target.blank_reference()
    values = resampled.values[:, target.blocks].astype(np.int64)
    return tables.log_of(FRACTION * values // target.steps[:, None, None])


def known_inputs(group: int, values: Int64, steps: Int64, other: Int8 | None, tables: Tables) -> Int8:
    """Inputs from all coefficients that are known before a group is coded.

    group: index into GROUPS. values: coefficients of this component, int64 [64, rows, columns]; only those of
    earlier groups are used. steps: int64 [64]. other: result of reference_inputs(), None without a reference.
    tables: the model's integer tables.
    Returns int8 [known_width, rows, columns].
    """
    start, _ = GROUPS[group]
    parts = [] if other is None else [other[_reference_planes(group)]]
    if start:
        difference = _dc_differences(values[0]) * steps[0]
        linear = np.clip(2 * difference // steps[start], -INPUT_LIMIT, INPUT_LIMIT)
        logarithmic = tables.log_of(FRACTION * difference // steps[start])
        parts += [linear.astype(np.int8), logarithmic, tables.log_of(FRACTION * values[1:start])]
    return np.concatenate([np.zeros((0, *values.shape[1:]), np.int8), *parts])


def _dc_differences(dc: Int64) -> Int64:
    """DC of the blocks above, left, right and below minus the block's own, int64 [4, rows, columns].

    Blocks outside the slice have difference 0.
    """
    rows, columns = dc.shape
    ring = np.pad(dc, 1, mode="edge")
    return np.stack([ring[y : y + rows, x : x + columns] for y, x in SIDES]) - dc
