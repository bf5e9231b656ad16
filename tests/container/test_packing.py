"""Brotli with a bound."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrecomp.container.packing import Expander, squeeze
from jrecomp.errors import CorruptContainerError


def expand(squeezed: bytes, length: int) -> bytes:
    return Expander(squeezed, length)[:]


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


def test_parts_are_expanded_as_they_are_used() -> None:
    data = bytes(range(256)) * 40_000
    expander = Expander(squeeze(data), len(data))
    tracemalloc.start()
    assert expander[10:300] == data[10:300]
    assert expander[5:20] == data[5:20]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000 < len(data)
    assert (expander[:], len(expander)) == (data, len(data))


def test_parts_beyond_the_end_of_the_stream() -> None:
    expander = Expander(squeeze(bytes(100)), 1 << 60)
    assert expander[:100] == bytes(100)
    with pytest.raises(CorruptContainerError):
        expander[:101]
