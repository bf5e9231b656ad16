"""Copies: MCUs that repeat earlier ones take almost no bytes, and come back."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrecomp import codec
from jrecomp.codec import copies
from jrecomp.codec.copies import Copy, Mcus
from jrecomp.errors import CorruptContainerError
from jrecomp.jpeg.types import JpegFile
from jrecomp.model import load
from jrecomp.model.planes import PlanesModel
from jrecomp.model.weights import names
from tests.models import LAYOUTS, random_file

COLOUR = [(2, 2), (1, 1), (1, 1)]


def repeating(file: JpegFile, *runs: Copy) -> JpegFile:
    """The file with MCUs overwritten by copies, one MCU after the other."""
    for part, number in zip(Mcus(file.frame, file.coefficients).parts, range(4), strict=False):
        for run in runs:
            for n in range(run.start, run.stop):
                to, source = (divmod(m, file.frame.mcu_columns) for m in (n, n - run.distance))
                part[to] = part[source]
                part[to][..., 0] += np.int16(run.steps[number])
    return file


def check(file: JpegFile, model: PlanesModel) -> codec.EncodedSlices:
    encoded = codec.encode(file, model)
    decoded = codec.decode(file.frame, encoded, model)
    for a, b in zip(decoded, file.coefficients, strict=True):
        assert np.array_equal(a, b)
    return encoded


@pytest.mark.parametrize("sampling", LAYOUTS, ids=str)
def test_ordinary_files_have_none(sampling: list[tuple[int, int]], random_model: PlanesModel) -> None:
    assert check(random_file(sampling, 4, 6), random_model).copies == b""


@pytest.mark.parametrize("sampling", LAYOUTS, ids=str)
@pytest.mark.parametrize(
    "copy",
    [
        Copy(3, 96, 1, (0,) * 4),
        Copy(17, 90, 3, (-9, 2, 0, 1)),
        Copy(8, 80, 8, (5, 0, 0, 0)),
        Copy(24, 59, 24, (0, 0, -1, 0)),
        Copy(33, 64, 1, (-126, -10, 700, 0)),
    ],
    ids=str,
)
def test_copies_are_found(copy: Copy, sampling: list[tuple[int, int]], random_model: PlanesModel) -> None:
    """From the middle of a row to the middle of another, at distances of some MCUs or of rows."""
    copy = copy._replace(steps=copy.steps[: len(sampling)])
    file = repeating(random_file(sampling, 12, 8, seed=3, spread=20.0), copy)
    found = copies.unpack(check(file, random_model).copies, file.frame)
    assert found == [copy]


def test_several_copies(random_model: PlanesModel) -> None:
    """Side by side, and with others between them."""
    runs = [Copy(40, 64, 32, (0, -3, 0)), Copy(64, 128, 1, (0, 0, 0)), Copy(131, 170, 3, (1, 0, 0))]
    file = repeating(random_file(COLOUR, 24, 8, seed=6, spread=20.0), *runs)
    assert copies.unpack(check(file, random_model).copies, file.frame) == runs


def test_dc_wraps_as_in_decoders(random_model: PlanesModel) -> None:
    """Decoders with integers of 16 bits restore such files, but -2^15 is no coefficient."""
    copy = Copy(2, 600, 1, (201,))
    file = repeating(random_file([(1, 1)], 20, 30), copy)
    assert file.coefficients[0][..., 0].min() < -30000
    encoded = check(file, random_model)
    assert copies.unpack(encoded.copies, file.frame) == [copy]
    file.coefficients[0][0, 1, 0] = 32766
    worse = copies.pack([copy._replace(steps=(2,))])
    bad = encoded._replace(copies=worse, data=first_row(file, random_model))
    with pytest.raises(CorruptContainerError, match="out of range"):
        codec.decode(file.frame, bad, random_model)


def first_row(file: JpegFile, model: PlanesModel) -> list[bytes]:
    """The slice of the first MCU row, with zeros after the second MCU."""
    frame, values = file.frame._replace(mcu_rows=1), file.coefficients[0][:1].copy()
    values[:, 2:] = 0
    return codec.encode(replace(file, frame=frame, coefficients=[values]), model).data


@pytest.mark.parametrize("stop", [34, 48, 60])
def test_rows_of_copies_are_left_out(
    stop: int, random_model: PlanesModel, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are cut into slices of equal size."""
    monkeypatch.setattr(codec.slices, "SLICE_BLOCKS", 6 * 12)
    file = repeating(random_file(COLOUR, 16, 6), Copy(8, stop, 1, (0, 0, 0)))
    encoded = codec.encode(file, random_model, engine=engine)
    coded_rows = 16 - (stop // 6 - 2)
    assert encoded.mcu_rows == 2 and len(encoded.data) == -(-coded_rows // 2)
    decoded = codec.decode(file.frame, encoded, random_model, engine=engine)
    assert all((a == b).all() for a, b in zip(decoded, file.coefficients, strict=True))


@pytest.mark.parametrize("model", names())
@pytest.mark.parametrize("dc", [0, 1, -60])
def test_a_blank_picture_takes_a_few_bytes(model: str, dc: int) -> None:
    """Of 3072 x 1600 pixels. Most are for the first row."""
    file = random_file(COLOUR, 100, 192)
    for array, component in zip(file.coefficients, file.frame.components, strict=True):
        component.quantization[:] = 16
        array[:] = 0
        array[..., 0] = dc
    encoded = codec.encode(file, load(model))
    assert sum(map(len, encoded.data)) + len(encoded.copies) <= 256


@pytest.mark.parametrize("model", names())
def test_repeated_blocks_take_no_more_than_blocks_that_are_blank(model: str) -> None:
    """From the middle of a row to the end of the picture."""
    file = random_file(COLOUR, 12, 16, spread=4.0)
    blank = replace(file, coefficients=[array.copy() for array in file.coefficients])
    for part in Mcus(file.frame, blank.coefficients).parts:
        part[6, 9:] = part[7:] = 0
    repeated = repeating(file, Copy(6 * 16 + 9, 12 * 16, 1, (7, -1, 0)))
    sizes = [sum(map(len, codec.encode(f, load(model)).data)) for f in (repeated, blank)]
    assert sizes[0] <= sizes[1] + 16


def test_exact_bytes() -> None:
    """By hand, from docs/format/models.md."""
    frame = random_file(COLOUR, 50, 60).frame
    found = [
        Copy(130, 146, 1, (0, 0, 0)),
        Copy(146, 2000, 120, (-1, 3, 0)),
        Copy(2001, 3000, 2001, (0, 0, 9)),
    ]
    data = bytes.fromhex("8201 10 0200 be0e f101 01 06 0001 e707 a31f 00 00 12")
    assert copies.pack(found) == data
    assert copies.unpack(data, frame) == found


@pytest.mark.parametrize(
    "data",
    [
        "01 10",  # without a distance
        "01 10 03 00 00",  # without a step
        "01 0f 02",  # too short
        "01 10 00",  # distance 0
        "01 10 04",  # a distance beyond the first MCU
        "00 10 02",
        "01 b817 02",  # one MCU beyond the frame
        "01 10 03 80 80 04 00 00",  # a step of 2^15
        "01 10 02 a8 17 10 02",
    ],
)
def test_damage(data: str) -> None:
    frame = random_file(COLOUR, 50, 60).frame
    with pytest.raises(CorruptContainerError):
        copies.unpack(bytes.fromhex(data), frame)


def test_the_frame_may_end_with_a_copy() -> None:
    frame = random_file(COLOUR, 50, 60).frame
    assert copies.unpack(bytes.fromhex("01 b717 02"), frame) == [Copy(1, 3000, 1, (0, 0, 0))]


@given(st.data(), st.sampled_from(LAYOUTS))
def test_any_copies_are_restored(data: st.DataObject, sampling: list[tuple[int, int]]) -> None:
    """As one MCU after the other is copied."""
    runs, end = [], 0
    for _ in range(data.draw(st.integers(1, 4))):
        start = end + data.draw(st.integers(0 if end else 1, 30))
        end = start + data.draw(st.integers(16, 60))
        distance = data.draw(st.integers(1, start))
        steps = data.draw(st.lists(st.integers(-40, 40), min_size=len(sampling), max_size=len(sampling)))
        runs.append(Copy(start, end, distance, tuple(steps)))
    expected = repeating(random_file(sampling, -(-end // 7), 7), *runs)
    assert copies.unpack(copies.pack(runs), expected.frame) == runs
    kept = ~copies.covered(runs, expected.frame).all(1)
    actual = [np.zeros_like(array) for array in expected.coefficients]
    for array, values, c in zip(actual, expected.coefficients, expected.frame.components, strict=True):
        coded = values[np.repeat(kept, c.vertical)]
        array[: len(coded)] = coded
    copies.restore(runs, expected.frame, actual)
    for a, b in zip(actual, expected.coefficients, strict=True):
        assert np.array_equal(a, b)
