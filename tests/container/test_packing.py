"""Brotli with a bound."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrecomp.container.packing import expand, squeeze
from jrecomp.errors import CorruptContainerError


@given(st.binary(max_size=5000))
def test_round_trip(data: bytes) -> None:
    assert expand(squeeze(data), len(data)) == data


@pytest.mark.parametrize("length", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5_000_000])
def test_round_trip_around_steps(length: int) -> None:
    assert expand(squeeze(bytes(length)), length) == bytes(length)


@pytest.mark.parametrize("change", [-1, 1])
def test_wrong_length(change: int) -> None:
    with pytest.raises(CorruptContainerError):
        expand(squeeze(bytes(1000)), 1000 + change)


def test_truncated_at_every_byte() -> None:
    squeezed = squeeze(b"some text that is repeated, some text that is repeated" * 3)
    for end in range(len(squeezed)):
        with pytest.raises(CorruptContainerError):
            expand(squeezed[:end], 162)


def test_trailing_bytes() -> None:
    with pytest.raises(CorruptContainerError):
        expand(squeeze(b"data") + b"more", 4)


def test_bomb_is_bounded() -> None:
    """A stream of 256 MB that says to hold 1 kB costs no more than a few steps."""
    bomb = squeeze(bytes(256_000_000))
    tracemalloc.start()
    with pytest.raises(CorruptContainerError):
        expand(bomb, 1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000
