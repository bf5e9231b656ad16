"""Headers, tables and sampling factors that the format allows but libjpeg does not write: all exact."""

from pathlib import Path

import numpy as np
import pytest

from jrecomp.container import pack_reconstruction
from jrecomp.jpeg import read
from jrecomp.t81 import TYPICAL_TABLES
from tests.jpeg import builder, samples
from tests.jpeg.builder import EOI, SOI, dri, gray_file, rst, sof, sos, tables
from tests.jpeg.checks import blocks_of, check, check_against_libjpeg, exact, tails

BLOCKS = samples.random_blocks(12)


def test_the_builder_itself(tmp_path: Path) -> None:
    check(gray_file(builder.sequential(BLOCKS)), tmp_path)


def test_garbage_fill_bytes_and_stray_markers_between_segments() -> None:
    junk = b"garbage\xff\x00\xff\x01" + rst(3) + b"\xff\xd8\xff\xff\xff"
    data = SOI + junk + tables() + junk + sof(0xC0, 32, 24, [(1, 1)]) + junk + sos([0])
    data += builder.sequential(BLOCKS) + b"\xff\xff" + EOI
    jpeg = exact(data)
    assert blocks_of(jpeg) == BLOCKS
    assert jpeg.scans[0].segments == []


@pytest.mark.parametrize("trail", [b"x", EOI, SOI, bytes(1000), b"\xff", b"\xff\xda\x00\x02"])
def test_trailing_bytes(trail: bytes) -> None:
    jpeg = exact(gray_file(builder.sequential(BLOCKS)) + trail)
    assert tails(jpeg) == b""
    assert jpeg.headers.endswith(EOI + trail)


def test_a_second_file_behind_without_end_of_image() -> None:
    data = gray_file(builder.sequential(BLOCKS))
    jpeg = exact(data[:-2] + data)
    assert len(jpeg.scans) == 1
    assert blocks_of(jpeg) == BLOCKS


def test_no_end_of_image() -> None:
    jpeg = exact(gray_file(builder.sequential(BLOCKS))[:-2])
    assert tails(jpeg) == b""


def test_wide_quantization_tables(tmp_path: Path) -> None:
    values = [1 + 1000 * k for k in range(64)]
    data = SOI + tables() + builder.dqt(0, values, wide=True) + sof(0xC1, 32, 24, [(1, 1)]) + sos([0])
    data += builder.sequential(BLOCKS) + EOI
    assert read(data).frame.components[0].quantization.tolist() == values
    check(data, tmp_path)


def test_height_by_dnl() -> None:
    data = SOI + tables() + sof(0xC0, 32, 0, [(1, 1)]) + sos([0])
    data += builder.sequential(BLOCKS) + builder.dnl(24) + EOI
    jpeg = exact(data)
    assert (jpeg.frame.width, jpeg.frame.height) == (32, 24)
    assert blocks_of(jpeg) == BLOCKS


def test_typical_huffman_tables_where_none_are_defined(tmp_path: Path) -> None:
    """As in Motion JPEG; the tables are those that libjpeg writes."""
    data = samples.pillow(subsampling=2)
    full = data
    while (at := data.find(b"\xff\xc4")) >= 0:
        length = int.from_bytes(data[at + 2 : at + 4])
        kind, table = data[at + 4], data[at + 5 : at + 2 + length]
        assert TYPICAL_TABLES[kind >> 4, kind & 15] == table
        data = data[:at] + data[at + 2 + length :]
    assert len(data) < len(full) - 400
    jpeg = exact(data)
    check_against_libjpeg(full, jpeg, tmp_path)


def test_tables_and_restart_interval_redefined_between_scans() -> None:
    """Three scans that each bring Huffman tables, a quantization table and an interval of their own."""
    swapped = (
        builder.DC_TABLE[:16] + bytes(range(15, -1, -1)),
        builder.AC_TABLE[:16] + bytes(range(255, -1, -1)),
    )
    data = SOI + tables() + sof(0xC0, 32, 24, [(1, 1)] * 3)
    planes = [samples.random_blocks(12, seed) for seed in range(3)]
    for i, (blocks, interval) in enumerate(zip(planes, (4, 0, 6), strict=True)):
        dc, ac = swapped if i == 1 else (builder.DC_TABLE, builder.AC_TABLE)
        data += builder.dht(0, 0, dc) + builder.dht(1, 0, ac) + dri(interval) + sos([i])
        intervals = []
        for j in range(0, 12, interval or 12):
            bits = builder.Bits(dc, ac)
            prediction = 0
            for block in blocks[j : j + (interval or 12)]:
                builder.put_sequential(bits, block, prediction)
                prediction = block[0]
            intervals.append(bits.data())
        for j, part in enumerate(intervals):
            data += (rst(j - 1) if j else b"") + part
        data += builder.dqt(0, range(i + 2, i + 66))
    data += EOI
    jpeg = read(data)
    assert [c.quantization[0] for c in jpeg.frame.components] == [1, 2, 3]
    assert [c.reshape(-1, 64).tolist() for c in jpeg.coefficients] == planes
    assert exact(data).scans == jpeg.scans
    assert pack_reconstruction(jpeg.scans) == bytes([3, 0])


SAMPLINGS = [
    [(3, 2), (2, 1), (1, 1)],
    [(1, 3), (4, 4), (2, 1)],
    [(2, 2), (3, 3)],
    [(4, 1), (1, 4), (3, 2), (2, 3)],
    [(2, 2), (1, 1), (1, 1), (2, 2)],
    [(1, 1), (2, 1)],
]


def interleaved(planes: list[np.ndarray], sampling: list[tuple[int, int]], rows: int, columns: int) -> bytes:
    bits = builder.Bits()
    predictions = [0] * len(planes)
    for mcu in range(rows * columns):
        for i, (h, v) in enumerate(sampling):
            for y in range(v):
                for x in range(h):
                    block = planes[i][mcu // columns * v + y, mcu % columns * h + x].tolist()
                    builder.put_sequential(bits, block, predictions[i])
                    predictions[i] = block[0]
    return bits.data()


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
def test_any_sampling_factors_interleaved(sampling: list[tuple[int, int]]) -> None:
    h_max, v_max = (max(s[k] for s in sampling) for k in (0, 1))
    width, height, columns, rows = 8 * h_max + 1, 8 * v_max * 2 - 3, 2, 2
    planes = [
        np.array(samples.random_blocks(rows * v * columns * h, i)).reshape(rows * v, columns * h, 64)
        for i, (h, v) in enumerate(sampling)
    ]
    data = SOI + tables() + sof(0xC1, width, height, sampling) + sos(range(len(sampling)))
    jpeg = exact(data + interleaved(planes, sampling, rows, columns) + EOI)
    assert pack_reconstruction(jpeg.scans) == bytes([1, 0])
    for got, expected in zip(jpeg.coefficients, planes, strict=True):
        np.testing.assert_array_equal(got, expected)


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
def test_any_sampling_factors_one_by_one(sampling: list[tuple[int, int]]) -> None:
    """Blocks that only pad to whole MCUs are not coded (T.81 A.2.2)."""
    h_max, v_max = (max(s[k] for s in sampling) for k in (0, 1))
    width, height = 8 * h_max + 1, 8 * v_max * 2 - 3
    data = SOI + tables() + sof(0xC1, width, height, sampling)
    planes = []
    for i, (h, v) in enumerate(sampling):
        columns = ceil_div(ceil_div(width * h, h_max), 8)
        rows = ceil_div(ceil_div(height * v, v_max), 8)
        planes.append(np.array(samples.random_blocks(rows * columns, i)).reshape(rows, columns, 64))
        data += sos([i]) + builder.sequential(planes[-1].reshape(-1, 64).tolist())
    jpeg = exact(data + EOI)
    assert pack_reconstruction(jpeg.scans) == bytes([len(sampling), 0])
    for got, expected in zip(jpeg.coefficients, planes, strict=True):
        rows, columns = expected.shape[:2]
        np.testing.assert_array_equal(got[:rows, :columns], expected)
        assert not got[rows:].any()
        assert not got[:, columns:].any()
