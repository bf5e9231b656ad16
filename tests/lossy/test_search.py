"""The search, with amounts that differ slightly from their estimates."""

import math
from collections.abc import Callable

from hypothesis import example, given
from hypothesis import strategies as st

from jrecomp.lossy import Goal, OperatingPoint, Search
from jrecomp.lossy.search import EVALUATIONS

Amount = Callable[[OperatingPoint], float]

JUMPS = st.lists(st.tuples(st.floats(40, 99), st.floats(1.0, 1.1)), max_size=6)
"""Of amounts where steps change: qualities and factors."""

RISE = st.floats(1, 6)
TARGET = st.floats(0.9, 900)


def amounts(jumps: list[tuple[float, float]], rise: float, bend: float = 0) -> Amount:
    """From 1 at quality 0, of each block by its levels and jumping with steps."""

    def of_blocks(steps: float, levels: float) -> float:
        jumped = math.prod(factor for place, factor in jumps if steps >= place)
        return jumped * math.exp(rise * (levels / 100) ** (1 + bend))

    def amount(s: OperatingPoint) -> float:
        return (1 - s.share) * of_blocks(s.steps, s.upper) + s.share * of_blocks(s.steps, s.lower)

    return amount


def searched(
    amount: Amount, estimate: Amount, goal: Goal, known: tuple[float, float] | None = (1.0, 1.0)
) -> tuple[Search[str], list[OperatingPoint]]:
    """Compared with what was tried."""
    tried: list[OperatingPoint] = []

    def evaluate(point: OperatingPoint) -> tuple[float, str]:
        assert 0 <= point.lower <= point.upper <= point.steps <= 100
        assert 0 <= point.share <= 1
        tried.append(point)
        return amount(point), f"at {point}"

    search = Search(goal, evaluate, estimate)
    search.run(known)
    assert 0 < len(tried) <= EVALUATIONS + 1
    assert len(set(tried)) == len(tried)
    for point in (search.best, search.beyond):
        assert point is None or (point.amount, point.result) == (
            amount(point.point),
            f"at {point.point}",
        )
    within = [amount(point) for point in tried if amount(point) <= goal.limit]
    assert (search.best.amount if search.best else None) == max(within, default=None)
    return search, tried


@given(JUMPS, JUMPS, RISE, RISE, TARGET, st.sampled_from([None, 0.01, 1.0, 100.0]))
@example([], [], 1.0, 1.0, 1.0, None)
def test_limits_hold_whatever_estimates_say(
    jumps: list[tuple[float, float]],
    expected: list[tuple[float, float]],
    rise: float,
    expected_rise: float,
    target: float,
    factor: float | None,
) -> None:
    """There is a result if and only if the least quality is one."""
    amount = amounts(jumps, rise)
    goal = Goal(target, 0.01 * target, rises=True)
    search, _ = searched(amount, amounts(expected, expected_rise), goal, (1.0, factor) if factor else None)
    assert (search.best is None) == (amount(OperatingPoint.at(0)) > target)


@given(JUMPS, RISE, st.floats(0.5, 2), st.floats(0.3, 0.95), st.booleans())
def test_good_estimates_lead_there(
    jumps: list[tuple[float, float]], rise: float, scale: float, place: float, known: bool
) -> None:
    """Also into a jump; their scale need not be known."""
    estimate = amounts(jumps, rise)
    low, high = estimate(OperatingPoint.at(0)), estimate(OperatingPoint.at(99.9))
    target = scale * low * (high / low) ** place

    def amount(point: OperatingPoint) -> float:
        return scale * estimate(point) * (1 + 0.01 * math.sin(point.quality))

    goal = Goal(target, 0.01 * target, rises=True)
    search, _ = searched(amount, estimate, goal, (1.0, scale) if known else None)
    assert search.met


@given(RISE, st.floats(0.3, 0.95), st.floats(-0.3, 0.3))
def test_estimates_that_are_off_are_corrected(rise: float, place: float, bend: float) -> None:
    amount = amounts([], rise, bend)
    target = amount(OperatingPoint.at(100 * place))
    search, _ = searched(amount, amounts([], rise), Goal(target, 0.01 * target, rises=True))
    assert search.met


@given(JUMPS, RISE, st.floats(0.3, 0.95))
def test_distances_fall_with_quality(jumps: list[tuple[float, float]], rise: float, place: float) -> None:
    similarity = amounts(jumps, rise)
    ends = [1.1 / similarity(OperatingPoint.at(quality)) for quality in (0, 99.9)]
    target = ends[0] * (ends[1] / ends[0]) ** place
    search, _ = searched(
        lambda s: 1.1 / similarity(s), lambda s: 1 / similarity(s), Goal(target, target / 100, False)
    )
    assert search.met


def test_what_cannot_be() -> None:
    """The least quality is tried where even that is too large; where none is near enough nothing is found."""
    amount = amounts([], 2)
    search, tried = searched(amount, amount, Goal(0.5, 0.005, rises=True))
    assert (search.best, tried[-1]) == (None, OperatingPoint.at(0))
    search, tried = searched(
        lambda s: 5 - s.quality / 100, lambda s: 101 - s.quality, Goal(1.0, 0.01, rises=False), None
    )
    assert search.best is None and max(s.quality for s in tried) > 99.9


def test_a_first_result_that_is_near_enough_ends_it() -> None:
    amount = amounts([], 2)
    target = amount(OperatingPoint.at(75.1))
    search, tried = searched(amount, amount, Goal(target, 0.01 * target, rises=True), None)
    assert tried == [OperatingPoint.at(75)]
    assert search.met


def test_nothing_at_all() -> None:
    """Of pictures that have no coefficients to change."""
    search, _ = searched(lambda s: 7.0, lambda s: 0.0, Goal(7.0, 0.07, rises=True))
    assert search.met
    search, _ = searched(lambda s: 0.0, lambda s: 0.0, Goal(0.1, 0.001, rises=False))
    assert search.best is not None and search.best.amount == 0
