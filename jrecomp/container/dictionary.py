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

_LOOKED_AHEAD = 8
"""Bytes of an entry after the first that are looked at together with those of others."""

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
    for match in islice(_found(data, starts), MOST_REFERENCES):
        literals.append(data[end : match.start()])
        references.append((len(literals[-1]), entries().index(match.group())))
        end = match.end()
    writer = FieldWriter()
    _references(writer, references)
    blob(writer, b"".join(literals) + data[end:])
    return bytes(writer.data)


def _found(data: bytes, starts: Sequence[int]) -> Iterator[re.Match[bytes]]:
    """The entries in the data, from left to right, without overlap."""
    end = 0
    for start, following in pairwise([*starts, len(data)]):
        for match in _pattern().finditer(data, max(start, end), min(start + _WINDOW, following)):
            end = match.end()
            yield match


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
def _pattern() -> re.Pattern[bytes]:
    """Matches the longest entry at a position.

    Entries with the same first byte are an alternative. Most of the 200 with quantization tables begin with 0
    or 1, as much else does, so the next bytes are looked at in sets before entries are tried one by one.
    """
    longest_first = sorted(entries(), key=len, reverse=True)
    alternatives = [
        re.escape(bytes([first])) + _branch([entry[1:] for entry in longest_first if entry[0] == first])
        for first in sorted({entry[0] for entry in entries()})
    ]
    return re.compile(b"|".join(alternatives))


def _branch(entries: Sequence[bytes]) -> bytes:
    """A pattern of any of the entries, of which earlier ones are preferred."""
    columns = [{bytes([entry[k]]) for entry in entries} for k in range(_LOOKED_AHEAD)]
    ahead = b"".join(b"[%s]" % b"".join(map(re.escape, sorted(column))) for column in columns)
    return b"(?=%s)(?:%s)" % (ahead, b"|".join(map(re.escape, entries)))
