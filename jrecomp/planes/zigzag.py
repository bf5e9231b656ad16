"""Places of coefficients in zig-zag order (T.81 A.3.6)."""

import numpy as np


def _order() -> list[tuple[int, int]]:
    cells = [(row, column) for row in range(8) for column in range(8)]
    return sorted(cells, key=lambda c: (sum(c), c[0] if sum(c) % 2 else c[1]))


PLACES = _order()
"""(vertical, horizontal) frequency of each zig-zag index."""

ROW = np.array([row for row, _ in PLACES])
COLUMN = np.array([column for _, column in PLACES])
INDEX = {place: index for index, place in enumerate(PLACES)}


def distance(a: int, b: int) -> int:
    """City-block distance of two zig-zag indices in frequency."""
    return abs(int(ROW[a] - ROW[b])) + abs(int(COLUMN[a] - COLUMN[b]))
