"""Limits: on memory, pixels and marker segments; and pictures larger than the defaults."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import jrecomp
from jrecomp import codec, files, jpeg
from jrecomp.codec import slices
from jrecomp.errors import ExitCode, LimitError, StoredReason, check_memory, size
from jrecomp.jpeg.types import Component, Frame
from jrecomp.model import load
from jrecomp.options import Limits
from tests.cli.commands import run
from tests.models import random_file


def blank(width: int, height: int) -> bytes:
    """A gray JPEG file."""
    output = io.BytesIO()
    Image.new("L", (width, height), 128).save(output, "JPEG")
    return output.getvalue()


@pytest.mark.parametrize(("width", "height"), [(20000, 14000), (65500, 4200), (4200, 65500)])
def test_a_picture_of_more_pixels_than_the_default(width: int, height: int) -> None:
    """It goes through both ways when told to, and nothing but max_pixels stands in the way."""
    picture = blank(width, height)
    assert jrecomp.inspect(jrecomp.compress(picture)).stored_reason == StoredReason.TOO_LARGE.text
    more = Limits(max_pixels=1 << 29)
    compressed = jrecomp.compress(picture, model="fast", limits=more)
    assert len(compressed) < 2000
    assert jrecomp.inspect(compressed, limits=more).mode == "lossless"
    assert jrecomp.decompress(compressed, limits=more) == picture
    with pytest.raises(LimitError, match=f"^has {width} x {height} pixels"):
        jrecomp.decompress(compressed)


def test_the_largest_picture_of_all_needs_its_coefficients() -> None:
    """65535 x 65535: no integer overflows on the way to the limit of memory."""
    headers = jpeg.read(blank(8, 8)).headers.replace(bytes([0, 8, 0, 8]), b"\xff" * 4)
    frame = jpeg.parse_frame(headers, Limits(max_pixels=1 << 32, max_memory=1 << 34))
    assert (frame.mcu_columns, frame.mcu_rows) == (8192, 8192)
    with pytest.raises(
        LimitError, match=r"needs about 8.59 GB of memory, .* limit of 4.29 GB \(max_memory\)"
    ):
        jpeg.parse_frame(headers, Limits(max_pixels=1 << 32))


@pytest.mark.parametrize("model", ["default", "fast", "latents"])
def test_memory_bounds_the_threads(model: str) -> None:
    """One thread less where there is memory for one less, and an error where there is none for the first."""
    file = random_file([(1, 1)], 4, 4)
    each = slices.WORKING_BYTES[load(model).kind] * 8 * 8
    for threads, room in ((5, 5 * each), (4, 5 * each - 1), (1, each)):
        limits = Limits(max_memory=128 * 16 + room)
        assert slices._affordable_threads(2048, file.frame, 4, load(model), 5, limits) == threads
    limits = Limits(max_memory=128 * 16 + each - 1)
    with pytest.raises(LimitError, match="max_memory"):
        codec.encode(file, load(model), limits=limits)
    with pytest.raises(LimitError, match="max_memory"):
        codec.decode(file.frame, codec.EncodedSlices(4, [b""]), load(model), limits=limits)


def test_a_slice_takes_no_more_than_there_is() -> None:
    frame = Frame(8, 80000, False, 10000, 1, (Component(1, 1, 1, np.ones(64, np.int32), 10000, 1),))
    fits = slices._affordable_threads(
        1280000, frame, 1, load("fast"), 9, Limits(max_memory=1280000 + 9 * 5 * 5 * 128)
    )
    assert fits == 9  # of one MCU row each


def test_more_memory_than_allowed(photo: bytes) -> None:
    compressed = jrecomp.compress(photo)
    little = Limits(max_memory=10000)
    assert (
        jrecomp.inspect(jrecomp.compress(photo, limits=little)).stored_reason == StoredReason.TOO_LARGE.text
    )
    for function in (jrecomp.decompress, jrecomp.verify, jrecomp.inspect):
        with pytest.raises(
            LimitError, match=r"needs about 18.4 kB of memory, .* limit of 10 kB \(max_memory\)"
        ):
            function(compressed, limits=little)


def with_segments(photo: bytes, count: int, segment: bytes) -> bytes:
    return photo[:2] + count * segment + photo[2:]


@pytest.mark.parametrize("segment", [b"\xff\xfe\0\2", b"\xff\xfe\0\0", b"\xff\xe5\0\3x"])
def test_marker_segments_are_limited(photo: bytes, segment: bytes) -> None:
    own = len(re.findall(rb"\xff[\xc0-\xcf\xda-\xfe]", jpeg.read(photo).headers))
    few, many = (with_segments(photo, count, segment) for count in (100, 101))
    limits = Limits(max_markers=100 + own)
    compressed = jrecomp.compress(few, limits=limits)
    assert jrecomp.inspect(compressed, limits=limits).mode == "lossless"
    assert jrecomp.decompress(compressed, limits=limits) == few
    assert jrecomp.inspect(jrecomp.compress(many, limits=limits)).stored_reason == StoredReason.TOO_LARGE.text
    message = rf"^has more than {100 + own} marker segments \(max_markers\)$"
    for function in (jrecomp.decompress, jrecomp.verify, jrecomp.inspect):
        with pytest.raises(LimitError, match=message):
            function(jrecomp.compress(many), limits=limits)
    with pytest.raises(LimitError, match=message):
        jrecomp.shrink(many, limits=limits)


def test_a_million_segments_are_stored(photo: bytes) -> None:
    many = with_segments(photo, 1_000_000, b"\xff\xfe\0\2")
    compressed = jrecomp.compress(many)
    assert jrecomp.inspect(compressed).stored_reason == StoredReason.TOO_LARGE.text
    assert jrecomp.decompress(compressed) == many


def test_sizes_in_messages() -> None:
    assert [size(n) for n in (0, 999, 1000, 1500000, 4 << 30)] == [
        "0 bytes",
        "999 bytes",
        "1 kB",
        "1.5 MB",
        "4.29 GB",
    ]
    check_memory(5, 5)
    with pytest.raises(LimitError, match=r"^needs about 6 bytes of memory, more than the limit of 5 bytes"):
        check_memory(6, 5)


def test_an_endless_input(tmp_path: Path) -> None:
    output = str(tmp_path / "o")
    result = run("compress", "/dev/zero", "-o", output, "--max-memory", "3M", code=ExitCode.LIMIT)
    assert result.stderr == "jrecomp: /dev/zero: has more bytes than the limit of 3 MB (--max-memory)\n"
    assert not list(tmp_path.iterdir())


def test_standard_input_and_files_are_limited(photo: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(2000))
    assert files.read(tmp_path / "a", Limits(max_memory=2000)) == bytes(2000)
    with pytest.raises(LimitError):
        files.read(tmp_path / "a", Limits(max_memory=1999))
    run("compress", "-", "--max-memory", "1999", stdin=bytes(2000), code=ExitCode.LIMIT)


def test_commands_name_flags(photo: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways, in all commands."""
    monkeypatch.chdir(tmp_path)
    Path("a.jpg").write_bytes(photo)
    run("compress", "a.jpg", "-o", "few.jrc", "--max-pixels", "100")
    assert jrecomp.inspect(Path("few.jrc").read_bytes()).mode == "stored"
    run("compress", "a.jpg", "--max-memory", "1GiB", "--max-pixels", "10000")
    for command in (["decompress", "-o", "b.jpg"], ["verify"], ["info"]):
        for flag, value in (("--max-pixels", "100"), ("--max-memory", "10 kB")):
            result = run(*command, "a.jpg.jrc", flag, value, code=ExitCode.LIMIT)
            assert result.stderr.endswith(f" ({flag})\n") and result.stderr.count("\n") == 1
    assert "(--max-pixels)" in run("shrink", "a.jpg", "--max-pixels", "9", code=ExitCode.LIMIT).stderr
    result = run("compress", "a.jpg", "--max-bytes", "9", "--bpp", "1", code=ExitCode.USAGE)
    assert result.stderr == "jrecomp: --max-bytes and --bpp exclude each other (use only one)\n"


SIZES: list[tuple[str, int]] = [
    ("5", 5), ("2K", 2000), ("2k", 2000), ("500M", 500_000_000), ("2G", 2 * 10**9), ("2 GB", 2 * 10**9),
    ("1GiB", 1 << 30), ("1.5MiB", 3 << 19), ("0.1T", 10**11), ("7B", 7),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SIZES)
def test_sizes(text: str, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[Limits] = []
    monkeypatch.setattr("jrecomp.work.inspect", lambda job, *, limits: seen(limits))

    def seen(given: Limits) -> None:
        limits.append(given)
        raise LimitError("no")

    run("info", "a.jrc", "--max-memory", text, code=ExitCode.LIMIT)
    assert limits == [Limits(max_memory=expected)]


@pytest.mark.parametrize("text", ["", "-1", "five", "1e9", "2X", "1iB", "nan", "9" * 40])
def test_what_is_no_size(text: str) -> None:
    result = run("info", "a.jrc", f"--max-memory={text}", code=ExitCode.USAGE)
    assert "is not a size, such as 500M, 2G or 1GiB" in result.stderr
