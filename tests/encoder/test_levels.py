"""Levels by rate and error."""

from itertools import product

import numpy as np
import pytest

from jrecomp.array_types import Float32, Int16, UInt8
from jrecomp.encoder.levels import Quantizer
from jrecomp.native import _encode
from jrecomp.threads import Workers

LAMBDA = 0.15


def bits_of(levels: list[int], bits: Float32) -> float:
    """The bits of AC levels in a sequential scan (T.81 F.1.2.2)."""
    total, run, last = 0.0, 0, 0
    for k, level in enumerate(levels[1:], 1):
        if level:
            run, size = k - last - 1, abs(level).bit_length()
            total += (run >> 4) * bits[0xF0] + bits[(run & 15) << 4 | size] + size
            last = k
    return total + (float(bits[0]) if last < 63 else 0.0)


def chosen(block: Float32, steps: Float32, weights: Float32, kept: int, bits: Float32) -> list[int]:
    levels, counts = np.empty((1, 1, 64), np.int16), np.zeros(256, np.int64)
    guard: UInt8 = np.full((1, 1), kept, np.uint8)
    importance, others = weights**0.25, weights[None, None] ** 0.75
    _encode.choose(block[None, None], steps, importance, others, guard, bits, LAMBDA, levels, counts)
    symbols = counts * np.arange(256)
    assert counts.sum() >= 1 and symbols.sum() >= 0
    return [int(level) for level in levels[0, 0]]


@pytest.mark.parametrize("seed", range(30))
def test_no_other_levels_cost_less(seed: int) -> None:
    """Against all combinations of the magnitudes that a coefficient may take."""
    rng = np.random.default_rng(seed)
    places = np.sort(rng.choice(np.arange(1, 64), 7, replace=False))
    block, steps = np.zeros(64, np.float32), rng.uniform(2, 20, 64).astype(np.float32)
    block[places] = (rng.uniform(0.4, 3.2, 7) * steps[places] * rng.choice([-1, 1], 7)).astype(np.float32)
    weights = rng.uniform(0.5, 2, 64).astype(np.float32)
    bits = rng.uniform(1, 9, 256).astype(np.float32)

    def cost(levels: list[int]) -> float:
        errors = weights * (block / steps - np.array(levels)) ** 2
        return float(errors[1:].sum()) + LAMBDA * bits_of(levels, bits)

    options = []
    for k in places:
        x = abs(block[k]) / steps[k]
        rounded = int(x + 0.5)
        candidates = {0, rounded, rounded - 1 if rounded > x and rounded > 1 else 0}
        options.append([int(np.sign(block[k])) * level for level in sorted(candidates)])
    least = np.inf
    for combination in product(*options):
        levels = [0] * 64
        for k, level in zip(places, combination, strict=True):
            levels[k] = level
        least = min(least, cost(levels))
    found = chosen(block, steps, weights, 0, bits)
    assert cost(found) == pytest.approx(least, rel=1e-4)


def test_dc_and_kept_coefficients_are_rounded() -> None:
    block = np.full(64, 0.6, np.float32)
    bits = np.full(256, 20, np.float32)
    levels = chosen(block, np.ones(64, np.float32), np.ones(64, np.float32), 5, bits)
    assert levels == [1] * 6 + [0] * 58


def test_levels_stay_in_the_range_of_baseline_files() -> None:
    block = np.full(64, 1e6, np.float32)
    levels = chosen(block, np.ones(64, np.float32), np.ones(64, np.float32), 0, np.ones(256, np.float32))
    assert levels == [1023] * 64


def test_threads_do_not_change_levels() -> None:
    rng = np.random.default_rng(1)
    targets = rng.laplace(0, 10, (70, 5, 64)).astype(np.float32)
    weights, kept = np.ones((70, 5, 1), np.float32), np.zeros((70, 5), np.uint8)
    found: list[Int16] = []
    for count in (1, 4):
        with Workers(count) as workers:
            quantizer = Quantizer(np.full(64, 8, np.float32), 0.1)
            found.append(quantizer(targets, weights, kept, workers))
    assert np.array_equal(found[0], found[1])


def test_shapes_that_do_not_fit_are_refused() -> None:
    ones, guard = np.ones(64, np.float32), np.zeros((1, 1), np.uint8)
    levels, counts = np.empty((1, 1, 64), np.int16), np.zeros(256, np.int64)
    block, bits = np.zeros((1, 1, 64), np.float32), np.ones(256, np.float32)
    calls = [
        (block, ones[:63], block, guard, bits),
        (block, ones, block[..., :2].copy(), guard, bits),
        (block, ones, block, np.zeros((1, 2), np.uint8), bits),
        (block, ones, block, guard, bits[:255]),
    ]
    for targets, steps, weights, kept, rates in calls:
        with pytest.raises(ValueError):
            _encode.choose(
                targets, steps, np.ones(64, np.float32), weights, kept, rates, LAMBDA, levels, counts
            )


def test_results_of_other_types_are_refused() -> None:
    """They would be converted, and the result lost."""
    plane, result = np.zeros((8, 8), np.float32), np.zeros((4, 4))
    with pytest.raises(TypeError):
        _encode.halve(plane, result)  # type: ignore[arg-type]
