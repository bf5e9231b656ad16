"""Sums of blocks around a block."""

import numpy as np

from jrecomp.features.ac import box_sums


def test_box_sums_against_slow_ones() -> None:
    grid = np.random.default_rng(1).integers(0, 1000, (9, 13))
    for radius, sums in zip((2, 8), box_sums(grid, 2, 8), strict=True):
        for y, x in np.ndindex(grid.shape):
            part = grid[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
            assert sums[y, x] == part.sum()
