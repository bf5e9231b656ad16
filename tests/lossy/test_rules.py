"""Rules for steps: what holds for any table and any lmbda."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jrecomp.errors import ExitCode, UnknownModelError
from jrecomp.lossy import Rule, load_rule, rule_names
from jrecomp.options import TUNES

FILE = Path(__file__).parents[2] / "weights" / "lossy.json"

SOURCES = st.lists(st.integers(1, 400), min_size=64, max_size=64).map(lambda s: np.array(s, np.int32))
WEIGHTS = st.lists(st.floats(0.01, 4), min_size=64, max_size=64).map(np.array)
NAMES = st.sampled_from(rule_names())
LAMBDAS = st.floats(1e-6, 1e6)


def test_names_are_those_of_the_file() -> None:
    shipped = json.loads(FILE.read_text())["rules"]
    assert list(dict.fromkeys(TUNES.values())) == rule_names() == [entry["name"] for entry in shipped]
    assert len({entry["id"] for entry in shipped}) == len(shipped)
    assert [load_rule(name).name for name in rule_names()] == rule_names()


def test_unknown_name() -> None:
    with pytest.raises(UnknownModelError, match=r"'nonesuch'.*mse, ms-ssim") as caught:
        load_rule("nonesuch")
    assert caught.value.exit_code == ExitCode.UNKNOWN_MODEL


@settings(max_examples=40)
@given(SOURCES, WEIGHTS, NAMES, LAMBDAS)
def test_bounds(source: np.ndarray, weights: np.ndarray, name: str, lmbda: float) -> None:
    steps = load_rule(name).steps(source, weights, lmbda)
    assert steps.dtype == np.int32
    assert steps.shape == (64,)
    assert (steps >= source).all()
    assert (steps <= np.maximum(source, 255)).all()


@settings(max_examples=40)
@given(SOURCES, WEIGHTS, NAMES)
def test_tiny_lambdas_change_nothing(source: np.ndarray, weights: np.ndarray, name: str) -> None:
    assert (load_rule(name).steps(source, weights, 1e-6) == source).all()


@settings(max_examples=40)
@given(SOURCES, WEIGHTS, NAMES, LAMBDAS, st.floats(1, 100))
def test_coarser_for_larger_lambdas(
    source: np.ndarray, weights: np.ndarray, name: str, lmbda: float, times: float
) -> None:
    rule = load_rule(name)
    assert (rule.steps(source, weights, times * lmbda) >= rule.steps(source, weights, lmbda)).all()


@settings(max_examples=40)
@given(SOURCES, WEIGHTS, NAMES)
def test_huge_lambdas_reach_the_largest_step(source: np.ndarray, weights: np.ndarray, name: str) -> None:
    assert (load_rule(name).steps(source, weights, 1e9) == np.maximum(source, 255)).all()


def test_high_rate() -> None:
    """Steps beyond `free` are optimal for uniform quantization: 6 lmbda / log 2 = step**2."""
    rule = Rule(9, "plain", stay=(0.1, 0.1), jump=0.1, third=0.1, free=0.1, widening=1.0, flatness=1.0)
    lmbda = 1000 * np.log(2) / 6
    steps = rule.steps(np.full(64, 2, np.int32), np.full(64, 1.0), lmbda)
    assert steps.tolist() == [round(1000**0.5)] * 64
    assert rule.steps(np.full(64, 2, np.int32), np.full(64, 0.25), lmbda).tolist() == [63] * 64


def test_flatness() -> None:
    """1: errors count as pixels say; 0: an error of a step counts alike for all steps' logarithms."""
    source, seen = np.arange(1, 65, dtype=np.int32), np.linspace(0.5, 1.5, 64)

    def weights(flatness: float) -> np.ndarray:
        rule = Rule(9, "x", stay=(1, 1), jump=2, third=2, free=2, widening=1, flatness=flatness)
        return rule.weights(source, seen)

    np.testing.assert_allclose(weights(1.0), seen)
    counted = weights(0.0) * source / seen
    np.testing.assert_allclose(counted, counted[0])
    assert (np.diff(weights(0.5) / seen) < 0).all()
