"""Models of planes, with random weights: round trips, slices, damage, and that all engines agree."""

import tracemalloc
from contextlib import nullcontext
from importlib import import_module
from itertools import cycle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jrecomp import codec
from jrecomp.codec import engines
from jrecomp.codec import slices as slicing
from jrecomp.codec.engines import ENGINES
from jrecomp.errors import CorruptContainerError
from jrecomp.model import PlanesModel, planes
from jrecomp.native.engine import runnable
from jrecomp.options import Limits
from tests.models import random_arrays, random_file

LAYOUTS = [
    [(1, 1)],
    [(1, 1)] * 3,
    [(2, 2), (1, 1), (1, 1)],
    [(2, 1), (1, 1), (1, 1)],
    [(1, 2), (1, 1), (1, 1)],
    [(4, 1), (1, 1), (1, 1)],
    [(1, 1), (2, 2), (1, 1)],
    [(3, 2), (2, 1), (1, 2)],
    [(2, 2), (1, 1), (1, 1), (2, 2)],
]


@pytest.mark.parametrize("sampling", LAYOUTS, ids=str)
def test_round_trip(random_model: PlanesModel, engine: str, sampling: list[tuple[int, int]]) -> None:
    file = random_file(sampling, 3, 5, seed=len(sampling))
    slices = codec.encode(file, random_model, engine=engine)
    decoded = codec.decode(file.frame, slices, random_model, engine=engine)
    for restored, original in zip(decoded, file.coefficients, strict=True):
        assert restored.dtype == np.int16 and (restored == original).all()


@settings(max_examples=15)
@given(
    st.integers(1, 4), st.integers(1, 4), st.integers(0, 10**6), st.sampled_from([0.05, 1.0, 30.0, 9000.0])
)
def test_round_trip_of_any_size_and_spread(
    random_model: PlanesModel, engine: str, rows: int, columns: int, seed: int, spread: float
) -> None:
    file = random_file([(2, 1), (1, 1)], rows, columns, seed, spread)
    slices = codec.encode(file, random_model, engine=engine)
    decoded = codec.decode(file.frame, slices, random_model, engine=engine)
    assert all((a == b).all() for a, b in zip(decoded, file.coefficients, strict=True))


def test_bytes_do_not_depend_on_threads(
    random_model: PlanesModel, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slicing, "SLICE_BLOCKS", 60)
    file = random_file([(2, 2), (1, 1), (1, 1)], 7, 4)
    one = codec.encode(file, random_model, 1, engine)
    assert len(one.data) > 2 and codec.encode(file, random_model, 2, engine) == one
    for threads in (1, 2):
        decoded = codec.decode(file.frame, one, random_model, threads, engine)
        assert all((a == b).all() for a, b in zip(decoded, file.coefficients, strict=True))


def test_empty_slices_take_no_bytes(random_model: PlanesModel, engine: str) -> None:
    file = random_file([(1, 1)], 4, 4)
    file.coefficients[0][:] = 0
    slices = codec.encode(file, random_model, engine=engine)
    assert slices.data == [b""]
    assert not codec.decode(file.frame, slices, random_model, engine=engine)[0].any()


def test_coefficients_are_held_once(random_model: PlanesModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slicing, "SLICE_BLOCKS", 64)
    file = random_file([(1, 1)] * 3, 64, 64)
    for array in file.coefficients:
        array[:] = 0
    slices = codec.encode(file, random_model)
    tracemalloc.start()
    try:
        codec.decode(file.frame, slices, random_model)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(slices.data) > 9 and peak < 1.5 * sum(array.nbytes for array in file.coefficients)


def test_slices_must_cover_the_frame(random_model: PlanesModel) -> None:
    file = random_file([(1, 1)], 4, 4)
    slices = codec.encode(file, random_model)
    for bad in (codec.EncodedSlices(0, slices.data), codec.EncodedSlices(2, slices.data)):
        with pytest.raises(CorruptContainerError):
            codec.decode(file.frame, bad, random_model)


def test_slices_are_bounded(random_model: PlanesModel) -> None:
    """Of more than one MCU row; one row is as wide as the picture."""
    file = random_file([(1, 1)], 3, 5)
    encoded = codec.encode(file, random_model)
    for most in (14, 15):
        limits = Limits(max_slice_blocks=most)
        with pytest.raises(CorruptContainerError, match="too large") if most < 15 else nullcontext():
            codec.decode(file.frame, encoded, random_model, limits=limits)
    one_row = random_file([(1, 1)], 1, 5)
    codec.decode(
        one_row.frame, codec.encode(one_row, random_model), random_model, limits=Limits(max_slice_blocks=4)
    )
    huge = codec.EncodedSlices(1 << 40, encoded.data)
    with pytest.raises(CorruptContainerError, match="too large"):
        codec.decode(file.frame, huge, random_model, limits=Limits(max_slice_blocks=14))


def test_steps_of_0_are_steps_of_1(random_model: PlanesModel, engine: str) -> None:
    """Files without a quantization table have them."""
    file = random_file([(1, 1)], 2, 2)
    file.frame.components[0].quantization[::3] = 0
    encoded = codec.encode(file, random_model, engine=engine)
    (decoded,) = codec.decode(file.frame, encoded, random_model, engine=engine)
    assert (decoded == file.coefficients[0]).all()
    file.frame.components[0].quantization[::3] = 1
    assert codec.encode(file, random_model, engine=engine) == encoded


@pytest.mark.parametrize(("sampling", "shape"), [*zip(LAYOUTS, cycle([(1, 1), (1, 3), (2, 2)]))], ids=str)
def test_engines_agree_on_extremes(
    random_model: PlanesModel,
    engines_here: list[str],
    sampling: list[tuple[int, int]],
    shape: tuple[int, int],
) -> None:
    """Steps of 16 bits and coefficients to the end of their range: the same bytes, decoded by each."""
    rng = np.random.default_rng(sum(shape))
    parts = [rng.choice([-32767, 0, 32767], (shape[0] * v, shape[1] * h, 64)) for h, v in sampling]
    parts = [part.astype(np.int16) for part in parts]
    steps = [rng.choice([1, 65535], 64).astype(np.int32) for _ in sampling]
    encoded = {
        name: ENGINES[PlanesModel][name].encode(random_model, steps, [parts], 1) for name in engines_here
    }
    assert {"native", "numpy"} <= set(encoded)
    for name, data in encoded.items():
        assert data == encoded["numpy"]
        decoded = [np.zeros_like(part) for part in parts]
        ENGINES[PlanesModel][name].decode(random_model, steps, [decoded], data, 1)
        assert all((a == b).all() for a, b in zip(decoded, parts, strict=True))


@pytest.mark.parametrize("sampling", LAYOUTS[1:4], ids=str)
def test_forms_of_the_native_engine_agree(sampling: list[tuple[int, int]]) -> None:
    """On wide rows, where a segment is not all, and values beyond what the fast sums can take."""
    model = planes.build(9, "random", random_arrays(3, (50, 30)))
    modules = [import_module(f"jrecomp.native.{form}") for form in runnable()]
    forms = [planes.native_engine(model.arrays, module.Engine) for module in modules]
    for shape, spread in (((2, 140), 2.0), ((5, 3), 400.0)):
        file = random_file(sampling, *shape, spread=spread)
        steps = [c.quantization for c in file.frame.components]
        components = [(q.tolist(), a) for q, a in zip(steps, file.coefficients, strict=True)]
        data = ENGINES[PlanesModel]["numpy"].encode(model, steps, [file.coefficients], 1)[0]
        for engine in forms:
            assert engine.encode(components) == data
            decoded = [np.full_like(a, 7) for a in file.coefficients]
            engine.decode([(q.tolist(), a) for q, a in zip(steps, decoded, strict=True)], data)
            assert all((a == b).all() for a, b in zip(decoded, file.coefficients, strict=True))


@settings(max_examples=30)
@given(st.binary(min_size=1, max_size=200))
def test_any_slice_decodes_the_same_or_is_called_corrupt(
    random_model: PlanesModel, engines_here: list[str], data: bytes
) -> None:
    frame = random_file([(2, 1), (1, 1)], 1, 1).frame
    results = []
    for engine in engines_here:
        try:
            decoded = codec.decode(frame, codec.EncodedSlices(1, [data]), random_model, engine=engine)
            results.append([array.tolist() for array in decoded])
        except CorruptContainerError:
            results.append([])
    assert all(result == results[0] for result in results)


def test_batches_of_slices(random_model: PlanesModel, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """More slices than a batch takes, some of them empty, the last one shorter."""
    monkeypatch.setattr(slicing, "SLICE_BLOCKS", 60)
    monkeypatch.setattr(engines, "BATCH_BLOCKS", 2 * 72)
    file = random_file([(2, 2), (1, 1), (1, 1)], 13, 4)
    for array, rows in zip(file.coefficients, (6, 3, 3), strict=True):
        array[rows : 2 * rows] = 0
    encoded = codec.encode(file, random_model, threads=2, engine=engine)
    assert encoded == codec.encode(file, random_model, engine="numpy")
    assert encoded.mcu_rows == 3 and len(encoded.data) == 5 and encoded.data[1] == b""
    decoded = codec.decode(file.frame, encoded, random_model, 2, engine)
    assert all((a == b).all() for a, b in zip(decoded, file.coefficients, strict=True))


def test_a_full_device_is_a_lack_of_memory(
    random_model: PlanesModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that nobody takes it for a file that cannot be modelled."""
    torch = pytest.importorskip("torch", reason="torch is not installed")

    def fail(*arguments: object) -> None:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(engines, "walk_slices", fail)
    with pytest.raises(MemoryError):
        codec.encode(random_file([(1, 1)], 1, 1), random_model, engine="torch")
