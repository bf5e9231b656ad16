"""The cell of each coefficient: the values that the encoder of a file rounds to the file's level."""

from dataclasses import dataclass

import numpy as np

from jrecomp.array_types import Int16, Int32, Int64
from jrecomp.jpeg.types import Component
from jrecomp.restoration.transform import LARGEST, blocks, forward, inverse, natural, plane, unit_bits

MARGIN = 4
"""Distance that restored coefficients keep from the ends of their cells, for later roundings: 1/8 of the
smallest step of 8-bit files.
"""


@dataclass(frozen=True)
class Cells:
    """The cells of a component's coefficients.

    A cell holds the x with |x - step * level| < step / 2. All integers are in the unit of UNIT_BITS.

    centres: int32 [block rows, block columns, 8, 8]. radius: half of the steps, int32 [8, 8]. Values that no
    samples can have are limited, centres to twice LARGEST and radius to LARGEST.
    """

    centres: Int32
    radius: Int32

    @classmethod
    def of(cls, component: Component, levels: Int16, precision: int) -> "Cells":
        """The cells of a component, or of some of its block rows. levels: int16 [rows, columns, 64]."""
        steps: Int64 = natural(component.steps.astype(np.int32)).astype(np.int64) << unit_bits(precision)
        centres = (natural(levels) * steps).clip(-2 * LARGEST, 2 * LARGEST).astype(np.int32)
        return cls(centres, (steps >> 1).clip(max=LARGEST).astype(np.int32))

    def __getitem__(self, rows: slice) -> "Cells":
        """The cells of some block rows."""
        return Cells(self.centres[rows], self.radius)

    @property
    def unbounded(self) -> "Cells":
        """Cells that all coefficients are in."""
        return Cells(self.centres, np.full_like(self.radius, LARGEST))

    @property
    def reach(self) -> Int32:
        """Largest distance of restored coefficients from the centres, int32 [8, 8]."""
        reach: Int32 = self.radius - np.minimum(MARGIN, (self.radius + 1) >> 1)
        return reach

    def clipped(self, coefficients: Int32) -> Int32:
        """The nearest coefficients that are in their cells, within `reach` of the centres.

        coefficients: int32 [rows, columns, 8, 8]. Returns int32 of this shape, within LARGEST.
        """
        low, high = self.centres - self.reach, self.centres + self.reach
        return np.clip(coefficients, low, high).clip(-LARGEST, LARGEST)


def projected(samples: Int32, cells: Cells) -> Int32:
    """The nearest samples whose coefficients are in their cells.

    samples: of some block rows of a component at its own resolution, int32 [8 rows, 8 columns] within
    LARGEST_SAMPLE. cells: theirs. Returns int32 of the same shape.
    """
    return plane(inverse(cells.clipped(forward(blocks(samples)))))
