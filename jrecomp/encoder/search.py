"""Search for the likeness that meets a target."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

EVALUATIONS = 10
"""Largest number of results that are tried."""

FIRST_STEP = 4.0
"""Distance in likeness of the second result from the first."""

PATIENCE = 3
"""Number of results on the same side of the limit after which steps double."""

LEAST_STEP = 0.1
"""Likenesses this close give the same settings, or differ by chance."""


@dataclass(frozen=True)
class Trial(Generic[T]):
    """A tried result.

    likeness: that its settings are for. excess: logarithm of its amount divided by the limit, so that 0 or
    less meets the target. result: the result.
    """

    likeness: float
    excess: float
    result: T


def search(
    attempt: Callable[[float], tuple[float, T]],
    limit: float,
    tolerance: float,
    rises: bool,
    start: float,
    ends: tuple[float, float],
    evaluations: int = EVALUATIONS,
) -> tuple[Trial[T] | None, Trial[T] | None]:
    """Find the result whose amount is the largest within a limit.

    attempt: gives the amount and the result at a likeness. limit: of the amount, above 0. tolerance: a
    result is good enough if its amount is within this fraction of the limit. rises: whether amounts rise
    with the likeness, as sizes do; otherwise they fall, as distances do. start: the first likeness to try.
    ends: lowest and highest likeness. evaluations: largest number of results that are tried.

    Returns the best result within the limit and the nearest one beyond it; each is None if there is none.
    """
    inside: Trial[T] | None = None
    beyond: Trial[T] | None = None
    likeness, low, high = start, *ends
    tried: set[float] = set()
    for _ in range(evaluations):
        tried.add(likeness)
        amount, result = attempt(likeness)
        trial = Trial(likeness, math.log(amount / limit) if amount > 0 else -math.inf, result)
        if trial.excess <= 0 and (inside is None or trial.excess > inside.excess):
            inside = trial
        if trial.excess > 0 and (beyond is None or trial.excess < beyond.excess):
            beyond = trial
        if inside is not None and inside.excess >= math.log(1 - tolerance):
            break
        likeness = min(max(_next(inside, beyond, tolerance, rises, len(tried)), low), high)
        if any(abs(likeness - other) < 1e-3 for other in tried):
            if inside is None or beyond is None:
                break
            likeness = _between(inside.likeness, beyond.likeness, tried)
            if any(abs(likeness - other) < LEAST_STEP for other in tried):
                break
    return inside, beyond


def _next(
    inside: Trial[T] | None, beyond: Trial[T] | None, tolerance: float, rises: bool, number: int
) -> float:
    """The likeness to try next: between the nearest results, or away from the only one.

    number: of the results, see PATIENCE.
    """
    direction = 1 if rises else -1
    if inside is None or beyond is None:
        known = inside or beyond
        assert known is not None
        least = FIRST_STEP * 2.0 ** max(0, number - PATIENCE)
        size = min(max(abs(known.excess) * 2 * FIRST_STEP, least), 8 * FIRST_STEP)
        return known.likeness + (direction if known is inside else -direction) * size
    if not math.isfinite(inside.excess):
        return (inside.likeness + beyond.likeness) / 2
    aim = tolerance / 2
    share = (-aim - inside.excess) / (beyond.excess - inside.excess)
    return inside.likeness + min(max(share, 0.1), 0.9) * (beyond.likeness - inside.likeness)


def _between(inside: float, beyond: float, tried: set[float]) -> float:
    """The middle between a likeness and the nearest one that was tried on the way to another.

    Amounts that do not rise or fall everywhere, as after rounds on small pictures, lead to the same again.
    """
    low, high = min(inside, beyond), max(inside, beyond)
    nearest = min((t for t in tried if low <= t <= high and t != inside), key=lambda t: abs(t - inside))
    return (inside + nearest) / 2
