"""Offsets and the decisions that they predict."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrecomp.model import blocks, offsets
from jrecomp.model.blocks import BlocksModel
from jrecomp.model.offsets import Decisions, Expected, Rows, Term
from tests.model.meter import Meter, logistic
from tests.models import zero_block_arrays

FIRST = Rows(0, 0)


def expected(below: bool, confidence: int) -> Expected:
    return Expected(np.array(below), np.array(confidence))


@pytest.fixture
def meter() -> Meter:
    return Meter()


@pytest.fixture
def decisions(zero_blocks_model: BlocksModel, meter: Meter) -> Decisions:
    return Decisions(zero_blocks_model, zero_blocks_model.classes[0], meter)


def test_all_terms_learn_from_the_error(zero_blocks_model: BlocksModel, meter: Meter) -> None:
    arrays = zero_blocks_model.classes[0]
    learner = offsets.Offsets(zero_blocks_model.arrays["sigmoid"], arrays, meter)
    learner.gain[0, 0], learner.rows[5, 0], learner.bits[1, 2] = 1 << 15, 30 << 10, -(10 << 10)
    terms = [Term(learner.rows, (5, 0)), Term(learner.bits, (1, 2), 4)]
    assert learner.decide(True, terms, 100, Term(learner.gain, (0, 0)))
    assert meter.ones == [logistic(100 / 2 + 30 - 10)]
    error = 65536 - meter.ones[0]
    assert learner.rows[5, 0] == (30 << 10) + round(error / 64)
    assert learner.bits[1, 2] == -(10 << 10) + round(error / 16)
    assert learner.gain[0, 0] == (1 << 15) + round(error * 100 / 32768)
    assert not learner.decide(False, terms[:1])
    assert meter.ones[1] == logistic(((30 << 10) + round(error / 64)) // 1024)
    assert np.count_nonzero(learner.rows) == 1  # and nothing else changed
    assert not arrays["offset"].any() and (arrays["gain"] == 1 << 16).all()


def test_logits_are_limited_and_sums_wrap(zero_blocks_model: BlocksModel, meter: Meter) -> None:
    learner = offsets.Offsets(zero_blocks_model.arrays["sigmoid"], zero_blocks_model.classes[0], meter)
    learner.decide(True, [], 5000, Term(learner.gain, (0, 0)))
    learner.rows[0, :2] = (1 << 31) - 1
    learner.decide(True, [Term(learner.rows, (0, 0))])
    learner.decide(True, [Term(learner.rows, (0, 1)), Term(learner.rows, (0, 0))])
    assert meter.ones == [logistic(767), logistic(767), logistic(-1)]
    learner.decide(False, [Term(learner.rows, (0, 2)), Term(learner.rows, (0, 0))])
    assert learner.rows[0, 0] < (1 << 31) - 1


def test_an_entry_at_the_end_wraps(zero_blocks_model: BlocksModel, meter: Meter) -> None:
    learner = offsets.Offsets(zero_blocks_model.arrays["sigmoid"], zero_blocks_model.classes[0], meter)
    learner.rows[0, :2] = (1 << 31) - 1, 2  # their sum is -2^31 + 1
    learner.decide(True, [Term(learner.rows, (0, 0)), Term(learner.rows, (0, 1))])
    assert learner.rows[0, 0] == -(1 << 31) + 1023  # an error of nearly 1 is nearly 1024


@given(st.integers(-99999, 99999))
def test_cells(x: int) -> None:
    assert offsets.cell(x) == min(max(int(np.floor(x / 16 + 12)), 0), 31)


def test_decisions_of_values(meter: Meter) -> None:
    """A magnitude of 9 with the unexpected sign, and the logits of all decisions."""
    arrays = zero_block_arrays()
    arrays["trust_0"][3], arrays["sign_start_0"][5, 3] = 32, 64
    arrays["length_slope_0"][0], arrays["length_trust_0"][1, 0, 3] = 512, -48
    model = blocks.build(6, "some", arrays)
    decisions = Decisions(model, model.classes[0], meter)
    assert decisions.value(5, expected(False, 3), 40, FIRST, False, -9) == -9
    lengths = [2 * 80, -48, 0, 0]
    assert meter.ones == [logistic(x) for x in (80 + 32, 64, *lengths)] + [32768] * 3
    assert decisions.value(5, expected(True, 3), 40, FIRST, True, 1) == 1  # not zero, and again unexpected
    assert logistic(48) < meter.ones[9] < logistic(64) and len(meter.ones) == 11


def test_rows_of_a_coefficient(meter: Meter) -> None:
    """Each of the four contexts has the offset of its row, in a slot for each decision."""
    arrays = zero_block_arrays()
    k, confidence, scale = 8, 4, 100
    group, cell = 6, (100 + 192) // 16
    rows = (
        144 * group + 16 * 2 + cell // 2,
        13 * 144 + 48 * group + 21,
        13 * (144 + 48) + 49 * group + 30,
        13 * (144 + 48 + 49) + 6 * k + cell // 6,
    )
    for power, row in enumerate(rows):
        arrays["offset_0"][row] = 1 << power
    arrays["offset_0"][rows[0], 3] = 64  # length >= 3 with the unexpected sign
    model = blocks.build(6, "some", arrays)
    Decisions(model, model.classes[0], meter).value(
        k, expected(False, confidence), scale, Rows(21, 30), True, -5
    )
    assert meter.ones[:4] == [logistic(4 * x) for x in (15, 15, 14 + 64, 15)]  # sign, >= 2, 3, 4


def test_rows_of_dc(meter: Meter) -> None:
    arrays = zero_block_arrays()
    for power, row in enumerate((16 * 3 + 7, 1872 + 47, 2496 + 48, 3133 + 2)):
        arrays["offset_0"][row, 0] = 1 << power
    arrays["intercept_0"][6, 0] = 100 << 10
    model = blocks.build(6, "some", arrays)
    Decisions(model, model.classes[0], meter).value(0, expected(False, 3), 48, Rows(47, 48), False, 0)
    assert meter.ones == [logistic(96 + 4 * 15 + 100)]


@pytest.mark.parametrize(
    ("k", "confidence", "found"), [(1, 0, 0), (10, 4, 1), (9, 5, 2), (63, 9, 3), (2, 10, 4), (11, 17, 5)]
)
def test_sets(meter: Meter, k: int, confidence: int, found: int) -> None:
    arrays = zero_block_arrays()
    arrays["intercept_0"][:, 0] = (np.arange(7) - 3) << 15
    model = blocks.build(6, "some", arrays)
    Decisions(model, model.classes[0], meter).value(k, expected(False, confidence), 0, FIRST, False, 0)
    assert meter.ones == [logistic(32 * (found - 3))]


def test_bits_below_the_leading_one(meter: Meter) -> None:
    """The first two have an offset for cell and confidence, too; all have one for the coefficient."""
    arrays = zero_block_arrays()
    prefixes = [0b1, 0b10, 0b101, 0b1011, 0b10110, 0b101101, 0b1011010]
    for place, prefix in enumerate(prefixes):
        arrays["index_bit_offset_0"][7, 128 + prefix] = place + 1
    arrays["bit_offset_0"][16 * 2 + 6, 21 + 3 * 6 : 21 + 3 * 7] = -8, -16, 99
    model = blocks.build(6, "some", arrays)
    decisions = Decisions(model, model.classes[0], meter)
    assert decisions.value(7, expected(False, 5), 0, FIRST, True, 0b10110100) == 0b10110100
    found, meter.ones[:] = meter.ones[-7:], []
    assert found == [logistic(4 * x) for x in (1 - 8, 2 - 16, 3, 4, 5, 6, 7)]
    assert decisions.value(7, expected(True, 5), 0, FIRST, True, 0b10110100) == 0b10110100
    bits = [-1, 1, 1, -1, 1, -1, -1]
    first = [logistic(4 * x) for x in range(1, 8)]
    errors = [(1 if bit > 0 else 0) - one / 65536 for bit, one in zip(bits, found, strict=True)]
    learned = [logistic(4 * x + 4 * error) for x, error in zip(range(1, 8), errors, strict=True)]
    assert learned != first and meter.ones[-7:] == pytest.approx(learned, abs=400)
    assert all((one > old) == (bit > 0) for one, old, bit in zip(meter.ones[-7:], first, bits, strict=True))


def test_groups_share_offsets(decisions: Decisions, meter: Meter) -> None:
    """The first six coefficients have their own, the others those of their diagonal."""
    assert offsets.GROUP.tolist() == [
        *range(6),
        *([6] * 4),
        *([7] * 5),
        *([8] * 6),
        *([9] * 7),
        *([10] * 8),
        *([11] * 7),
        *([12] * 21),
    ]
    for k in (5, 6, 9, 10, 4):
        assert decisions.value(k, expected(False, 0), 0, FIRST, False, 0) == 0
    assert len(meter.ones) == 5 and meter.ones[0] == 32768
    _, one, shared, other_set, fourth = meter.ones
    assert shared < one and shared < fourth < 32768  # the intercept is shared by all of a set
    assert other_set == 32768


def test_long_magnitudes_are_coded_in_full(decisions: Decisions, meter: Meter) -> None:
    assert decisions.value(0, expected(False, 0), 0, FIRST, False, 65534) == 65534
    assert meter.ones[:9] == [32768] * 9 and meter.ones[12:] == [32768] * (6 + 15)
    assert 32768 < meter.ones[9] < meter.ones[10] < meter.ones[11]  # lengths from 8 on share a slot


@given(st.integers(0, 63))
def test_decisions_of_last(zero_blocks_model: BlocksModel, last: int) -> None:
    logits = np.zeros(63, np.int64)
    nodes = [(1 << b) - 1 + (last >> (6 - b)) for b in range(6)]
    logits[nodes] = 16 * np.arange(6)
    meter = Meter()
    decisions = Decisions(zero_blocks_model, zero_blocks_model.classes[0], meter)
    assert decisions.last(logits, None, None, last) == last
    assert meter.ones == [logistic(32 * b) for b in range(6)]


def test_neighbours_of_last(meter: Meter) -> None:
    arrays = zero_block_arrays()
    for column, entry in ((12, 1), (32, 2), (32 + 17 * 16 + 3, 4)):
        arrays["last_offset_0"][0, column] = entry
    arrays["last_intercept_0"][0] = 50 << 10
    model = blocks.build(6, "some", arrays)
    for left, above in ((None, None), (63, 11), (63, None)):
        Decisions(model, model.classes[0], meter).last(np.zeros(63, np.int64), left, above, 0)
    assert meter.ones[::6] == [logistic(50 + 4 * x) for x in (1 + 2, 1 + 4, 1)]
