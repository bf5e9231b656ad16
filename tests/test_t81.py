"""Constants of T.81 and libjpeg's tables, against what libjpeg writes."""

import io

import pytest
from PIL import Image

from jrecomp.t81 import COLUMN, FRAMES, INDEX, PLACES, ROW, TYPICAL_TABLES, nearest_quality, scaled_table


def test_zigzag_is_the_standards() -> None:
    # first and last entries of T.81 figure A.6
    assert PLACES[:7] == [(0, 0), (0, 1), (1, 0), (2, 0), (1, 1), (0, 2), (0, 3)]
    assert PLACES[-3:] == [(6, 7), (7, 6), (7, 7)]
    assert [INDEX[place] for place in PLACES] == list(range(64))
    assert list(zip(ROW.tolist(), COLUMN.tolist(), strict=True)) == PLACES
    assert sorted(PLACES) == [(r, c) for r in range(8) for c in range(8)]


def segments(data: bytes, code: int) -> bytes:
    """What all marker segments of a code in a file's headers hold."""
    found, at = b"", 2
    while data[at + 1] != 0xDA:
        length = int.from_bytes(data[at + 2 : at + 4])
        found += data[at + 4 : at + 2 + length] if data[at + 1] == code else b""
        at += 2 + length
    return found


def written(**options: object) -> bytes:
    output = io.BytesIO()
    Image.new("RGB", (8, 8)).save(output, "JPEG", **options)
    return output.getvalue()


@pytest.mark.parametrize("quality", range(1, 101))
def test_quantization_tables_are_those_of_libjpeg(quality: int) -> None:
    tables = b"\0" + scaled_table(quality, False) + b"\1" + scaled_table(quality, True)
    assert segments(written(quality=quality), 0xDB) == tables


def test_huffman_tables_are_those_of_libjpeg() -> None:
    found = segments(written(), 0xC4)
    order = [(kind, destination) for destination in (0, 1) for kind in (0, 1)]
    assert found == b"".join(bytes([k << 4 | d]) + TYPICAL_TABLES[k, d] for k, d in order)


def test_frames() -> None:
    """SOF0 to SOF15, of which three codes mean something else (table B.1)."""
    assert sorted(FRAMES) == [code for code in range(0xC0, 0xD0) if code not in (0xC4, 0xC8, 0xCC)]


def test_nearest_quality() -> None:
    for quality in (10, 50, 75, 90, 100):
        assert nearest_quality(list(scaled_table(quality, False))) == quality
