"""docs/format.md: from the bytes of a .jrc file to its skeleton, steps and slices."""

import hashlib
import zlib
from dataclasses import dataclass, field
from functools import cache

from tests.specification.conventions import (
    CHROMINANCE,
    LUMINANCE,
    TYPICAL_TABLES,
    ZIGZAG,
    Reader,
    ceil_div,
    clamp,
    need,
)


@dataclass(frozen=True)
class Original:
    """Section "Original": identifies the original file."""

    length: int
    checksum: bytes

    def check(self, data: bytes) -> bytes:
        """The restored bytes, if they are those of the original."""
        need(len(data) == self.length, "the restored file has another length")
        need(hashlib.sha256(data).digest()[:4] == self.checksum, "the restored file has another checksum")
        return data


@dataclass(frozen=True)
class Stored:
    """Section "Body of mode 0: a stored file"."""

    original: Original
    contents: bytes


@dataclass
class Picture:
    """Sections "Steps", "Slices of pictures"."""

    position: int
    removed: int
    reconstruction: bytes = b""
    copies: bytes = b""
    mcu_rows: int = 0
    slices: list[bytes] = field(default_factory=list)

    def rows_of_slices(self, mcu_rows: int) -> list[int]:
        """MCU rows of each slice. mcu_rows: of the coded frame."""
        need(len(self.slices) == ceil_div(mcu_rows, self.mcu_rows), "the number of slices")
        starts = range(0, mcu_rows, self.mcu_rows)
        return [min(self.mcu_rows, mcu_rows - start) for start in starts]


@dataclass(frozen=True)
class Join:
    """Section "Steps"."""

    position: int
    ranges: list[int]
    gaps: list[int]


@dataclass(frozen=True)
class Base64:
    """Section "Steps"."""

    position: int
    length: int


Step = Picture | Join | Base64


@dataclass(frozen=True)
class Modelled:
    """Section "Body of mode 1"; also the last part of bodies of modes 2 and 3."""

    original: Original
    model: int
    skeleton: bytes
    steps: list[Step]

    @property
    def pictures(self) -> list[Picture]:
        """The steps that are pictures."""
        return [step for step in self.steps if isinstance(step, Picture)]


def read(container: bytes) -> Stored | Modelled:
    """Section "Container"."""
    need(len(container) >= 9 and container[:3] == bytes.fromhex("D14A52"), "signature")
    need(container[3] == 1, "version")
    need(zlib.crc32(container[:-4]) == int.from_bytes(container[-4:], "little"), "checksum")
    mode, fields = container[4], Reader(container[5:-4])
    need(mode <= 3, "mode")
    if mode == 2:
        read_source(fields)
    if mode == 3:
        fields.varint()  # section "Body of mode 3": the restorer, for programs that restore
    body = read_stored(fields) if mode == 0 else read_modelled(container, fields)
    fields.end()
    return body


def read_original(fields: Reader) -> Original:
    """Section "Original"."""
    return Original(fields.varint(), fields.take(4))


def read_stored(fields: Reader) -> Stored:
    """Section "Body of mode 0: a stored file"."""
    original = read_original(fields)
    fields.byte()  # the reason, for people
    return Stored(original, fields.packed())


def read_modelled(container: bytes, fields: Reader) -> Modelled:
    """Section "Body of mode 1: a file with modelled JPEG pictures"."""
    original, model = read_original(fields), fields.varint()
    metadata = fields.packed()
    need(len(metadata) <= 4 * original.length + 4096, "length of the metadata")
    skeleton, steps = read_metadata(Reader(metadata))
    need(len(skeleton) + sum(map(lengthening, steps)) == original.length, "length of the original")
    body = Modelled(original, model, skeleton, steps)
    read_slices(container, fields, body.pictures)
    return body


def read_source(fields: Reader) -> None:
    """Section "Body of mode 2: a JPEG file made with loss": what precedes the body of mode 1."""
    fields.varint()  # length of the file that it was made from, for people
    need(fields.varint() <= 10000, "quality")


def read_metadata(fields: Reader) -> tuple[bytes, list[Step]]:
    """Section "Metadata": skeleton and steps."""
    steps, position = list[Step](), 0
    for _ in range(fields.varint()):
        gap, kind = divmod(fields.varint(), 4)
        position += gap
        steps.append(read_step(fields, kind, position))
    front = read_front(fields)
    for step in steps:
        if isinstance(step, Picture):
            step.reconstruction, step.copies = fields.blob(), fields.blob()
    return front + fields.left, steps


def read_step(fields: Reader, kind: int, position: int) -> Step:
    """Section "Steps": a step without the `varint` that it begins with."""
    need(kind < 3, "kind of a step")
    if kind == 0:
        return Picture(position, fields.varint())
    if kind == 2:
        return Base64(position, fields.varint())
    n = fields.varint()
    need(n >= 1, "number of ranges")
    numbers = [fields.varint() for _ in range(2 * n - 1)]
    return Join(position, numbers[::2], numbers[1::2])


def read_front(fields: Reader) -> bytes:
    """Section "Metadata": the front of the skeleton."""
    count = fields.varint()
    need(count <= 1 << 17, "number of references")
    references = [(fields.varint(), fields.varint()) for _ in range(count)]
    literals, front, entries = Reader(fields.blob()), b"", dictionary()
    for gap, entry in references:
        need(entry < len(entries), "an entry that does not exist")
        front += literals.take(gap) + entries[entry]
    front += literals.left
    need(len(front) <= 1 << 26, "length of the front")
    return front


def lengthening(step: Step) -> int:
    """Section "Steps": bytes by which undoing a step lengthens the file."""
    if isinstance(step, Picture):
        return step.removed
    return 4 * ceil_div(step.length, 3) - step.length if isinstance(step, Base64) else 0


def read_slices(container: bytes, fields: Reader, pictures: list[Picture]) -> None:
    """Section "Slices of pictures": tables, check, slices."""
    several = len(pictures) > 1
    tables = [read_table(fields, number, several) for number in range(len(pictures))]
    before = container[: -4 - len(fields.left)]
    need(fields.take(2) == check(before), "check")
    for number, (picture, (back, mcu_rows, lengths, checks)) in enumerate(zip(pictures, tables, strict=True)):
        if back:
            other = pictures[number - back]
            picture.mcu_rows, picture.slices = other.mcu_rows, other.slices
            continue
        picture.mcu_rows, picture.slices = mcu_rows, [fields.take(length) for length in lengths]
        need(not checks or [check(data) for data in picture.slices] == checks, "check of a slice")


def read_table(fields: Reader, number: int, several: bool) -> tuple[int, int, list[int], list[bytes]]:
    """Section "Slices of pictures": `back`, MCU rows, lengths and checks of picture `number`."""
    count = fields.varint()
    if count == 0:
        back = fields.varint()
        need(1 <= back <= number, "slices of a picture before")
        return back, 0, [], []
    mcu_rows = fields.varint()
    need(mcu_rows >= 1, "MCU rows of a slice")
    lengths = [fields.varint() for _ in range(count)]
    return 0, mcu_rows, lengths, [fields.take(2) for _ in range(count if several or count > 1 else 0)]


def check(data: bytes) -> bytes:
    """`check` of bytes"""
    return (zlib.crc32(data) & 0xFFFF).to_bytes(2, "little")


@cache
def dictionary() -> list[bytes]:
    """Section "Dictionary": the entries by number."""
    d0, a0, d1, a1 = (table(*place) for place in ((0, 0), (1, 0), (0, 1), (1, 1)))
    scan = bytes.fromhex("FFDA 000C 03 0100 0211 0311 003F00")
    four = segment(d0) + segment(a0) + segment(d1) + segment(a1) + scan
    entries = [bytes.fromhex("FFD8 FFE0 0010 4A46494600 0101 00 0001 0001 00 00"), d0, a0, d1, a1]
    entries += [segment(d0) + segment(a0) + bytes.fromhex("FFDA 0008 01 0100 003F00"), four]
    entries += [bytes.fromhex(f"03 01 {xx} 00 02 11 01 03 11 01") + four for xx in (11, 21, 22)]
    entries += [scan]
    entries += [
        bytes.fromhex("FFDB 0043 00") + steps(q, 0) + bytes.fromhex("FFDB 0043 01") + steps(q, 1)
        for q in range(1, 101)
    ]
    entries += [b"\0" + steps(q, 0) for q in range(1, 101)]
    entries += [b"\1" + steps(q, 1) for q in range(1, 101)]
    return entries


def table(kind: int, c: int) -> bytes:
    """D(c) for kind 0, A(c) for kind 1."""
    return bytes([kind << 4 | c]) + TYPICAL_TABLES[kind, c]


def segment(t: bytes) -> bytes:
    """S(t)"""
    return b"\xff\xc4" + (len(t) + 2).to_bytes(2, "big") + t


def steps(q: int, c: int) -> bytes:
    """Q(q, c)"""
    s = 5000 // q if q < 50 else 200 - 2 * q
    k = CHROMINANCE if c else LUMINANCE
    return bytes(clamp((k[8 * row + column] * s + 50) // 100, 1, 255) for row, column in ZIGZAG)
