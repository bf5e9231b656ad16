"""Brotli with a bound."""

import random
import tracemalloc

import brotli
import numpy as np
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


def tables(count: int) -> bytes:
    """Smooth values of 16 bits, as in the tables of colour profiles."""
    values = (20_000 + 9_000 * np.sin(np.arange(count) / 40) + np.arange(count) % 7).astype(">u2")
    return values.tobytes()


@pytest.mark.parametrize(
    ("data", "quality"),
    [
        (random.Random(1).randbytes(1 << 14), 10),
        (random.Random(1).randbytes((1 << 14) + 1), 9),
        (tables(30_000), 9),
        (tables(100_000), 10),
        (random.Random(1).randbytes(200_000), 9),
        (tables(600_000), 9),
    ],
)
def test_effort_follows_size_and_gain(data: bytes, quality: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slow quality for few bytes, and for the tables of profiles; the last call compresses all data."""
    calls: list[tuple[int, int]] = []

    def compress(given: bytes, quality: int, lgwin: int) -> bytes:
        calls.append((len(given), quality))
        compressed: bytes = original(given, quality=quality, lgwin=lgwin)
        return compressed

    original = brotli.compress
    monkeypatch.setattr(brotli, "compress", compress)
    assert expand(squeeze(data), len(data)) == data
    assert calls[-1] == (len(data), quality)
    assert all(size <= 1 << 14 for size, _ in calls[:-1])
