"""Values as binary decisions, and which output predicts each."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jrecomp.array_types import Bool, Index
from jrecomp.model.symbols import (
    HEAD,
    LAST_OUTPUTS,
    PER_SIGN,
    VALUE_OUTPUTS,
    code_last,
    code_values,
)

Decision = tuple[int | None, int, bool]


class Recorder:
    """Keeps decisions (output, block, outcome) instead of coding them."""

    def __init__(self) -> None:
        self.decisions: list[Decision] = []

    def decide(self, outputs: int | Index | None, rows: Index, truth: Bool | None) -> Bool:
        assert truth is not None
        each = outputs.tolist() if isinstance(outputs, np.ndarray) else [outputs] * len(rows)
        self.decisions += zip(each, rows.tolist(), truth.tolist(), strict=True)
        return truth


class Player:
    """Returns the outcomes that a Recorder kept, and checks that the decisions are the same."""

    def __init__(self, decisions: list[Decision]) -> None:
        self._left = list(decisions)

    def decide(self, outputs: int | Index | None, rows: Index, truth: Bool | None) -> Bool:
        assert truth is None
        each = outputs.tolist() if isinstance(outputs, np.ndarray) else [outputs] * len(rows)
        played, self._left = self._left[: len(rows)], self._left[len(rows) :]
        assert [(output, row) for output, row, _ in played] == list(zip(each, rows.tolist(), strict=True))
        return np.array([outcome for _, _, outcome in played], np.bool_)


values = st.integers(-3, 3) | st.integers(-70, 70) | st.integers(-65535, 65535)


@settings(max_examples=60)
@given(st.lists(values, max_size=80), st.integers(0, 99))
def test_values_round_trip(items: list[int], seed: int) -> None:
    truth = np.array(items, np.int64)
    known_nonzero = (truth != 0) & (np.random.default_rng(seed).random(len(items)) < 0.3)
    recorder = Recorder()
    assert (code_values(recorder, truth, known_nonzero) == truth).all()
    assert (code_values(Player(recorder.decisions), None, known_nonzero) == truth).all()


def test_each_decision_uses_its_own_output() -> None:
    recorder = Recorder()
    code_values(recorder, np.array([-5]), np.array([False]))
    # -5: non-zero, negative; length 3: >= 2 yes, >= 3 yes, >= 4 no; bits 0 and 1 below the leading one
    negative = HEAD + PER_SIGN
    assert recorder.decisions == [
        (0, 0, True),
        (1, 0, True),
        (negative, 0, True),
        (negative + 1, 0, True),
        (negative + 2, 0, False),
        (negative + 10 + 1, 0, False),
        (negative + 17, 0, True),
    ]


def test_other_bits_have_an_output_for_each_prefix() -> None:
    recorder = Recorder()
    code_values(recorder, np.array([0b1011001]), np.array([True]))
    adaptive = [
        output - VALUE_OUTPUTS for output, _, _ in recorder.decisions if output and output >= VALUE_OUTPUTS
    ]
    assert adaptive == [0b10, 0b101, 0b1011, 0b10110, 0b101100]


def test_decisions_without_an_output_are_coded() -> None:
    recorder = Recorder()
    code_values(recorder, np.array([1 << 14]), np.array([True]))
    assert sum(output is None for output, _, _ in recorder.decisions) == 5 + 14  # lengths 12 to 16, all bits


def test_a_certain_value_costs_no_zero_decision() -> None:
    recorder = Recorder()
    code_values(recorder, np.array([0, 1]), np.array([False, True]))
    assert [(output, row) for output, row, _ in recorder.decisions] == [(0, 0), (1, 1), (HEAD, 1)]


@given(st.lists(st.integers(0, 63), max_size=70))
def test_last_round_trip(items: list[int]) -> None:
    truth = np.array(items, np.int64)
    recorder = Recorder()
    code_last(recorder, truth, len(items))
    assert all(output is not None and 0 <= output < LAST_OUTPUTS for output, _, _ in recorder.decisions)
    assert (code_last(Player(recorder.decisions), None, len(items)) == truth).all()
