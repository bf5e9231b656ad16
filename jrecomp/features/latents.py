"""What models with latents sees of a component: groups of coefficients, and integers to convolve.

Planes here are [planes, rows, columns] over the blocks of a slice; `ComponentPlanes` are of one slice.
"""

import numpy as np

from jrecomp.array_types import Int8, Int64
from jrecomp.features.reference import reference
from jrecomp.features.store import ComponentPlanes
from jrecomp.features.tables import FRACTION, Tables

GROUPS = ((0, 1), (1, 15), (15, 64))
"""First and next zig-zag index of each group."""

SIDES = ((0, 1), (1, 0), (1, 2), (2, 1))
"""Where the blocks above, left, right and below are in a grid with a ring around it."""

REFERENCE_PLANES = 6
"""The other component shows at least its AC planes below this one."""

INPUT_LIMIT = 127


def known_width(group: int, references: int) -> int:
    """How many planes `known_inputs` has where the component has this many references (0 or 1)."""
    start, _ = GROUPS[group]
    own = 2 * len(SIDES) + start - 1 if start else 0
    return own + references * len(_reference_planes(group))


def _reference_planes(group: int) -> range:
    start, stop = GROUPS[group]
    return range(max(start, 1), max(stop, REFERENCE_PLANES))


def dc_residual(dc: Int64) -> Int64:
    """DC int64 [rows, columns] less the median edge prediction of LOCO-I (Weinberger et al. 2000)."""
    grid = np.pad(dc, ((1, 0), (1, 0)))
    predicted: Int64 = _median_edge(grid[1:, :-1], grid[:-1, 1:], grid[:-1, :-1])
    return dc - predicted


def dc_of(residual: Int64) -> Int64:
    """The inverse of dc_residual: one diagonal of blocks after the other."""
    rows, columns = residual.shape
    grid = np.zeros((rows + 1, columns + 1), np.int64)
    for diagonal in range(rows + columns - 1):
        y = np.arange(max(0, diagonal - columns + 1), min(rows, diagonal + 1))
        x = diagonal - y
        grid[y + 1, x + 1] = residual[y, x] + _median_edge(grid[y + 1, x], grid[y, x + 1], grid[y, x])
    return grid[1:, 1:]


def _median_edge(left: Int64, above: Int64, corner: Int64) -> Int64:
    """The plane through three blocks, limited to the two nearest of them."""
    plane = left + above - corner
    limited: Int64 = np.clip(plane, np.minimum(left, above), np.maximum(left, above))
    return limited


def group_inputs(values: Int64, tables: Tables) -> Int8:
    """What the encoder's network sees of the values of a group (DC residuals, AC coefficients)."""
    return tables.log_of(FRACTION * values)


def step_inputs(steps: Int64, tables: Tables) -> Int64:
    """Quantization steps int64 [64], each 1 to 65535, as inputs int64 [64]."""
    inputs: Int64 = np.minimum(tables.log2_of(steps) >> 1, INPUT_LIMIT)
    return inputs


def reference_inputs(source: ComponentPlanes, target: ComponentPlanes, tables: Tables) -> Int8:
    """Another component in steps of this one, int8 [64, rows, columns]; zero where the grids do not fit."""
    found = reference(source, target, tables) or target.blank_reference()
    values = found.values[:, target.blocks[0]].astype(np.int64)
    return tables.log_of(FRACTION * values // target.steps[:, None, None])


def known_inputs(group: int, values: Int64, steps: Int64, other: Int8 | None, tables: Tables) -> Int8:
    """What is known before a group is coded, int8 [known_width, rows, columns].

    values: DC and AC coefficients of this component, int64 [64, rows, columns], known below the group.
    other: of reference_inputs, None where there is no reference.
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
    """int64 [4, rows, columns]: DC of the blocks above, left, right, below less the own; 0 outside."""
    rows, columns = dc.shape
    ring = np.pad(dc, 1, mode="edge")
    return np.stack([ring[y : y + rows, x : x + columns] for y, x in SIDES]) - dc
