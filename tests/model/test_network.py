"""Float32 computes the integer networks exactly."""

import numpy as np
import pytest

from jrecomp.features.tables import LOGIT_LIMIT
from jrecomp.model.network import HIDDEN_SHIFT, LOGIT_SHIFT, Layer, Network


def random_layers(seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(seed)
    sizes = [(96, 140), (48, 96), (52, 48)]
    return [(rng.integers(-127, 128, s), rng.integers(-90000, 90000, (s[0], 1))) for s in sizes]


def as_network(layers: list[tuple[np.ndarray, np.ndarray]]) -> Network:
    return Network([Layer(w.astype(np.float32), b.astype(np.float32)) for w, b in layers])


@pytest.mark.parametrize("seed", range(3))
def test_floats_compute_the_integers_exactly(seed: int) -> None:
    layers = random_layers(seed)
    x = np.random.default_rng(seed + 9).integers(-127, 128, (140, 500))
    network = as_network(layers)
    expected = x
    for w, b in layers[:2]:
        expected = np.clip((w @ expected + b) >> HIDDEN_SHIFT, 0, 255)
    assert 0 < expected.mean() < 255
    w, b = layers[2]
    logits = np.clip((w @ expected + b) >> LOGIT_SHIFT, -LOGIT_LIMIT, LOGIT_LIMIT)
    assert (network.logits(x.astype(np.float32)) == logits).all()


def test_columns_do_not_depend_on_each_other() -> None:
    network = as_network(random_layers(7))
    x = np.random.default_rng(1).integers(-127, 128, (140, 300)).astype(np.float32)
    whole = network.logits(x)
    for width in (1, 7, 64):
        part = network.logits(np.ascontiguousarray(x[:, :width]))
        assert (part == whole[:, :width]).all()


def test_sums_that_could_be_inexact_are_refused() -> None:
    layers = random_layers(0)
    layers[0][1][5] = 1 << 24
    with pytest.raises(ValueError, match="2\\^24"):
        as_network(layers)
