"""Models with latents: arrays of weights files."""

import pytest

from jrecomp.model import latents, weights
from jrecomp.model.latents import LatentsModel
from tests.models import random_latents_arrays


def test_sums_that_could_be_inexact_are_refused() -> None:
    arrays = random_latents_arrays()
    arrays["bias_1"][3] = 1 << 24
    with pytest.raises(ValueError, match="2\\^24"):
        latents.build(8, "inexact", arrays)


def test_arrays_that_do_not_fit_are_refused() -> None:
    arrays = random_latents_arrays()
    arrays["weight_2"] = arrays["weight_2"][:-1]
    with pytest.raises(ValueError, match="do not fit"):
        latents.build(8, "short", arrays)


def test_each_kind_has_its_builder() -> None:
    assert isinstance(weights.build("latents", 8, "random", random_latents_arrays()), LatentsModel)
