"""Which blocks are coded together: phases of the pyramid (DC, last) and of the checkerboard (AC).

All blocks of a phase are coded in parallel; each sees the blocks of earlier phases only.
"""

from dataclasses import dataclass

import numpy as np

from jrecomp.array_types import Bool, Index

Offsets = tuple[tuple[int, int], ...]

_DIAGONAL: Offsets = ((-1, -1), (-1, 1), (1, -1), (1, 1))
_DIAGONAL_FAR: Offsets = ((-1, -3), (-1, 3), (1, -3), (1, 3), (-3, -1), (3, -1), (-3, 1), (3, 1))
_DIRECT: Offsets = ((0, -1), (0, 1), (-1, 0), (1, 0))
_DIRECT_FAR: Offsets = ((-1, -2), (-1, 2), (1, -2), (1, 2), (-2, -1), (2, -1), (-2, 1), (2, 1))
_DIRECT_FARTHEST: Offsets = ((0, -3), (0, 3), (-3, 0), (3, 0))

SLOTS = 16
PRIMARY = 4
LEVELS = (4, 2, 1)
PYRAMID_PHASES = 1 + 2 * len(LEVELS)


def pyramid_slots(phase: int) -> int:
    """How many offsets the blocks of a pyramid phase see."""
    if phase == 0:
        return 0
    return len(_DIAGONAL + _DIAGONAL_FAR) if phase % 2 else SLOTS


@dataclass(frozen=True)
class PyramidPhase:
    """Blocks (rows, columns: intp [n]) that are coded together and the offsets of known blocks.

    offsets: (dy, dx) in blocks; the first PRIMARY are nearest. Empty in the first phase.
    """

    number: int
    rows: Index
    columns: Index
    offsets: Offsets


def pyramid(rows: int, columns: int) -> list[PyramidPhase]:
    """The seven phases of a grid: every 8th block, then 4, 2 and 1 apart, diagonal before direct."""
    y, x = np.mgrid[0:rows, 0:columns]
    phases = [(y % 8 == 0) & (x % 8 == 0)]
    offsets: list[Offsets] = [()]
    for d in LEVELS:
        odd_y, odd_x = y % (2 * d) == d, x % (2 * d) == d
        even_y, even_x = y % (2 * d) == 0, x % (2 * d) == 0
        phases += [odd_y & odd_x, (odd_y & even_x) | (even_y & odd_x)]
        for near in (_DIAGONAL + _DIAGONAL_FAR, _DIRECT + _DIRECT_FAR + _DIRECT_FARTHEST):
            offsets.append(tuple((dy * d, dx * d) for dy, dx in near))
    result = []
    for number, (mask, near) in enumerate(zip(phases, offsets, strict=True)):
        chosen_rows, chosen_columns = np.nonzero(mask)
        result.append(PyramidPhase(number, chosen_rows, chosen_columns, near))
    return result


def checkerboard(rows: int, columns: int) -> list[Bool]:
    """The two phases of an AC plane as masks [rows, columns]."""
    y, x = np.mgrid[0:rows, 0:columns]
    odd = (y + x) % 2 == 1
    return [~odd, odd]
