"""New files from coefficients: libjpeg's tools decode them to the same pixels, and code them no smaller."""

import io
from collections.abc import Sequence
from functools import cache
from itertools import product
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from jrecomp.errors import StoredReason, UnsupportedJpegError
from jrecomp.jpeg import JpegFile, ScanReconstruction, parse_frame, read, rebuild, write
from jrecomp.jpeg.huffman import coded_bits, is_huffman_table, shortest_table
from jrecomp.jpeg.metadata import exif_orientation
from jrecomp.native._scan import Scan
from jrecomp.options import Limits
from jrecomp.pipeline import shrink
from tests.jpeg import builder, samples
from tests.jpeg.builder import EOI, SOI, gray_file, segment, sof, sos
from tests.jpeg.checks import check
from tests.jpeg.test_ordinary import CJPEG_FILES, PILLOW_FILES

Kind = dict[str, Any]
"""Options of rebuild()."""

KINDS: list[Kind] = [
    {"huffman": "typical"},
    {"huffman": "optimal"},
    {"huffman": "optimal", "progressive": True},
]
ALL_KINDS = pytest.mark.parametrize("kind", KINDS, ids=["typical", "optimal", "progressive"])


def steps_of(file: JpegFile) -> list[np.ndarray]:
    return [c.quantization for c in file.frame.components]


def again(file: JpegFile, **options: Any) -> bytes:
    """Rebuilt with nothing changed."""
    options = {"huffman": "optimal"} | options
    rebuilt = rebuild(file, steps_of(file), file.coefficients, **options)
    data = write(rebuilt)
    assert write(rebuild(file, steps_of(file), file.coefficients, **options)) == data
    return data


def codes(data: bytes) -> list[int]:
    """Codes of the marker segments of a file without anything between them."""
    found, position = [], 2
    while data[position + 1] != 0xD9:
        assert data[position] == 0xFF
        found.append(data[position + 1])
        position += 2 + int.from_bytes(data[position + 2 : position + 4])
    assert data[position:] == EOI
    return found


def payloads(data: bytes, code: int) -> list[bytes]:
    headers, found, position = read(data).headers, [], 2
    for each in codes(headers):
        length = int.from_bytes(headers[position + 2 : position + 4])
        if each == code:
            found.append(headers[position + 4 : position + 2 + length])
        position += 2 + length
    return found


def same_content(file: JpegFile, data: bytes) -> JpegFile:
    """Coefficients of blocks that are shown, steps, and the frame."""
    new = read(data)
    assert (new.frame.width, new.frame.height) == (file.frame.width, file.frame.height)
    h_max = max(c.horizontal for c in file.frame.components)
    v_max = max(c.vertical for c in file.frame.components)
    for old_component, component, old, blocks in zip(
        file.frame.components, new.frame.components, file.coefficients, new.coefficients, strict=True
    ):
        assert (component.horizontal, component.vertical) == (
            old_component.horizontal,
            old_component.vertical,
        )
        assert old.shape == blocks.shape
        rows = ceil(ceil(file.frame.height * component.vertical / v_max) / 8)
        columns = ceil(ceil(file.frame.width * component.horizontal / h_max) / 8)
        np.testing.assert_array_equal(blocks[:rows, :columns], old[:rows, :columns])
        np.testing.assert_array_equal(component.quantization, old_component.quantization)
    return new


def djpeg(tmp_path: Path, data: bytes) -> bytes:
    return samples.run_tool(tmp_path, "djpeg", "-pnm", source=data)


def check_rebuilt(data: bytes, tmp_path: Path, **kind: object) -> bytes:
    file = read(data)
    rebuilt = again(file, **kind)
    check(rebuilt, tmp_path)
    same_content(file, rebuilt)
    if len(file.frame.components) == 4:
        assert Image.open(io.BytesIO(rebuilt)).tobytes() == Image.open(io.BytesIO(data)).tobytes()
    else:
        assert djpeg(tmp_path, rebuilt) == djpeg(tmp_path, data)
    return rebuilt


# Against libjpeg


@ALL_KINDS
@pytest.mark.parametrize("name", PILLOW_FILES)
def test_pillow(name: str, kind: Kind, tmp_path: Path) -> None:
    check_rebuilt(samples.pillow(**PILLOW_FILES[name]), tmp_path, **kind)


@ALL_KINDS
@pytest.mark.parametrize("name", CJPEG_FILES)
def test_cjpeg(name: str, kind: Kind, tmp_path: Path) -> None:
    arguments, script = CJPEG_FILES[name]
    check_rebuilt(samples.cjpeg(tmp_path, *arguments, script=script), tmp_path, **kind)


@pytest.mark.parametrize("name", ["444", "422", "420", "gray", "cmyk", "metadata", "wide", "one-pixel"])
def test_typical_tables_give_the_file_of_libjpeg(name: str) -> None:
    data = samples.pillow(**PILLOW_FILES[name])
    assert again(read(data), huffman="typical") == data


@pytest.mark.parametrize("name", PILLOW_FILES)
@pytest.mark.parametrize(("kind", "flag"), [(KINDS[1], "-optimize"), (KINDS[2], "-progressive")])
def test_as_small_as_jpegtran(name: str, kind: Kind, flag: str, tmp_path: Path) -> None:
    data = samples.pillow(**PILLOW_FILES[name])
    theirs = samples.run_tool(tmp_path, "jpegtran", "-copy", "none", "-restart", "0", flag, source=data)
    ours = again(read(data), strip=True, **kind)
    icc = sum(4 + len(p) for p in payloads(ours, 0xE2))
    # Codes of the same lengths in another order: a few more or fewer bytes FF that need stuffing.
    assert len(ours) - icc <= len(theirs) + 4 + len(theirs) // 5000


def test_two_components_and_unmixable_sampling(tmp_path: Path) -> None:
    """More than 10 blocks in an MCU need scans of their own (T.81 B.2.3)."""
    blocks = samples.random_blocks(64, 3)
    for sampling, progressive in product(
        [[(1, 1), (1, 1)], [(4, 4), (1, 1)], [(3, 4), (2, 1), (1, 1)]], (0, 1)
    ):
        data = SOI + builder.tables() + sof(0xC0, 28, 30, sampling)
        for i, (h, v) in enumerate(sampling):
            h_max, v_max = sampling[0]
            count = ceil(ceil(28 * h / h_max) / 8) * ceil(ceil(30 * v / v_max) / 8)
            data += sos([i]) + builder.sequential(blocks[i : i + count])
        file = read(data + EOI)
        rebuilt = again(file, progressive=bool(progressive))
        new = same_content(file, rebuilt)
        apart = sum(h * v for h, v in sampling) > 10
        assert progressive or len(new.scans) == (len(sampling) if apart else 1)
        script = "".join(f"{i};\n" for i in range(len(sampling)))
        same_content(new, samples.run_tool(tmp_path, "jpegtran", source=rebuilt, script=script))


@ALL_KINDS
def test_repeated_identifiers_are_replaced(kind: Kind, tmp_path: Path) -> None:
    data = samples.pillow(subsampling=0)
    at = data.index(b"\xff\xc0") + 10
    scan = data.index(b"\xff\xda") + 5
    for i, identifier in enumerate((7, 7, 9)):
        data = data[: at + 3 * i] + bytes([identifier]) + data[at + 3 * i + 1 :]
        data = data[: scan + 2 * i] + bytes([identifier]) + data[scan + 2 * i + 1 :]
    file = read(data)
    rebuilt = again(file, **kind)
    assert [c.identifier for c in same_content(file, rebuilt).frame.components] == [1, 2, 3]
    assert djpeg(tmp_path, rebuilt) == djpeg(tmp_path, samples.pillow(subsampling=0))


@ALL_KINDS
@pytest.mark.parametrize("keep", [0.9, 0.5])
@pytest.mark.parametrize("source", [{}, {"progressive": True}, {"restart_marker_blocks": 2}], ids=str)
def test_cut_files(kind: Kind, keep: float, source: dict[str, Any], tmp_path: Path) -> None:
    data = samples.pillow(200, 150, **source)
    file = read(data[: int(len(data) * keep)])
    rebuilt = again(file, **kind)
    check(rebuilt, tmp_path)
    same_content(file, rebuilt)


def test_new_steps_and_coefficients(tmp_path: Path) -> None:
    """Twice the steps and half the coefficients are the same picture."""
    file = read(samples.pillow(quality=90))
    even = [c // 2 * 2 for c in file.coefficients]
    doubled = [s * 2 for s in steps_of(file)]
    one = write(rebuild(file, steps_of(file), even, huffman="typical"))
    other = write(rebuild(file, doubled, [c // 2 for c in even], huffman="typical"))
    check(other, tmp_path)
    assert len(other) < len(one)
    assert djpeg(tmp_path, one) == djpeg(tmp_path, other) != djpeg(tmp_path, samples.pillow(quality=90))
    for component, step in zip(read(other).frame.components, doubled, strict=True):
        np.testing.assert_array_equal(component.quantization, step)


@pytest.mark.parametrize(
    ("largest", "progressive", "code"), [(255, 0, 0xC0), (256, 0, 0xC1), (65535, 1, 0xC2)]
)
def test_wide_steps(largest: int, progressive: int, code: int, tmp_path: Path) -> None:
    file = read(samples.pillow(channels=1))
    steps = [np.full(64, 3)]
    steps[0][63] = largest
    data = write(rebuild(file, steps, file.coefficients, huffman="optimal", progressive=bool(progressive)))
    assert code in codes(read(data).headers)
    check(data, tmp_path)


def test_equal_tables_are_shared() -> None:
    same = again(read(samples.pillow(channels=4)))
    assert len(payloads(same, 0xDB)) == 1
    assert len(payloads(again(read(samples.pillow())), 0xDB)) == 2


def test_steps_of_0_become_1_and_their_coefficients_0() -> None:
    file = read(samples.pillow(channels=1))
    steps = steps_of(file)
    steps[0] = np.where(np.arange(64) == 2, 0, steps[0])
    new = read(write(rebuild(file, steps, file.coefficients, huffman="optimal")))
    assert new.frame.components[0].quantization[2] == 1
    assert file.coefficients[0][..., 2].any() and not new.coefficients[0][..., 2].any()
    np.testing.assert_array_equal(new.coefficients[0][..., 3:], file.coefficients[0][..., 3:])


# Limits of 8 bits


def gray(blocks: Sequence[Sequence[int]], width: int = 32, height: int = 24) -> JpegFile:
    return read(gray_file(builder.sequential(blocks), width, height))


@settings(max_examples=60)
@given(st.data(), st.sampled_from(KINDS))
def test_random_coefficients(data: st.DataObject, kind: Kind) -> None:
    """Whatever baseline files may have, DC differences to 2047 and AC coefficients to 1023."""
    seed = data.draw(st.integers(0, 2**32 - 1))
    density = data.draw(st.sampled_from([0, 0.02, 0.3, 1]))
    size = data.draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    bits = data.draw(st.integers(1, 10))
    sampling = data.draw(
        st.sampled_from([[(1, 1)], [(2, 2), (1, 1), (1, 1)], [(1, 2), (2, 1)], [(1, 1)] * 4])
    )
    header = SOI + builder.tables() + sof(0xC0, *size, sampling) + sos(range(len(sampling))) + EOI
    frame = parse_frame(header)
    random = np.random.default_rng(seed)
    coefficients = []
    for component in frame.components:
        shape = (component.block_rows, component.block_columns, 64)
        blocks = random.integers(1 - 2**bits, 2**bits, shape) * (random.random(shape) < density)
        blocks[..., 0] = random.integers(-1024, 1024, shape[:2])
        coefficients.append(blocks.astype(np.int16))
    file = JpegFile(frame, coefficients, header, [ScanReconstruction()])
    written = again(file, **kind)
    new = same_content(file, written)
    Image.open(io.BytesIO(written)).load() if len(sampling) != 2 else None
    if not kind.get("progressive"):
        for old, found in zip(coefficients, new.coefficients, strict=True):
            np.testing.assert_array_equal(old, found)


@ALL_KINDS
def test_the_largest_values(kind: Kind, tmp_path: Path) -> None:
    blocks = [[-1024] + [1023, -1023] * 31 + [1], [1023] + [0] * 63] * 6
    data = again(gray(blocks), **kind)
    same_content(gray(blocks), data)
    check(data, tmp_path)


@ALL_KINDS
@pytest.mark.parametrize(
    "block",
    [[2048] + [0] * 63, [0, 1024] + [0] * 62, [0] * 63 + [-1024], [32767] + [0] * 63, [-32767] * 64],
    ids=lambda block: str(max(block, key=abs)),
)
def test_what_no_file_of_8_bits_has_is_refused(block: list[int], kind: Kind) -> None:
    file = gray([block] + [[0] * 64] * 11)
    with pytest.raises(UnsupportedJpegError) as caught:
        again(file, **kind)
    assert caught.value.reason is StoredReason.OUT_OF_RANGE


@ALL_KINDS
def test_a_value_that_has_no_symbol_at_all(kind: Kind) -> None:
    file = gray([[0] * 64] * 12)
    file.coefficients[0][0, 0, 5] = -32768
    with pytest.raises(UnsupportedJpegError) as caught:
        again(file, **kind)
    assert caught.value.reason is StoredReason.OUT_OF_RANGE


@ALL_KINDS
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_of_zeros(channels: int, kind: Kind, tmp_path: Path) -> None:
    """Tables of one symbol, and a refinement scan of nothing."""
    file = read(samples.pillow(channels=channels))
    for blocks in file.coefficients:
        blocks[:] = 0
    data = again(file, **kind)
    check(data, tmp_path)
    assert len(set(Image.open(io.BytesIO(data)).convert("L").tobytes())) == 1


def test_arguments_that_do_not_fit() -> None:
    file = read(samples.pillow())
    steps, coefficients = steps_of(file), file.coefficients
    bad: list[tuple[list[np.ndarray], list[np.ndarray]]] = [
        (steps[1:], coefficients),
        (steps, coefficients[1:]),
        ([s[1:] for s in steps], coefficients),
        ([s * 0 - 1 for s in steps], coefficients),
        ([s * 0 + 65536 for s in steps], coefficients),
        (steps, [c[1:] for c in coefficients]),
        (steps, [c.astype(np.int32) for c in coefficients]),
    ]
    for each in bad:
        with pytest.raises(ValueError, match="do not fit the frame"):
            rebuild(file, *each, huffman="optimal")
    with pytest.raises(UnsupportedJpegError) as caught:
        rebuild(file, steps, coefficients, huffman="optimal", limits=Limits(max_pixels=1))
    assert caught.value.reason is StoredReason.TOO_LARGE


def test_arguments_stay_as_they_are() -> None:
    file = read(samples.pillow())
    steps, coefficients = steps_of(file), [c.copy() for c in file.coefficients]
    for array in (*steps, *coefficients):
        array.flags.writeable = False
    data = write(rebuild(file, steps, coefficients, huffman="typical"))
    assert data == samples.pillow()


# Huffman tables


def kraft(table: bytes) -> int:
    """What of 2^16 codes of 16 bits is taken."""
    return sum(count << (16 - length) for length, count in enumerate(table[:16], 1))


def huffman_bits(counts: Sequence[int]) -> int:
    """Bits of an unlimited Huffman code with room for one more symbol."""
    weights = sorted([0, *(c for c in counts if c)])
    total = 0
    while len(weights) > 1:
        merged = weights.pop(0) + weights.pop(0)
        total += merged
        weights = sorted([*weights, merged])
    return total


@settings(max_examples=100)
@given(st.dictionaries(st.integers(0, 255), st.integers(1, 10**6), min_size=1, max_size=60))
def test_shortest_tables(given_counts: dict[int, int]) -> None:
    counts = [given_counts.get(symbol, 0) for symbol in range(256)]
    table = shortest_table(counts)
    assert is_huffman_table(table)
    assert sorted(table[16:]) == sorted(given_counts)
    assert kraft(table) < 1 << 16  # the code of 1 bits is free
    bits = coded_bits(table, counts)
    assert bits == sum(len(builder.codes_of(table)[s]) * c for s, c in given_counts.items())
    assert bits >= huffman_bits(counts)
    if not table[15]:
        assert bits == huffman_bits(counts)


def test_one_symbol_has_a_code_of_one_bit() -> None:
    assert shortest_table([0] * 7 + [5] + [0] * 248) == bytes([1] + [0] * 15 + [7])


def test_codes_are_not_longer_than_16_bits() -> None:
    fibonacci = [1, 1]
    while len(fibonacci) < 40:
        fibonacci.append(sum(fibonacci[-2:]))
    table = shortest_table(fibonacci + [0] * 216)
    assert is_huffman_table(table) and len(table) == 16 + 40
    assert (1 << 16) - kraft(table) == 1
    assert shortest_table([1] * 256)[:16] == bytes([0] * 7 + [255, 1] + [0] * 7)


def test_symbol_counts() -> None:
    blocks = np.zeros((1, 2, 64), np.int16)
    blocks[0, 0, [0, 1, 40]] = 5, -1, 2
    table = bytes(16)
    counts = Scan(False, False, (0, 63, 0, 0), 2, 1, [(blocks, 1, 1, table, table)]).symbol_counts()
    [(dc, ac)] = [
        ({i: n for i, n in enumerate(c[0]) if n}, {i: n for i, n in enumerate(c[1]) if n}) for c in counts
    ]
    assert dc == {3: 2}
    assert ac == {0x01: 1, 0xF0: 2, 6 << 4 | 2: 1, 0: 2}
    [(dc_list, ac_list)] = Scan(
        False, True, (1, 63, 0, 1), 2, 1, [(blocks, 1, 1, None, table)]
    ).symbol_counts()
    assert not any(dc_list)
    assert {i: n for i, n in enumerate(ac_list) if n} == {0xF0: 2, 7 << 4 | 1: 1, 0x10: 1}


# Metadata


def with_segments(*segments: bytes, **options: Any) -> bytes:
    """A file of Pillow's with marker segments behind its JFIF."""
    data = samples.pillow(**options)
    at = 20 if data[3] == 0xE0 else 2
    return data[:at] + b"".join(segments) + data[at:]


def exif(orientation: int | None, order: str = "big") -> bytes:
    image = Image.Exif()
    image.endian = ">" if order == "big" else "<"
    image[0x010F] = "a camera"
    if orientation is not None:
        image[0x0112] = orientation
    image[0x0132] = "2026:01:01 00:00:00"
    return segment(0xE1, image.tobytes())


ICC = [segment(0xE2, b"ICC_PROFILE\0" + bytes([i, 3]) + bytes([i]) * 60000) for i in (1, 2, 3)]
XMP = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>")
MPF = segment(0xE2, b"MPF\0" + bytes(40))
COMMENT = segment(0xFE, b"hello")


@ALL_KINDS
def test_metadata_is_kept_in_order(kind: Kind) -> None:
    data = with_segments(exif(6), XMP, COMMENT, *ICC, segment(0xEF, b""), COMMENT)
    at = data.index(b"\xff\xc0")
    after = b"trailer" + data
    data = data[:at] + b"garbage" + segment(0xED, b"late") + MPF + data[at:] + after
    rebuilt = again(read(data), **kind)
    metadata = [exif(6), XMP, COMMENT, *ICC, segment(0xEF, b""), COMMENT, segment(0xED, b"late"), MPF]
    assert rebuilt.startswith(data[:20] + b"".join(metadata) + b"\xff\xdb")
    assert b"garbage" not in rebuilt and rebuilt.endswith(b"\xff\xd9" + after)


@ALL_KINDS
def test_stripped(kind: Kind) -> None:
    data = with_segments(exif(6), XMP, MPF, COMMENT, *ICC, segment(0xE0, b"JFXX\0thumbnail"))
    rebuilt = again(read(data), strip=True, **kind)
    small = rebuilt[20:56]
    assert rebuilt[:20] == data[:20]
    assert small[:4] == b"\xff\xe1\x00\x22" and small[4:10] == b"Exif\0\0"
    assert rebuilt[56:].startswith(b"".join(ICC) + b"\xff\xdb")
    picture = Image.open(io.BytesIO(rebuilt))
    assert dict(picture.getexif()) == {0x0112: 6}
    assert picture.info["icc_profile"] == b"".join(bytes([i]) * 60000 for i in (1, 2, 3))
    turned = ImageOps.exif_transpose(picture)
    assert turned.size == (45, 61)


def test_bytes_after_stripped_segments() -> None:
    """They were between segments; without the segment they would be data of the scan before."""
    data = samples.pillow(progressive=True)
    scan = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    middle = scan + 40
    late = data[:middle] + segment(0xEE, b"late data") + data[middle:]
    stripped = shrink(late, strip=True)
    assert b"late data" not in stripped
    assert data[middle - 20 : middle] in stripped and data[middle : middle + 20] not in stripped
    before, after = (np.asarray(Image.open(io.BytesIO(d))) for d in (late, stripped))
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("orientation", [2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("order", ["big", "little"])
def test_orientation_survives(orientation: int, order: str) -> None:
    source = read(with_segments(exif(orientation, order)))
    rebuilt = Image.open(io.BytesIO(again(source, strip=True)))
    assert dict(rebuilt.getexif()) == {0x0112: orientation}


@pytest.mark.parametrize("orientation", [None, 0, 1, 9, 6000])
def test_no_exif_where_it_says_nothing(orientation: int | None) -> None:
    assert 0xE1 not in codes(read(again(read(with_segments(exif(orientation))), strip=True)).headers)


def test_the_first_exif_segment_counts() -> None:
    source = read(with_segments(exif(1), exif(6)))
    assert 0xE1 not in codes(read(again(source, strip=True)).headers)


def test_a_jfif_thumbnail_is_stripped() -> None:
    data = samples.pillow()
    density = b"JFIF\0\x01\x01\x00\x00\x02\x00\x01"
    thumbnail = segment(0xE0, density + b"\x02\x02" + bytes(12))
    file = read(data[:2] + thumbnail + data[20:])
    assert again(file).startswith(SOI + thumbnail)
    assert again(file, strip=True).startswith(SOI + segment(0xE0, density + b"\0\0") + b"\xff\xdb")


@ALL_KINDS
@pytest.mark.parametrize("transform", [0, 1, 2])
def test_adobe_transform_survives(transform: int, kind: Kind) -> None:
    for channels in (3, 4):
        data = samples.pillow(channels=channels)
        at = data.index(b"\xff\xee") if channels == 4 else 2
        rest = data[at + 16 :] if channels == 4 else data[20:]
        data = data[:at] + segment(0xEE, b"Adobe" + bytes([0, 100, 0, 0, 0, 0, transform])) + rest
        for strip in (False, True):
            rebuilt = again(read(data), strip=strip, **kind)
            old, new = (Image.open(io.BytesIO(d)) for d in (data, rebuilt))
            assert old.mode == new.mode and old.tobytes() == new.tobytes()


@cache
def plain_bytes() -> int:
    """Size of the file that with_segments() has, without its segments."""
    return len(again(read(samples.pillow())))


@settings(max_examples=300)
@given(
    st.binary(max_size=80), st.sampled_from([b"", b"Exif\0\0", b"Exif\0\0II*\0", b"Exif\0\0MM\0*\0\0\0\x08"])
)
def test_hostile_exif(junk: bytes, start: bytes) -> None:
    assert 1 <= exif_orientation(start + junk) <= 8
    rebuilt = again(read(with_segments(segment(0xE1, start + junk))), strip=True)
    assert len(rebuilt) <= plain_bytes() + 36


def test_a_directory_that_runs_over_the_end() -> None:
    whole = exif(6)[4:]
    assert exif_orientation(whole) == 6
    assert exif_orientation(whole[:8]) == exif_orientation(b"Exif\0\0MM\0*\xff\xff\xff\xff\xff\xff") == 1
    entry = bytes.fromhex("0112 0003 00000001 0006 0000")
    head = b"Exif\0\0MM\0*" + (8).to_bytes(4) + b"\xff\xff"
    assert exif_orientation(head + bytes(24) + entry) == 6
    assert exif_orientation(head + bytes(24) + entry[:-1]) == 1
    assert exif_orientation(head + bytes.fromhex("0112 0004 00000001 00000008")) == 8
    assert exif_orientation(head + bytes.fromhex("0112 0007 00000001 00080000")) == 1
    assert exif_orientation(head + bytes.fromhex("0112 0003 00000002 00080000")) == 1


@pytest.mark.parametrize("progressive", [False, True])
def test_coefficients_of_padding_are_those_that_scans_hold(progressive: bool) -> None:
    """AC of blocks beyond the picture, which progressive scans of one component leave out."""
    file = read(samples.pillow(39, 41, 3, quality=80, subsampling=2))
    for blocks in file.coefficients:
        blocks[-1, :, 1:6], blocks[:, -1, 1:6] = -2, 3
    new = rebuild(file, steps_of(file), file.coefficients, huffman="optimal", progressive=progressive)
    found = read(write(new))
    for wanted, blocks in zip(new.coefficients, found.coefficients, strict=True):
        assert (wanted == blocks).all()
    same = [(a == b).all() for a, b in zip(new.coefficients, file.coefficients, strict=True)]
    assert all(same) != progressive
