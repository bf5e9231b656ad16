"""Finds the setting that meets a target in few results: estimates say where, results how far they err."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Generic, TypeVar

from jrecomp.lossy.setting import HIGHEST, Setting

Result = TypeVar("Result")

EVALUATIONS = 10
"""Results at most."""

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
    _factors: dict[Setting, float] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        """Whether the best is near enough."""
        return self.best is not None and self.best.amount >= self.goal.limit - self.goal.near

    def run(self, factor: float | None) -> None:
        """Looks for the best. factor: amount over estimate, None where that is not known."""
        if factor is not None:
            self._factors[Setting.at(HIGHEST)] = factor
        estimate = cache(self.estimate)
        for _ in range(EVALUATIONS):
            setting = self._next(estimate)
            if setting in self._factors:
                break
            amount, expected = self._try(setting), estimate(setting)
            if self.met:
                return
            self._factors[setting] = amount / expected if amount > 0 and expected > 0 else 1.0
        if self.best is None and self.goal.rises and Setting.at(0) not in self._factors:
            self._try(Setting.at(0))

    def _next(self, estimate: Callable[[Setting], float]) -> Setting:
        """What was not tried; farther below the limit where there is little to choose from."""
        setting, aim = FIRST, SAFETY
        while self._factors:
            setting = plan(self.goal, lambda s: estimate(s) * self._factor(s), aim)
            if setting not in self._factors or setting.quality in (0, HIGHEST) or aim > FARTHEST:
                break
            aim += 1
        return setting

    def _factor(self, setting: Setting) -> float:
        """Of what was tried with the nearest steps, since steps matter to it, and then the nearest levels."""
        nearest = min(
            self._factors, key=lambda s: (abs(s.steps - setting.steps), abs(s.quality - setting.quality))
        )
        return self._factors[nearest]

    def _try(self, setting: Setting) -> float:
        point = Point(setting, *self.evaluate(setting))
        if point.amount > self.goal.limit:
            if self.beyond is None or point.amount < self.beyond.amount:
                self.beyond = point
        elif self.best is None or point.amount > self.best.amount:
            self.best = point
        return point.amount


def plan(goal: Goal, estimate: Callable[[Setting], float], aim: float) -> Setting:
    """Where estimated amounts meet a goal. aim: how far below the limit, in parts of what is near enough.

    That is one quality for all, or where amounts jump with the steps there, the finer of these steps with
    fewer levels.
    """
    wanted, slack = goal.limit - aim * goal.near, SLACK * goal.near

    def too_high(setting: Setting) -> bool:
        return (estimate(setting) > wanted) == goal.rises

    low, high = _bisected(lambda quality: too_high(Setting.at(quality)), HIGHEST)
    if low == high or abs(estimate(Setting.at(low)) - wanted) <= slack:
        return Setting.at(low)
    lower, upper = _bisected(lambda quality: too_high(Setting(high, quality, quality, 0.0)), high)
    if lower == upper:  # the steps are too fine, whatever the levels
        return Setting.at(low)
    ends = [estimate(Setting(high, quality, quality, 0.0)) for quality in (upper, lower)]
    share = (ends[0] - wanted) / (ends[0] - ends[1]) if ends[0] != ends[1] else 0.0
    return Setting(high, upper, lower, min(max(share, 0.0), 1.0))


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
