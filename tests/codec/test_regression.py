"""Models of blocks predict a component from the one before, as far as the file shows that they are alike."""

from dataclasses import replace

import numpy as np
import pytest

from jrecomp import codec
from jrecomp.codec.regression import Regression, innovations
from jrecomp.model import load
from tests.models import random_file


def learned(pairs: list[tuple[int, int]], step: int = 1) -> int:
    """The prediction from 16384 after blocks with these innovations of the other component and of its own."""
    regression = Regression(np.full(64, step))
    for other, own in pairs:
        regression.learn(np.full(64, other), np.full(64, own))
    (prediction,) = set(regression.predict(np.full(64, 1)).tolist())
    return int(prediction)


@pytest.mark.parametrize(
    ("pairs", "step", "weight"),
    [
        ([], 1, 0),
        ([(0, 100)], 1, 0),
        ([(10, 10)], 1, 16384 * 100 // 104),
        ([(10, -10)], 1, -(16384 * 100 // 104)),  # rounded towards zero
        ([(10, 10)], 5, 16384 * 100 // 200),
        ([(10, 10), (10, 0)], 1, 16384 * 100 // 204),
        ([(10, 10), (10, 0), (99, 99)], 1, 16384 * 100 // 204),  # after 1, 2, 4, 8, ... blocks
        ([(10, 1000)], 1, 32767),
        ([(-32767, 32767)], 1, -(16384 * 32767**2 // (32767**2 + 4))),
        ([(1, 1)] * 64, 1, 16384 * 48 // 51),  # of 64 and 68 a quarter is forgotten
        ([(1, -1)] * 64, 1, -(16384 * 48 // 51)),
        ([(1, 1)] * 64 + [(1, -1)] * 64, 1, -(16384 * 12 // 87)),  # of 48 - 64 and 51 + 64
        ([(1, 1)] * 127, 1, 16384 * 48 // 51),
    ],
    ids=range(13),
)
def test_weights(pairs: list[tuple[int, int]], step: int, weight: int) -> None:
    """By hand, from docs/format/blocks.md."""
    assert learned(pairs, step) == weight


def test_innovations() -> None:
    dequantized, sums = np.zeros(64, np.int64), np.zeros(64, np.int64)
    dequantized[:4], sums[:6] = (5, 5, -32767, 7), (3 << 14, -1, 1 << 30, 0, 16383, -16384)
    dequantized[20] = 9
    found = innovations(dequantized, sums, 16)
    assert found[:7].tolist() == [2, 6, -32767, 7, 0, 1, 0] and not found[16:].any()


@pytest.mark.parametrize("factor", [1, -1])
def test_equal_and_opposite_components_cost_less(factor: int) -> None:
    """A second component that is the first one, or its negative, takes less than two thirds of its bytes."""
    file = random_file([(1, 1), (1, 1)], 24, 24, spread=6.0)
    one, two = file.frame.components
    file.coefficients[0][..., 0] = np.random.default_rng(3).integers(-40, 40, (24, 24))
    file.coefficients[1][:] = factor * file.coefficients[0]
    alike = replace(
        file, frame=file.frame._replace(components=(one, two._replace(quantization=one.quantization)))
    )
    single = replace(alike, frame=file.frame._replace(components=(one,)), coefficients=file.coefficients[:1])
    sizes = [sum(map(len, codec.encode(f, load("fast")).data)) for f in (single, alike)]
    assert sizes[1] < sizes[0] * 5 / 3
