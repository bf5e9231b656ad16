"""Operating points: how strongly a picture is requantized."""

from typing import NamedTuple

HIGHEST = 100.0
"""The quality of an unchanged picture."""


class OperatingPoint(NamedTuple):
    """How strongly a picture is requantized, as qualities from 0 to HIGHEST.

    steps: quality that determines the quantization steps. upper, lower: qualities that determine the levels.
    share: fraction of the blocks, evenly distributed, that have the levels of `lower`; the others have those
    of `upper`.

    With a single quality, size and similarity would change in jumps, as a change of a step or level affects
    many blocks at once. A mixture of two sets of levels gives results in between.
    """

    steps: float
    upper: float
    lower: float
    share: float

    @classmethod
    def at(cls, quality: float) -> "OperatingPoint":
        """The operating point with one quality for steps and levels."""
        return cls(quality, quality, quality, 0.0)

    @property
    def quality(self) -> float:
        """The mean quality of levels."""
        return self.upper + self.share * (self.lower - self.upper)
