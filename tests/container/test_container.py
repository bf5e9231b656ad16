"""Whole containers: exact bytes, small overhead, and detection of all damage."""

import random
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrecomp.container import FORMAT_VERSION, Container, Lossless, Lossy, Original, Stored, pack, unpack
from jrecomp.errors import CorruptContainerError

NUMBER = st.integers(0, 1 << 40)
ORIGINAL = st.builds(Original, st.integers(1000, 1 << 40), st.binary(min_size=4, max_size=4))
STORED = st.builds(Stored, ORIGINAL, st.integers(0, 255), st.binary(max_size=300))
LOSSLESS = st.builds(
    Lossless,
    ORIGINAL,
    NUMBER,
    headers=st.binary(max_size=300),
    reconstruction=st.binary(max_size=100),
    mcu_rows=NUMBER,
    slices=st.lists(st.binary(max_size=200), max_size=6).map(tuple),
    copies=st.binary(max_size=30),
)

LOSSY = st.builds(
    lambda box, source, quality: Lossy(**vars(box), source=source, quality=quality),
    LOSSLESS,
    NUMBER,
    st.integers(0, 10000),
)

SMALL = Lossless(Original.of(b"a file"), 1, b"header", b"ex", 4, (b"one", b"", b"three"))
SMALL_LOSSY = Lossy(**vars(SMALL), source=300, quality=7512)

BOXES = [SMALL, SMALL_LOSSY, Stored(Original.of(b"text"), 1, b"text")]

LOSSY_BYTES = bytes.fromhex(
    "d14a52 01 02"  # signature, version, mode
    "ac02 d83a"  # 300 = 44 + 2 * 128 bytes; quality 7512 = 88 + 58 * 128
    "06 7365d029 01"  # original, model
    "0a 00 02 6578 00 686561646572"  # metadata, plain: reconstruction data, no reference, literals
    "00 04 03 03 00 05 6f6e65 7468726565"  # no copies, slices
    "5762eef9"  # checksum
)


def resealed(data: bytes) -> bytes:
    """The container with a checksum that fits its other bytes."""
    return data[:-4] + crc32(data[:-4]).to_bytes(4, "little")


@given(st.one_of(STORED, LOSSLESS, LOSSY))
def test_round_trip(box: Container) -> None:
    assert unpack(pack(box)) == box
    assert type(unpack(pack(box))) is type(box)


def test_exact_bytes_of_a_lossy_file() -> None:
    """By hand, from docs/format.md."""
    assert pack(SMALL_LOSSY) == LOSSY_BYTES
    assert unpack(LOSSY_BYTES) == SMALL_LOSSY


@pytest.mark.parametrize("quality", ["914e", "ffff7f", "80808080808080807f"])
def test_qualities_above_100_are_damage(quality: str) -> None:
    """10001 and more; 10000 is the highest."""
    body = LOSSY_BYTES.hex().split("d83a")
    highest = bytes.fromhex("904e".join(body))
    assert unpack(resealed(highest)) == replace(SMALL_LOSSY, quality=10000)
    with pytest.raises(CorruptContainerError, match="quality"):
        unpack(resealed(bytes.fromhex(quality.join(body))))


@pytest.mark.parametrize("quality", ["904e00", "d8ba00", "80", "ff" * 10])
def test_numbers_that_are_none(quality: str) -> None:
    """Longer than they need be, without an end, too large; or a field that is missing."""
    with pytest.raises(CorruptContainerError):
        unpack(resealed(bytes.fromhex(quality.join(LOSSY_BYTES.hex().split("d83a")))))


def test_a_lossy_body_is_a_lossless_one_behind_two_fields() -> None:
    start = bytes.fromhex("d14a5201")
    assert unpack(resealed(start + b"\1" + LOSSY_BYTES[9:])) == SMALL


def test_document_shows_the_exact_bytes() -> None:
    """The examples of docs/format.md are what this version writes."""
    text = (Path(__file__).parents[2] / "docs" / "format.md").read_text()
    shown = {re.sub(r"\s", "", block) for block in re.findall(r"```hex\n(.*?)```", text, re.DOTALL)}
    assert shown == {pack(Stored(Original.of(b""), 1, b"")).hex(), pack(SMALL).hex()}


def test_overhead_of_a_modelled_file() -> None:
    """What surrounds headers and coefficients takes at most 25 bytes in a file of up to 2 MB."""
    contents = bytes(range(40)), bytes(20_000)
    box = Lossless(Original(2_000_000, b"1234"), 1, contents[0], b"", 64, contents[1:])
    assert len(pack(box)) - sum(map(len, contents)) <= 25


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 40, bytes(100_000)])
def test_stored_files_hardly_grow(data: bytes) -> None:
    """docs/format.md, "Body of mode 0: a stored file", has the size."""
    digits = max(1, -(-len(data).bit_length() // 7))
    assert len(pack(Stored(Original.of(data), 1, data))) <= len(data) + 15 + 2 * digits


@pytest.mark.parametrize("equal", range(0, 40, 3))
def test_compression_of_stored_files_pays_for_its_lengths(equal: int) -> None:
    """Files of which compression saves a few bytes or none."""
    data = random.Random(1).randbytes(300) + bytes(equal)
    assert len(pack(Stored(Original.of(data), 1, data))) <= len(data) + 15 + 2 * 2


@pytest.mark.parametrize("box", BOXES)
def test_truncation_at_every_byte(box: Container) -> None:
    data = pack(box)
    for end in range(len(data)):
        with pytest.raises(CorruptContainerError):
            unpack(data[:end])
    with pytest.raises(CorruptContainerError):
        unpack(data + b"\0")


@pytest.mark.parametrize("box", BOXES)
def test_truncation_is_found_without_the_checksum(box: Container) -> None:
    """Missing and additional bytes are detected by lengths alone."""
    data = pack(box)
    for end in range(5, len(data) - 4):
        with pytest.raises(CorruptContainerError):
            unpack(resealed(data[:end] + b"1234"))


@pytest.mark.parametrize("box", BOXES)
def test_every_bit_flip_is_found(box: Container) -> None:
    data = pack(box)
    for position in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[position] ^= 1 << bit
            with pytest.raises(CorruptContainerError):
                unpack(bytes(damaged))


@given(st.data(), st.sampled_from(BOXES))
def test_forged_containers_raise_nothing_else(data: st.DataObject, box: Container) -> None:
    """Changed bytes under a fitting checksum are read as something else or refused."""
    original = bytearray(pack(box))
    for _ in range(data.draw(st.integers(1, 4))):
        original[data.draw(st.integers(4, len(original) - 5))] = data.draw(st.integers(0, 255))
    with suppress(CorruptContainerError):
        unpack(resealed(bytes(original)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"\xff\xd8\xff\xe0 a JPEG file", "not a .jrc container"),
        (b"\xd1", "truncated"),
        (b"\xd1JR", "truncated"),
        (b"\xd1JR\x01", "damaged or truncated"),
        (b"\xd1JR" + bytes([FORMAT_VERSION + 1]), f"version {FORMAT_VERSION + 1}"),
        (resealed(b"\xd1JR\0" + LOSSY_BYTES[4:]), "version 0"),
        (resealed(b"\xd1JR\x01\x09" + bytes(4)), "unknown mode 9"),
        (b"\xc3\x91JR\x01", "not a .jrc container"),
    ],
)
def test_errors_say_what_is_wrong(data: bytes, message: str) -> None:
    with pytest.raises(CorruptContainerError, match=message):
        unpack(data)


def test_headers_longer_than_the_file() -> None:
    with pytest.raises(CorruptContainerError, match="longer than the file"):
        unpack(pack(replace(SMALL, original=Original(5, b"1234"))))


def test_metadata_are_bounded_by_the_file() -> None:
    """A small container of a small file cannot ask for memory without end."""
    bomb = replace(SMALL, original=Original(100, b"1234"), reconstruction=bytes(1 << 20))
    with pytest.raises(CorruptContainerError, match="at most 4496 are possible"):
        unpack(pack(bomb))
