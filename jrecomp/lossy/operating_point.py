"""What says how much a picture is changed."""

from typing import NamedTuple

HIGHEST = 100.0
"""The quality of the unchanged picture."""


class OperatingPoint(NamedTuple):
    """Qualities from 0 to HIGHEST: that of steps, and those of levels.

    `share` of the blocks, evenly spread, have the levels of `lower` and the others those of `upper`: steps
    are the same for all blocks and levels change in many at once, so that size and similarity jump where
    quality alone changes.
    """

    steps: float
    upper: float
    lower: float
    share: float

    @classmethod
    def at(cls, quality: float) -> "OperatingPoint":
        """One quality for all."""
        return cls(quality, quality, quality, 0.0)

    @property
    def quality(self) -> float:
        """Of levels, the mean."""
        return self.upper + self.share * (self.lower - self.upper)
