"""Replaces byte strings that are common in JPEG headers with references (docs/format.md, "Metadata").

The transform is exact for any bytes. Entries are found at any position, also in embedded thumbnails.
"""

import re
from functools import cache

from jrecomp.container.fields import FieldReader, Fields, FieldWriter, repeated
from jrecomp.errors import CorruptContainerError
from jrecomp.t81 import TYPICAL_TABLES, scaled_table

_SEARCHED_BYTES = 1 << 16  # the headers are at the beginning; searching appended videos would take long


def replace(data: bytes) -> bytes:
    """Replace entries of the dictionary in headers with references.

    Returns the references and the literals, laid out as docs/format.md specifies.
    """
    references: list[tuple[int, int]] = []
    literals = []
    end = 0
    for match in _pattern().finditer(data, 0, _SEARCHED_BYTES):
        literals.append(data[end : match.start()])
        references.append((len(literals[-1]), entries().index(match.group())))
        end = match.end()
    writer = FieldWriter()
    _references(writer, references)
    return bytes(writer.data) + b"".join(literals) + data[end:]


def restore(data: bytes, limit: int) -> bytes:
    """The inverse of replace(); raises CorruptContainerError if it fails or exceeds `limit` bytes."""
    reader = FieldReader(data)
    result = bytearray()
    for gap, number in _references(reader, []):
        if number >= len(entries()):
            raise CorruptContainerError(f"damaged container: the dictionary has no entry {number}")
        result += reader.raw(b"", gap) + entries()[number]
        if len(result) > limit:
            break
    result += reader.raw(b"", reader.left)
    if len(result) > limit:
        raise CorruptContainerError("damaged container: its headers are longer than the file")
    return bytes(result)


def _references(fields: Fields, references: list[tuple[int, int]]) -> list[tuple[int, int]]:
    pairs = repeated(fields, references, (0, 0))
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
def _pattern() -> re.Pattern[bytes]:
    longest_first = sorted(entries(), key=len, reverse=True)
    return re.compile(b"|".join(map(re.escape, longest_first)))
