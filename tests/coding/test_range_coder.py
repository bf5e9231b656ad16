"""The range coder, compared with a decoder written from the specification."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrecomp.coding import BitDecoder, BitEncoder
from jrecomp.errors import CorruptContainerError

_MASK = (1 << 64) - 1


def decode_by_the_book(data: bytes, ones: list[int]) -> list[bool]:
    """The decoder of docs/format/models.md, "Range coder", in plain integers."""
    padded = data + bytes(-len(data) % 4 + 8)
    words = iter([int.from_bytes(padded[i : i + 4], "little") for i in range(0, len(padded), 4)])
    lower, span = 0, _MASK
    point = next(words) << 32 | next(words)
    decisions = []
    for p in ones:
        split = (65536 - p) * ((1 << 24) - 2) // 65536 + 1
        scale = span >> 24
        decision = ((point - lower) & _MASK) // scale >= split
        if decision:
            lower, span = (lower + scale * split) & _MASK, scale * ((1 << 24) - split)
        else:
            span = scale * split
        if span < 1 << 32:
            lower, span = lower << 32 & _MASK, span << 32
            point = (point << 32 & _MASK) | next(words, 0)
        decisions.append(decision)
    return decisions


decisions_with_ones = st.lists(
    st.tuples(st.booleans(), st.integers(1, 65535) | st.sampled_from([1, 2, 32768, 65534, 65535])),
    max_size=300,
)


@given(decisions_with_ones, st.integers(1, 50))
def test_round_trip_in_any_grouping_and_by_the_book(pairs: list[tuple[bool, int]], group: int) -> None:
    decisions = np.array([d for d, _ in pairs], np.bool_)
    ones = np.array([p for _, p in pairs], np.uint16)
    encoder = BitEncoder()
    for start in range(0, len(pairs), group):
        encoder.code(ones[start : start + group], decisions[start : start + group])
    data = encoder.finish()
    assert decode_by_the_book(data, ones.tolist()) == decisions.tolist()
    assert (BitDecoder(data).code(ones, None) == decisions).all()


def test_exact_bytes() -> None:
    encoder = BitEncoder()
    ones = np.arange(1, 65536, 4001).astype(np.uint16)
    encoder.code(ones, np.arange(len(ones)) % 3 == 0)
    encoder.code(ones, np.arange(len(ones)) % 2 == 0)
    assert encoder.finish().hex() == "f9b9ffff59954044618ad0aa"


def test_nothing_coded_is_no_bytes() -> None:
    assert BitEncoder().finish() == b""
    assert not len(BitDecoder(b"").code(np.zeros(0, np.uint16), None))


def test_size_is_near_the_entropy() -> None:
    rng = np.random.default_rng(5)
    ones = rng.integers(1, 65536, 20000).astype(np.uint16)
    decisions = rng.random(20000) * 65536 < ones
    encoder = BitEncoder()
    encoder.code(ones, decisions)
    p = np.where(decisions, ones, 65536.0 - ones) / 65536
    assert len(encoder.finish()) <= -np.log2(p).sum() / 8 * 1.001 + 8


@given(st.binary(max_size=60))
def test_any_bytes_decode_or_are_called_damaged(data: bytes) -> None:
    try:
        BitDecoder(data).code(np.full(500, 40000, np.uint16), None)
    except CorruptContainerError as error:
        assert "damaged" in str(error)


def test_points_beyond_the_range_are_damage() -> None:
    with pytest.raises(CorruptContainerError):
        BitDecoder(b"\xff" * 64).code(np.full(500, 40000, np.uint16), None)
