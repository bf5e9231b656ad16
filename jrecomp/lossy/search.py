"""Search for the operating point that meets a target, with few evaluations.

Estimates are fast. An evaluation computes a result. The ratios of evaluated amounts to their estimates are
interpolated to predict the amounts at other operating points.
"""

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Generic, TypeVar

from jrecomp.lossy.operating_point import HIGHEST, OperatingPoint

Computed = TypeVar("Computed")

EVALUATIONS = 10
"""Largest number of evaluations, except for a last one at quality 0."""

FIXED_STEPS_AFTER = 5
"""Number of evaluations after which the steps are fixed and only the levels vary."""

FIRST = OperatingPoint.at(75.0)
"""The first operating point if no amount is known."""

RESOLUTION = 0.02
"""Smallest difference between qualities in a bisection."""

SAFETY, SLACK = 0.5, 0.3
"""Expected amounts are first aimed this fraction of the tolerance below the limit, and accepted within this
fraction of it around the aim.
"""

STALLED = 0.8
"""An evaluation is considered useless if it leaves more than this fraction of the gap to the limit."""

LARGEST_AIM = 30
"""Expected amounts are aimed at most this many times the tolerance below the limit."""


@dataclass(frozen=True)
class Goal:
    """A limit for an amount (a size, or a distance from the source), to be approached from below.

    limit: the largest amount. tolerance: largest shortfall of an accepted result. rises: whether amounts rise
    with quality, as sizes do; otherwise they fall.
    """

    limit: float
    tolerance: float
    rises: bool


@dataclass(frozen=True)
class Evaluation(Generic[Computed]):
    """An evaluated operating point, with its amount and its result."""

    point: OperatingPoint
    amount: float
    result: Computed


@dataclass
class Search(Generic[Computed]):
    """A search for an operating point.

    goal: the limit to approach. evaluate: computes the amount and the result at a point. estimate: gives a
    quantity at a point that is approximately proportional to the amount.
    best: the evaluation with the largest amount within the limit, None if there is none.
    beyond: the evaluation with the smallest amount above the limit, None if there is none.
    """

    goal: Goal
    evaluate: Callable[[OperatingPoint], tuple[float, Computed]]
    estimate: Callable[[OperatingPoint], float]
    best: Evaluation[Computed] | None = None
    beyond: Evaluation[Computed] | None = None
    _factors: dict[float, float] = field(default_factory=dict)
    _steps: float | None = None
    _stalled: bool = False
    _tried: set[OperatingPoint] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.estimate = cache(self.estimate)

    @property
    def met(self) -> bool:
        """Whether the best amount is within the tolerance."""
        return self.best is not None and self.best.amount >= self.goal.limit - self.goal.tolerance

    def run(self, known: tuple[float, float] | None) -> None:
        """Search; sets `best` and `beyond`. known: an estimate with its amount, if there is one."""
        if known is not None:
            self._learn(*known)
        for number in range(EVALUATIONS):
            if number == FIXED_STEPS_AFTER:
                self._fix_steps()
            point = self._middle() if self._stalled else self._next()
            if point in self._tried:
                break
            gaps = self._gaps()
            self._learn(self.estimate(point), self._try(point))
            if self.met:
                return
            self._stalled = self._is_stalled(gaps)
        if self.best is None and self.goal.rises and OperatingPoint.at(0) not in self._tried:
            self._try(OperatingPoint.at(0))

    def _learn(self, estimate: float, amount: float) -> None:
        self._factors[estimate] = amount / estimate if amount > 0 and estimate > 0 else 1.0

    def _fix_steps(self) -> None:
        """Keep the finer of the steps around the limit, as amounts jump where steps change."""
        finer = self.beyond if self.goal.rises else self.best
        if finer is not None:
            self._steps, self._factors = finer.point.steps, {}
            self._learn(self.estimate(finer.point), finer.amount)

    def _is_stalled(self, before: tuple[float, float]) -> bool:
        """Whether all evaluations are on one side of the limit, and the last one hardly closed the gap."""
        pairs = zip(self._gaps(), before, strict=True)
        return math.inf in self._gaps() and all(now >= STALLED * gap for now, gap in pairs)

    def _gaps(self) -> tuple[float, float]:
        """Differences between the limit and the nearest amounts on both sides."""
        return (
            self.goal.limit - self.best.amount if self.best else math.inf,
            self.beyond.amount - self.goal.limit if self.beyond else math.inf,
        )

    def _next(self) -> OperatingPoint:
        """The next point to evaluate; aims lower if the expected point was evaluated already."""
        if not self._factors:
            return FIRST
        aim = SAFETY
        while aim < LARGEST_AIM:
            point = plan(self.goal, self._expected, aim, self._steps)
            if point is not None and self.estimate(point) not in self._factors:
                return point
            aim += 1
        return self._middle()

    def _middle(self) -> OperatingPoint:
        """The point halfway between the nearest evaluations on both sides, for when estimates do not help."""
        ends = (self.best, self.beyond) if self.goal.rises else (self.beyond, self.best)
        known = [(end.point.steps + end.point.quality) / 2 if end else None for end in ends]
        low, high = (
            limit if quality is None else quality
            for quality, limit in zip(known, (0.0, HIGHEST), strict=True)
        )
        return OperatingPoint.at((low + high) / 2)

    def _expected(self, point: OperatingPoint) -> float:
        """The expected amount: the estimate times a factor interpolated in logarithms between known ones."""
        known, estimate = sorted(self._factors), self.estimate(point)
        index = bisect_left(known, estimate)
        below, above = known[max(index - 1, 0)], known[min(index, len(known) - 1)]
        if below == above or below <= 0:
            return estimate * self._factors[above]
        share = min(max(math.log(estimate / below) / math.log(above / below), 0.0), 1.0)
        return float(estimate * self._factors[below] ** (1 - share) * self._factors[above] ** share)

    def _try(self, point: OperatingPoint) -> float:
        self._tried.add(point)
        evaluation = Evaluation(point, *self.evaluate(point))
        if evaluation.amount > self.goal.limit:
            if self.beyond is None or evaluation.amount < self.beyond.amount:
                self.beyond = evaluation
        elif self.best is None or evaluation.amount > self.best.amount:
            self.best = evaluation
        return evaluation.amount


def plan(
    goal: Goal, expected: Callable[[OperatingPoint], float], aim: float, steps: float | None
) -> OperatingPoint | None:
    """The operating point at which the expected amount is closest to the aim.

    goal: the goal. expected: the expected amount at a point. aim: distance of the aim below the limit, in
    units of the tolerance. steps: quality of fixed steps; None if steps may vary.

    With variable steps, the point has one quality, unless amounts jump there with the steps. Then it has the
    finer steps and levels of lower quality. Returns None if fixed steps are too fine for the aim.
    """
    wanted = goal.limit - aim * goal.tolerance
    low = 0.0
    if steps is None:
        low, steps = _bisected(_too_high(goal, expected, wanted, None), HIGHEST)
        if low == steps or abs(expected(OperatingPoint.at(low)) - wanted) <= SLACK * goal.tolerance:
            return OperatingPoint.at(low)
    lower, upper = _bisected(_too_high(goal, expected, wanted, steps), steps)
    if lower == upper:
        return OperatingPoint.at(low) if low else None
    ends = [expected(OperatingPoint(steps, quality, quality, 0.0)) for quality in (upper, lower)]
    share = (ends[0] - wanted) / (ends[0] - ends[1]) if ends[0] != ends[1] else 0.0
    return OperatingPoint(steps, upper, lower, min(max(share, 0.0), 1.0))


def _too_high(
    goal: Goal, expected: Callable[[OperatingPoint], float], wanted: float, steps: float | None
) -> Callable[[float], bool]:
    """A function that returns whether a quality is too high; steps: quality of fixed steps, or None."""
    return lambda quality: (
        (expected(OperatingPoint(quality if steps is None else steps, quality, quality, 0.0)) > wanted)
        == goal.rises
    )


def _bisected(too_high: Callable[[float], bool], high: float) -> tuple[float, float]:
    """Two qualities within RESOLUTION, of which only the second is too high; 0 and 0 if all are too high."""
    low = 0.0
    if too_high(low):
        return low, low
    while high - low > RESOLUTION:
        middle = (low + high) / 2
        if too_high(middle):
            high = middle
        else:
            low = middle
    return low, high
