"""What the format allows but libjpeg does not write, and what neither should: all exact."""

from pathlib import Path

import numpy as np
import pytest

from jrecomp.errors import StoredReason, UnsupportedJpegError
from jrecomp.jpeg import JpegFile, Segment, assemble, pack_extras, read, unpack_extras, write
from jrecomp.jpeg.tables import TYPICAL_TABLES
from tests.jpeg import builder, samples
from tests.jpeg.builder import EOI, SOI, dri, gray_file, gray_intervals, rst, sof, sos, tables
from tests.jpeg.test_ordinary import check, check_against_libjpeg

BLOCKS = samples.random_blocks(12)


def exact(data: bytes) -> JpegFile:
    """Read, take through packed extras, write; at least something must be modelled."""
    jpeg = read(data)
    packed = pack_extras(jpeg.scans)
    assert unpack_extras(packed) == jpeg.scans
    assert write(assemble(jpeg.headers, packed, jpeg.coefficients)) == data
    return jpeg


def tails(jpeg: JpegFile) -> bytes:
    return b"".join(segment.tail for scan in jpeg.scans for segment in scan.segments)


def blocks_of(jpeg: JpegFile) -> list[list[int]]:
    return [[int(v) for v in block] for block in jpeg.coefficients[0].reshape(-1, 64)]


def test_the_builder_itself(tmp_path: Path) -> None:
    check(gray_file(builder.sequential(BLOCKS)), tmp_path)


# Headers


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


def test_tables_and_restart_interval_redefined_between_scans(tmp_path: Path) -> None:
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
    assert pack_extras(jpeg.scans) == bytes([3, 0])


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
    assert pack_extras(jpeg.scans) == bytes([1, 0])
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
    assert pack_extras(jpeg.scans) == bytes([len(sampling), 0])
    for got, expected in zip(jpeg.coefficients, planes, strict=True):
        rows, columns = expected.shape[:2]
        np.testing.assert_array_equal(got[:rows, :columns], expected)
        assert not got[rows:].any()
        assert not got[:, columns:].any()


# Choices of the encoder


@pytest.mark.parametrize("padding", ["0000000", "0101010", "1000000", "0111111"])
def test_padding_bits(padding: str) -> None:
    parts = [builder.sequential(BLOCKS[i : i + 1], padding) for i in range(12)]
    data = parts[0] + b"".join(rst(i) + part for i, part in enumerate(parts[1:]))
    jpeg = exact(gray_file(data, before_sos=dri(1)))
    assert blocks_of(jpeg) == BLOCKS
    assert tails(jpeg) == b""
    if padding == "0000000":
        assert len(pack_extras(jpeg.scans)) == 4


def test_mixed_padding_bits() -> None:
    parts = [builder.sequential(BLOCKS[i : i + 1], "01"[i % 3 == 0] * 7) for i in range(12)]
    data = parts[0] + b"".join(rst(i) + part for i, part in enumerate(parts[1:]))
    jpeg = exact(gray_file(data, before_sos=dri(1)))
    assert blocks_of(jpeg) == BLOCKS
    assert jpeg.scans[0].padding_bit == 0
    assert 1 <= len(jpeg.scans[0].padding) <= 4


def test_needless_zero_runs_in_a_sequential_scan() -> None:
    """Up to a block that ends with ZRL alone, for lack of room for EOB."""
    blocks = [[5] + [0] * 63, [7] + [0] * 14 + [2] + [0] * 48, [0] * 64, [1] * 64]
    counts = [3, 3, 0, 0]
    bits = builder.Bits()
    prediction = 0
    for block, count in zip(blocks, counts, strict=True):
        builder.put_sequential(bits, block, prediction, count)
        prediction = block[0]
    jpeg = exact(gray_file(bits.data(), 32, 8))
    assert blocks_of(jpeg) == blocks
    assert jpeg.scans[0].zero_runs == [(0, 3), (1, 3)]
    assert tails(jpeg) == b""


def progressive(blocks: list[list[int]], choose: object, start: int = 1, stop: int = 63) -> bytes:
    """Four scans of one component: DC, AC first, refinement of AC, refinement of DC."""
    width = 8 * len(blocks)
    data = SOI + tables() + sof(0xC2, width, 8, [(1, 1)])
    data += sos([0], 0, 0, 0, 1) + builder.dc_first(blocks, 1)
    data += sos([0], start, stop, 0, 1) + builder.progressive_ac(blocks, start, stop, 0, 1, choose)
    data += sos([0], start, stop, 1, 0) + builder.progressive_ac(blocks, start, stop, 1, 0, choose)
    return data + sos([0], 0, 0, 1, 0) + builder.dc_refine(blocks, 0) + EOI


def test_progressive_as_libjpeg_chooses(tmp_path: Path) -> None:
    blocks = samples.random_blocks(300, largest=3) + [[0] + [2] * 63] * 40 + [[1] * 64] * 3
    check(progressive(blocks, builder.LikeLibjpeg), tmp_path)


class NoLimit:
    end_run = staticmethod(lambda length, waiting: False)
    zero_runs = staticmethod(lambda most: 0)


class ShortRuns:
    end_run = staticmethod(lambda length, waiting: length == 5)
    zero_runs = staticmethod(lambda most: 0)


class Whimsical:
    """Ends runs and writes needless ZRL symbols at random."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def end_run(self, length: int, waiting: int) -> bool:
        return bool(self._random.random() < 0.2)

    def zero_runs(self, most: int) -> int:
        return int(self._random.integers(0, most + 1)) if self._random.random() < 0.3 else 0


def test_eob_runs_without_libjpegs_buffer(tmp_path: Path) -> None:
    data = progressive([[0] + [2] * 63] * 40, NoLimit)
    jpeg = exact(data)
    assert jpeg.scans[2].eob_switches == [14]
    assert tails(jpeg) == b""
    check_against_libjpeg(data, jpeg, tmp_path)


def test_a_shorter_longest_eob_run(tmp_path: Path) -> None:
    data = progressive(samples.random_blocks(60, largest=3) + [[0] * 64] * 200, ShortRuns)
    jpeg = exact(data)
    assert jpeg.scans[1].max_eob_run == 5
    assert jpeg.scans[1].eob_switches == []
    assert tails(jpeg) == b""
    assert len(pack_extras(jpeg.scans)) < 12
    check_against_libjpeg(data, jpeg, tmp_path)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("band", [(1, 63), (1, 5), (6, 63), (40, 40)])
def test_whimsical_eob_and_zero_runs(seed: int, band: tuple[int, int], tmp_path: Path) -> None:
    blocks = samples.random_blocks(80, seed, largest=3)
    data = progressive(blocks, Whimsical(seed), *band)
    jpeg = exact(data)
    assert tails(jpeg) == b""
    assert jpeg.scans[1].eob_switches
    expected = np.array(blocks)
    expected[:, 1 : band[0]] = 0
    expected[:, band[1] + 1 :] = 0
    np.testing.assert_array_equal(jpeg.coefficients[0].reshape(-1, 64), expected)
    check_against_libjpeg(data, jpeg, tmp_path)


# Restart markers


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
        ([*REGULAR[:2], b"\xff" + rst(2), *REGULAR[3:]], 2),
        ([*REGULAR[:2], b"\xff\xff\xff" + rst(2), *REGULAR[3:]], 2),
    ],
    ids=["regular", "begin-at-5", "all-0", "misnumbered", "doubled", "fill", "more-fill"],
)
def test_irregular_restart_markers(markers: list[bytes], expected_segments: int) -> None:
    jpeg = exact(gray_file(joined(INTERVALS, markers), before_sos=dri(2)))
    assert blocks_of(jpeg) == BLOCKS
    assert len(jpeg.scans[0].segments) == expected_segments


def test_a_restart_marker_behind_the_last_interval() -> None:
    jpeg = exact(gray_file(joined(INTERVALS, REGULAR) + rst(5), before_sos=dri(2)))
    assert blocks_of(jpeg) == BLOCKS
    assert tails(jpeg).endswith(rst(5))
    assert len(tails(jpeg)) <= 4


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


# Damage


def test_data_that_begins_like_stuffing() -> None:
    """A scan header may end in 0xFF; here one block takes 5 bits of a 0 behind it, the next is damaged."""
    table = {length: bytes(length == i for i in range(1, 17)) + b"\0" for length in (2, 3)}
    data = SOI + builder.dht(0, 0, table[2]) + builder.dht(1, 0, table[3]) + sof(0xC0, 32, 24, [(1, 1)])
    jpeg = exact(data + sos([0], high=15, low=15) + b"\0\xfe" + EOI)
    assert jpeg.scans[0].segments == [Segment(0, 1, 0, 0, b"\0\xfe")]


@pytest.mark.parametrize("kind", ["baseline", "progressive", "restarts"])
def test_cut_anywhere(kind: str) -> None:
    """Every prefix that has some decodable data is read, and exact."""
    options = {
        "baseline": {"subsampling": 2},
        "progressive": {"progressive": True},
        "restarts": {"restart_marker_blocks": 2, "progressive": True},
    }[kind]
    data = samples.pillow(width=40, height=24, quality=50, **options)
    start = data.index(b"\xff\xda") + 14
    whole = read(data)
    refused = 0
    for end in range(start, len(data)):
        try:
            jpeg = exact(data[:end])
        except UnsupportedJpegError as error:
            assert error.reason is StoredReason.MALFORMED
            refused += 1
        else:
            assert len(tails(jpeg)) < 100
    assert refused < 60
    for got, expected in zip(jpeg.coefficients, whole.coefficients, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_a_marker_in_the_middle_of_a_scan() -> None:
    """A comment splits the data: what is behind it cannot be told from garbage, but stays exact."""
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
    data += sos([0], 1, 63, 1, 0) + builder.progressive_ac(blocks, 1, 63, 1, 0, builder.LikeLibjpeg) + EOI
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
