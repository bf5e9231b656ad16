"""Slices: whole MCU rows, coded side by side, within bounds."""

import tracemalloc
from contextlib import nullcontext

import numpy as np
import pytest

from jrecomp import codec
from jrecomp.codec import slices as slicing
from jrecomp.errors import CorruptContainerError
from jrecomp.model.planes import PlanesModel
from jrecomp.options import Limits
from tests.models import LAYOUTS, random_file


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
    for seed, array in enumerate(file.coefficients):
        array[:] = 0
        array[..., 0] = np.random.default_rng(seed).integers(-1, 2, array.shape[:2])
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


@pytest.mark.parametrize("sampling", LAYOUTS, ids=str)
@pytest.mark.parametrize("rows", [1, 2, 5, 12])
def test_slices_are_whole_rows_of_about_the_same_size(
    random_model: PlanesModel, sampling: list[tuple[int, int]], rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As few as hold SLICE_BLOCKS on average; a slice has at most a row more than that."""
    monkeypatch.setattr(slicing, "SLICE_BLOCKS", 40)
    row = 3 * sum(h * v for h, v in sampling)
    encoded = codec.encode(random_file(sampling, rows, 3), random_model)
    assert len(encoded.data) == -(-rows // encoded.mcu_rows)
    assert (encoded.mcu_rows - 1) * row < 40
    fewest = -(-rows * row // 40)
    assert encoded.mcu_rows == max(1, -(-rows // fewest))
