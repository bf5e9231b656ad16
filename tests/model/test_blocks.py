"""Models of blocks: arrays of weights files, sums that must not overflow, logarithms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrecomp.model import blocks, weights
from jrecomp.model.blocks import LAYOUT, TABLES, BlocksModel
from tests.models import random_block_arrays, zero_block_arrays


def test_the_kind_has_its_builder() -> None:
    assert isinstance(weights.build("blocks", 6, "random", random_block_arrays()), BlocksModel)


@pytest.mark.parametrize("name", [*TABLES, *(f"{name}_2" for name in LAYOUT)])
def test_arrays_that_do_not_fit_are_refused(name: str) -> None:
    arrays = zero_block_arrays()
    for bad in (
        arrays[name][:-1],
        arrays[name].astype(np.int64),
        arrays[name].astype(arrays[name].dtype.newbyteorder()),
    ):
        if bad.dtype == arrays[name].dtype and bad.shape == arrays[name].shape:
            continue  # of one byte, which has no order
        with pytest.raises(ValueError, match=f"do not fit: {name} "):
            blocks.build(6, "bad", arrays | {name: bad})
    del arrays[name]
    with pytest.raises(ValueError, match=f"do not fit: {name} "):
        blocks.build(6, "missing", arrays)


HIDDEN_TERMS = {"bias": 1, "step_weight": 9, "near": 4 * 63, "near_last": 4}
HIDDEN_TERMS |= {"energy": 5, "across_near": 63, "own_last": 1}
"""How often the largest entry of each array counts."""


@pytest.mark.parametrize("sign", [-1, 1])
def test_sums_of_hidden_units_are_bounded(sign: int) -> None:
    arrays = zero_block_arrays()
    for name in HIDDEN_TERMS:
        arrays[f"{name}_1"][...] = -60 if name == "near_last" else sign * 60
    arrays["bias_1"][5] += sign * ((1 << 15) - 1 - 60 * sum(HIDDEN_TERMS.values()))
    blocks.build(6, "at the limit", arrays)
    arrays["bias_1"][5] += sign
    with pytest.raises(ValueError, match=r"sums of hidden could reach 2\^15"):
        blocks.build(6, "beyond", arrays)


@pytest.mark.parametrize(
    ("name", "weight", "bias"),
    [("last", "last_weight_0", "last_bias_0"), ("scale", "scale_weight_0", "scale_bias_0")],
)
def test_sums_over_hidden_units_are_bounded(name: str, weight: str, bias: str) -> None:
    arrays = zero_block_arrays()
    arrays[weight][9] = np.where(np.arange(32) % 2, 32000, -32000)
    arrays[bias][9] = -((1 << 31) - 1 - 2047 * 32 * 32000)
    blocks.build(6, "at the limit", arrays)
    arrays[bias][9] -= 1
    with pytest.raises(ValueError, match=rf"sums of {name} could reach 2\^31"):
        blocks.build(6, "beyond", arrays)


def test_sums_of_scales_are_bounded() -> None:
    arrays = zero_block_arrays()
    arrays["own_2"][:, 1, 7] = -500
    arrays["own_2"][9, 1, 7] -= (1 << 15) - 1 - 511 - 192 - 63 * 500
    blocks.build(6, "at the limit", arrays)
    arrays["own_2"][9, 1, 7] -= 1
    with pytest.raises(ValueError, match=r"sums of scale after coefficients could reach 2\^15"):
        blocks.build(6, "beyond", arrays)


@given(st.integers(1, 1 << 24))
def test_logarithms_are_near(value: int) -> None:
    assert 0 <= 8 * np.log2(value) - blocks.eighths_of_octaves(np.array(value)) + 1e-9 < 1.7


@given(st.integers(0, (1 << 24) - 1))
def test_logarithms_are_the_first_bits_of_floats(value: int) -> None:
    bits = int(np.float32(value).view(np.int32)) >> 20
    assert blocks.eighths_of_octaves(np.array(value)) == bits - 8 * 127
