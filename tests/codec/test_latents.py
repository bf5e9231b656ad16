"""Models of the kind `latents`, with random weights: integers, round trips, damage."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jrecomp import codec
from jrecomp.codec import slices as slicing
from jrecomp.codec.coders import NumpyCoder
from jrecomp.codec.latents import code_slice
from jrecomp.coding import BitDecoder, BitEncoder
from jrecomp.errors import CorruptContainerError
from jrecomp.model import latents
from jrecomp.model.latents import LatentsModel
from tests.models import LAYOUTS, random_file, random_latents_arrays


@pytest.fixture(scope="module")
def model() -> LatentsModel:
    return latents.build(8, "random", random_latents_arrays())


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
