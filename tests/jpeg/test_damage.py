"""Irregular restart markers, damaged and cut data, scan scripts that make no sense: all exact."""

from typing import Any

import numpy as np
import pytest

from jrecomp.jpeg import ScanReconstruction, Segment, read
from tests.jpeg import builder, samples
from tests.jpeg.builder import EOI, SOI, dri, gray_file, gray_intervals, rst, sof, sos, tables
from tests.jpeg.checks import blocks_of, check_cuts, exact, tails

BLOCKS = samples.random_blocks(12)


def joined(intervals: list[bytes], markers: list[bytes]) -> bytes:
    assert len(markers) == len(intervals) - 1
    return intervals[0] + b"".join(m + part for m, part in zip(markers, intervals[1:], strict=True))


INTERVALS = gray_intervals(BLOCKS, 2)
REGULAR = [rst(i) for i in range(5)]


@pytest.mark.parametrize(
    ("markers", "expected_segments"),
    [
        (REGULAR, 0),
        ([rst(i + 5) for i in range(5)], 2),
        ([rst(0)] * 5, 5),
        ([*REGULAR[:2], rst(7), *REGULAR[3:]], 3),
        ([*REGULAR[:2], rst(2) + rst(2), *REGULAR[3:]], 2),
        ([*REGULAR[:2], b"\xff" + rst(2), *REGULAR[3:]], 0),
        ([b"\xff\xff\xff" + marker for marker in REGULAR], 0),
        ([b"\0\1\xff\0" + marker for marker in REGULAR], 0),
    ],
    ids=["regular", "begin-at-5", "all-0", "misnumbered", "doubled", "fill", "more-fill", "other"],
)
def test_irregular_restart_markers(markers: list[bytes], expected_segments: int) -> None:
    jpeg = exact(gray_file(joined(INTERVALS, markers), before_sos=dri(2)))
    assert blocks_of(jpeg) == BLOCKS
    assert len(jpeg.scans[0].segments) == expected_segments


@pytest.mark.parametrize("extra", [rst(5), bytes(5000), b"\xff\0\xff", INTERVALS[3], b"\xff\x01"])
@pytest.mark.parametrize("interval", [0, 2])
def test_bytes_behind_the_last_mcu(interval: int, extra: bytes) -> None:
    coded = joined(INTERVALS, REGULAR) if interval else builder.sequential(BLOCKS)
    jpeg = exact(gray_file(coded + extra + b"\0", before_sos=dri(interval)))
    assert blocks_of(jpeg) == BLOCKS
    assert jpeg.scans == [ScanReconstruction(extraneous=[(12, extra + b"\0")])]


def test_restart_markers_that_no_interval_announces() -> None:
    jpeg = exact(gray_file(joined(INTERVALS, REGULAR)))
    assert blocks_of(jpeg) == BLOCKS


def test_an_announced_interval_without_restart_markers() -> None:
    jpeg = exact(gray_file(builder.sequential(BLOCKS), before_sos=dri(2)))
    assert blocks_of(jpeg) == BLOCKS
    assert jpeg.scans[0].segments == [Segment(0, 12, 0)]


@pytest.mark.parametrize("lost", range(1, 6))
def test_a_lost_restart_marker(lost: int) -> None:
    """Two intervals run into one another; those behind them are found again."""
    markers = [b"" if i == lost - 1 else marker for i, marker in enumerate(REGULAR)]
    jpeg = exact(gray_file(joined(INTERVALS, markers), before_sos=dri(2)))
    intact = [i for i in range(12) if i // 2 not in (lost - 1, lost)]
    got = blocks_of(jpeg)
    assert [got[i] for i in intact] == [BLOCKS[i] for i in intact]


@pytest.mark.parametrize("lost", range(1, 5))
def test_a_lost_and_damaged_interval(lost: int) -> None:
    """Bytes that are no code, up to the next marker: the rest stays in place."""
    parts = list(INTERVALS)
    parts[lost] = b"\xff\x00" * 40
    jpeg = exact(gray_file(joined(parts, REGULAR), before_sos=dri(2)))
    got = blocks_of(jpeg)
    intact = [i for i in range(12) if i // 2 != lost]
    assert [got[i] for i in intact] == [BLOCKS[i] for i in intact]


def test_data_that_begins_like_stuffing() -> None:
    """A scan header may end in 0xFF; here one block takes 5 bits of a 0 behind it, the next is damaged."""
    table = {length: bytes(length == i for i in range(1, 17)) + b"\0" for length in (2, 3)}
    data = SOI + builder.dht(0, 0, table[2]) + builder.dht(1, 0, table[3]) + sof(0xC0, 32, 24, [(1, 1)])
    jpeg = exact(data + sos([0], high=15, low=15) + b"\0\xfe" + EOI)
    assert jpeg.scans[0].segments == [Segment(0, 1, 0, 0, b"\0\xfe")]


@pytest.mark.parametrize("kind", ["baseline", "progressive", "restarts"])
def test_cut_anywhere(kind: str) -> None:
    kinds: dict[str, dict[str, Any]] = {
        "baseline": {"subsampling": 2},
        "progressive": {"progressive": True},
        "restarts": {"restart_marker_blocks": 2, "progressive": True},
    }
    data = samples.pillow(width=40, height=24, quality=50, **kinds[kind])
    jpeg = check_cuts(data, data.index(b"\xff\xda") + 14)
    for got, expected in zip(jpeg.coefficients, read(data).coefficients, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_a_marker_in_the_middle_of_a_scan() -> None:
    """A comment splits the data: the rest cannot be distinguished from garbage, but stays exact."""
    data = builder.sequential(BLOCKS)
    middle = len(data) // 2
    jpeg = exact(gray_file(data[:middle] + builder.segment(0xFE, b"hello") + data[middle:]))
    assert blocks_of(jpeg)[:3] == BLOCKS[:3]


def test_a_reserved_marker_in_the_middle_of_a_scan() -> None:
    data = builder.sequential(BLOCKS)
    middle = data.index(b"\xff\0") + 1 if b"\xff\0" in data else len(data) // 2
    jpeg = exact(gray_file(data[:middle] + b"\xff\x05" + data[middle:]))
    assert b"\xff\x05" in tails(jpeg)


def test_the_same_coefficients_coded_twice() -> None:
    """The later scan wins; the earlier one, if it says otherwise, is kept as bytes."""
    other = samples.random_blocks(12, seed=9)
    data = gray_file(builder.sequential(other))[:-2] + sos([0]) + builder.sequential(BLOCKS) + EOI
    jpeg = exact(data)
    assert blocks_of(jpeg) == BLOCKS
    assert tails(jpeg) == builder.sequential(other)
    same = gray_file(builder.sequential(BLOCKS))[:-2] + sos([0]) + builder.sequential(BLOCKS) + EOI
    assert tails(exact(same)) == b""


def test_refinement_of_what_was_never_sent() -> None:
    blocks = [[0] + [3] * 63] * 4
    data = SOI + tables() + sof(0xC2, 32, 8, [(1, 1)]) + sos([0], 0, 0, 0, 0) + builder.dc_first(blocks, 0)
    data += sos([0], 1, 63, 1, 0) + builder.progressive_ac(blocks, 1, 63, 1, 0, builder.LikeLibjpeg()) + EOI
    exact(data)


def test_a_scan_of_unknown_components_or_tables_stays_as_bytes() -> None:
    good = gray_file(builder.sequential(BLOCKS))[:-2]
    for header in (sos([7]), builder.segment(0xDA, b"\x01\x01\x33\0\x3f\0"), builder.segment(0xDA, b"")):
        jpeg = exact(good + header + b"some data" + EOI)
        assert blocks_of(jpeg) == BLOCKS
        assert tails(jpeg) == b"some data"


def test_huge_dc_differences_wrap() -> None:
    """Predictions beyond 16 bits: exact whatever they decode to."""
    bits = builder.Bits()
    for _ in range(40):
        bits.difference(2047)
        bits.symbol(0)
    jpeg = exact(gray_file(bits.data(), 320, 8))
    assert int(jpeg.coefficients[0][0, 3, 0]) == 4 * 2047


def test_duplicate_codes_for_a_symbol() -> None:
    """A Huffman table that gives the symbol 0 two codes; data with the other one stays as bytes."""
    table = bytes([0, 3] + [0] * 14) + bytes([0, 1, 0])
    header = SOI + tables() + builder.dht(0, 0, table) + builder.dht(1, 0, table)
    header += sof(0xC0, 8, 8, [(1, 1)]) + sos([0]) + b"\x0f"
    assert tails(exact(header + EOI)) == b""
    assert tails(exact(header + sos([0]) + b"\xaf" + EOI)) == b"\xaf"
