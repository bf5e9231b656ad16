"""A picture to write to a file."""

from dataclasses import dataclass

from jrecomp.jpeg.metadata import Attachments
from jrecomp.restoration.colour import Pixels

LEVEL = 4
"""Effort of zlib."""

_STRIP_BYTES = 1 << 20


@dataclass(frozen=True)
class Picture:
    """A picture to write.

    pixels: uint8 or uint16 [rows, columns, channels]: gray; R, G and B; or C, M, Y and K. attached: metadata
    of the JPEG file that it comes from.
    """

    pixels: Pixels
    attached: Attachments

    @property
    def bits(self) -> int:
        """Bits of a channel, 8 or 16."""
        return 8 * int(self.pixels.dtype.itemsize)

    @property
    def strip_rows(self) -> int:
        """Number of rows that are compressed together."""
        return max(1, _STRIP_BYTES // int(self.pixels[0].nbytes))

    @property
    def strips(self) -> range:
        """The first row of each strip."""
        return range(0, len(self.pixels), self.strip_rows)

    def strip(self, first: int) -> Pixels:
        """The rows of a strip."""
        return self.pixels[first : first + self.strip_rows]
