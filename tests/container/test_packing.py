"""Brotli with a bound."""

import random
import tracemalloc

import brotli
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrecomp.container import packing
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
    ("data", "beside", "quality"),
    [
        (random.Random(1).randbytes(1 << 10), 1 << 30, 9),
        (random.Random(1).randbytes((1 << 10) + 1), 0, 10),
        (random.Random(1).randbytes(1 << 14), 1 << 18, 10),
        (random.Random(1).randbytes(1 << 14), (1 << 18) + 1, 9),
        (random.Random(1).randbytes((1 << 14) + 1), 0, 9),
        (tables(30_000), 0, 9),
        (tables(100_000), 1 << 30, 10),
        (random.Random(1).randbytes(200_000), 0, 9),
        (tables(600_000), 0, 9),
    ],
)
def test_effort_follows_size_and_gain(
    data: bytes, beside: int, quality: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slow quality for few bytes, and for the tables of profiles; the last call compresses all data."""
    calls: list[tuple[int, int]] = []

    def compress(given: bytes, quality: int, lgwin: int) -> bytes:
        calls.append((len(given), quality))
        compressed: bytes = original(given, quality=quality, lgwin=lgwin)
        return compressed

    original = brotli.compress
    monkeypatch.setattr(brotli, "compress", compress)
    assert expand(squeeze(data, beside), len(data)) == data
    assert calls[-1] == (len(data), quality)
    assert all(size <= 1 << 14 for size, _ in calls[:-1])


@pytest.mark.parametrize(("modulus", "better"), [(38, 5), (49, 9)])
def test_very_few_bytes_take_the_smaller_stream(modulus: int, better: int) -> None:
    """Each of two qualities is better for some data like fields of Exif."""
    fields = (bytes([1, n % modulus, 0, 3, 0, 0, 0, 1, 0, n * n % modulus, n % 3, 0]) for n in range(40))
    data = b"".join(fields)
    sizes = {quality: len(brotli.compress(data, quality=quality, lgwin=16)) for quality in (5, 9)}
    assert sizes[better] < max(sizes.values())
    assert len(squeeze(data)) == sizes[better]


def test_memory_of_other_calls_is_not_promised_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without memory brotli ends the process. A call that failed promises nothing any more."""
    asked, compress = list[int](), brotli.compress
    monkeypatch.setattr(packing, "reserve", asked.append)

    def beside_another(data: bytes, **options: int) -> bytes:
        if len(asked) == 1:
            squeeze(b"another")
            raise MemoryError
        squeezed: bytes = compress(data, **options)
        return squeezed

    monkeypatch.setattr(brotli, "compress", beside_another)
    with pytest.raises(MemoryError):
        squeeze(bytes(20))
    working = packing._WORKING_BYTES
    first, *others = asked
    assert first == packing._MARGIN_BYTES + working + 640 * 20
    assert others == [first + working + 640 * len(b"another")] * 2
    squeeze(bytes(20))
    assert asked[3:] == [first] * 2
