"""Shrinkage at all shifts: the native builds against the reference in NumPy."""

from importlib import import_module
from typing import Any

import numpy as np
import pytest

from jrecomp.native import restoration
from jrecomp.native.builds import runnable
from jrecomp.restoration.shifts import BORDER, LEARNED, SAMPLE, Shrinkage

SHAPES = [(24, 24), (17, 17), (40, 61), (33, 147)]


def random_shrinkage(seed: int) -> Shrinkage:
    rng = np.random.default_rng(seed)
    gains = rng.integers(0, 385, (64, 3, 4)).astype(np.int32)
    return Shrinkage(gains, rng.integers(1, 65, 64).astype(np.int32))


@pytest.mark.parametrize("form", runnable(restoration.FORMS))
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("amplitude", [100, SAMPLE])
def test_builds_give_the_samples_of_the_reference(form: str, shape: tuple[int, int], amplitude: int) -> None:
    rng = np.random.default_rng(amplitude)
    padded = rng.integers(-amplitude, amplitude + 1, shape).astype(np.int16)
    for number, shrinkage in enumerate([LEARNED, random_shrinkage(1)]):
        radius = rng.integers(0, (300, 1 << 15)[number], (8, 8)).astype(np.int32)
        expected = shrinkage.reference(padded, radius)
        out = np.empty_like(expected)
        shrink = import_module(f"jrecomp.native.{form}").shrink
        shrink(shrinkage.gains, shrinkage.weights, radius.reshape(64), padded, out)
        assert (out == expected).all()
        if form == runnable(restoration.FORMS)[0]:
            assert (shrinkage.applied(padded, radius) == expected).all()


def test_extreme_samples() -> None:
    """Black and white at every frequency, with the largest gains: nothing overflows."""
    x = np.arange(40)
    waves = [np.sign(np.cos((2 * x + 1) * u * np.pi / 16)) for u in range(8)]
    largest = Shrinkage(np.full((64, 3, 4), 384, np.int32), np.full(64, 64, np.int32))
    radius = np.zeros((8, 8), np.int32)
    for u in range(8):
        for v in range(8):
            padded = (SAMPLE * np.outer(waves[u], waves[v])).astype(np.int16)
            assert (largest.applied(padded, radius) == largest.reference(padded, radius)).all()


def test_strips_are_parts_of_the_whole() -> None:
    padded = np.random.default_rng(3).integers(-900, 900, (64 + 16, 56)).astype(np.int16)
    radius = np.full((8, 8), 200, np.int32)
    whole = LEARNED.applied(padded, radius)
    parts = [LEARNED.applied(padded[top : top + 16 + 2 * BORDER], radius) for top in range(0, 64, 16)]
    assert (np.concatenate(parts) == whole).all()


def test_flat_samples_stay() -> None:
    padded = np.full((40, 40), 1234, np.int16)
    assert (LEARNED.applied(padded, np.full((8, 8), 160, np.int32)) == 1234).all()


def test_learned_tables_are_within_bounds() -> None:
    assert LEARNED.gains.shape == (64, 3, 4) and LEARNED.weights.shape == (64,)
    assert LEARNED.gains.min() >= 0 and LEARNED.gains.max() <= 384
    assert LEARNED.weights.min() >= 1 and LEARNED.weights.max() <= 64


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gains", np.full(768, 385, np.int32)),
        ("gains", np.zeros(767, np.int32)),
        ("weights", np.zeros(64, np.int32)),
        ("weights", np.ones(65, np.int32)),
        ("radius", np.full(64, (1 << 15) + 1, np.int32)),
        ("radius", np.full(64, -1, np.int32)),
        ("padded", np.full((24, 24), SAMPLE + 1, np.int16)),
        ("padded", np.zeros((24, 23), np.int16)),
        ("padded", np.zeros(24 * 24, np.int16)),
        ("out", np.zeros((0, 8), np.int16)),
    ],
)
def test_wrong_arguments(name: str, value: Any) -> None:
    arguments: dict[str, Any] = {
        "gains": LEARNED.gains,
        "weights": LEARNED.weights,
        "radius": np.ones(64, np.int32),
        "padded": np.zeros((24, 24), np.int16),
        "out": np.zeros((8, 8), np.int16),
    }
    restoration.shrink(**arguments)
    with pytest.raises(ValueError):
        restoration.shrink(**arguments | {name: value})
