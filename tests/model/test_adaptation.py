"""Corrections of logits by the outcomes of earlier decisions."""

import math

import numpy as np
import pytest

from jrecomp.features.tables import LOGIT_LIMIT, make
from jrecomp.model.adaptation import LN_2, LN_MANTISSA, ONE, PRIOR, SHIFT_LIMIT, Adaptation, logarithm
from jrecomp.model.symbols import ALL_OUTPUTS

SIGMOID = make().sigmoid
EVERY = np.arange(-LOGIT_LIMIT, LOGIT_LIMIT + 1, dtype=np.int16)


def logits(*values: int) -> np.ndarray:
    return np.array(values, np.int16)


def test_nothing_learned_changes_nothing() -> None:
    assert np.array_equal(Adaptation(SIGMOID).probabilities(ALL_OUTPUTS - 1, EVERY), SIGMOID)


def test_the_shift_is_the_logarithm_of_a_ratio_of_odds() -> None:
    adaptation = Adaptation(SIGMOID)
    adaptation.learn(0, np.zeros(100, np.int16), np.arange(100) < 70)
    assert adaptation.probabilities(0, logits(0))[0] == SIGMOID[LOGIT_LIMIT]  # not before refresh
    adaptation.refresh()
    shift = round(64 * math.log((70 + 4) / (50 + 4) / ((30 + 4) / (50 + 4))))
    near = SIGMOID[LOGIT_LIMIT + shift - 1 : LOGIT_LIMIT + shift + 2]
    assert near[0] <= adaptation.probabilities(0, logits(0))[0] <= near[2]


def test_outputs_and_buckets_learn_apart() -> None:
    adaptation = Adaptation(SIGMOID)
    adaptation.learn(np.array([1, 1]), logits(-700, -700), np.array([True, True]))
    adaptation.refresh()
    assert np.array_equal(adaptation.probabilities(0, EVERY), SIGMOID)
    changed = np.flatnonzero(adaptation.probabilities(1, EVERY) != SIGMOID)
    assert len(changed) > 0 and changed.max() < 128


def test_shifts_are_limited_and_fade() -> None:
    adaptation = Adaptation(SIGMOID)
    adaptation.learn(0, np.full(1 << 20, -600, np.int16), np.ones(1 << 20, np.bool_))
    adaptation.refresh()
    assert adaptation.probabilities(0, logits(-600))[0] == SIGMOID[LOGIT_LIMIT - 600 + SHIFT_LIMIT]
    for _ in range(30):
        adaptation.fade()
    assert adaptation.probabilities(0, logits(-600))[0] == SIGMOID[LOGIT_LIMIT - 600]


@pytest.mark.parametrize("value", [256, 511, 512, PRIOR, PRIOR + ONE, 3**25, 2**52 - 1])
def test_logarithm(value: int) -> None:
    assert logarithm(np.array([value]))[0] / 4096 == pytest.approx(math.log(value / 256), abs=1 / 200)


def test_rounding_of_the_table_is_never_close() -> None:
    """So that every machine's floats give the same table."""
    exact = 4096 * np.log(np.arange(256, 512) / 256)
    assert np.abs(exact - np.floor(exact) - 0.5).min() > 1e-4
    assert np.array_equal(LN_MANTISSA, np.rint(exact)) and round(4096 * math.log(2)) == LN_2
