"""The slices of all pictures: their tables, and their bytes (docs/format.md, "Slices")."""

from collections.abc import Sequence
from itertools import chain, islice, repeat
from typing import NamedTuple

from jrecomp.container.fields import CHECK_BYTES, FieldReader, Fields, FieldWriter, check_of
from jrecomp.errors import CorruptContainerError
from jrecomp.skeleton import MOST_SLICES, Picture

Slices = tuple[int, tuple[bytes | None, ...]]
"""MCU rows of each slice of a picture except the last, and the slices."""


class Table(NamedTuple):
    """Describes the slices of a picture.

    back: 0, or a number n if the slices are those of the n-th picture before. mcu_rows: MCU rows of each
    slice except the last. lengths: bytes of each slice. checks: of each slice, unless it is the only one of
    the file. slices: to write.
    """

    back: int = 0
    mcu_rows: int = 0
    lengths: tuple[int, ...] = ()
    checks: tuple[bytes, ...] = ()
    slices: tuple[bytes, ...] = ()


def write_slices(writer: FieldWriter, pictures: Sequence[Picture]) -> None:
    """Write the tables of pictures, the check of all bytes so far, and the slices."""
    tables = _tables_of(pictures)
    for number, table in enumerate(tables):
        _table(writer, table, number, len(tables) > 1, MOST_SLICES)
    writer.check()
    for table in tables:
        for data in table.slices:
            writer.raw(data, len(data))


def read_slices(reader: FieldReader, count: int, intact: bool) -> list[Slices]:
    """MCU rows and slices of each picture; None in place of a slice that is damaged or missing.

    count: number of pictures. intact: whether the container fits its checksum. The only slice of a file has
    no check: it is damaged if the container is, as everything before it fits a check.

    Raises CorruptContainerError if the tables are damaged.
    """
    known: list[Slices] = []
    for number, table in enumerate(_read_tables(reader, count)):
        if table.back:
            known.append(known[number - table.back])
            continue
        parts = [reader.raw(b"", min(length, reader.left)) for length in table.lengths]
        fits = [check_of(part) == check for part, check in zip(parts, table.checks, strict=False)] or [intact]
        whole = [good and len(part) == n for part, n, good in zip(parts, table.lengths, fits, strict=True)]
        slices = (part if good else None for part, good in zip(parts, whole, strict=True))
        known.append((table.mcu_rows, tuple(slices)))
    return known


def _read_tables(reader: FieldReader, count: int) -> list[Table]:
    tables: list[Table] = []
    left = MOST_SLICES
    for number in range(count):
        tables.append(_table(reader, Table(), number, count > 1, left))
        left -= len(tables[-1].lengths)
    reader.check()
    return tables


def _tables_of(pictures: Sequence[Picture]) -> list[Table]:
    """The tables of pictures; equal slices are written once."""
    known: dict[tuple[int, tuple[bytes, ...]], int] = {}
    result = []
    for number, picture in enumerate(pictures):
        rows, slices = picture.coded.mcu_rows, picture.coded.slices
        first = known.setdefault((rows, slices), number)
        checks = tuple(map(check_of, slices)) if len(slices) > 1 or len(pictures) > 1 else ()
        table = Table(0, rows, tuple(map(len, slices)), checks, slices)
        result.append(Table(number - first) if first < number else table)
    return result


def _table(fields: Fields, table: Table, number: int, several: bool, limit: int) -> Table:
    """Write or read the table of picture `number`.

    several: whether the file has several pictures. limit: largest number of slices.
    """
    count = fields.varint(len(table.lengths))
    if count == 0:
        back = fields.varint(table.back)
        if not 1 <= back <= number:
            raise CorruptContainerError("damaged container: the slices of a picture are missing")
        return Table(back)
    if count > limit:
        raise CorruptContainerError(f"the container has {count:,} slices, more than are possible")
    mcu_rows = fields.varint(table.mcu_rows)
    lengths = tuple(fields.varint(length) for length in islice(chain(table.lengths, repeat(0)), count))
    checks = islice(chain(table.checks, repeat(b"")), count if several or count > 1 else 0)
    return Table(0, mcu_rows, lengths, tuple(fields.raw(check, CHECK_BYTES) for check in checks))
