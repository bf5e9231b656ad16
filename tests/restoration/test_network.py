"""The integer network of restoration: the native builds against the reference in NumPy."""

from importlib import import_module
from typing import Any

import numpy as np
import pytest

from jrecomp.array_types import Int16
from jrecomp.native import restoration as native
from jrecomp.native.builds import runnable
from jrecomp.restoration import network
from jrecomp.restoration.network import Description, Network, build
from jrecomp.restoration.transform import LARGEST_SAMPLE
from jrecomp.threads import Workers
from tests.restoration.networks import arrays

FORMS = runnable(native.FORMS)


def description(step: int = 16, halved: tuple[bool, bool] = (True, True), gray: bool = False) -> Description:
    return Description(np.full((3, 64), step), halved, gray)


def samples(rows: int = 64, columns: int = 64, largest: int = 4096, seed: int = 2) -> tuple[Int16, Int16]:
    """Restored and decoded samples that are near each other."""
    rng = np.random.default_rng(seed)
    restored = rng.integers(-largest, largest, (3, rows, columns))
    decoded = restored + rng.normal(0, largest / 40, restored.shape)
    return restored.astype(np.int16), decoded.clip(-LARGEST_SAMPLE, LARGEST_SAMPLE).astype(np.int16)


def correction(
    found: Network, restored: Int16, decoded: Int16, described: Description, threads: int = 1
) -> Int16:
    with Workers(threads) as workers:
        return found.correction(restored, decoded, described, workers)


def by(form: str, arrays: dict[str, Any]) -> Network:
    """A network that is computed by one of the native builds."""
    found = build(arrays)
    found.__dict__["_native"] = import_module(f"jrecomp.native.{form}").Network(found.convolutions)
    return found


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("width", "shape"),
    [
        (12, (8, 8)),
        (12, (8, 16)),
        (1, (16, 8)),
        (12, (24, 40)),
        (12, (48, 104)),
        (33, (56, 72)),
        (64, (32, 56)),
    ],
)
def test_builds_give_the_corrections_of_the_reference(form: str, width: int, shape: tuple[int, int]) -> None:
    found = by(form, arrays(width))
    for halved, gray in (
        ((True, True), False),
        ((True, False), False),
        ((False, True), False),
        ((False, False), True),
    ):
        inputs = *samples(*shape), description(16, halved, gray)
        expected = found.reference(*inputs)
        assert np.unique(expected).size > 16
        assert (correction(found, *inputs) == expected).all()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("octaves", [0.0, 6.0, 11.0, 14.9])
@pytest.mark.parametrize("step", [1, 255])
def test_extreme_samples_and_gains(form: str, octaves: float, step: int) -> None:
    """Sums, the stream, activations and inputs at their limits."""
    found = by(form, arrays(octaves=octaves))
    restored, decoded = samples(40, 72, LARGEST_SAMPLE)
    rng = np.random.default_rng(3)
    limits = rng.choice([-LARGEST_SAMPLE, LARGEST_SAMPLE], restored.shape).astype(np.int16)
    constant = np.full_like(limits, LARGEST_SAMPLE)
    any_value = rng.integers(-(1 << 15), 1 << 15, restored.shape).astype(np.int16)
    pairs = [(restored, decoded), (limits, -limits), (constant, -constant), (-constant, constant)]
    for inputs in [*pairs, (any_value, any_value[:, ::-1].copy())]:
        expected = found.reference(*inputs, description(step))
        assert (correction(found, *inputs, description(step)) == expected).all()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("weight", [-127, 127])
def test_largest_sums(form: str, weight: int) -> None:
    """All weights and inputs at a limit, as far as sums may go, and offsets at theirs."""
    given = arrays()
    for name in given:
        if name.startswith("convolution_"):
            given[name][:] = weight
    given["control"][:] = 0
    for bias in (-1, 1):
        large = np.full_like(given["control_bias"], bias * (network.SUM_LIMIT - 1))
        found = by(form, given | {"control_bias": large})
        for sample in (-LARGEST_SAMPLE, LARGEST_SAMPLE):
            planes = np.full((3, 24, 24), sample, np.int16)
            expected = found.reference(planes, -planes, description())
            assert (correction(found, planes, -planes, description()) == expected).all()


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_compute_the_same(threads: int) -> None:
    """Of a picture with several bands for each."""
    found = build(arrays(4))
    inputs = *samples(4 * 410, 24), description()
    assert (correction(found, *inputs, threads=threads) == found.reference(*inputs)).all()


def test_any_rows_can_be_computed_alone() -> None:
    found = build(arrays(4))
    inputs = *samples(80, 32), description()
    expected = found.reference(*inputs)
    for rows in (1, 3, 7):
        parts = np.zeros_like(inputs[0])
        for first in range(0, 20, rows):
            compute(found, inputs, parts, first=first, end=min(first + rows, 20))
        assert (parts == expected).all()


def compute(found: Network, inputs: tuple[Int16, Int16, Description], output: Int16, **changed: Any) -> None:
    """Call the native function with some other arguments."""
    restored, decoded, described = inputs
    controls = found.controls(described)
    arguments: dict[str, Any] = {
        "gains": np.concatenate(controls.gains).astype(np.int16),
        "offsets": np.concatenate(controls.offsets).astype(np.int32),
        "shifts": network.input_shifts().astype(np.int32),
        "factors": network.difference_factors(described.steps).astype(np.int32),
        "halved": described.halved,
        "restored": restored,
        "decoded": decoded,
        "first": 0,
        "end": restored.shape[1] // 4,
        "out": output,
    }
    native.Network(found.convolutions).correct(**arguments | changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"gains": np.zeros(5, np.int16)},
        {"offsets": np.zeros(5, np.int32)},
        {"offsets": np.full(6 * 4 + 48, (1 << 30) + 1, np.int32)},
        {"shifts": np.full(48, 31, np.int32)},
        {"shifts": np.zeros(47, np.int32)},
        {"factors": np.full(3, 127, np.int32)},
        {"factors": np.full(3, (1 << 17) + 1, np.int32)},
        {"restored": np.zeros((3, 8, 16), np.int16)},
        {"decoded": np.zeros((3, 16 * 8), np.int16)},
        {"out": np.zeros((2, 16, 8), np.int16)},
        {"out": np.zeros((3, 16, 10), np.int16)},
        {"first": -1},
        {"first": 3, "end": 2},
        {"end": 5},
    ],
)
def test_wrong_arguments(changed: dict[str, Any]) -> None:
    found = build(arrays(4))
    inputs, out = (*samples(16, 8), description()), np.zeros((3, 16, 8), np.int16)
    compute(found, inputs, out)
    with pytest.raises(ValueError):
        compute(found, inputs, out, **changed)


def test_convolutions_that_do_not_fit_together() -> None:
    good = build(arrays(4)).convolutions
    native.Network(good)
    wrong = [[], good[:1], good[:5], good[1:], [*good[:5], good[4]], [good[0], *good[1:5], good[5][:, :3]]]
    wrong.append([good[0], good[1][:3], *good[2:]])
    wrong.append([np.zeros((257, 104, 3, 3), np.int8), np.zeros((48, 257, 3, 3), np.int8)])
    for convolutions in wrong:
        with pytest.raises(ValueError):
            native.Network(convolutions)


def test_corrections_depend_on_samples_tables_and_sampling() -> None:
    found = build(arrays())
    restored, decoded = samples()
    usual = correction(found, restored, decoded, description())
    assert usual.shape == (3, 64, 64)
    assert usual.any()
    for changed in (
        correction(found, -restored, -decoded, description()),
        correction(found, restored, restored, description()),
        correction(found, restored, decoded, description(40)),
        correction(found, restored, decoded, description(halved=(False, False))),
        correction(found, restored, decoded, description(gray=True)),
    ):
        assert not np.array_equal(changed, usual)


def test_corrections_move_with_the_picture_by_whole_mcus() -> None:
    found = build(arrays())
    restored, decoded = (np.tile(planes[:, :16, :16], (1, 8, 8)) for planes in samples())
    moved = correction(found, restored, decoded, description())[:, 32:-32, 32:-32]
    assert np.array_equal(moved[:, :16, :16], moved[:, 16:32, 32:48])


def test_gathered_cells_are_spread_again() -> None:
    planes, _ = samples()
    assert np.array_equal(network.spread(network.gathered(planes)), planes)


def test_bands_serve_all_threads() -> None:
    for rows in (1, 31, 130, 750, 5000):
        for threads in (1, 2, 7, 64):
            step = network.band_cells(rows, threads)
            assert 32 <= step <= 128
            assert step == 32 or -(-rows // step) <= threads * -(-rows // (threads * 128))


@pytest.mark.parametrize("name", ["hidden", "convolution_1", "gains"])
def test_arrays_that_do_not_fit_are_refused(name: str) -> None:
    for changed in (arrays()[name][:-1], arrays()[name].astype(np.int64)):
        with pytest.raises(ValueError, match="unexpected"):
            build(arrays() | {name: changed})


def test_sums_that_are_not_exact_in_float32_are_refused() -> None:
    large = np.full_like(arrays()["control_bias"], network.SUM_LIMIT)
    with pytest.raises(ValueError, match="too large"):
        build(arrays() | {"control_bias": large})
