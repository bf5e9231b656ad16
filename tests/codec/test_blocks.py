"""The kind of model of blocks, with random weights: integers, round trips, damage, the native engine."""

import math
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jrecomp import codec
from jrecomp.array_types import Float64, Int32, Int64
from jrecomp.codec import blocks as loop
from jrecomp.codec import slices as slicing
from jrecomp.codec.engines import ENGINES
from jrecomp.coding import BitDecoder, BitEncoder
from jrecomp.errors import CorruptContainerError
from jrecomp.jpeg.types import JpegFile
from jrecomp.model import blocks
from jrecomp.model.blocks import LAYOUT, BlocksModel
from jrecomp.model.offsets import Expected
from jrecomp.native.builds import runnable
from jrecomp.native.engine import FORMS
from jrecomp.t81 import PLACES
from tests.model.meter import Meter, logistic
from tests.models import LAYOUTS, extreme_block_arrays, random_file, zero_block_arrays


@pytest.fixture(scope="module")
def model(blocks_model: BlocksModel) -> BlocksModel:
    return blocks_model


@pytest.fixture(scope="module")
def zero_model(zero_blocks_model: BlocksModel) -> BlocksModel:
    return zero_blocks_model


def expected(below: bool, confidence: int) -> Expected:
    return Expected(np.array(below), np.array(confidence))


def steps_of(file: JpegFile) -> list[Int32]:
    return [component.steps for component in file.frame.components]


def extreme_file(sampling: list[tuple[int, int]], rows: int, columns: int, seed: int) -> JpegFile:
    """Coefficients and steps at the ends of their ranges, and blocks of zeros."""
    file, rng = random_file(sampling, rows, columns), np.random.default_rng(seed)
    for array, component in zip(file.coefficients, file.frame.components, strict=True):
        array[:] = rng.choice([-32767, -1, 0, 32767], array.shape)
        array[rng.random(array.shape[:2]) < 0.3] = 0
        component.quantization[:] = rng.choice([0, 1, 255, 65535], 64)
    return file


def assert_round_trip(model: BlocksModel, file: JpegFile) -> None:
    decoded = codec.decode(file.frame, codec.encode(file, model, engine="numpy"), model, engine="numpy")
    for restored, original in zip(decoded, file.coefficients, strict=True):
        assert restored.dtype == np.int16 and (restored == original).all()


@pytest.mark.parametrize("sampling", LAYOUTS, ids=str)
def test_round_trip(model: BlocksModel, sampling: list[tuple[int, int]]) -> None:
    assert_round_trip(model, random_file(sampling, 2, 3, seed=len(sampling)))


@settings(max_examples=15)
@given(
    st.integers(1, 2), st.integers(1, 3), st.integers(0, 10**6), st.sampled_from([0.05, 1.0, 30.0, 9000.0])
)
def test_round_trip_of_any_size_and_spread(
    model: BlocksModel, rows: int, columns: int, seed: int, spread: float
) -> None:
    assert_round_trip(model, random_file([(2, 1), (1, 1), (1, 1)], rows, columns, seed, spread))


@pytest.mark.parametrize("sampling", [LAYOUTS[1], LAYOUTS[2]], ids=str)
def test_round_trip_of_extremes(model: BlocksModel, sampling: list[tuple[int, int]]) -> None:
    assert_round_trip(model, extreme_file(sampling, 2, 2, 1))
    assert_round_trip(blocks.build(6, "extreme", extreme_block_arrays()), extreme_file(sampling, 1, 2, 1))


def test_blocks_of_zeros_cost_little(model: BlocksModel) -> None:
    """Next to a single coefficient, which keeps the slice from being left out."""
    file = random_file([(1, 1)], 8, 8)
    file.coefficients[0][:] = 0
    file.coefficients[0][-1, -1, 0] = 1
    assert_round_trip(model, file)
    blank = blocks.build(6, "zero", zero_block_arrays())
    (data,) = codec.encode(file, blank, engine="numpy").data
    assert len(data) < 64


def test_coefficients_out_of_range_are_refused(model: BlocksModel) -> None:
    file = random_file([(1, 1)], 1, 1)
    file.coefficients[0][0, 0, 5] = -32768
    with pytest.raises(CorruptContainerError, match="range"):
        codec.encode(file, model, engine="numpy")


def test_bytes_do_not_depend_on_threads(model: BlocksModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slicing, "SLICE_BLOCKS", 20)
    file = random_file([(2, 2), (1, 1), (1, 1)], 5, 2)
    one = codec.encode(file, model, 1, "numpy")
    assert len(one.data) > 2 and codec.encode(file, model, 2, "numpy") == one
    decoded = codec.decode(file.frame, one, model, 2, "numpy")
    assert all((a == b).all() for a, b in zip(decoded, file.coefficients, strict=True))


@settings(max_examples=30)
@given(st.binary(min_size=1, max_size=200))
def test_any_slice_decodes_or_is_called_corrupt(model: BlocksModel, data: bytes) -> None:
    frame = random_file([(2, 2), (1, 1), (1, 1)], 1, 1).frame
    try:
        decoded = codec.decode(frame, codec.EncodedSlices(1, [data]), model, engine="numpy")
    except CorruptContainerError:
        return
    assert [array.shape for array in decoded] == [(2, 2, 64), (1, 1, 64), (1, 1, 64)]


def test_cut_slices_decode_to_something_else_or_are_called_corrupt(model: BlocksModel) -> None:
    file = random_file([(1, 1)], 3, 3)
    (data,) = codec.encode(file, model, engine="numpy").data
    for length in range(1, len(data), 41):
        cut = codec.EncodedSlices(3, [data[:length]])
        try:
            (decoded,) = codec.decode(file.frame, cut, model, engine="numpy")
        except CorruptContainerError:
            continue
        assert (decoded != file.coefficients[0]).any()


# The native engine


@pytest.fixture(scope="module")
def forms() -> list[Any]:
    """The modules of native engines that this processor can run."""
    return [import_module(f"jrecomp.native.{form}") for form in runnable(FORMS)]


def assert_engines_agree(forms: list[Any], model: BlocksModel, file: JpegFile) -> None:
    """Each form gives the reference's bytes and reads them."""
    steps = steps_of(file)
    (data,) = ENGINES["blocks"]["numpy"].encode(model, steps, [file.coefficients], 1)
    lists = [table.tolist() for table in steps]
    components = list(zip(lists, file.coefficients, strict=True))
    for form in forms:
        engine = blocks.native_engine(model.arrays, form.BlocksEngine)
        assert engine.encode(components) == data
        decoded = [np.full_like(array, 7) for array in file.coefficients]
        engine.decode(list(zip(lists, decoded, strict=True)), data)
        assert all((a == b).all() for a, b in zip(decoded, file.coefficients, strict=True))


@pytest.mark.parametrize("sampling", LAYOUTS, ids=str)
@pytest.mark.parametrize("spread", [1.0, 400.0])
def test_native_engines_agree(
    forms: list[Any], model: BlocksModel, sampling: list[tuple[int, int]], spread: float
) -> None:
    assert_engines_agree(forms, model, random_file(sampling, 2, 3, seed=7, spread=spread))


@pytest.mark.parametrize("sampling", LAYOUTS, ids=str)
def test_native_engines_agree_on_extremes(
    forms: list[Any], model: BlocksModel, sampling: list[tuple[int, int]]
) -> None:
    assert_engines_agree(forms, model, extreme_file(sampling, 1, 2, len(sampling)))


@pytest.mark.parametrize("sampling", [LAYOUTS[1], LAYOUTS[2]], ids=str)
def test_native_engines_agree_on_extreme_weights(forms: list[Any], sampling: list[tuple[int, int]]) -> None:
    model = blocks.build(6, "extreme", extreme_block_arrays())
    assert_engines_agree(forms, model, extreme_file(sampling, 1, 2, 3))
    assert_engines_agree(forms, model, random_file(sampling, 1, 3, spread=50))


@settings(max_examples=30)
@given(st.binary(min_size=1, max_size=200))
def test_native_engines_agree_on_damage(forms: list[Any], model: BlocksModel, data: bytes) -> None:
    file = random_file([(2, 2), (1, 1), (1, 1)], 1, 1)
    steps, shapes = steps_of(file), [array.shape[:2] for array in file.coefficients]
    try:
        expected = [a.tolist() for a in loop.code_slice(steps, shapes, model, BitDecoder(data), None)]
    except CorruptContainerError:
        expected = []
    for form in forms:
        decoded = [np.zeros_like(array) for array in file.coefficients]
        components = [(q.tolist(), array) for q, array in zip(steps, decoded, strict=True)]
        try:
            blocks.native_engine(model.arrays, form.BlocksEngine).decode(components, data)
        except form.Damaged:
            decoded = []
        assert [array.tolist() for array in decoded] == expected


@pytest.mark.parametrize("name", ENGINES["blocks"])
def test_engines_have_names(model: BlocksModel, name: str) -> None:
    """Also with steps of 0, which are steps of 1."""
    file = random_file([(1, 1)] * 3, 2, 2)
    file.frame.components[1].quantization[:9] = 0
    encoded = codec.encode(file, model, engine=name)
    assert encoded == codec.encode(file, model)
    decoded = codec.decode(file.frame, encoded, model, engine=name)
    assert all((a == b).all() for a, b in zip(decoded, file.coefficients, strict=True))
    file.frame.components[1].quantization[:9] = 1
    assert codec.encode(file, model, engine=name) == encoded


def test_native_engines_keep_what_the_reference_learns(forms: list[Any], model: BlocksModel) -> None:
    file = random_file([(1, 1)], 3, 3, spread=30.0)
    part = loop.ComponentBlocks.empty(file.frame.components[0].steps.astype(np.int64), (3, 3))
    coder = loop.ComponentCoder(model, 0, part, [], BitEncoder())
    coder.run(file.coefficients[0])
    learned = coder._decisions._offsets
    components = [(part.steps.tolist(), file.coefficients[0])]
    for form in forms:
        engine = blocks.native_engine(model.arrays, form.BlocksEngine)
        before = engine.encode(components)
        assert engine.learn(components) == before != engine.encode(components)
        found = {name: np.frombuffer(data, np.int32) for name, data in engine.offsets(0).items()}
        assert (found["offset"] == learned.rows.ravel()).all()
        assert (found["bit_offset"] == learned.bits.ravel()).all()
        assert (found["index_bit_offset"] == learned.index_bits.ravel()).all()
        assert (found["last_offset"] == learned.last.ravel()).all()
        assert (found["factors"][::2] == learned.gain.ravel()).all()
        assert (found["factors"][1::2] == learned.intercept.ravel()).all()
        assert (found["last_factors"][::2] == learned.last_gain.ravel()).all()
        assert (found["last_factors"][1::2] == learned.last_intercept.ravel()).all()
        with pytest.raises(ValueError, match="class"):
            engine.offsets(3)


def test_native_engines_fill_only_what_they_can(forms: list[Any], model: BlocksModel) -> None:
    """Where coefficients do not lie in rows, a copy would be filled instead."""
    apart = np.zeros((2, 2, 128), np.int16)[..., ::2]
    for form in forms:
        with pytest.raises(TypeError):
            blocks.native_engine(model.arrays, form.BlocksEngine).decode([([1] * 64, apart)], b"1")


# Pieces, calculated in other ways


def pixels(coefficients: Int64) -> Float64:
    """The inverse DCT of T.81 A.3.3, without the level shift."""
    result = np.zeros((8, 8))
    for (y, x), _ in np.ndenumerate(result):
        for c, (v, u) in zip(coefficients, PLACES, strict=True):
            norm = (0.5**0.5 if v == 0 else 1) * (0.5**0.5 if u == 0 else 1)
            wave = np.cos((2 * x + 1) * u * np.pi / 16) * np.cos((2 * y + 1) * v * np.pi / 16)
            result[y, x] += norm * c * wave / 4
    return result


def test_edges_are_pixels(zero_model: BlocksModel) -> None:
    coefficients = np.rint(np.random.default_rng(4).normal(0, 40, 64)).astype(np.int64)
    expected, found = 4 * pixels(coefficients), loop.edges(coefficients, zero_model)
    sides = (expected[:, 7], expected[:, 6], expected[7], expected[6])
    assert np.abs(found - np.concatenate(sides)).max() < 10  # each of 64 products is rounded
    flat = loop.edges(np.array([80] + [0] * 63), zero_model)
    assert flat.tolist() == [40] * 32  # a DC of 80 is 10 in each pixel


def test_edges_wrap(zero_model: BlocksModel) -> None:
    largest = 32767 * np.sign(zero_model.arrays["basis"][:, 0].astype(np.int64))
    terms = [
        (int(d) * int(b) + 16384) // 32768
        for d, b in zip(largest, zero_model.arrays["basis"][:, 0], strict=True)
    ]
    assert sum(terms) > 1 << 16
    assert loop.edges(largest, zero_model)[0] == int(np.int64(sum(terms)).astype(np.int16))


def test_surroundings_are_less_their_base() -> None:
    near = {n: np.arange(32) + 100 * n for n in range(4)}
    base, seen = loop.surroundings(near)
    assert base == (sum(range(8)) + sum(range(116, 124))) // 16
    expected = [*range(16), *range(116, 132), *range(316, 324), 223]
    assert (seen + base).tolist() == expected
    base, seen = loop.surroundings({1: near[1], 2: near[2]})
    assert base == sum(range(116, 124)) // 8
    assert seen.tolist() == [0] * 16 + [x - base for x in range(116, 132)] + [0] * 8 + [223 - base]
    assert loop.surroundings({})[0] == 0 and loop.surroundings({3: near[3]})[0] == 0
    assert loop.surroundings({0: np.full(32, -32768), 3: np.full(32, 32767)})[1].max() == 32767


def predicted(
    model: BlocksModel, number: int, done: list[loop.ComponentBlocks], part: loop.ComponentBlocks
) -> loop.ComponentCoder:
    return loop.ComponentCoder(model, number, part, done, BitEncoder())


def test_flat_blocks_predict_their_dc(zero_model: BlocksModel) -> None:
    part = loop.ComponentBlocks.empty(np.full(64, 8), (1, 2))
    part.edges[0, 0] = 40
    coder = predicted(zero_model, 0, [], part)
    base, seen = loop.surroundings({0: part.edges[0, 0]})
    assert base == 40 and not seen.any()
    total = coder._own_sum((0, 1), 0, seen)
    assert coder._prediction(0, total, base) == (10, expected(False, 0))
    part.steps[0] = 9  # 80 / 9 is 142 / 16
    assert coder._prediction(0, total, base) == (9, expected(True, 1))


def test_what_is_left_of_dc() -> None:
    sixteenths = (0, 1, 3, 7, 8, -8, -9, 1000 * 16 + 5)
    found = [loop.expected_dc(np.array(s << 10), np.array(1)) for s in sixteenths]
    rest = [(0, 0), (1, 0), (3, 1), (7, 2), (-8, 3), (-8, 3), (7, 2), (5, 2)]
    whole = [0, 0, 0, 0, 1, 0, -1, 1000]
    assert [int(w) for w, _ in found] == whole
    assert [e for _, e in found] == [expected(r < 0, confidence) for r, confidence in rest]
    limits = [loop.expected_dc(np.array(total), np.array(1))[0] for total in (1 << 31, -(1 << 31))]
    assert limits == [32767, -32767]


def test_predictions_of_ac() -> None:
    arrays = zero_block_arrays()
    arrays["edge_2"][5, 40], arrays["within_2"][3, 5], arrays["across_2"][5] = 4096, -8192, 16384
    model = blocks.build(6, "some", arrays)
    steps = np.full(64, 7)
    first, before, part = (loop.ComponentBlocks.empty(steps, shape) for shape in ((2, 2), (1, 1), (1, 1)))
    before.dequantized[0, 0, 5], part.dequantized[0, 0, 3] = 30, 50
    seen = np.zeros(41, np.int64)
    seen[40] = -100
    total = predicted(model, 2, [first, before], part)._own_sum((0, 0), 5, seen)
    assert total == (-25 - 25 + 30) << 14
    smaller = predicted(model, 2, [first, loop.ComponentBlocks.empty(steps, (1, 2))], part)
    assert smaller._own_sum((0, 0), 5, seen) == (-25 - 25) << 14
    found = smaller._prediction(5, np.array(-50 << 14), np.array(0))
    assert found == (0, expected(True, half_octaves(50 / 7)))


def half_octaves(steps: float) -> int:
    """The confidence of a prediction that is not near a limit between two."""
    return min(int(2 * np.log2(16 * steps)) - 1, 17)


@given(st.integers(-(1 << 40), 1 << 40))
def test_sums_wrap_to_32_bits(x: int) -> None:
    assert loop.wrap32(np.array(x)) == int(np.int64(x).astype(np.int32))


def test_the_confidence_grows_by_half_octaves() -> None:
    """In sixteenths of a step."""
    sixteenths = (0, 1, -1, 2, 3, 4, -5, 6, 8, 16, 63, 64, 500, 512, 1 << 20, -(1 << 20))
    found = [loop.expected_ac(np.array(s << 10), np.array(1)) for s in sixteenths]
    assert [e.confidence for e in found] == [0, 0, 0, 1, 2, 3, 3, 4, 5, 7, 10, 11, 16, 17, 17, 17]
    assert [e.below for e in found] == [s < 0 for s in sixteenths]
    ends = [loop.expected_ac(np.array(t), np.array(s)) for t, s in ((-(1 << 31), 65535), (1 << 30, 32767))]
    assert ends[0].confidence == ends[1].confidence


@given(st.integers(1, 40000), st.booleans())
def test_levels(magnitude: int, negative: bool) -> None:
    value = np.array(-magnitude if negative else magnitude)
    near = min((magnitude - 1).bit_length(), 7)
    own = min(magnitude.bit_length(), 5) - 1
    assert loop.level(value, blocks.NEAR_LEVELS) == near and loop.level(value, blocks.OWN_LEVELS) == own


def test_energies_are_per_block_and_step() -> None:
    first, part = (
        loop.ComponentBlocks.empty(np.ones(64, np.int64), (2, 4)),
        loop.ComponentBlocks.empty(np.full(64, 5), (1, 1)),
    )
    assert loop.covers(first, part) and loop.energies(first, part, (0, 0)) == [0] * 5
    first.dequantized[0, 3, 1] = -200
    first.dequantized[1, 0, 2] = 400
    first.dequantized[1, 0, 63] = 40 * 511
    assert loop.energies(first, part, (0, 0)) == [4 * 4, 0, 0, 0, 4 * 9]  # 16 and 512 times 8 blocks' step


@pytest.mark.parametrize(
    ("shape", "seen"), [((1, 1), True), ((4, 2), True), ((3, 1), False), ((1, 8), False)]
)
def test_what_the_first_component_covers(shape: tuple[int, int], seen: bool) -> None:
    steps = np.ones(64, np.int64)
    assert (
        loop.covers(loop.ComponentBlocks.empty(steps, shape), loop.ComponentBlocks.empty(steps, (1, 1)))
        == seen
    )


def test_hidden_units_are_sums_of_rows(model: BlocksModel) -> None:
    """Added one by one from the weights file's arrays, for a block with every neighbour."""
    rng = np.random.default_rng(8)
    first, before, part = (
        loop.ComponentBlocks.empty(rng.integers(1, 99, 64), shape) for shape in ((4, 6), (2, 3), (2, 3))
    )
    for other in (first, before, part):
        other.values[:] = rng.integers(-12, 13, other.values.shape) * (rng.random(other.values.shape) < 0.2)
        other.dequantized[:] = other.values * other.steps
        other.last[:] = rng.integers(0, 64, other.last.shape)
    a = {name: model.arrays[f"{name}_2"].astype(int) for name in LAYOUT}
    seen = [0, 1, 2, 5, 9, 14, 20, 35, 60]
    logs = blocks.eighths_of_octaves(part.steps[seen]).tolist()
    expected = a["bias"] + np.floor(
        sum(w * x for w, x in zip(a["step_weight"], logs, strict=True)) / 128
    ).astype(int)
    for n, place in enumerate([(1, 0), (0, 1), (0, 0), (0, 2)]):
        for j in range(1, 64):
            if c := abs(int(part.values[place][j])):
                expected += a["near"][n, j - 1, min(int(np.ceil(np.log2(c))), 7)]
        expected += a["near_last"][n, part.last[place]]
    for band, e in enumerate(loop.energies(first, part, (1, 1))):
        expected += a["energy"][band, e]
    for j in range(1, 64):
        if c := abs(int(before.values[1, 1, j])):
            expected += a["across_near"][j - 1, min(c.bit_length(), 5) - 1]
    coder = predicted(model, 2, [first, before], part)
    assert coder._hidden((1, 1), coder._neighbours((1, 1))).tolist() == expected.tolist()
    assert coder._neighbours((0, 0)) == {} and set(coder._neighbours((1, 2))) == {0, 1, 2}


def test_scales_see_what_is_coded() -> None:
    """A coefficient's row is added for those after it, and DC."""
    arrays = zero_block_arrays()
    arrays["own_0"][1, 4] = 64  # of coefficient 2, beyond 15
    model, meter = blocks.build(6, "some", arrays), Meter()
    coefficients = np.zeros((1, 1, 64), np.int16)
    coefficients[0, 0, [2, 4]] = 20, 1
    loop.code_slice([np.ones(64, np.int32)], [(1, 1)], model, meter, [coefficients])
    start = logistic(2 * 64)
    of_2 = 1 + 1 + 5 + 4  # not 0, sign, length, bits
    assert len(meter.ones) == 6 + 1 + of_2 + 1 + 2 + 1
    assert meter.ones[6 + 1 + of_2] == pytest.approx(start, abs=2000)  # what the zero before it taught
    assert meter.ones[-1] == start


def test_rows_follow_from_other_coefficients(zero_model: BlocksModel) -> None:
    part = loop.ComponentBlocks.empty(np.ones(64, np.int64), (2, 2))
    coder = predicted(zero_model, 0, [], part)
    part.values[0, 1, 5], part.values[1, 0, 5], part.values[1, 1, 3:5] = 9, -2, (-1, 7)
    every = coder._neighbours((1, 1))
    rows = coder._rows((1, 1), 5, 6, expected(False, 0), every)
    assert rows == (12 * 3 + 4 * 1 + 1, 7 * (3 - 2) + 3 + 3)
    rows = coder._rows((1, 1), 5, 17, expected(True, 0), every)
    assert rows == (12 * 3 + 4 * 1 + 3, 7 * (3 + 2) + 3 - 3)
    assert coder._rows((0, 0), 1, 1, expected(True, 0), {}) == (0, 24)
    assert coder._rows((0, 0), 2, 14, expected(True, 0), {}) == (3, 24)
    part.values[0, 0, 0] = 50  # DC, which is coded last, is not seen
    assert coder._rows((0, 0), 1, 12, expected(True, 0), {}) == (2, 24)
    assert coder._rows((0, 1), 0, 60, expected(False, 3), coder._neighbours((0, 1))) == (45 + 2, 48)


@given(st.integers(0, 10**6))
def test_disagreement_is_of_means_at_edges(zero_model: BlocksModel, seed: int) -> None:
    """Whatever DC is, it shifts both edges alike; so they are compared with the pixels of the AC part."""
    rng = np.random.default_rng(seed)
    part = loop.ComponentBlocks.empty(np.full(64, int(rng.integers(1, 9))), (2, 2))
    coder = predicted(zero_model, 0, [], part)
    part.edges[0, 1], part.edges[1, 0] = rng.normal(0, 300, (2, 32)).astype(int)
    part.dequantized[1, 1, 1:] = rng.normal(0, 20, 63).astype(int)
    own = 4 * pixels(part.dequantized[1, 1])

    def half_octaves(apart: float, step: int) -> float:
        return 2 * math.log2(apart / (2 * step)) + 2

    left, above = part.edges[1, 0, :8].sum(), part.edges[0, 1, 16:24].sum()
    apart = abs((left - own[:, 0].sum()) - (above - own[0].sum()))
    found = coder._disagreement((1, 1), coder._neighbours((1, 1)))
    least, most = (half_octaves(max(apart + x, 0.01), part.steps[0]) for x in (-20, 20))
    assert np.clip(np.floor(least - 0.5), 0, 14) <= found <= np.clip(np.floor(most + 0.5), 0, 14)
    assert coder._disagreement((1, 0), coder._neighbours((1, 0))) == 15
