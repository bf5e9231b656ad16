"""Reconstruction data of scans as bytes: exact bytes, and nothing else is taken."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jrecomp.container import pack_reconstruction, unpack_reconstruction
from jrecomp.errors import CorruptContainerError
from jrecomp.jpeg import ScanReconstruction, Segment
from jrecomp.options import Limits

SCANS = [
    ScanReconstruction(),
    ScanReconstruction(
        [Segment(0, 300, 2, 1, b"tail"), Segment(400, 1 << 20, 0)],
        0,
        [(5, 127), (300, 0)],
        [(0, 3)],
        17,
        300,
        [1, 128, 40000],
        [(5, b"\xff\xff"), (300, b"\0")],
    ),
    ScanReconstruction(),
    ScanReconstruction(padding_bit=0),
]

BYTES = bytes.fromhex(
    "04 02"  # scans, special ones
    "01 7f"  # scan 1, everything
    "02 00 ac02 02 01 04 7461696c 9003 808040 00 00 00"  # 300, 400 and 2^20 are 44 + 128 * 2 and so on
    "02 05 a702 7f00"  # padding: of MCU 5 and, 295 later, of 300
    "01 00 03"  # zero runs
    "11 ac02"  # longest and last EOB run
    "03 01 7f c0b702"  # EOB switches: 1, 127 later, 39872 later
    "02 05 a702 02 ffff 01 00"  # extraneous bytes: at MCU 5 two, at 300 one
    "02 02"  # scan 3: its padding bit
)

NUMBERS = [
    *[0, 1, 2, 4, 5, 6, 8, 9, 10, 15, 17, 20, 21, 22, 23, 24, 25, 29, 30, 32, 33, 34, 35, 37, 38, 41],
    *[42, 43, 45, 48, 50],
]
"""Where a number begins in BYTES."""

number = st.integers(0, 1 << 40)
ascending = st.lists(number, max_size=5).map(sorted)
exceptions = st.lists(st.tuples(number, st.integers(0, 255)), max_size=5).map(lambda e: sorted(e))
scans = st.builds(
    ScanReconstruction,
    st.lists(st.builds(Segment, number, number, number, number, st.binary(max_size=20)), max_size=3),
    st.integers(0, 1),
    exceptions,
    exceptions,
    number,
    number,
    ascending,
    st.lists(st.tuples(number, st.binary(max_size=20)), max_size=3).map(lambda e: sorted(e)),
)


def test_exact_bytes() -> None:
    """By hand, from docs/format/jpeg.md."""
    assert pack_reconstruction(SCANS) == BYTES
    assert unpack_reconstruction(BYTES) == SCANS


@given(st.lists(st.one_of(st.just(ScanReconstruction()), scans), max_size=6))
def test_round_trip(items: list[ScanReconstruction]) -> None:
    assert unpack_reconstruction(pack_reconstruction(items)) == items


def test_scans_as_libjpeg_writes_them_cost_nothing() -> None:
    assert pack_reconstruction([ScanReconstruction()] * 100) == bytes([100, 0])


@settings(max_examples=300)
@given(st.binary(max_size=60))
def test_junk(data: bytes) -> None:
    try:
        found = unpack_reconstruction(data)
    except CorruptContainerError:
        return
    assert unpack_reconstruction(pack_reconstruction(found)) == found


def test_truncation_at_every_byte() -> None:
    for end in range(len(BYTES)):
        with pytest.raises(CorruptContainerError):
            unpack_reconstruction(BYTES[:end])
    with pytest.raises(CorruptContainerError):
        unpack_reconstruction(BYTES + b"\0")


@pytest.mark.parametrize("place", NUMBERS)
def test_numbers_have_their_shortest_form(place: int) -> None:
    """Each number of BYTES, by where it begins, with a group of zeros more."""
    end = place
    while BYTES[end] >= 128:
        end += 1
    longer = BYTES[:end] + bytes([BYTES[end] | 128, 0]) + BYTES[end + 1 :]
    with pytest.raises(CorruptContainerError, match="number is malformed"):
        unpack_reconstruction(longer)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("01 01 01 02", "index of a scan is wrong"),
        ("02 02 00 02 00 02", "index of a scan is wrong"),
        ("01 01 00 80", "unknown flags"),
        ("01 02 00 02", "1 bytes are expected"),
    ],
    ids=["beyond the last", "twice", "an unknown flag", "too few"],
)
def test_refused(data: str, message: str) -> None:
    with pytest.raises(CorruptContainerError, match=message):
        unpack_reconstruction(bytes.fromhex(data))


def test_scans_are_limited() -> None:
    data = pack_reconstruction([ScanReconstruction()] * 7)
    assert len(unpack_reconstruction(data, Limits(max_scans=7))) == 7
    with pytest.raises(CorruptContainerError, match="7 scans, but at most 6 are allowed"):
        unpack_reconstruction(data, Limits(max_scans=6))
    with pytest.raises(CorruptContainerError, match="scans"):
        unpack_reconstruction(bytes.fromhex("ffffffffffffffff7f 00"))


@pytest.mark.parametrize("counts", [(7,), (3, 4)])
def test_segments_of_all_scans_are_limited(counts: tuple[int, ...]) -> None:
    """Their number is refused before they are read; a scan may have one in any case."""
    scans = [ScanReconstruction([Segment(0, 0, 0)] * count) for count in counts]
    packed = pack_reconstruction(scans)
    assert unpack_reconstruction(packed, Limits(max_segments=5, max_scans=2)) == scans
    with pytest.raises(CorruptContainerError, match="items in a list"):
        unpack_reconstruction(packed, Limits(max_segments=4, max_scans=2))


def test_a_million_empty_segments() -> None:
    packed = pack_reconstruction([ScanReconstruction([Segment(0, 0, 0)] * 1_000_000)])
    with pytest.raises(CorruptContainerError, match="1,000,000 items"):
        unpack_reconstruction(packed)
