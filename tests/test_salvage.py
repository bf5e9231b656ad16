"""Damaged containers: what their undamaged slices allow."""

import random
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from PIL import Image

import jrecomp
from jrecomp import container
from jrecomp.container import Lossless
from jrecomp.errors import CorruptContainerError, ExitCode
from jrecomp.notes import Note
from tests.boxes import coded
from tests.cli.commands import run

WIDTH, HEIGHT = 2048, 2560


def large(**options: object) -> bytes:
    """A photograph-like picture of several slices."""
    rng = np.random.default_rng(1)
    small = Image.fromarray(rng.integers(0, 256, (HEIGHT // 64, WIDTH // 64, 3), np.uint8))
    stream = BytesIO()
    small.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=80, **options)
    return stream.getvalue()


def salvaged(data: bytes) -> tuple[bytes, str]:
    notes = list[Note]()
    restored = jrecomp.salvage(data, on_note=notes.append)
    return restored, notes[0].text


def lengths(data: bytes) -> list[int]:
    box = container.unpack(data)
    assert isinstance(box, Lossless)
    return [len(part) for part in coded(box).slices]


def pixels(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    with Image.open(BytesIO(data)) as image:
        return np.asarray(image.convert("RGB")).astype(np.int64)


@pytest.fixture(scope="module", params=[{}, {"progressive": True}, {"optimize": True}], ids=str)
def original(request: pytest.FixtureRequest) -> bytes:
    return large(**request.param)


@pytest.fixture(scope="module")
def compressed(original: bytes) -> bytes:
    return jrecomp.compress(original, model="fast")


def test_a_good_container_is_restored_exactly(original: bytes, compressed: bytes) -> None:
    assert salvaged(compressed) == (original, "")


def test_a_damaged_slice_is_gray(original: bytes, compressed: bytes) -> None:
    """The rows of the other slices have their pixels, up to the smoothing of chroma at the seams."""
    *_, third, fourth = sizes = lengths(compressed)
    assert len(sizes) == 4
    damaged = bytearray(compressed)
    damaged[-4 - fourth - third // 2] ^= 0x40
    restored, text = salvaged(bytes(damaged))
    assert text == f"rows {HEIGHT // 2} to {HEIGHT * 3 // 4 - 1} of {HEIGHT} of picture 1 are lost"
    assert len(restored) == len(original)
    expected, found = pixels(original), pixels(restored)
    good = np.r_[0 : HEIGHT // 2 - 2, HEIGHT * 3 // 4 + 2 : HEIGHT]
    assert (found[good] == expected[good]).all()
    assert (abs(found[HEIGHT // 2 + 8 : HEIGHT * 3 // 4 - 8] - 128) <= 1).all()


def test_a_truncated_container(original: bytes, compressed: bytes) -> None:
    fourth = lengths(compressed)[-1]
    restored, text = salvaged(compressed[: -4 - fourth - 1])
    assert text == f"rows {HEIGHT // 2} to {HEIGHT - 1} of {HEIGHT} of picture 1 are lost"
    assert (pixels(restored)[: HEIGHT // 2 - 2] == pixels(original)[: HEIGHT // 2 - 2]).all()


def test_a_damaged_checksum_loses_nothing(original: bytes, compressed: bytes) -> None:
    assert salvaged(compressed[:-1]) == (original, "")


@pytest.mark.parametrize("length", [0, 2, 5, 20])
def test_what_tells_nothing_is_damaged(compressed: bytes, length: int) -> None:
    with pytest.raises(CorruptContainerError):
        jrecomp.salvage(compressed[:length])


def test_nothing_is_left_of_a_small_picture(make_photo: Callable[..., bytes]) -> None:
    damaged = bytearray(jrecomp.compress(make_photo()))
    damaged[-10] ^= 1
    with pytest.raises(CorruptContainerError, match="nothing of its pictures is left"):
        jrecomp.salvage(bytes(damaged))


def test_the_other_pictures_are_whole(make_photo: Callable[..., bytes]) -> None:
    """All bytes keep their places."""
    first, second = make_photo(), make_photo(quality=60)
    compressed = bytearray(jrecomp.compress(first + b"between" + second + b"after"))
    compressed[-10] ^= 1  # in the slice of the second picture
    restored, text = salvaged(bytes(compressed))
    assert text.startswith("rows 0 to ") and text.endswith(" of picture 2 are lost")
    assert restored.startswith(first + b"between" + second[:200])
    assert restored.endswith(b"after") and len(restored) == len(first + b"between" + second + b"after")


@pytest.mark.parametrize(
    "contents", [random.Random(1).randbytes(9000).hex().encode(), random.Random(1).randbytes(500)], ids=len
)
def test_the_beginning_of_a_stored_file(contents: bytes) -> None:
    compressed = jrecomp.compress(contents)
    restored, text = salvaged(compressed[: len(compressed) // 2 + 12])
    assert contents.startswith(restored) and 0 < len(restored) < len(contents)
    assert text == f"of {len(contents):,} bytes, {len(restored):,} are left"


def test_forged_checks_do_no_harm(compressed: bytes) -> None:
    """Whatever fits its check but cannot be decoded is lost; no other exception is raised."""
    for position in range(len(compressed) - 200, len(compressed) - 4, 23):
        damaged = bytearray(compressed)
        damaged[position] ^= 0x11
        damaged[-4:] = crc32(damaged[:-4]).to_bytes(4, "little")
        assert "are lost" in salvaged(bytes(damaged))[1]


def test_command(tmp_path: Path, compressed: bytes, original: bytes) -> None:
    """The file is written, the loss is told, and the exit code is that of damage."""
    source, target = tmp_path / "photo.jpg.jrc", tmp_path / "photo.jpg"
    source.write_bytes(compressed[:-2000])
    result = run("decompress", str(source), "--salvage", code=ExitCode.CORRUPT)
    assert "what is left was restored: rows 1920 to 2559 of 2560 of picture 1 are lost" in result.stderr
    assert len(target.read_bytes()) == len(original)
    source.write_bytes(compressed)
    run("decompress", str(source), "--salvage", "--force")
    assert target.read_bytes() == original
