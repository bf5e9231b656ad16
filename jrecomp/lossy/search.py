"""Finds the quality that meets a target, in few evaluations of something that grows with quality."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Result = TypeVar("Result")

EVALUATIONS = 9
"""At most."""

FIRST = 75.0
HIGHEST = 100.0
"""The quality to begin with, and that of the unchanged picture, which is not evaluated."""

NARROW = 0.01
"""Qualities that are nearer than this are not told apart."""


@dataclass(frozen=True)
class Point(Generic[Result]):
    """A quality with its value, and what else was found there."""

    quality: float
    value: float
    result: Result


@dataclass(frozen=True)
class Search(Generic[Result]):
    """evaluate: the value of a quality, which does not fall where quality rises, and a result.

    target: of the value. ceiling: whether values may not exceed it; else they may not fall short of it.
    near: how far from the target is near enough.
    """

    evaluate: Callable[[float], tuple[float, Result]]
    target: float
    ceiling: bool
    near: float

    def run(self) -> Point[Result] | None:
        """The nearest to the target that does not pass it; None where the least quality does.

        False position on logarithms of values, kept from the ends of the interval.
        """
        below: Point[Result] | None = None
        above: Point[Result] | None = None
        following: float | None = FIRST
        for _ in range(EVALUATIONS):
            if following is None:
                break
            point = Point(following, *self.evaluate(following))
            if point.value > self.target or (point.value == self.target and not self.ceiling):
                above = point
            else:
                below = point
            best = below if self.ceiling else above
            if best is not None and abs(best.value - self.target) <= self.near:
                break
            following = self._next(below, above)
        return below if self.ceiling else above

    def _next(self, below: Point[Result] | None, above: Point[Result] | None) -> float | None:
        if above is None:
            assert below is not None
            return None if HIGHEST - below.quality < NARROW else (below.quality + HIGHEST) / 2
        if below is None:
            return None if above.quality == 0 else above.quality / 2 if above.quality > 1 else 0.0
        if above.quality - below.quality < NARROW:
            return None
        low, target, high = (math.log(max(v, 1e-9)) for v in (below.value, self.target, above.value))
        share = min(max((target - low) / max(high - low, 1e-9), 0.1), 0.9)
        return below.quality + share * (above.quality - below.quality)
