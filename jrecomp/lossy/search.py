"""Finds the setting that meets a target in few results: estimates say where, results how far they err."""

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Generic, TypeVar

from jrecomp.lossy.setting import HIGHEST, Setting

Result = TypeVar("Result")

EVALUATIONS = 10
"""Results at most."""

OF_STEPS = 5
"""How many of them are over when steps stay."""

FIRST = Setting.at(75.0)
"""Where nothing says how amounts follow from estimates."""

NARROW = 0.02
"""Qualities that are nearer than this are not told apart."""

SAFETY, SLACK = 0.5, 0.3
"""How far below a limit is aimed at first, and how far from there is as good; in parts of what is near."""

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
class Point(Generic[Result]):
    """A setting with its amount, and what else was found there."""

    setting: Setting
    amount: float
    result: Result


@dataclass
class Search(Generic[Result]):
    """evaluate: the amount at a setting, and a result. estimate: what amounts are about proportional to.

    best: the point of the largest amount within the limit so far, None where there is none. beyond: that of
    the least amount that exceeds it.
    """

    goal: Goal
    evaluate: Callable[[Setting], tuple[float, Result]]
    estimate: Callable[[Setting], float]
    best: Point[Result] | None = None
    beyond: Point[Result] | None = None
    _factors: dict[float, float] = field(default_factory=dict)
    _steps: float | None = None

    @property
    def met(self) -> bool:
        """Whether the best is near enough."""
        return self.best is not None and self.best.amount >= self.goal.limit - self.goal.near

    def run(self, known: tuple[float, float] | None) -> None:
        """Looks for the best. known: an estimate and its amount, where there are any."""
        estimate = cache(self.estimate)
        if known is not None:
            self._learn(*known)
        for number in range(EVALUATIONS):
            if number == OF_STEPS:
                self._stay_with_steps(estimate)
            setting = self._next(estimate)
            if estimate(setting) in self._factors:
                break
            self._learn(estimate(setting), self._try(setting))
            if self.met:
                return
        lowest = Setting.at(0)
        if self.best is None and self.goal.rises and not (self.beyond and self.beyond.setting == lowest):
            self._try(lowest)

    def _learn(self, estimate: float, amount: float) -> None:
        self._factors[estimate] = amount / estimate if amount > 0 and estimate > 0 else 1.0

    def _stay_with_steps(self, estimate: Callable[[Setting], float]) -> None:
        """Amounts jump between two kinds of steps: from now on the finer ones, which say what levels do."""
        finer = self.beyond if self.goal.rises else self.best
        if finer is not None:
            self._steps, self._factors = finer.setting.steps, {}
            self._learn(estimate(finer.setting), finer.amount)

    def _next(self, estimate: Callable[[Setting], float]) -> Setting:
        """What was not tried; farther below the limit where there is little to choose from."""
        setting, aim = FIRST, SAFETY
        while self._factors and aim < FARTHEST:
            expected = partial(self._expected, estimate)
            if self._steps is None:
                setting = plan(self.goal, expected, aim)
            else:
                setting = plan_levels(self.goal, expected, aim, self._steps) or Setting.at(0)
            if estimate(setting) not in self._factors:
                break
            aim += 1
        return setting

    def _expected(self, estimate: Callable[[Setting], float], setting: Setting) -> float:
        """The amount, by a factor between those of the nearest estimates on both sides, on logarithms."""
        known, found = sorted(self._factors), estimate(setting)
        place = bisect_left(known, found)
        below, above = known[max(place - 1, 0)], known[min(place, len(known) - 1)]
        if below == above or below <= 0:
            return found * self._factors[above]
        share = min(max(math.log(found / below) / math.log(above / below), 0.0), 1.0)
        return float(found * self._factors[below] ** (1 - share) * self._factors[above] ** share)

    def _try(self, setting: Setting) -> float:
        point = Point(setting, *self.evaluate(setting))
        if point.amount > self.goal.limit:
            if self.beyond is None or point.amount < self.beyond.amount:
                self.beyond = point
        elif self.best is None or point.amount > self.best.amount:
            self.best = point
        return point.amount


def plan(goal: Goal, expected: Callable[[Setting], float], aim: float) -> Setting:
    """Where expected amounts meet a goal. aim: how far below the limit, in parts of what is near enough.

    That is one quality for all, or where amounts jump with the steps there, the finer of these steps with
    fewer levels.
    """
    wanted = goal.limit - aim * goal.near
    low, high = _bisected(_too_high(goal, expected, wanted, None), HIGHEST)
    if low == high or abs(expected(Setting.at(low)) - wanted) <= SLACK * goal.near:
        return Setting.at(low)
    return plan_levels(goal, expected, aim, high) or Setting.at(low)


def plan_levels(goal: Goal, expected: Callable[[Setting], float], aim: float, steps: float) -> Setting | None:
    """Where that is with some steps and levels of two qualities; None where the steps are too fine for it."""
    wanted = goal.limit - aim * goal.near
    lower, upper = _bisected(_too_high(goal, expected, wanted, steps), steps)
    if lower == upper:
        return None
    ends = [expected(Setting(steps, quality, quality, 0.0)) for quality in (upper, lower)]
    share = (ends[0] - wanted) / (ends[0] - ends[1]) if ends[0] != ends[1] else 0.0
    return Setting(steps, upper, lower, min(max(share, 0.0), 1.0))


def _too_high(
    goal: Goal, expected: Callable[[Setting], float], wanted: float, steps: float | None
) -> Callable[[float], bool]:
    """Whether a quality is; steps: None for its own."""
    return lambda quality: (
        (expected(Setting(quality if steps is None else steps, quality, quality, 0.0)) > wanted) == goal.rises
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
