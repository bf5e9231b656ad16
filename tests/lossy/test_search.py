"""The search against brute force, on functions that rise with quality."""

import math
from bisect import bisect_right
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jrecomp.lossy import Search
from jrecomp.lossy.search import EVALUATIONS, Point

VALUE = st.floats(1, 1e7)
STEPS = st.lists(st.tuples(st.floats(0, 100), VALUE), min_size=1, max_size=12)

Function = Callable[[float], float]


def stairs(points: list[tuple[float, float]]) -> Function:
    """A function that takes the sorted values from the sorted places on."""
    places, values = sorted(p for p, _ in points), sorted(v for _, v in points)
    return lambda quality: values[max(0, bisect_right(places, quality) - 1)]


def search(
    function: Function, target: float, *, ceiling: bool, near: float
) -> tuple[Point[str] | None, list[float]]:
    tried: list[float] = []

    def evaluate(quality: float) -> tuple[float, str]:
        assert 0 <= quality < 100
        tried.append(quality)
        return function(quality), f"at {quality}"

    point = Search(evaluate, target, ceiling, near).run()
    assert len(tried) <= EVALUATIONS
    assert len(set(tried)) == len(tried)
    if point is not None:
        assert (point.value, point.result) == (function(point.quality), f"at {point.quality}")
    return point, tried


@given(STEPS, VALUE, st.floats(0, 0.1))
def test_sizes_never_exceed_the_target(points: list[tuple[float, float]], target: float, near: float) -> None:
    """There is a result if and only if the least quality is one, and no other that was tried is better."""
    function = stairs(points)
    found, tried = search(function, target, ceiling=True, near=near * target)
    fitting = [function(q) for q in tried if function(q) <= target]
    assert (found is None) == (function(0) > target)
    if found is not None:
        assert found.value == max(fitting)


@given(STEPS, VALUE, st.floats(0, 0.1))
@example([(0, 2.0)], 2.0, 0.0)
def test_likeness_never_falls_short(points: list[tuple[float, float]], target: float, near: float) -> None:
    function = stairs(points)
    found, tried = search(function, target, ceiling=False, near=near * target)
    fitting = [function(q) for q in tried if function(q) >= target]
    assert (found is None) == (not fitting)
    if found is None:
        assert max(tried) > 99.9
    else:
        assert found.value == min(fitting)


EXPONENTIAL = st.builds(lambda low, rise: lambda q: low * math.exp(rise * q / 100), VALUE, st.floats(0.5, 6))
BEND = st.builds(
    lambda low, rise, power: lambda q: low * (1 + rise * (q / 100) ** power),
    VALUE,
    st.floats(0.1, 10),
    st.floats(0.7, 4),
)


@pytest.mark.parametrize("ceiling", [True, False])
@given(st.one_of(EXPONENTIAL, BEND), st.floats(5, 97))
def test_continuous_functions_are_met(ceiling: bool, function: Function, place: float) -> None:
    target = function(place)
    found, _ = search(function, target, ceiling=ceiling, near=0.01 * target)
    assert found is not None
    assert found.value <= target if ceiling else found.value >= target
    assert found.value == pytest.approx(target, rel=0.01)


def test_ends() -> None:
    """What even the least quality meets, and what only the unchanged picture does."""
    found, tried = search(lambda q: 50 + q, 40, ceiling=True, near=1)
    assert (found, tried[-1]) == (None, 0)
    found, tried = search(lambda q: 50 + q, 200, ceiling=False, near=1)
    assert (found, max(tried) > 99.9) == (None, True)
    found, _ = search(lambda q: 50 + q, 10, ceiling=False, near=1)
    assert found is not None and found.quality == 0
    found, _ = search(lambda q: 50 + q, 1000, ceiling=True, near=1)
    assert found is not None and found.quality > 99.9


def test_near_enough_ends_it() -> None:
    assert search(lambda q: q + 1, 76.5, ceiling=True, near=1)[1] == [75]
    assert search(lambda q: q + 1, 75.5, ceiling=False, near=1)[1] == [75]


def test_a_target_of_nothing_is_met_by_nothing() -> None:
    assert search(lambda q: q + 1, 0, ceiling=True, near=0)[0] is None
