"""Finds the point that meets a target in few results: estimates say where, results how far they err."""

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Generic, TypeVar

from jrecomp.lossy.operating_point import HIGHEST, OperatingPoint

Result = TypeVar("Result")

EVALUATIONS = 10
"""Results at most."""

OF_STEPS = 5
"""How many of them are over when steps stay."""

FIRST = OperatingPoint.at(75.0)
"""Where nothing says how amounts follow from estimates."""

NARROW = 0.02
"""Qualities that are nearer than this are not told apart."""

SAFETY, SLACK = 0.5, 0.3
"""How far below a limit is aimed at first, and how far from there is as good; in parts of what is near."""

STALLED = 0.8
"""What is left of a gap after an attempt that was of no use."""

FARTHEST = 30
"""How far below a limit is aimed at, in the same parts."""


@dataclass(frozen=True)
class Goal:
    """An amount, such as a size or a distance from the source, that shall be large but not exceed a limit.

    near: how far below the limit is near enough. rises: whether amounts rise with quality; else they fall.
    """

    limit: float
    near: float
    rises: bool


@dataclass(frozen=True)
class Evaluation(Generic[Result]):
    """An operating point that was tried, with its amount and what else was found there."""

    point: OperatingPoint
    amount: float
    result: Result


@dataclass
class Search(Generic[Result]):
    """evaluate: the amount at a point, and a result. estimate: what amounts are about proportional to.

    best: the point of the largest amount within the limit so far, None where there is none. beyond: that of
    the least amount that exceeds it.
    """

    goal: Goal
    evaluate: Callable[[OperatingPoint], tuple[float, Result]]
    estimate: Callable[[OperatingPoint], float]
    best: Evaluation[Result] | None = None
    beyond: Evaluation[Result] | None = None
    _factors: dict[float, float] = field(default_factory=dict)
    _steps: float | None = None
    _stalled: bool = False
    _tried: set[OperatingPoint] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.estimate = cache(self.estimate)

    @property
    def met(self) -> bool:
        """Whether the best is near enough."""
        return self.best is not None and self.best.amount >= self.goal.limit - self.goal.near

    def run(self, known: tuple[float, float] | None) -> None:
        """Looks for the best. known: an estimate and its amount, where there are any."""
        if known is not None:
            self._learn(*known)
        for number in range(EVALUATIONS):
            if number == OF_STEPS:
                self._stay_with_steps()
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

    def _stay_with_steps(self) -> None:
        """Amounts jump between two kinds of steps: from now on the finer ones, which say what levels do."""
        finer = self.beyond if self.goal.rises else self.best
        if finer is not None:
            self._steps, self._factors = finer.point.steps, {}
            self._learn(self.estimate(finer.point), finer.amount)

    def _is_stalled(self, before: tuple[float, float]) -> bool:
        """Whether amounts creep along one side, far from what estimates say."""
        pairs = zip(self._gaps(), before, strict=True)
        return math.inf in self._gaps() and all(now >= STALLED * gap for now, gap in pairs)

    def _gaps(self) -> tuple[float, float]:
        """How far the nearest amounts on both sides are from the limit."""
        return (
            self.goal.limit - self.best.amount if self.best else math.inf,
            self.beyond.amount - self.goal.limit if self.beyond else math.inf,
        )

    def _next(self) -> OperatingPoint:
        """What was not tried; farther below the limit where there is little to choose from."""
        if not self._factors:
            return FIRST
        aim = SAFETY
        while aim < FARTHEST:
            point = plan(self.goal, self._expected, aim, self._steps)
            if point is not None and self.estimate(point) not in self._factors:
                return point
            aim += 1
        return self._middle()

    def _middle(self) -> OperatingPoint:
        """One quality, between those of the nearest on both sides, where estimates lead nowhere."""
        ends = (self.best, self.beyond) if self.goal.rises else (self.beyond, self.best)
        known = [(end.point.steps + end.point.quality) / 2 if end else None for end in ends]
        low, high = (
            limit if place is None else place for place, limit in zip(known, (0.0, HIGHEST), strict=True)
        )
        return OperatingPoint.at((low + high) / 2)

    def _expected(self, point: OperatingPoint) -> float:
        """The amount, by a factor between those of the nearest estimates on both sides, on logarithms."""
        known, found = sorted(self._factors), self.estimate(point)
        place = bisect_left(known, found)
        below, above = known[max(place - 1, 0)], known[min(place, len(known) - 1)]
        if below == above or below <= 0:
            return found * self._factors[above]
        share = min(max(math.log(found / below) / math.log(above / below), 0.0), 1.0)
        return float(found * self._factors[below] ** (1 - share) * self._factors[above] ** share)

    def _try(self, point: OperatingPoint) -> float:
        self._tried.add(point)
        found = Evaluation(point, *self.evaluate(point))
        if found.amount > self.goal.limit:
            if self.beyond is None or found.amount < self.beyond.amount:
                self.beyond = found
        elif self.best is None or found.amount > self.best.amount:
            self.best = found
        return found.amount


def plan(
    goal: Goal, expected: Callable[[OperatingPoint], float], aim: float, steps: float | None
) -> OperatingPoint | None:
    """Where expected amounts meet a goal. aim: how far below the limit, in parts of what is near enough.

    That is one quality for all, or where amounts jump with the steps there, the finer of these steps with
    fewer levels. With a quality for `steps`, levels alone serve; None where these steps are too fine for it.
    """
    wanted = goal.limit - aim * goal.near
    low = 0.0
    if steps is None:
        low, steps = _bisected(_too_high(goal, expected, wanted, None), HIGHEST)
        if low == steps or abs(expected(OperatingPoint.at(low)) - wanted) <= SLACK * goal.near:
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
    """Whether a quality is; steps: None for its own."""
    return lambda quality: (
        (expected(OperatingPoint(quality if steps is None else steps, quality, quality, 0.0)) > wanted)
        == goal.rises
    )


def _bisected(too_high: Callable[[float], bool], high: float) -> tuple[float, float]:
    """Qualities near to each other, the first not too high; twice 0 where all are."""
    low = 0.0
    if too_high(low):
        return low, low
    while high - low > NARROW:
        middle = (low + high) / 2
        if too_high(middle):
            high = middle
        else:
            low = middle
    return low, high
