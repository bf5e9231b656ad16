"""The steps that make a skeleton of a file (docs/format.md, "Steps")."""

from collections.abc import Sequence
from typing import NamedTuple

LARGEST_FRONT = 1 << 26
"""Largest number of bytes of a skeleton up to the end of what its steps refer to."""

LARGEST_HEADERS = 1 << 28
"""Largest number of bytes of the headers of all pictures, and of what other steps refer to."""

MOST_RANGES = 1 << 20
"""Largest number of ranges that all joins of a file move."""

MOST_SLICES = 1 << 18
"""Largest number of slices of all pictures."""

PIXELS_PER_BYTE = 256
"""Pixels of a picture that each byte of its scan data accounts for; see excess_pixels()."""


class Coded(NamedTuple):
    """What restores the scan data of a picture from its headers.

    reconstruction: result of pack_reconstruction(). copies: the MCUs that are in no slice, as
    codec.EncodedSlices has them. mcu_rows: MCU rows of each slice except the last, which may have fewer.
    slices: the range-coded coefficients of each slice.
    """

    reconstruction: bytes
    copies: bytes
    mcu_rows: int
    slices: tuple[bytes, ...]


class Picture(NamedTuple):
    """The scan data of a JPEG picture were removed.

    position: of its SOI. removed: number of bytes of its scan data. coded: what restores them.
    """

    position: int
    removed: int
    coded: Coded


class Join(NamedTuple):
    """Ranges of bytes were moved together; the bytes between them follow.

    position: of the first range. lengths: of each range, at least one. gaps: number of bytes between each
    range and the next.
    """

    position: int
    lengths: tuple[int, ...]
    gaps: tuple[int, ...]


class Base64(NamedTuple):
    """Base64 text (RFC 4648, with padding) was replaced with the bytes that it encodes.

    position: of the text. length: number of encoded bytes.
    """

    position: int
    length: int


Step = Picture | Join | Base64
"""A change of a file. Positions do not decrease from step to step."""


def pictures(steps: Sequence[Step]) -> list[Picture]:
    """The pictures of a list of steps, in order."""
    return [step for step in steps if isinstance(step, Picture)]


def excess_pixels(pixels: int, removed: int) -> int:
    """Pixels of a picture that its bytes do not account for.

    Their sum over all pictures of a file is limited like the pixels of one picture. So the work for a file is
    bounded by its length and by the largest picture.
    """
    return max(0, pixels - PIXELS_PER_BYTE * removed)
