"""Adaptive counters and the decisions that they predict."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrecomp.model import BlocksModel, blocks, counters
from jrecomp.model.counters import Expected
from tests.model.meter import Meter, logistic
from tests.models import zero_block_arrays


def expected(below: bool, confidence: int) -> Expected:
    return Expected(np.array(below), np.array(confidence))


def test_counters_learn() -> None:
    learned = counters.Counters(np.array([1 << 21, 5]))
    learned.learn((0,), True)
    assert learned.value.tolist() == [(1 << 21) + (1 << 17), 5]  # a sixteenth of what is missing
    learned.learn((0,), False)
    assert learned.value[0] == 2228224 + (-2228224 * 3855 // 65536)
    for _ in range(5000):
        learned.learn((0,), True)
        learned.learn((1,), False)
    assert (1 << 22) - 256 < learned.value[0] < 1 << 22  # what the smallest rate, 257 / 2^16, rounds away
    assert learned.value[1] == 0


@given(st.integers(-99999, 99999))
def test_cells(x: int) -> None:
    assert counters.cell(x) == min(max(int(np.floor(x / 16 + 12)), 0), 31)


def test_decisions_of_values() -> None:
    """A magnitude of 9 with the unexpected sign, and the counters of all decisions."""
    arrays = zero_block_arrays()
    arrays["trust_0"][3], arrays["sign_start_0"][5, 3] = 32, 64
    arrays["length_slope_0"][0], arrays["length_trust_0"][1, 0, 3] = 512, -48
    model, meter = blocks.build(6, "some", arrays), Meter()
    decisions = counters.Decisions(model, model.classes[0], meter)
    assert decisions.value(5, expected(False, 3), 40, False, -9) == -9
    middle = 32 * ((40 + 192) // 16) - 368  # of the scale's cell
    lengths = [2 * middle, -48, 0, 0]
    assert meter.ones == [logistic(x) for x in (middle + 32, 64, *lengths)] + [32769, 32769, 32768]
    assert decisions.value(5, expected(True, 3), 40, True, 1) == 1  # certainly not zero, and again unexpected
    assert meter.ones[9] == pytest.approx(logistic(64) * 15 / 16, abs=2) and len(meter.ones) == 11


def test_counters_of_lengths_and_bits(zero_blocks_model: BlocksModel) -> None:
    """Lengths have one for the cell and confidence; bits have one for each prefix."""
    meter = Meter()
    decisions = counters.Decisions(zero_blocks_model, zero_blocks_model.classes[0], meter)
    for confidence, value in ((1, 6), (1, 5), (2, 4)):
        assert decisions.value(1, expected(False, confidence), 0, True, value) == value
    first, second, third = (meter.ones[start : start + 6] for start in (0, 6, 12))  # sign, >= 2, 3, 4; bits
    assert first == third == [32769] * 6
    more, less = 34817, 30721  # a sixteenth towards what was; prefix 2 is new
    assert second == [more, more, more, less, more, 32769]


def test_zeros_of_a_group_share_counters(zero_blocks_model: BlocksModel) -> None:
    """The first six coefficients have their own, the others those of their diagonal."""
    assert counters.GROUP.tolist() == [
        *range(6),
        *([6] * 4),
        *([7] * 5),
        *([8] * 6),
        *([9] * 7),
        *([10] * 8),
        *([11] * 7),
        *([12] * 21),
    ]
    meter = Meter()
    decisions = counters.Decisions(zero_blocks_model, zero_blocks_model.classes[0], meter)
    for k in (5, 6, 9, 10, 4):
        assert decisions.value(k, expected(False, 0), 0, False, 0) == 0
    new, less = logistic(16), (logistic(16) * 15 // 16) | 1
    assert meter.ones == [new, new, less, new, new]


def test_long_magnitudes_are_coded_in_full(zero_blocks_model: BlocksModel) -> None:
    meter = Meter()
    decisions = counters.Decisions(zero_blocks_model, zero_blocks_model.classes[0], meter)
    assert decisions.value(0, expected(False, 0), 0, False, 65534) == 65534
    assert meter.ones == [logistic(16)] + [32769] * (1 + 10) + [32768] * (6 + 15)


@given(st.integers(0, 63))
def test_decisions_of_last(zero_blocks_model: BlocksModel, last: int) -> None:
    logits = np.zeros(63, np.int64)
    nodes = [(1 << b) - 1 + (last >> (6 - b)) for b in range(6)]
    logits[nodes] = 16 * np.arange(6)
    meter = Meter()
    assert (
        counters.Decisions(zero_blocks_model, zero_blocks_model.classes[0], meter).last(logits, last) == last
    )
    assert meter.ones == [logistic(32 * b + 16) for b in range(6)]
