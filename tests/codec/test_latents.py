"""Models of the kind `latents`, with random weights: integers, round trips, damage."""

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jrecomp import codec
from jrecomp.array_types import Int16
from jrecomp.codec import slices as slicing
from jrecomp.codec.coders import NumpyCoder
from jrecomp.codec.latents import code_slice
from jrecomp.coding import BitDecoder, BitEncoder
from jrecomp.errors import CorruptContainerError
from jrecomp.features import latents as groups
from jrecomp.features.tables import LOGIT_UNIT, make
from jrecomp.model import LatentsModel, laplace, latents, weights
from jrecomp.model.arrays import CLASSES
from jrecomp.model.convolution import Convolution, Shape, enlarged
from jrecomp.model.symbols import code_values
from tests.codec.test_planes import LAYOUTS
from tests.models import random_file

HIDDEN = (8, 2)


def random_arrays(seed: int = 0) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a weights file with small random weights."""
    rng = np.random.default_rng(seed)
    arrays: dict[str, npt.NDArray[Any]] = asdict(make()) | asdict(laplace.make())
    arrays["hidden"] = np.array(HIDDEN, np.int32)
    for number in range(CLASSES):
        layout = [s for g in range(len(groups.GROUPS)) for s in latents.shapes(number, g, *HIDDEN)]
        size = sum(a * b for a, b in (shape.matrix for shape in layout))
        arrays[f"weight_{number}"] = rng.integers(-40, 41, size).astype(np.int8)
        arrays[f"bias_{number}"] = rng.integers(-999, 999, sum(s.outputs for s in layout)).astype(np.int32)
    return arrays


@pytest.fixture(scope="module")
def model() -> LatentsModel:
    return latents.build(8, "random", random_arrays())


def assert_round_trip(model: LatentsModel, file: Any) -> None:
    decoded = codec.decode(file.frame, codec.encode(file, model), model)
    for restored, original in zip(decoded, file.coefficients, strict=True):
        assert restored.dtype == np.int16 and (restored == original).all()


@pytest.mark.parametrize("sampling", LAYOUTS, ids=str)
def test_round_trip(model: LatentsModel, sampling: list[tuple[int, int]]) -> None:
    assert_round_trip(model, random_file(sampling, 3, 5, seed=len(sampling)))


@settings(max_examples=15)
@given(
    st.integers(1, 6), st.integers(1, 6), st.integers(0, 10**6), st.sampled_from([0.05, 1.0, 30.0, 9000.0])
)
def test_round_trip_of_any_size_and_spread(
    model: LatentsModel, rows: int, columns: int, seed: int, spread: float
) -> None:
    assert_round_trip(model, random_file([(2, 1), (1, 1), (1, 1)], rows, columns, seed, spread))


@pytest.mark.parametrize("rows", [1, 9])
def test_round_trip_of_extremes(model: LatentsModel, rows: int) -> None:
    file = random_file([(1, 1), (1, 1)], rows, 7)
    rng = np.random.default_rng(rows)
    for array, component in zip(file.coefficients, file.frame.components, strict=True):
        array[:] = rng.choice([-32767, 0, 32767], array.shape)
        component.quantization[:] = rng.choice([0, 1, 65535], 64)
    assert_round_trip(model, file)


def test_bytes_do_not_depend_on_threads(model: LatentsModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slicing, "SLICE_BLOCKS", 60)
    file = random_file([(2, 2), (1, 1), (1, 1)], 7, 4)
    one = codec.encode(file, model, threads=1)
    assert len(one.data) > 2 and codec.encode(file, model, threads=2) == one
    decoded = codec.decode(file.frame, one, model, threads=2)
    assert all((a == b).all() for a, b in zip(decoded, file.coefficients, strict=True))


@pytest.mark.parametrize("sampling", LAYOUTS, ids=str)
def test_the_readable_coder_gives_the_same_bytes(
    model: LatentsModel, sampling: list[tuple[int, int]]
) -> None:
    file = random_file(sampling, 2, 3)
    steps = [component.quantization for component in file.frame.components]
    shapes = [array.shape[:2] for array in file.coefficients]
    encoder = BitEncoder()
    code_slice(steps, shapes, model, NumpyCoder(model.tables.sigmoid, encoder), file.coefficients)
    (data,) = codec.encode(file, model).data
    assert encoder.finish() == data
    decoder = NumpyCoder(model.tables.sigmoid, BitDecoder(data))
    decoded = code_slice(steps, shapes, model, decoder, None)
    assert all((a == b).all() for a, b in zip(decoded, file.coefficients, strict=True))


@settings(max_examples=30)
@given(st.binary(min_size=1, max_size=200))
def test_any_slice_decodes_or_is_called_corrupt(model: LatentsModel, data: bytes) -> None:
    frame = random_file([(2, 2), (1, 1), (1, 1)], 2, 2).frame
    try:
        decoded = codec.decode(frame, codec.EncodedSlices(2, [data]), model)
    except CorruptContainerError:
        return
    assert [array.shape for array in decoded] == [(4, 4, 64), (2, 2, 64), (2, 2, 64)]


def test_cut_slices_decode_or_are_called_corrupt(model: LatentsModel) -> None:
    file = random_file([(1, 1)], 5, 5)
    (data,) = codec.encode(file, model).data
    for length in range(1, len(data), 97):
        try:
            (decoded,) = codec.decode(file.frame, codec.EncodedSlices(5, [data[:length]]), model)
        except CorruptContainerError:
            continue
        assert (decoded != file.coefficients[0]).any()


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("stride", [1, 2])
def test_floats_compute_convolutions_exactly(size: int, stride: int) -> None:
    rng = np.random.default_rng(size)
    shape = Shape(4, 5, size, 6)
    weight, bias = rng.integers(-127, 128, shape.matrix), rng.integers(-9999, 9999, (4, 1))
    x, constants = rng.integers(0, 256, (5, 7, 6)), rng.integers(-127, 128, 6)
    made = Convolution(shape, weight.astype(np.float32), bias.astype(np.float32), 255)
    sums = made.sums(x.astype(np.float32), constants.astype(np.float32), stride)
    ring = np.pad(x, ((0, 0), (size // 2, size // 2), (size // 2, size // 2)))
    for row in range(sums.shape[1]):
        for column in range(sums.shape[2]):
            y, z = row * stride, column * stride
            seen = np.concatenate([ring[:, y : y + size, z : z + size].ravel(), constants])
            assert (sums[:, row, column] == weight @ seen + bias[:, 0]).all()
    assert sums.shape[1:] == (-(-7 // stride), -(-6 // stride))


def test_sums_that_could_be_inexact_are_refused() -> None:
    arrays = random_arrays()
    arrays["bias_1"][3] = 1 << 24
    with pytest.raises(ValueError, match="2\\^24"):
        latents.build(8, "inexact", arrays)


def test_arrays_that_do_not_fit_are_refused() -> None:
    arrays = random_arrays()
    arrays["weight_2"] = arrays["weight_2"][:-1]
    with pytest.raises(ValueError, match="do not fit"):
        latents.build(8, "short", arrays)


def test_each_kind_has_its_builder() -> None:
    assert isinstance(weights.BUILDERS["latents"](8, "random", random_arrays()), LatentsModel)


def test_enlarging_repeats_and_cuts() -> None:
    x = np.arange(4.0, dtype=np.float32).reshape(1, 2, 2)
    assert enlarged(x, 3, 4).tolist() == [[[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3]]]


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_dc_comes_back(rows: int, columns: int, seed: int) -> None:
    dc = np.random.default_rng(seed).integers(-32767, 32768, (rows, columns))
    assert (groups.dc_of(groups.dc_residual(dc)) == dc).all()


def test_dc_prediction_follows_edges_and_planes() -> None:
    y, x = np.mgrid[:5, :6]
    assert not groups.dc_residual(np.full((5, 6), 9))[1:].any()
    assert not groups.dc_residual(np.where(x > 2, 90, 10))[1:].any()  # an edge from above
    assert not groups.dc_residual(np.where(y > 2, 90, 10))[:, 1:].any()  # an edge from the left


@pytest.mark.parametrize("group", range(len(groups.GROUPS)))
@pytest.mark.parametrize("references", [0, 1])
def test_known_inputs_see_nothing_that_is_not_known(group: int, references: int) -> None:
    rng, tables = np.random.default_rng(group), make()
    values, steps = rng.integers(-99, 99, (64, 4, 5)), rng.integers(1, 99, 64)
    other = rng.integers(-127, 128, (64, 4, 5)).astype(np.int8) if references else None
    seen = groups.known_inputs(group, values, steps, other, tables)
    assert seen.shape == (groups.known_width(group, references), 4, 5) and seen.dtype == np.int8
    changed = values.copy()
    changed[groups.GROUPS[group][0] :] += 1
    assert np.array_equal(groups.known_inputs(group, changed, steps, other, tables), seen)


class Meter:
    """Sums the bits of decisions with given logits."""

    def __init__(self, logits: Int16) -> None:
        self.bits, self._logits = 0.0, logits / LOGIT_UNIT

    def decide(self, outputs: Any, rows: Any, truth: Any) -> Any:
        logit = np.zeros(len(rows)) if outputs is None else self._logits[outputs, rows]
        self.bits += float(np.logaddexp(0, np.where(truth, -logit, logit)).sum() / np.log(2))
        return truth


@pytest.mark.parametrize("level", [10, 22, 35, 60])
@pytest.mark.parametrize("fraction", [-8, 0, 5])
def test_tables_cost_what_a_laplace_distribution_says(level: int, fraction: int) -> None:
    scale = 2.0 ** ((level - laplace.LEVEL_OF_ONE) / laplace.LEVELS_PER_OCTAVE)
    tables = laplace.make()
    for value in range(-7, 8):  # all decisions about them have outputs
        distance = abs(value - fraction / 16)
        if distance < 0.5:
            p = 1 - 0.5 * (np.exp((distance - 0.5) / scale) + np.exp((-distance - 0.5) / scale))
        else:
            p = 0.5 * (np.exp((0.5 - distance) / scale) - np.exp((-0.5 - distance) / scale))
        if p < 1e-4:  # logits are limited
            continue
        meter = Meter(tables.logits(np.array([fraction]), np.array([level])))
        code_values(meter, np.array([value]), np.array([False]))
        assert meter.bits == pytest.approx(-np.log2(p), abs=0.05)
