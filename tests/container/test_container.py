"""Whole containers: exact bytes, small overhead, and detection of all damage."""

import random
import re
import tracemalloc
from base64 import b64encode
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrecomp.container import (
    FORMAT_VERSION,
    HEAD_BYTES,
    Container,
    Lossless,
    Lossy,
    Original,
    Restorable,
    Stored,
    pack,
    restored_length,
    unpack,
)
from jrecomp.errors import CorruptContainerError
from jrecomp.options import Limits
from jrecomp.skeleton import Base64, Coded, Join, Picture, Step

NUMBER = st.integers(0, 1 << 40)
CODED = st.builds(
    Coded,
    st.binary(max_size=50),
    st.binary(max_size=20),
    NUMBER,
    st.lists(st.binary(max_size=200), min_size=1, max_size=6).map(tuple),
)
PIECES = st.lists(st.integers(0, 1000), min_size=1, max_size=5).map(tuple)
STEPS = st.lists(
    st.one_of(
        st.builds(Picture, st.integers(0, 100), st.integers(0, 1 << 40), CODED),
        st.builds(Base64, st.integers(0, 100), st.integers(0, 1000)),
        PIECES.map(lambda lengths: Join(7, lengths, lengths[1:])),
    ),
    max_size=6,
).map(lambda steps: tuple(sorted(steps, key=lambda step: step.position)))


def grown(step: Step) -> int:
    """Bytes by which undoing a step lengthens a file."""
    if isinstance(step, Base64):
        return len(b64encode(bytes(step.length))) - step.length
    return step.removed if isinstance(step, Picture) else 0


def made(model: int, front: bytes, back: bytes, steps: tuple[Step, ...]) -> Lossless:
    """A box whose original has the length that its parts say."""
    length = len(front + back) + sum(map(grown, steps))
    return Lossless(Original(length, bytes.fromhex("01020304")), model, front, back, steps)


ORIGINAL = st.builds(Original, st.integers(1000, 1 << 40), st.binary(min_size=4, max_size=4))
STORED = st.builds(Stored, ORIGINAL, st.integers(0, 255), st.binary(max_size=300))
LOSSLESS = st.builds(made, NUMBER, st.binary(max_size=300), st.binary(max_size=100), STEPS)
LOSSY = st.builds(
    lambda box, source, quality: Lossy(**vars(box), source=source, quality=quality),
    LOSSLESS,
    NUMBER,
    st.integers(0, 10000),
)

RESTORABLE = st.builds(lambda box, restorer: Restorable(**vars(box), restorer=restorer), LOSSLESS, NUMBER)

SLICES = (b"one", b"", b"three")
SMALL = made(
    1,
    b"0123456789abcdefgh",
    b"more",
    (
        Join(3, (4, 2), (1,)),
        Base64(5, 6),
        Picture(7, 300, Coded(b"ex", b"", 4, SLICES)),
        Picture(9, 5, Coded(b"", b"", 4, SLICES)),
    ),
)
SMALL_LOSSY = Lossy(**vars(SMALL), source=300, quality=7512)

SMALL_RESTORABLE = Restorable(**vars(SMALL), restorer=200)

BOXES: list[Container] = [SMALL, SMALL_LOSSY, SMALL_RESTORABLE, Stored(Original.of(b"text"), 1, b"text")]

LOSSY_BYTES = bytes.fromhex(
    "d14a52 01 02"  # signature, version, mode
    "ac02 d83a"  # 300 = 44 + 2 * 128 bytes; quality 7512 = 88 + 58 * 128
    "c902 01020304 01"  # original of 329 = 73 + 2 * 128 bytes, model
    "2b 00"  # metadata, plain
    "04"  # steps
    "0d 02 04 01 02"  # join at 3: 2 ranges, of 4 and of 2 bytes, with a gap of 1
    "0a 06"  # Base64 at 3 + 2
    "08 ac02 08 05"  # pictures at 5 + 2 and at 7 + 2
    "00 12 303132333435363738396162636465666768"  # front: no reference, literals
    "02 6578 00 00 00"  # reconstruction data and copies
    "6d6f7265"  # back
    "03 04 03 00 05"  # the first picture: 3 slices, their MCU rows and lengths
    "f1860000f5d8"  # their checks
    "00 01"  # the second picture has the slices of the first
    "4f2f"  # check
    "6f6e65 7468726565"  # slices
    "8ca6274e"  # checksum
)


def resealed(data: bytes) -> bytes:
    """The container with a checksum that fits its other bytes."""
    return data[:-4] + crc32(data[:-4]).to_bytes(4, "little")


def rechecked(data: bytes) -> bytes:
    """A container with the slices of SMALL, with check and checksum that fit its other bytes."""
    end = len(data) - 4 - len(b"".join(SLICES)) - 2
    check = crc32(data[:end]).to_bytes(4, "little")[:2]
    return resealed(data[:end] + check + data[end + 2 :])


@given(st.one_of(STORED, LOSSLESS, LOSSY, RESTORABLE))
def test_round_trip(box: Container) -> None:
    read = unpack(pack(box), Limits(max_memory=1 << 50))
    assert read == box and type(read) is type(box)


@given(st.one_of(STORED, LOSSLESS, LOSSY, RESTORABLE))
def test_length_from_the_first_bytes(box: Container) -> None:
    assert restored_length(pack(box)[:HEAD_BYTES]) == box.original.length


@given(st.binary(max_size=HEAD_BYTES))
def test_any_head(data: bytes) -> None:
    with suppress(CorruptContainerError):
        assert restored_length(b"\xd1JR\x01" + data) >= 0


def test_longest_head() -> None:
    """Its source, quality and length are the largest varints."""
    largest = bytes.fromhex("ffffffffffffffff7f")
    head = bytes.fromhex("d14a520102") + 3 * largest + bytes(4)
    assert len(head) == HEAD_BYTES
    assert restored_length(head) == (1 << 63) - 1


@pytest.mark.parametrize("data", [pack(box) for box in BOXES])
def test_damaged_head(data: bytes) -> None:
    end = data.index(unpack(data).original.checksum) + 4
    for length in range(end):
        with pytest.raises(CorruptContainerError):
            restored_length(data[:length])
    with pytest.raises(CorruptContainerError, match="format version 2"):
        restored_length(data[:3] + b"\x02" + data[4:])
    with pytest.raises(CorruptContainerError, match="unknown mode 9"):
        restored_length(data[:4] + b"\x09" + data[5:])


def test_exact_bytes_of_a_lossy_file() -> None:
    """By hand, from docs/format.md."""
    assert pack(SMALL_LOSSY) == LOSSY_BYTES
    assert unpack(LOSSY_BYTES) == SMALL_LOSSY


@pytest.mark.parametrize("quality", ["914e", "ffff7f", "80808080808080807f"])
def test_qualities_above_100_are_damage(quality: str) -> None:
    """10001 and more; 10000 is the highest."""
    body = LOSSY_BYTES.hex().split("d83a")
    highest = bytes.fromhex("904e".join(body))
    assert unpack(rechecked(highest)) == replace(SMALL_LOSSY, quality=10000)
    with pytest.raises(CorruptContainerError, match="quality"):
        unpack(rechecked(bytes.fromhex(quality.join(body))))


@pytest.mark.parametrize("quality", ["904e00", "d8ba00", "80", "ff" * 10])
def test_numbers_that_are_none(quality: str) -> None:
    """Longer than they need be, without an end, too large; or a field that is missing."""
    with pytest.raises(CorruptContainerError):
        unpack(resealed(bytes.fromhex(quality.join(LOSSY_BYTES.hex().split("d83a")))))


def test_a_lossy_body_is_a_lossless_one_behind_two_fields() -> None:
    start = bytes.fromhex("d14a5201")
    assert unpack(rechecked(start + b"\1" + LOSSY_BYTES[9:])) == SMALL


def test_a_body_for_restoration_is_a_lossless_one_behind_a_field() -> None:
    plain, named = pack(SMALL), pack(SMALL_RESTORABLE)
    assert named == rechecked(plain[:4] + b"\3" + bytes.fromhex("c801") + plain[5:])
    assert unpack(named) == SMALL_RESTORABLE
    assert unpack(rechecked(plain[:4] + b"\3\1" + plain[5:])) == replace(SMALL_RESTORABLE, restorer=1)


def test_document_shows_the_exact_bytes() -> None:
    """The examples of docs/format.md are what this version writes."""
    text = (Path(__file__).parents[2] / "docs" / "format.md").read_text()
    shown = {re.sub(r"\s", "", block) for block in re.findall(r"```hex\n(.*?)```", text, re.DOTALL)}
    assert shown == {pack(Stored(Original.of(b""), 1, b"")).hex(), pack(SMALL).hex()}


def test_overhead_of_a_modelled_file() -> None:
    """What surrounds headers and coefficients takes at most 32 bytes in a file of up to 2 MB."""
    headers, data = bytes(range(40)), bytes(20_000)
    box = made(1, headers, b"", (Picture(0, 1_900_000, Coded(b"\1\0", b"", 64, (data,))),))
    assert len(pack(box)) - len(headers + data) <= 32


def test_overhead_of_a_picture() -> None:
    """A further picture of up to 16 kB of which nothing is special takes 13 bytes."""
    first, second, third = (
        Picture(0, 10_000, Coded(b"\1\0", b"", 64, (bytes(size),))) for size in (900, 901, 902)
    )
    headers = random.Random(1).randbytes(40)
    two, three = made(1, headers, b"", (first, second)), made(1, headers, b"", (first, second, third))
    assert len(pack(three)) - len(pack(two)) - 902 == 13


def test_equal_slices_are_written_once() -> None:
    """As of a thumbnail that a file has twice. The first one gets a check besides."""
    picture = Picture(0, 10_000, Coded(b"\1\0", b"", 64, (random.Random(1).randbytes(900),)))
    one, two = made(1, b"front", b"", (picture,)), made(1, b"front", b"", (picture, picture))
    assert len(pack(two)) - len(pack(one)) <= 12
    assert unpack(pack(two)) == two


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


@pytest.mark.parametrize("length", [328, 330, 0])
def test_parts_have_the_length_of_the_file(length: int) -> None:
    with pytest.raises(CorruptContainerError):
        unpack(pack(replace(SMALL, original=Original(length, b"1234"))))


def test_metadata_are_bounded_by_the_file() -> None:
    """A small container of a small file cannot ask for memory without end."""
    bomb = made(1, b"", bytes(1 << 20), ())
    with pytest.raises(CorruptContainerError, match="at most 4496 are possible"):
        unpack(pack(replace(bomb, original=Original(100, b"1234"))))


def test_slices_have_checks() -> None:
    """They tell where the damage is, where the checksum of the container does not."""
    data = bytearray(pack(SMALL))
    data[data.index(b"three")] ^= 1
    with pytest.raises(CorruptContainerError, match="a slice does not fit its check"):
        unpack(resealed(bytes(data)))
    data = bytearray(pack(SMALL))
    data[data.index(b"0123")] ^= 1
    with pytest.raises(CorruptContainerError, match="its fields do not fit their check"):
        unpack(resealed(bytes(data)))


@pytest.mark.parametrize("box", [SMALL, SMALL_LOSSY, SMALL_RESTORABLE])
def test_descriptions_need_neither_back_nor_slices(box: Lossless) -> None:
    blank = Coded(b"", b"", 0, ())
    steps = tuple(s._replace(coded=blank) if isinstance(s, Picture) else s for s in box.steps)
    assert unpack(pack(box), brief=True) == replace(box, back=b"", steps=steps)


def test_descriptions_expand_no_more_than_they_need() -> None:
    """A stored file and a back of 256 MB, which take a few hundred bytes in the container."""
    zeros = bytes(256_000_000)
    boxes: list[Container] = [
        Stored(Original(len(zeros), b"1234"), 1, zeros),
        made(1, b"front", zeros, SMALL.steps),
    ]
    for packed in map(pack, boxes):
        assert len(packed) < 1000
        tracemalloc.start()
        unpack(packed, brief=True)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 8_000_000


@pytest.mark.parametrize(
    ("written", "forged", "message"),
    [
        ("040d02040102", "040f02040102", "a step is of an unknown kind"),
        ("040d02040102", "040d00040102", "ranges are to be joined"),
        ("040d02040102", "040d81804004", "ranges are to be joined"),
        ("0304030005f186", "0004030005f186", "the slices of a picture are missing"),
        ("f5d80001", "f5d80002", "the slices of a picture are missing"),
        ("f5d80001", "f5d80000", "the slices of a picture are missing"),
    ],
)
def test_fields_that_cannot_be(written: str, forged: str, message: str) -> None:
    """Steps and tables that no encoder writes."""
    data = pack(SMALL).hex()
    assert data.count(written) == 1
    with pytest.raises(CorruptContainerError, match=message):
        unpack(rechecked(bytes.fromhex(data.replace(written, forged))))


def test_numbers_of_pictures_and_slices_are_limited() -> None:
    """What would take long is refused at once, whatever the container has."""
    picture = Picture(0, 0, Coded(b"\1\0", b"", 1, (b"",)))
    unpack(pack(made(1, b"", b"", (picture,) * 5)), Limits(max_pictures=5))
    with pytest.raises(CorruptContainerError, match="6 pictures"):
        unpack(pack(made(1, b"", b"", (picture,) * 6)), Limits(max_pictures=5))
    text = made(1, b"", b"", (Base64(0, 0),) * 41)
    with pytest.raises(CorruptContainerError, match="41 items in a list, more than 40"):
        unpack(pack(text), Limits(max_pictures=5))
    many = Picture(0, 0, Coded(b"\1\0", b"", 1, (b"",) * ((1 << 18) + 1)))
    with pytest.raises(CorruptContainerError, match="slices"):
        unpack(pack(made(1, b"", b"", (many,))))
