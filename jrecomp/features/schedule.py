"""Coding phases of planes: a pyramid for DC and `last`, a checkerboard for AC.

The blocks of a phase are predicted in parallel, from blocks of earlier phases. The phases are specified in
docs/format/planes.md, "Order".
"""

from typing import NamedTuple

import numpy as np

from jrecomp.array_types import Bool, Index

Offsets = tuple[tuple[int, int], ...]

_DIAGONAL: Offsets = ((-1, -1), (-1, 1), (1, -1), (1, 1))
_DIAGONAL_FAR: Offsets = ((-1, -3), (-1, 3), (1, -3), (1, 3), (-3, -1), (3, -1), (-3, 1), (3, 1))
_DIRECT: Offsets = ((0, -1), (0, 1), (-1, 0), (1, 0))
_DIRECT_FAR: Offsets = ((-1, -2), (-1, 2), (1, -2), (1, 2), (-2, -1), (2, -1), (-2, 1), (2, 1))
_DIRECT_FARTHEST: Offsets = ((0, -3), (0, 3), (-3, 0), (3, 0))

SLOTS = 16
"""Largest number of offsets of a pyramid phase."""

PRIMARY = 4
"""Number of nearest offsets, which come first."""

LEVELS = (4, 2, 1)
"""Distances in blocks of the pyramid's levels after the first phase."""

PYRAMID_PHASES = 1 + 2 * len(LEVELS)


def pyramid_slots(phase: int) -> int:
    """Number of offsets of a pyramid phase."""
    if phase == 0:
        return 0
    return len(_DIAGONAL + _DIAGONAL_FAR) if phase % 2 else SLOTS


class PyramidPhase(NamedTuple):
    """The blocks of a phase, and the offsets of known blocks around each.

    number: 0 to 6. rows, columns: intp [n], positions of the blocks. offsets: (dy, dx) in blocks, the nearest
    PRIMARY first; empty in phase 0.
    """

    number: int
    rows: Index
    columns: Index
    offsets: Offsets


def pyramid(rows: int, columns: int) -> list[PyramidPhase]:
    """The seven phases of a grid of blocks.

    Phase 0 has the blocks whose row and column are divisible by 8. At each of the distances 4, 2 and 1, a
    phase of blocks between diagonal neighbours precedes one of blocks between direct neighbours.
    """
    y, x = np.mgrid[0:rows, 0:columns]
    phases = [(y % 8 == 0) & (x % 8 == 0)]
    offsets: list[Offsets] = [()]
    for d in LEVELS:
        odd_y, odd_x = y % (2 * d) == d, x % (2 * d) == d
        even_y, even_x = y % (2 * d) == 0, x % (2 * d) == 0
        phases += [odd_y & odd_x, (odd_y & even_x) | (even_y & odd_x)]
        for units in (_DIAGONAL + _DIAGONAL_FAR, _DIRECT + _DIRECT_FAR + _DIRECT_FARTHEST):
            offsets.append(tuple((dy * d, dx * d) for dy, dx in units))
    result = []
    for number, (mask, phase_offsets) in enumerate(zip(phases, offsets, strict=True)):
        chosen_rows, chosen_columns = np.nonzero(mask)
        result.append(PyramidPhase(number, chosen_rows, chosen_columns, phase_offsets))
    return result


def checkerboard(rows: int, columns: int) -> list[Bool]:
    """The two phases of an AC plane as masks, bool [rows, columns]: row + column even, then odd."""
    y, x = np.mgrid[0:rows, 0:columns]
    odd = (y + x) % 2 == 1
    return [~odd, odd]
