import numpy as np

from jrecomp.model.adaptation import BUCKETS, PRIOR, SHIFT_LIMIT, Adaptation
from jrecomp.planes.tables import LOGIT_LIMIT, make

SIGMOID = make().sigmoid


def logits(*values: int) -> np.ndarray:
    return np.array(values, np.int16)


def test_nothing_learned_changes_nothing() -> None:
    every = np.arange(-LOGIT_LIMIT, LOGIT_LIMIT + 1, dtype=np.int16)
    assert np.array_equal(Adaptation(3, SIGMOID).ones(2, every), SIGMOID)


def test_the_shift_is_one_newton_step() -> None:
    adaptation = Adaptation(1, SIGMOID)
    seen = np.zeros(100, np.int16)
    adaptation.learn(0, seen, np.arange(100) < 70)
    assert adaptation.ones(0, logits(0))[0] == SIGMOID[LOGIT_LIMIT]  # not before refresh
    adaptation.refresh()
    shift = 64 * (70 * 65536 - 100 * 32768) // (100 * 16384 + PRIOR)
    assert 0 < shift < SHIFT_LIMIT
    assert adaptation.ones(0, logits(0))[0] == SIGMOID[LOGIT_LIMIT + shift]


def test_outputs_and_buckets_learn_apart() -> None:
    adaptation = Adaptation(2, SIGMOID)
    adaptation.learn(np.array([1, 1]), logits(-700, -700), np.array([True, True]))
    adaptation.refresh()
    every = np.arange(-LOGIT_LIMIT, LOGIT_LIMIT + 1, dtype=np.int16)
    assert np.array_equal(adaptation.ones(0, every), SIGMOID)
    changed = np.flatnonzero(adaptation.ones(1, every) != SIGMOID)
    assert len(changed) > 0 and changed.max() < 128


def test_shifts_are_limited_and_fade() -> None:
    adaptation = Adaptation(1, SIGMOID)
    surprises = np.full(9000, -100, np.int16)
    adaptation.learn(0, surprises, np.ones(9000, np.bool_))
    adaptation.refresh()
    strongest = SIGMOID[LOGIT_LIMIT - 100 + SHIFT_LIMIT]
    assert adaptation.ones(0, logits(-100))[0] == strongest
    for _ in range(30):
        adaptation.halve()
    assert adaptation.ones(0, logits(-100))[0] == SIGMOID[LOGIT_LIMIT - 100]


def test_every_logit_has_a_bucket() -> None:
    adaptation = Adaptation(1, SIGMOID)
    adaptation.learn(0, logits(-LOGIT_LIMIT, LOGIT_LIMIT), np.array([True, False]))
    assert (2 * LOGIT_LIMIT) >> 7 == BUCKETS - 1
