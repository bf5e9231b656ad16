"""Files with further pictures after the first one: the index still leads to them after any change."""

import io
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, MpoImagePlugin

import jrecomp
from jrecomp.jpeg import read
from jrecomp.jpeg.multi_picture import index_problem, moved_index
from jrecomp.notes import Note
from jrecomp.pipeline import shrink
from tests.jpeg import builder, samples
from tests.jpeg.builder import EOI, SOI, segment

GAIN_MAP = segment(0xE2, b"urn:iso:std:iso:ts:21496:-1\0" + bytes(4))
EXIF = segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0")


def entry(order: str, size: int, offset: int, kind: int = 0) -> bytes:
    return struct.pack(f"{order}IIIHH", kind, size, offset, 0, 0)


def index(order: str, entries: list[bytes]) -> bytes:
    """The segment of CIPA DC-007, 5.2, with an index of version, number of pictures and MP entries."""
    tags = [
        (0xB000, 7, 4, b"0100"),
        (0xB001, 4, 1, struct.pack(f"{order}I", len(entries))),
        (0xB002, 7, 16 * len(entries), struct.pack(f"{order}I", 8 + 2 + 36 + 4)),
    ]
    tiff = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, len(tags))
    for tag, kind, count, value in tags:
        tiff += struct.pack(f"{order}HHI", tag, kind, count) + value
    return segment(0xE2, b"MPF\0" + tiff + bytes(4) + b"".join(entries))


def file_of(
    first: bytes, others: list[bytes], order: str = ">", gap: bytes = b"", before: bytes = b""
) -> bytes:
    """A Multi-Picture file; gap: bytes before each further picture; before: segments before the index."""
    blank = len(index(order, [bytes(16)] * (1 + len(others))))
    size = len(first) + len(before) + blank
    base = 2 + len(before) + 8  # of offsets: the TIFF header, behind marker, length and "MPF\0"
    entries, position = [entry(order, size, 0, 0x030000)], size
    for other in others:
        position += len(gap)
        entries.append(entry(order, len(other), position - base))
        position += len(other)
    return first[:2] + before + index(order, entries) + first[2:] + b"".join(gap + other for other in others)


def pictures(data: bytes) -> list[tuple[int, int]]:
    """Position and size of each picture, by an own reading of the index."""
    start = data.index(b"MPF\0") + 4
    order = "<" if data[start : start + 2] == b"II" else ">"
    (directory,) = struct.unpack_from(f"{order}I", data, start + 4)
    (count,) = struct.unpack_from(f"{order}H", data, start + directory)
    for i in range(count):
        tag, _, length, value = struct.unpack_from(f"{order}HHII", data, start + directory + 2 + 12 * i)
        if tag == 0xB002:
            found = []
            for at in range(start + value, start + value + length, 16):
                _, size, offset = struct.unpack_from(f"{order}III", data, at)
                found.append((start + offset if offset else 0, size))
            return found
    raise AssertionError("no entries")


FIRST = samples.pillow(110, 75, quality=90)
OTHERS = [samples.pillow(48, 40, 1), samples.pillow(64, 48)]

CHANGES: list[dict[str, Any]] = [
    {},
    {"progressive": True},
    {"quality": 40},
    {"strip": True},
    {"strip": True, "quality": 40},
    {"min_psnr": 36},
]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("gap", [b"", bytes(37)])
@pytest.mark.parametrize("options", CHANGES, ids=str)
def test_the_index_leads_to_each_picture(order: str, gap: bytes, options: dict[str, Any]) -> None:
    data = file_of(FIRST, OTHERS, order, gap, EXIF + GAIN_MAP)
    assert [data[at : at + size] for at, size in pictures(data)][1:] == OTHERS
    results = [shrink(data, **options)]
    if "progressive" not in options:
        results.append(jrecomp.decompress(jrecomp.compress(data, model="fast", **options)))
    for result in results:
        (at, size), *others = pictures(result)
        assert at == 0 and size + len(b"".join(gap + other for other in OTHERS)) == len(result)
        assert result[size - 2 : size] == EOI
        assert [result[at : at + size] for at, size in others] == OTHERS
        assert GAIN_MAP in result
        assert (EXIF in result) != ("strip" in options)
        with Image.open(io.BytesIO(result)) as image:
            assert isinstance(image, MpoImagePlugin.MpoImageFile)
            assert image.n_frames == 3
            for number, other in enumerate(OTHERS, 1):
                image.seek(number)
                with Image.open(io.BytesIO(other)) as alone:
                    np.testing.assert_array_equal(np.asarray(image), np.asarray(alone))
    assert len(results[0]) < len(data)


@pytest.mark.parametrize(
    "text",
    [b'hdrgm:Version="1.0"', b'GCamera:MicroVideo="1"', b'GCamera:MotionPhoto="1"', b"Container:Directory"],
)
def test_xmp_that_describes_what_follows_stays_with_it(text: bytes) -> None:
    """A gain map or a video is found by it; other XMP is metadata."""
    linked, other = (segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp) for xmp in (text, b"dc:creator"))
    data = FIRST[:2] + linked + other + FIRST[2:] + b"what follows"
    for options in CHANGES:
        result = shrink(data, **options)
        assert linked in result and (other in result) != ("strip" in options)
    without = shrink(data, strip=True, strip_trailer=True)
    assert linked not in without and other not in without


@pytest.mark.parametrize("options", CHANGES, ids=str)
def test_without_what_follows_there_is_no_index(options: dict[str, Any]) -> None:
    """Where the pictures are omitted, the index and the mark of a gain map go, too; all else stays."""
    data, notes = file_of(FIRST, OTHERS), list[Note]()
    result = shrink(data, strip_trailer=True, **options, on_note=notes.append)
    after = sum(len(other) for other in OTHERS)
    assert f"{after:,} bytes after the picture" in notes[0].text
    assert result.endswith(EOI) and SOI not in result[2:]
    assert "index of further pictures" in notes[0].text
    assert b"MPF\0" not in result and GAIN_MAP not in result
    with Image.open(io.BytesIO(result)) as image:
        assert getattr(image, "n_frames", 1) == 1
    alone = shrink(data[:-after], **options)
    assert (b"MPF\0" in alone) != ("strip" in options)


def test_a_missing_end_of_the_first_picture() -> None:
    """The end that is added moves the further pictures, too."""
    first = FIRST[:-2]
    result = shrink(file_of(first, OTHERS))
    assert [result[at : at + size] for at, size in pictures(result)][1:] == OTHERS
    assert result[: pictures(result)[0][1]].endswith(EOI)


def test_entries_that_point_nowhere() -> None:
    """Pictures that are gone: their entries stay wrong, the others become right. Sizes have limits."""
    tail = b"".join(OTHERS)
    data = file_of(FIRST, OTHERS)[: -len(tail)]
    assert index_problem(read(data).headers) == ""
    assert pictures(shrink(data))[1:] == pictures(data)[1:]
    huge = index("<", [entry("<", 2**32 - 1, 0), entry("<", 5, 2**32 - 1)])
    moved = pictures(moved_index(FIRST[:2] + huge + FIRST[2:], 5000, FIRST[:2] + huge + FIRST[2:], 10))
    assert [size for _, size in moved] == [2**32 - 1, 5]


DAMAGED = [
    segment(0xE2, b"MPF\0" + bytes(60)),
    segment(0xE2, b"MPF\0II"),
    segment(0xE2, b"MPF\0II*\0\xff\xff\xff\xff"),
    segment(0xE2, b"MPF\0II*\0\x08\0\0\0\xff\xff"),
    segment(0xE2, b"MPF\0II*\0\x08\0\0\0\0\0\0\0\0\0"),
    index("<", [entry("<", 9, 0)])[:-1],
    index("<", [entry("<", 9, 0)]).replace(b"\x02\xb0\x07\0\x10", b"\x02\xb0\x07\0\x11"),
    index("<", [entry("<", 9, 0)]).replace(b"\x02\xb0\x07\0\x10", b"\x02\xb0\x07\0\x20"),
]


@pytest.mark.parametrize("damaged", DAMAGED)
def test_an_index_that_cannot_be_read(damaged: bytes) -> None:
    """Nothing is changed: the pictures may be found by it all the same."""
    if len(damaged) != 2 + int.from_bytes(damaged[2:4]):
        damaged = segment(0xE2, damaged[4:])
    data, notes = FIRST[:2] + damaged + FIRST[2:] + OTHERS[0], list[Note]()
    reason = "the index of further pictures is damaged"
    for options in CHANGES:
        assert shrink(data, on_note=notes.append, **options) == data
        assert reason in notes[-1].text
        if "progressive" not in options:
            assert jrecomp.decompress(jrecomp.compress(data, model="fast", **options)) == data
    assert shrink(data, strip_trailer=True, quality=40).endswith(EOI)
    assert len(shrink(data[: -len(OTHERS[0])], quality=50)) < len(FIRST)


def test_a_picture_inside_the_first_one() -> None:
    preview = segment(0xE3, OTHERS[0])
    blank = index(">", [bytes(16)] * 2)
    entries = [entry(">", 9, 0), entry(">", len(OTHERS[0]), len(blank) - 8 + 4)]
    data, notes = FIRST[:2] + index(">", entries) + preview + FIRST[2:] + b"more", list[Note]()
    assert data[slice(pictures(data)[1][0], sum(pictures(data)[1]))] == OTHERS[0]
    assert shrink(data, on_note=notes.append) == data
    assert notes[0].text == "unchanged: the index of further pictures points into the first one"


@settings(max_examples=200)
@given(
    st.binary(max_size=120),
    st.sampled_from([b"MPF\0", b"MPF\0II*\0\x08\0\0\0\3\0", b"MPF\0MM\0*\0\0\0\x08\0\3"]),
)
def test_hostile_index(junk: bytes, start: bytes) -> None:
    """It is moved or refused, and nothing else is changed by that."""
    data = builder.gray_file(
        builder.sequential(samples.random_blocks(12)), before_sos=segment(0xE2, start + junk)
    )
    headers = read(data + OTHERS[0]).headers
    if not index_problem(headers):
        moved = moved_index(data, 5000, data, len(data))
        assert len(moved) == len(data)
    shrink(data + OTHERS[0], quality=50)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("options", [{}, {"quality": 40}], ids=str)
def test_previews_that_maker_notes_point_to(order: str, options: dict[str, Any]) -> None:
    """As Sony's cameras write them: data at an offset; and a pair of an offset and a length."""
    preview, junk = OTHERS[0], segment(0xE4, b"x")

    def exif(offset: int) -> bytes:
        tiff = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, 3)
        tiff += struct.pack(f"{order}HHII", 0x2001, 7, len(preview), offset)
        tiff += struct.pack(f"{order}HHII", 0x0201, 4, 1, offset)
        tiff += struct.pack(f"{order}HHII", 0x9999, 3, 1, offset)  # a SHORT: no offset
        return segment(0xE1, b"Exif\0\0" + tiff + bytes(4))

    def offsets(data: bytes) -> list[int]:
        base = data.index(b"Exif\0\0") + 6
        found = [struct.unpack_from(f"{order}I", data, base + 10 + 12 * i + 8)[0] for i in range(3)]
        return [base + value for value in found]

    def file(offset: int) -> bytes:
        return FIRST[:2] + junk + exif(offset) + FIRST[2:] + bytes(5) + preview + b"rest"

    begin = file(0).rindex(preview)
    data = file(begin - file(0).index(b"Exif\0\0") - 6)
    assert offsets(data) == [begin] * 3
    for result in (shrink(data, **options), jrecomp.decompress(jrecomp.compress(data, **options))):
        at = result.rindex(preview)
        assert offsets(result) == [at, at, begin]
        assert (at != begin) or result == data
    assert preview not in shrink(data, strip_trailer=True, **options)


def test_other_data_after_the_picture_stays() -> None:
    """Offsets in them count from their own start or end (Samsung's SEFT, MicroVideoOffset of Google)."""
    for after in (b"SEFH" + bytes(20) + b"SEFT", b"ftypmp42" * 50, bytes(1000)):
        for options in CHANGES:
            assert shrink(FIRST + after, **options).endswith(EOI + after)
