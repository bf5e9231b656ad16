"""Pictures of which nothing is missing are shrunk, whatever else is in the file. djpeg is the oracle."""

import io
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import jrecomp
from jrecomp import jpeg
from jrecomp.notes import Note
from jrecomp.pipeline import shrink
from tests.jpeg import builder, samples
from tests.jpeg.builder import EOI, SOI, dri, gray_file, gray_intervals, rst, sof, sos
from tests.jpeg.test_corpus import files, needs_data

Insert = Callable[[int], bytes]

needs_djpeg = pytest.mark.skipif(shutil.which("djpeg") is None, reason="djpeg is not installed")


def djpeg(data: bytes) -> bytes:
    """The pixels, also where djpeg warns or stops at what follows the picture."""
    return subprocess.run(["djpeg", "-dct", "int", "-pnm"], input=data, capture_output=True).stdout


def shrunk(data: bytes, **options: Any) -> tuple[bytes, str]:
    """The result, which has the same pixels and is smaller, and the text of its note."""
    notes = list[Note]()
    result = shrink(data, on_note=notes.append, **options)
    assert djpeg(result) == djpeg(data) != b""
    assert len(result) < len(data)
    return result, notes[0].text


SCANS: dict[str, dict[str, Any]] = {
    "sequential": {},
    "progressive": {"progressive": True},
    "gray": {"channels": 1},
}


@cache
def picture(kind: str, **options: Any) -> bytes:
    return samples.pillow(110, 75, quality=90, **SCANS[kind], **options)


def before_restarts(data: bytes, insert: Insert) -> bytes:
    """The file with bytes before each restart marker; insert: makes them from the number of the marker."""
    pieces, position = [], 0
    for i in range(len(data) - 1):
        if data[i] == 0xFF and 0xD0 <= data[i + 1] <= 0xD7:
            pieces += [data[position:i], insert(data[i + 1] & 7)]
            position = i
    assert pieces
    return b"".join([*pieces, data[position:]])


INSERTED: dict[str, Insert] = {
    "fill": lambda number: b"\xff" * 3,
    "fill of some": lambda number: b"\xff" * (number % 3),
    "zero": lambda number: b"\0",
    "other": lambda number: b"\x12\xff\0\x34"[: number + 1],
}


@needs_djpeg
@pytest.mark.parametrize("kind", SCANS)
@pytest.mark.parametrize("inserted", INSERTED)
def test_bytes_before_restart_markers(kind: str, inserted: str) -> None:
    regular = picture(kind, restart_marker_blocks=2)
    data = before_restarts(regular, INSERTED[inserted])
    result, note = shrunk(data)
    assert result == shrink(regular)
    if inserted.startswith("fill"):
        assert note == ""
    else:
        assert note.endswith(" bytes were omitted between the parts of the picture")
    assert jrecomp.decompress(jrecomp.compress(data, model="fast")) == data


@needs_djpeg
@pytest.mark.parametrize("kind", SCANS)
@pytest.mark.parametrize(
    ("extra", "note"),
    [
        (b"\0", "1 byte was omitted before the end of the picture"),
        (bytes(5000), "5,000 bytes were omitted before the end of the picture"),
        (b"\xff\xff", ""),
        (b"\x12\x34\xff\0", "4 bytes were omitted before the end of the picture"),
        (rst(0), "2 bytes were omitted before the end of the picture"),
        (rst(3) + b"data", "6 bytes were omitted before the end of the picture"),
    ],
    ids=["zero", "zeros", "fill", "other", "restart", "restart and data"],
)
def test_bytes_before_the_end(kind: str, extra: bytes, note: str) -> None:
    regular = picture(kind)
    data = regular[:-2] + extra + EOI
    assert shrunk(data) == (shrink(regular), note)
    assert shrunk(data + b"trailer")[0].endswith(b"trailer")
    changed = list[Note]()
    lossy = shrink(data, quality=50, on_note=changed.append)
    assert lossy == shrink(regular, quality=50)
    assert changed == [Note(50, note)]


@needs_djpeg
@pytest.mark.parametrize("kind", SCANS)
@pytest.mark.parametrize("after", [b"", b"\0" * 30, b"SEFT", b"\xff\xd9", samples.pillow(50, 40)], ids=len)
def test_missing_end(kind: str, after: bytes) -> None:
    """What follows stays, behind an end."""
    regular = picture(kind)
    data = regular[:-2] + after
    notes = list[Note]()
    result = shrink(data, on_note=notes.append)
    if after == EOI:
        assert (result, notes[0].text) == (shrink(regular), "")
        return
    assert result == shrink(regular) + after
    assert notes[0].text == "the missing end of the picture was added"
    assert shrink(data, strip_trailer=True) == shrink(regular)
    restored = jrecomp.decompress(jrecomp.compress(data, quality=40, model="fast"))
    assert restored == jrecomp.decompress(jrecomp.compress(regular, quality=40, model="fast")) + after


def test_an_end_among_what_follows() -> None:
    """The first EOI after bytes that are not fill may belong to what follows. Nothing is lost."""
    regular = picture("sequential")
    after = b"trailer without end of picture \xff\xd9 and more"
    assert shrink(regular[:-2] + after) == shrink(regular) + after


def test_scans_that_what_follows_seems_to_hold() -> None:
    regular = picture("sequential")
    after = b"video" + sos([200]) + b"more" + EOI + b"rest"
    for end in (b"", EOI):
        assert shrink(regular[:-2] + end + after) == shrink(regular) + after


def test_a_part_of_an_mcu_in_what_follows() -> None:
    """Coefficients of a further scan of which no MCU is whole are no part of the picture."""
    data = builder.progressive([[1] + [0] * 63] * 12, builder.LikeLibjpeg())[: -len(EOI)]
    bits = builder.Bits()
    bits.value(0, 1)
    after = sos([0], 1, 63, 0, 3) + bits.data("0000000")
    picture, found = jpeg.separate(jpeg.read(data + after))
    assert found == after and jpeg.write(picture) == data + EOI
    assert (picture.coefficients[0] == [1] + [0] * 63).all()


@needs_djpeg
@pytest.mark.parametrize("extra", [b"\0", bytes(5000), b"\xff\xff", b"\0\x12\x34\xff\0"], ids=len)
@pytest.mark.parametrize("kind", ["sequential", "progressive"])
def test_arithmetic_coding(kind: str, extra: bytes) -> None:
    """Zeros at the end of an interval are regular."""
    regular = samples.arithmetic(picture(kind, restart_marker_blocks=2))
    data = before_restarts(regular, lambda number: extra)[:-2] + extra + EOI
    assert djpeg(data) == djpeg(regular) != b""
    notes = list[Note]()
    assert shrink(data, quality=40, on_note=notes.append) == shrink(regular, quality=40)
    assert notes[0].quality == 40
    assert (notes[0].text == "") == (b"\x12" not in extra)
    assert jrecomp.decompress(jrecomp.compress(data, model="fast")) == data


BLOCKS = samples.random_blocks(24, largest=20)


@needs_djpeg
@pytest.mark.parametrize("interval", [0, 4, 8])
def test_more_rows_than_the_height(interval: int) -> None:
    parts = gray_intervals(BLOCKS, interval) if interval else [builder.sequential(BLOCKS)]
    coded = parts[0] + b"".join(rst(i) + part for i, part in enumerate(parts[1:]))
    data = gray_file(coded, 32, 16, before_sos=dri(interval))
    result, note = shrunk(data)
    assert note.endswith(" bytes were omitted before the end of the picture")
    assert (jpeg.read(result).coefficients[0].reshape(-1, 64) == BLOCKS[:8]).all()


@needs_djpeg
@pytest.mark.parametrize("process", ["sequential", "progressive", "gray"])
@pytest.mark.parametrize("noise", [0, 12])
def test_a_smaller_height(process: str, noise: float) -> None:
    """EOB runs of progressive scans may go on into rows below the picture."""
    output = io.BytesIO()
    channels = 1 if process == "gray" else 3
    progressive = process != "sequential"
    samples.picture(110, 75, channels, noise=noise).save(output, "JPEG", progressive=progressive)
    data = output.getvalue()
    sof_at = data.index(b"\xff\xc2" if progressive else b"\xff\xc0")
    data = data[: sof_at + 5] + (40).to_bytes(2) + data[sof_at + 7 :]
    _, note = shrunk(data)
    assert note.endswith(" bytes were omitted before the end of the picture")
    scans = jpeg.read(data).scans
    assert any(scan.last_eob_run for scan in scans) == progressive
    assert not any(scan.segments for scan in scans)
    assert jrecomp.decompress(jrecomp.compress(data, model="fast")) == data


@needs_djpeg
@pytest.mark.parametrize("shift", range(8))
def test_numbers_of_restart_markers(shift: int) -> None:
    """Those at which libjpeg decodes on are accepted. Elsewhere it skips intervals, so nothing changes."""
    parts = gray_intervals(BLOCKS, 2)
    coded = parts[0] + b"".join(rst(i + (shift if i > 2 else 0)) + part for i, part in enumerate(parts[1:]))
    data, notes = gray_file(coded, 32, 48, before_sos=dri(2)), list[Note]()
    result = shrink(data, on_note=notes.append)
    assert djpeg(result) == djpeg(data)
    regular = djpeg(gray_file(builder.sequential(BLOCKS), 32, 48))
    assert (djpeg(data) == regular) == (shift in (0, 3, 4, 5))
    assert (result == data) == (shift not in (0, 3, 4, 5))
    assert (notes[0].text == "") == (result != data)


REFUSED: dict[str, bytes] = {
    "restart markers that nothing announces": gray_file(
        b"".join(part + rst(i) for i, part in enumerate(gray_intervals(BLOCKS, 2))), 32, 48
    ),
    "no restart markers where they are announced": gray_file(
        builder.sequential(BLOCKS), 32, 48, before_sos=dri(2)
    ),
    "a second marker": gray_file(
        b"".join(part + rst(i) * 2 for i, part in enumerate(gray_intervals(BLOCKS, 2))),
        32,
        48,
        before_sos=dri(2),
    ),
    "an incomplete interval": gray_file(
        b"".join(part[: -2 if i == 3 else None] + rst(i) for i, part in enumerate(gray_intervals(BLOCKS, 2))),
        32,
        48,
        before_sos=dri(2),
    ),
    "a missing row": gray_file(builder.sequential(BLOCKS), 32, 56),
    "a missing component": SOI
    + builder.tables()
    + sof(0xC0, 32, 48, [(1, 1)] * 2)
    + sos([0])
    + builder.sequential(BLOCKS)
    + EOI,
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_missing_or_doubtful(kind: str) -> None:
    notes = list[Note]()
    assert shrink(REFUSED[kind], on_note=notes.append) == REFUSED[kind]
    assert notes[0].text.startswith("unchanged: ")
    assert notes[0].text.endswith(" missing")


def test_extraneous_bytes_are_cheap() -> None:
    """Fill bytes before every restart marker cost a container next to nothing."""
    regular = samples.pillow(320, 240, restart_marker_blocks=1)
    data = before_restarts(regular, INSERTED["fill"])
    assert len(data) > len(regular) + 800
    assert len(jrecomp.compress(data, model="fast")) < len(jrecomp.compress(regular, model="fast")) + 60


# Tables


def without(data: bytes, code: int) -> bytes:
    """The file without the segments of a code before its scan."""
    while (at := data.find(bytes([0xFF, code]))) >= 0:
        data = data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4]) :]
    return data


@pytest.mark.parametrize("options", [{}, {"strip": True}])
def test_no_quantization_table(options: dict[str, Any]) -> None:
    """As in tiles of TIFF files: Huffman codes become optimal, coefficients stay, no table is made up."""
    regular = picture("sequential", comment=b"words")
    data, notes = without(regular, 0xDB), list[Note]()
    result = shrink(data, on_note=notes.append, **options)
    assert len(result) < len(data) and b"\xff\xdb" not in result
    with_tables = shrink(regular, **options)
    assert jpeg.read(result).headers == without(jpeg.read(with_tables).headers, 0xDB)
    assert not any(c.has_table for c in jpeg.read(result).frame.components)
    assert "table" not in notes[0].text
    compressed = jrecomp.compress(data)
    assert jrecomp.decompress(compressed) == data
    info = jrecomp.inspect(compressed)
    assert info.jpeg is not None and info.jpeg.quality is None


@pytest.mark.parametrize("options", [{"quality": 50}, {"min_psnr": 30}])
def test_without_quantization_tables_nothing_is_requantized(options: dict[str, Any]) -> None:
    whole = picture("sequential")
    second = whole.index(b"\xff\xdb", whole.index(b"\xff\xdb") + 2)
    length = int.from_bytes(whole[second + 2 : second + 4])
    for data in (without(whole, 0xDB), whole[:second] + whole[second + 2 + length :]):
        for function in (shrink, jrecomp.compress):
            notes = list[Note]()
            result = function(data, **options, on_note=notes.append)
            assert result == function(data)
            reason = "the quantization table is missing"
            assert notes == [Note(None, f"lossless, as the picture cannot be changed: {reason}")]


def test_a_table_of_some_components_only() -> None:
    """There are no numbers that suit both the tables in the file and those outside."""
    whole, notes = picture("sequential"), list[Note]()
    at = whole.index(b"\xff\xdb")
    data = whole[:at] + whole[at + 2 + int.from_bytes(whole[at + 2 : at + 4]) :]
    assert shrink(data, on_note=notes.append) == data
    assert notes == [Note(None, "unchanged: the quantization table is missing")]


@needs_djpeg
def test_tables_that_change_between_scans(tmp_path: Path) -> None:
    """Each component has the quantization table that was in force at its first scan."""
    script = "0;\n1;\n2;\n"
    data = samples.cjpeg(tmp_path, "-quality", "90", "-optimize", size=(110, 75), script=script)
    second = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    between = data.rindex(b"\xff\xc4", 0, second)
    for table in (builder.dqt(0, [9] * 64), builder.dqt(1, [9] * 64)):
        changed = data[:between] + table + data[between:]
        result, _ = shrunk(changed)
        steps = [c.quantization[0] for c in jpeg.read(result).frame.components]
        assert (9 in steps) == (table[4] == 1)


@needs_djpeg
def test_missing_huffman_tables_are_the_typical_ones() -> None:
    """As in Motion JPEG; the result has the tables that it needs."""
    data = without(picture("sequential"), 0xC4)
    result = shrink(data)
    assert djpeg(result) == djpeg(picture("sequential"))


@needs_djpeg
@needs_data
@pytest.mark.parametrize("folder", ["odd", "train/jpeg"])
def test_corpus(folder: str) -> None:
    """A few files: the pixels are those of the source, with and without a warning."""
    for path in files(folder)[3::25]:
        data = path.read_bytes()
        pixels = djpeg(data)
        if not pixels or len(data) > 300_000:
            continue
        try:
            result = shrink(data, progressive=True)
        except jrecomp.JrecompError:
            continue
        assert djpeg(result) == pixels, path.name


def test_pillow_opens_the_results() -> None:
    for data in (picture("sequential")[:-2], picture("progressive")[:-2] + bytes(9) + EOI):
        with Image.open(io.BytesIO(shrink(data))) as image:
            image.load()
