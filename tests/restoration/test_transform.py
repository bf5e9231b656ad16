"""The integer DCT against the plain one, and its bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jrecomp.restoration.transform import (
    LARGEST,
    LARGEST_SAMPLE,
    blocks,
    forward,
    inverse,
    natural,
    plane,
    unit_bits,
)
from tests.restoration import oracle


def test_natural_order() -> None:
    zigzag = np.arange(128).reshape(2, 64).astype(np.int16)
    assert (natural(zigzag) == oracle.natural(zigzag)).all()


def test_blocks_and_planes() -> None:
    samples = np.arange(16 * 24).reshape(16, 24).astype(np.int32)
    assert blocks(samples).shape == (2, 3, 8, 8)
    assert (blocks(samples)[1, 2] == samples[8:, 16:]).all()
    assert (plane(blocks(samples)) == samples).all()


@pytest.mark.parametrize("precision", [8, 12])
def test_units(precision: int) -> None:
    """Valid samples fit into 14 bits with their fractional bits."""
    assert 1 << (precision + unit_bits(precision)) == LARGEST_SAMPLE + 1


@settings(max_examples=30)
@given(st.integers(0, 1 << 30), st.integers(1, 4096))
def test_accuracy(seed: int, amplitude: int) -> None:
    """Both transforms are within a few units of 1/32."""
    samples = np.random.default_rng(seed).integers(-amplitude, amplitude + 1, (16, 16)).astype(np.int32)
    exact = oracle.coefficients(samples.astype(np.float64))
    assert np.abs(forward(blocks(samples)) - exact).max() <= 2.5 + np.abs(exact).max() / 1e4
    limited = forward(blocks(samples)).clip(-LARGEST, LARGEST)
    restored = plane(inverse(limited))
    assert np.abs(restored - oracle.samples(limited.astype(np.float64))).max() <= 2.5 + amplitude / 2e3


def test_dc_is_exact() -> None:
    """A block of one value has no error, whatever the value."""
    values = np.arange(-4095, 4096).reshape(-1, 1, 1, 1)
    coefficients = forward(np.broadcast_to(values, (8191, 1, 8, 8)).astype(np.int32))
    assert (coefficients[..., 0, 0] == 8 * values[..., 0, 0]).all()
    assert not coefficients.reshape(8191, 64)[:, 1:].any()
    assert (inverse(coefficients) == values).all()


def test_32_bits_are_enough() -> None:
    """At the bounds, the transforms give the same in 32 and in 64 bits."""
    rng = np.random.default_rng(1)
    signs = rng.choice([-1, 1], (500, 8, 8))
    signs[:64] = np.sign(np.einsum("ux,vy->uvxy", oracle.BASIS, oracle.BASIS)).reshape(64, 8, 8)
    for function, bound in ((forward, LARGEST_SAMPLE), (inverse, LARGEST)):
        extreme = signs * bound
        wide = function(extreme.astype(np.int64))
        assert (function(extreme.astype(np.int32)) == wide).all()
