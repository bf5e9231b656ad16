"""Replaces byte strings that are common in JPEG headers with references (docs/format.md, "Metadata").

The transform is exact for any bytes. Entries are found at any position in the headers of pictures.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice, pairwise

from jrecomp.container.fields import FieldReader, Fields, FieldWriter, blob, repeated
from jrecomp.errors import CorruptContainerError
from jrecomp.t81 import TYPICAL_TABLES, scaled_table

_WINDOW = 1 << 16
"""Entries are searched in this many bytes from the SOI of each picture on."""

_LOOKED_AT = 9
"""Bytes of an entry that are looked at before the entries are tried one by one; none is shorter."""

MOST_REFERENCES = 1 << 17
"""Most references of a container. It bounds the time that a small one can take."""


def replace(data: bytes, starts: Sequence[int]) -> bytes:
    """Replace entries of the dictionary in headers with references.

    starts: where the headers of pictures begin, in ascending order.

    Returns the references and the literals, laid out as docs/format.md specifies.
    """
    references: list[tuple[int, int]] = []
    literals = []
    end = 0
    for start, number in islice(_found(data, starts), MOST_REFERENCES):
        literals.append(data[end:start])
        references.append((len(literals[-1]), number))
        end = start + len(entries()[number])
    writer = FieldWriter()
    _references(writer, references)
    blob(writer, b"".join(literals) + data[end:])
    return bytes(writer.data)


def _found(data: bytes, starts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The entries in the data, as (position, number), from left to right, without overlap."""
    at = 0
    for start, following in pairwise([*starts, len(data)]):
        at, end = max(start, at), min(start + _WINDOW, following)
        while candidate := _beginning().search(data, at, end):
            at = candidate.start()
            number = _longest(data[at:end])
            if number is None:
                at += 1
            else:
                yield at, number
                at += len(entries()[number])


def _longest(data: bytes) -> int | None:
    """The number of the longest entry that the data begin with, None if there is none."""
    for number in _numbers().get(data[:_LOOKED_AT], []):
        if data.startswith(entries()[number]):
            return number
    return None


def restore(reader: FieldReader, limit: int) -> bytes:
    """The inverse of replace(); raises CorruptContainerError if it fails or exceeds `limit` bytes."""
    references, result = _references(reader, []), bytearray()
    literals = FieldReader(blob(reader, b""))
    for gap, number in references:
        if number >= len(entries()):
            raise CorruptContainerError(f"damaged container: the dictionary has no entry {number}")
        result += literals.raw(b"", gap) + entries()[number]
        if len(result) > limit:
            break
    result += literals.raw(b"", literals.left)
    if len(result) > limit:
        raise CorruptContainerError("damaged container: its headers are longer than they can be")
    return bytes(result)


def _references(fields: Fields, references: list[tuple[int, int]]) -> list[tuple[int, int]]:
    pairs = repeated(fields, references, (0, 0), MOST_REFERENCES)
    return [(fields.varint(gap), fields.varint(number)) for gap, number in pairs]


@cache
def entries() -> list[bytes]:
    """All entries of the dictionary; their indices are the permanent numbers of docs/format.md."""
    tables = [
        bytes([kind << 4 | destination]) + TYPICAL_TABLES[kind, destination]
        for destination in (0, 1)
        for kind in (0, 1)
    ]
    segments = [b"\xff\xc4" + (2 + len(table)).to_bytes(2) + table for table in tables]
    gray_scan = bytes.fromhex("ffda0008010100003f00")
    colour_scan = bytes.fromhex("ffda000c03010002110311003f00")
    colour_tail = b"".join(segments) + colour_scan
    samplings = [bytes([3, 1, luma, 0, 2, 0x11, 1, 3, 0x11, 1]) for luma in (0x11, 0x21, 0x22)]
    qualities = range(1, 101)
    luma = [b"\0" + scaled_table(quality, False) for quality in qualities]
    chroma = [b"\1" + scaled_table(quality, True) for quality in qualities]
    header = b"\xff\xdb\x00\x43"
    return [
        bytes.fromhex("ffd8ffe000104a46494600010100000100010000"),
        *tables,
        b"".join(segments[:2]) + gray_scan,
        colour_tail,
        *(sampling + colour_tail for sampling in samplings),
        colour_scan,
        *(header + first + header + second for first, second in zip(luma, chroma, strict=True)),
        *luma,
        *chroma,
    ]


@cache
def _numbers() -> dict[bytes, list[int]]:
    """The numbers of the entries by their first bytes, those of longer entries first."""
    numbers: dict[bytes, list[int]] = {}
    for number in sorted(range(len(entries())), key=lambda number: -len(entries()[number])):
        numbers.setdefault(entries()[number][:_LOOKED_AT], []).append(number)
    return numbers


@cache
def _beginning() -> re.Pattern[bytes]:
    """Matches where an entry can begin.

    Beginnings with the same first byte are an alternative, which takes any byte of theirs at each later
    position. A pattern of the entries themselves takes longer to compile than a small file to compress.
    """
    firsts = sorted({beginning[:1] for beginning in _numbers()})
    return re.compile(b"|".join(_any([b for b in _numbers() if b.startswith(first)]) for first in firsts))


def _any(beginnings: Sequence[bytes]) -> bytes:
    """A pattern that matches, at each position, what any of the beginnings has there."""
    columns = (sorted({b[k : k + 1] for b in beginnings}) for k in range(_LOOKED_AT))
    return b"".join(b"[%s]" % re.escape(b"".join(column)) for column in columns)
