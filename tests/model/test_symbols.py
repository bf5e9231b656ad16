import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jrecomp.coding import BitDecoder, BitEncoder
from jrecomp.model.symbols import (
    HEAD,
    LAST_OUTPUTS,
    PER_SIGN,
    VALUE_OUTPUTS,
    Bits,
    Coder,
    Ones,
    Values,
    code_last,
    code_values,
)


class Recorder:
    """Counts decisions and their probabilities instead of coding them."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, bool]] = []

    def code(self, ones: Ones, decisions: Bits | None) -> Bits:
        assert decisions is not None and len(ones) == len(decisions)
        self.asked += zip(ones.tolist(), decisions.tolist(), strict=True)
        return decisions


def run(coder: Coder, outputs: Ones, truth: Values | None, sure: Bits) -> Values:
    def tail(index: np.ndarray, negative: bool) -> Ones:
        start = HEAD + PER_SIGN * negative
        return outputs[start : start + PER_SIGN, index]

    return code_values(coder, outputs[:HEAD], tail, truth, sure)


values = st.integers(-3, 3) | st.integers(-70, 70) | st.integers(-65535, 65535)


@settings(max_examples=60)
@given(st.lists(values, max_size=80), st.integers(0, 99))
def test_values_round_trip(items: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = np.array(items, np.int64)
    outputs = rng.integers(1, 65536, (VALUE_OUTPUTS, len(items))).astype(np.uint16)
    sure = (truth != 0) & (rng.random(len(items)) < 0.3)
    encoder = BitEncoder()
    assert (run(encoder, outputs, truth, sure) == truth).all()
    assert (run(BitDecoder(encoder.finish()), outputs, None, sure) == truth).all()


def test_each_decision_uses_its_own_output() -> None:
    outputs = np.arange(1000, 1000 + VALUE_OUTPUTS, dtype=np.uint16)[:, None]
    recorder = Recorder()
    run(recorder, outputs, np.array([-5]), np.array([False]))
    # -5: non-zero, negative; length 3: >= 2 yes, >= 3 yes, >= 4 no; bits 0 and 1 below the leading one
    negative = 1000 + HEAD + PER_SIGN
    assert recorder.asked == [
        (1000, True),
        (1001, True),
        (negative, True),
        (negative + 1, True),
        (negative + 2, False),
        (negative + 10 + 1, False),
        (negative + 17, True),
    ]


def test_a_certain_value_costs_no_zero_decision() -> None:
    recorder = Recorder()
    outputs = np.full((VALUE_OUTPUTS, 2), 7, np.uint16)
    run(recorder, outputs, np.array([0, 1]), np.array([False, True]))
    assert len(recorder.asked) == 1 + 1 + 1  # one zero decision, one sign, one length


@given(st.lists(st.integers(0, 63), max_size=70), st.integers(0, 99))
def test_last_round_trip(items: list[int], seed: int) -> None:
    truth = np.array(items, np.int64)
    rng = np.random.default_rng(seed)
    outputs = rng.integers(1, 65536, (LAST_OUTPUTS, len(items))).astype(np.uint16)
    encoder = BitEncoder()
    code_last(encoder, outputs, truth)
    assert (code_last(BitDecoder(encoder.finish()), outputs, None) == truth).all()
