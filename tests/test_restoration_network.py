"""The integer network of restoration."""

from typing import Any

import numpy as np
import pytest
from jrecomp.restorer import OUTPUTS
from numpy.typing import NDArray

from jrecomp import restorer

WIDTH = 4


def arrays() -> dict[str, NDArray[Any]]:
    """A network with two pairs of convolutions and random weights."""
    rng = np.random.default_rng(1)
    widths = [restorer.INPUTS, *[WIDTH] * 5, OUTPUTS]
    result: dict[str, NDArray[Any]] = {
        f"convolution_{i}": rng.integers(-127, 128, (widths[i + 1], widths[i], 3, 3)).astype(np.int8)
        for i in range(6)
    }
    controls = (restorer.gain_count(6) + restorer.offset_count(6)) * WIDTH + 2 * OUTPUTS
    gained = restorer.gain_count(6) * WIDTH + OUTPUTS
    bias = np.where(
        np.arange(controls) < gained, 8 * restorer.STEPS_PER_OCTAVE << restorer.EXPONENT_SHIFT, 99
    )
    return result | {
        "hidden": rng.integers(-127, 128, (64, restorer.DESCRIPTION)).astype(np.int8),
        "hidden_bias": rng.integers(-99, 99, 64).astype(np.int32),
        "control": rng.integers(-20, 20, (controls, 64)).astype(np.int8),
        "control_bias": bias.astype(np.int32),
        "logarithms": restorer.logarithms(),
        "gains": restorer.gain_table(),
    }


def description(step: int = 16) -> restorer.Description:
    return restorer.Description(np.full((3, 64), step), (True, True), False)


def samples() -> NDArray[np.uint8]:
    return np.random.default_rng(2).integers(0, 256, (3, 64, 64)).astype(np.uint8)


def test_corrections_depend_on_samples_tables_and_sampling() -> None:
    network = restorer.build(arrays())
    usual = network.correction(samples(), description())
    assert usual.shape == (3, 64, 64)
    assert usual.any()
    other = description()._replace(halved=(False, False))
    for changed in (
        network.correction(255 - samples(), description()),
        network.correction(samples(), description(40)),
        network.correction(samples(), other),
    ):
        assert not np.array_equal(changed, usual)


def test_corrections_move_with_the_picture_by_whole_mcus() -> None:
    network = restorer.build(arrays())
    picture = np.tile(samples()[:, :16, :16], (1, 8, 8))
    found = network.correction(picture, description())[:, 32:-32, 32:-32]
    assert np.array_equal(found[:, :16, :16], found[:, 16:32, 32:48])


def test_gathered_cells_are_spread_again() -> None:
    assert np.array_equal(restorer.spread(restorer.gathered(samples())), samples())


@pytest.mark.parametrize("name", ["hidden", "convolution_1", "gains"])
def test_arrays_that_do_not_fit_are_refused(name: str) -> None:
    for changed in (arrays()[name][:-1], arrays()[name].astype(np.int64)):
        with pytest.raises(ValueError, match="unexpected"):
            restorer.build(arrays() | {name: changed})


def test_sums_that_are_not_exact_in_float32_are_refused() -> None:
    large = np.full_like(arrays()["control_bias"], restorer.SUM_LIMIT)
    with pytest.raises(ValueError, match="too large"):
        restorer.build(arrays() | {"control_bias": large})
