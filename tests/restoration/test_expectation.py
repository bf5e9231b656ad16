"""Expected coefficients, and their cells."""

from decimal import getcontext, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jrecomp.jpeg.types import Component
from jrecomp.restoration.cells import Cells, projected
from jrecomp.restoration.expectation import OFFSET_BITS, expected, offsets
from jrecomp.restoration.transform import LARGEST, blocks, forward, plane, unit_bits
from tests.restoration import oracle


def component(steps: list[int]) -> Component:
    return Component(1, 1, 1, np.array(steps, np.int32), 4, 5)


@pytest.mark.parametrize("precision", [8, 12])
@settings(max_examples=40)
@given(
    seed=st.integers(0, 1 << 30), largest=st.sampled_from([2, 40, 2047, 32767]), step=st.integers(0, 65535)
)
def test_coefficients_stay_in_their_cells(precision: int, seed: int, largest: int, step: int) -> None:
    """Whatever the samples, levels and steps; those that no samples can have are limited."""
    rng = np.random.default_rng(seed)
    steps = component([step, *rng.integers(1, 256, 63)])
    levels = oracle.random_levels(4, 5, seed, largest)
    cells = Cells.of(steps, levels, precision)
    unit = 1 << unit_bits(precision)
    for values in (
        expected(levels, cells, offsets(levels)),
        cells.clipped(rng.integers(-LARGEST, LARGEST + 1, (4, 5, 8, 8)).astype(np.int32)),
    ):
        exact = oracle.natural(levels) * oracle.natural(steps.steps)
        reachable = np.abs(exact) + oracle.natural(steps.steps) / 2 < LARGEST / unit
        inside = np.abs(values / unit - exact) < oracle.natural(steps.steps) / 2
        assert (inside | ~reachable).all()
        assert np.abs(values).max() <= LARGEST


def test_projection() -> None:
    """Coefficients that are far outside come to the border of their cells, others stay."""
    levels = oracle.random_levels(4, 5, 1, 20)
    cells = Cells.of(component([16] * 64), levels, 8)
    samples = np.random.default_rng(1).integers(-4000, 4000, (32, 40)).astype(np.int32)
    inside = projected(samples, cells)
    exact = oracle.coefficients(inside / 32.0)
    assert (np.abs(exact - oracle.natural(levels) * 16) < 8).all()
    assert np.abs(projected(inside, cells) - inside).max() <= 2
    moved = np.abs(forward(blocks(samples)) - cells.centres) > cells.reach + 8
    gap = np.abs(forward(blocks(inside)) - cells.centres)
    assert np.abs(gap - cells.reach)[moved].max() <= 3
    assert (plane(blocks(inside)) == inside).all()


@pytest.mark.parametrize("scale", [0.3, 0.7, 2.0, 8.0])
def test_offsets_are_those_of_exponential_magnitudes(scale: float) -> None:
    """Of 30,000 coefficients per frequency, the mean of those with levels other than 0."""
    rng = np.random.default_rng(1)
    true = rng.laplace(0, scale, (30_000, 1, 64))
    levels = np.rint(true).astype(np.int16)
    found = offsets(levels) / (1 << OFFSET_BITS)
    mean = np.array([(np.abs(levels) - np.abs(true))[..., k][levels[..., k] != 0].mean() for k in range(64)])
    assert np.abs(found - oracle.natural(mean)).reshape(64)[1:].max() < 0.03
    assert found[0, 0] == 0


def test_zeros_do_not_count() -> None:
    """More of them, as encoders make by choice, change nothing."""
    levels = oracle.random_levels(20, 20, 2, 30)
    more = np.concatenate([levels, np.zeros_like(levels)])
    assert (offsets(levels) == offsets(more)).all()


def test_without_levels_or_with_equal_ones() -> None:
    assert not offsets(np.zeros((3, 3, 64), np.int16)).any()
    ones = offsets(np.ones((300, 300, 64), np.int16))
    assert (ones.reshape(64)[1:] < 1 << (OFFSET_BITS - 1)).all()
    assert (offsets(np.full((3, 3, 64), 32767, np.int16)) >= 0).all()


def test_decimal_context_of_the_caller_does_not_matter() -> None:
    levels = oracle.random_levels(20, 20, 2, 30)
    with localcontext():
        getcontext().prec = 3
        few = offsets(levels)
    assert (few == offsets(levels)).all()
