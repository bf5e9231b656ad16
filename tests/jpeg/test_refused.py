"""Files that are not modelled, by reason; hostile input costs little and raises no other errors."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jrecomp.container import pack_reconstruction, unpack_reconstruction
from jrecomp.errors import CorruptContainerError, JrecompError, StoredReason, UnsupportedJpegError
from jrecomp.jpeg import (
    ScanReconstruction,
    Segment,
    parse_frame,
    read,
    write,
)
from jrecomp.options import Limits
from tests.jpeg import builder, samples
from tests.jpeg.builder import EOI, SOI, gray_file, segment, sof, sos, tables
from tests.jpeg.checks import assemble

BLOCKS = samples.random_blocks(12)
DATA = builder.sequential(BLOCKS)
GOOD = gray_file(DATA)
GRAY = [(1, 1)]


def framed(frame: bytes, scan: bytes | None = None) -> bytes:
    return SOI + tables() + frame + (sos([0]) if scan is None else scan) + DATA + EOI


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", StoredReason.NOT_JPEG),
        (b"\xff", StoredReason.NOT_JPEG),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), StoredReason.NOT_JPEG),
        (b"x" + GOOD, StoredReason.NOT_JPEG),
        (framed(sof(0xC0, 32, 24, GRAY, precision=7)), StoredReason.PRECISION),
        (framed(sof(0xC1, 32, 24, GRAY, precision=16)), StoredReason.PRECISION),
        (framed(sof(0xC9, 32, 24, GRAY, precision=10)), StoredReason.PRECISION),
        (framed(sof(0xC3, 32, 24, GRAY)), StoredReason.LOSSLESS),
        (framed(sof(0xCB, 32, 24, GRAY)), StoredReason.LOSSLESS),
        (framed(sof(0xF7, 32, 24, GRAY)), StoredReason.LOSSLESS),
        (framed(sof(0xC5, 32, 24, GRAY)), StoredReason.HIERARCHICAL),
        (framed(segment(0xDE, bytes(10)) + sof(0xC0, 32, 24, GRAY)), StoredReason.HIERARCHICAL),
        (SOI, StoredReason.MALFORMED),
        (SOI + EOI, StoredReason.MALFORMED),
        (framed(b""), StoredReason.MALFORMED),
        (framed(sof(0xC0, 32, 24, GRAY), scan=b""), StoredReason.MALFORMED),
        (framed(sof(0xC0, 0, 24, GRAY)), StoredReason.MALFORMED),
        (framed(sof(0xC0, 32, 0, GRAY)), StoredReason.MALFORMED),
        (framed(sof(0xC0, 32, 24, [])), StoredReason.MALFORMED),
        (framed(sof(0xC0, 32, 24, GRAY * 5)), StoredReason.MALFORMED),
        (framed(sof(0xC0, 32, 24, [(0, 1)])), StoredReason.MALFORMED),
        (framed(sof(0xC0, 32, 24, [(1, 5)])), StoredReason.MALFORMED),
        (framed(segment(0xC0, b"\x08\0\x10\0\x10\x03\x01\x11")), StoredReason.MALFORMED),
        (framed(sof(0xC0, 32, 24, GRAY), scan=sos([3])), StoredReason.MALFORMED),
        (framed(sof(0xC2, 32, 24, GRAY), scan=sos([0], 0, 5)), StoredReason.MALFORMED),
        (framed(sof(0xC2, 32, 24, GRAY * 2), scan=sos([0, 1], 1, 5)), StoredReason.MALFORMED),
        (framed(sof(0xC2, 32, 24, GRAY), scan=sos([0], 5, 64)), StoredReason.MALFORMED),
        (framed(sof(0xC2, 32, 24, GRAY), scan=sos([0], 0, 0, 0, 14)), StoredReason.MALFORMED),
        (framed(sof(0xC0, 65535, 65535, GRAY)), StoredReason.TOO_LARGE),
        (framed(sof(0xC0, 32, 24, GRAY), scan=sos([0]) * 65), StoredReason.TOO_LARGE),
        (framed(sof(0xC0, 32, 24, GRAY), scan=sos([9]) * 5000), StoredReason.TOO_LARGE),
    ],
)
def test_reasons(data: bytes, reason: StoredReason) -> None:
    with pytest.raises(UnsupportedJpegError) as caught:
        read(data)
    assert caught.value.reason is reason


def test_limits() -> None:
    assert write(read(GOOD, Limits(max_pixels=32 * 24, max_scan_blocks=1))) == GOOD
    for limits in (Limits(max_pixels=32 * 24 - 1), Limits(max_scan_blocks=0)):
        with pytest.raises(UnsupportedJpegError) as caught:
            read(GOOD, limits)
        assert caught.value.reason is StoredReason.TOO_LARGE


def test_a_bomb_of_restart_markers_is_bytes() -> None:
    data = gray_file(DATA + b"\xff\xd0" * 100_000, before_sos=builder.dri(1))
    jpeg = read(data)
    assert write(jpeg) == data
    assert len(jpeg.scans[0].segments) < 20_000


def survives(data: bytes) -> None:
    """Exact, or refused in words."""
    try:
        jpeg = read(data, Limits(max_pixels=1 << 22))
    except UnsupportedJpegError:
        return
    packed = pack_reconstruction(jpeg.scans)
    assert unpack_reconstruction(packed) == jpeg.scans
    assert write(assemble(jpeg.headers, jpeg.scans, jpeg.coefficients)) == data


SEEDS = [
    GOOD,
    samples.pillow(width=40, height=24, quality=60, subsampling=2, progressive=True),
    samples.pillow(width=40, height=24, quality=60, restart_marker_blocks=2),
    samples.pillow(width=24, height=24, channels=4, progressive=True, restart_marker_blocks=1),
]
SEEDS += [samples.arithmetic(seed) for seed in SEEDS]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A file with bytes changed, taken out or put in, mostly behind the quantization tables."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(2, max(2, len(data) - 1)))
        kind = draw(st.integers(0, 3))
        if kind == 0:
            data[at : at + 1] = bytes([draw(st.integers(0, 255))])
        elif kind == 1:
            del data[at : at + draw(st.integers(1, 30))]
        elif kind == 2:
            data[at:at] = draw(st.binary(max_size=8))
        else:
            data[at:at] = bytes([0xFF, draw(st.sampled_from([0, *range(0xC0, 0x100)]))])
    return bytes(data)


@settings(max_examples=400)
@given(damaged())
def test_damaged_files(data: bytes) -> None:
    survives(data)


@settings(max_examples=200)
@given(st.binary(max_size=300), st.binary(max_size=100))
def test_random_headers_and_data(junk: bytes, data: bytes) -> None:
    survives(SOI + junk + data)
    survives(SOI + junk + GOOD[2:])
    survives(gray_file(data))
    survives(framed(sof(0xC9, 32, 24, GRAY), scan=sos([0]) + data))
    survives(framed(sof(0xCA, 32, 24, GRAY), scan=sos([0], 1, 63, 0, 1) + data + sos([0], 1, 63, 1, 0)))
    survives(framed(sof(0xC2, 32, 24, GRAY), scan=sos([0], 1, 63, 0, 1) + data + sos([0], 1, 63, 1, 0)))


@pytest.mark.parametrize("frame", [0xC1, 0xC9])
@settings(max_examples=200)
@given(st.data())
def test_random_coefficients(frame: int, data: st.DataObject) -> None:
    """Whatever coefficients and tables a sequential file has, in any two components."""
    number = st.one_of(st.just(0), st.integers(-3, 3), st.integers(-32767, 32767))
    planes = [data.draw(st.lists(st.lists(number, min_size=64, max_size=64), min_size=2, max_size=2))]
    planes.append(planes[0][::-1])
    header = SOI + tables() + sof(frame, 16, 8, GRAY * 2) + sos([0]) + sos([1]) + EOI
    coefficients = [np.array(p, np.int16).reshape(1, 2, 64) for p in planes]
    file = assemble(header, [ScanReconstruction()] * 2, coefficients)
    difference = planes[0][1][0] - planes[0][0][0]
    if frame == 0xC1 and (difference + 0x8000) % 0x10000 == 0:
        with pytest.raises(CorruptContainerError):
            write(file)
        return
    again = read(write(file))
    assert again.scans == file.scans
    for got, expected in zip(again.coefficients, coefficients, strict=True):
        np.testing.assert_array_equal(got, expected)


# What a damaged container may bring


@pytest.mark.parametrize(
    "data",
    [
        ScanReconstruction([Segment(0, 13, 0)]),
        ScanReconstruction([Segment(13, 0, 0), Segment(0, 1 << 40, 0)]),
        ScanReconstruction([Segment(5, 5, 0), Segment(0, 12, 0)]),
        ScanReconstruction([Segment(0, 12, 65536)]),
        ScanReconstruction([Segment(0, 12, 0, 8)]),
        ScanReconstruction(zero_runs=[(0, 4)]),
        ScanReconstruction(zero_runs=[(0, 0)]),
        ScanReconstruction(zero_runs=[(3, 1), (2, 1)]),
        ScanReconstruction(padding=[(12, 200)]),
        ScanReconstruction(max_eob_run=0),
        ScanReconstruction(max_eob_run=1 << 15),
        ScanReconstruction(last_eob_run=1 << 15),
        ScanReconstruction(last_eob_run=-1),
        ScanReconstruction(extraneous=[(3, b""), (2, b"")]),
        ScanReconstruction(eob_switches=[5, 4]),
        ScanReconstruction(padding_bit=2),
        ScanReconstruction(eob_switches=[1 << 70]),
    ],
    ids=str,
)
def test_reconstruction_data_that_do_not_fit(data: ScanReconstruction) -> None:
    with pytest.raises(CorruptContainerError):
        write(dataclasses.replace(read(GOOD), scans=[data]))


def test_parts_that_do_not_fit() -> None:
    jpeg = read(GOOD)
    with pytest.raises(CorruptContainerError):
        write(assemble(jpeg.headers, jpeg.scans * 2, jpeg.coefficients))
    with pytest.raises(CorruptContainerError):
        write(assemble(jpeg.headers, jpeg.scans, jpeg.coefficients * 2))
    with pytest.raises(CorruptContainerError):
        write(assemble(jpeg.headers, jpeg.scans, [jpeg.coefficients[0][1:]]))
    with pytest.raises(CorruptContainerError):
        write(assemble(jpeg.headers, jpeg.scans, [jpeg.coefficients[0].astype(np.int32)]))
    with pytest.raises(CorruptContainerError):
        write(dataclasses.replace(jpeg, scans=[]))
    with pytest.raises(UnsupportedJpegError):
        parse_frame(b"nothing")


def test_coefficients_without_a_code() -> None:
    """What a lossy edit may not do without new tables, and a damaged container may bring."""
    data = samples.pillow(channels=1, optimize=True, quality=10)
    jpeg = read(data)
    jpeg.coefficients[0][0, 0, 40] = 1000
    with pytest.raises(CorruptContainerError):
        write(jpeg)


@settings(max_examples=300)
@given(st.sampled_from(SEEDS), st.data())
def test_damaged_parts(seed: bytes, data: st.DataObject) -> None:
    """Headers and reconstruction data changed at will: bytes come out, or a JrecompError."""
    jpeg = read(seed)
    headers = bytearray(jpeg.headers)
    for _ in range(data.draw(st.integers(0, 3))):
        headers[data.draw(st.integers(2, len(headers) - 1))] = data.draw(st.integers(0, 255))
    packed = data.draw(st.one_of(st.just(pack_reconstruction(jpeg.scans)), st.binary(max_size=40)))
    try:
        write(assemble(bytes(headers), unpack_reconstruction(packed), jpeg.coefficients))
    except JrecompError:
        return
