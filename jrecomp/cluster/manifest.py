"""The manifest: what became of each file, in Parquet files of which each task writes one."""

import io
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from jrecomp import __version__
from jrecomp.cluster.storage import Folder
from jrecomp.errors import printable

Status = Literal["written", "kept", "verified", "failed"]

PARQUET = (".parquet",)


@dataclass(frozen=True)
class Row:
    """What became of one file; the fields are the columns of the manifest.

    source, target: names below the folders, with control characters and what is no UTF-8 escaped; the target
        is None where nothing is written. source_raw: the bytes of the name if `source` had to be escaped.
    status: written, kept (it was there, whole and with the checksum of the source), verified, or failed.
    original_bytes, original_sha256: of the JPEG file. container_bytes, container_sha256: of the container.
    mode, model, model_id, stored_reason: see Info. version: of jrecomp, which handled the file.
    error, exit_code: of failed files; the code is 0 for others. seconds: for reading, computing and writing.
    """

    source: str
    source_raw: bytes | None
    target: str | None
    status: Status
    original_bytes: int | None = None
    original_sha256: str | None = None
    container_bytes: int | None = None
    container_sha256: str | None = None
    mode: str | None = None
    model: str | None = None
    model_id: int | None = None
    stored_reason: str | None = None
    error: str | None = None
    exit_code: int = 0
    seconds: float = 0.0
    version: str = __version__


SCHEMA = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        ("source_raw", pa.binary()),
        ("target", pa.string()),
        pa.field("status", pa.string(), nullable=False),
        ("original_bytes", pa.int64()),
        ("original_sha256", pa.string()),
        ("container_bytes", pa.int64()),
        ("container_sha256", pa.string()),
        ("mode", pa.string()),
        ("model", pa.string()),
        ("model_id", pa.int64()),
        ("stored_reason", pa.string()),
        ("error", pa.string()),
        pa.field("exit_code", pa.int32(), nullable=False),
        pa.field("seconds", pa.float64(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
    ]
)


def names(name: str) -> tuple[str, bytes | None]:
    """A name as text for a manifest, and its bytes if the text is another."""
    text = printable(name)
    return text, None if text == name else os.fsencode(name)


def table(rows: Iterable[Row]) -> pa.Table:
    """The rows as a table."""
    return pa.Table.from_pylist([vars(row) for row in rows], SCHEMA)


def rows_of(found: pa.Table) -> list[Row]:
    """The rows of a table."""
    return [Row(**row) for row in found.to_pylist()]


@dataclass(frozen=True)
class Manifest:
    """The folder of a manifest. None for the URL means that there is none: nothing is written or found."""

    url: str | None

    def part(self, name: str) -> list[Row] | None:
        """The rows of a part, None if it does not exist."""
        if self.url is None:
            return None
        data = _folder(self.url).existing(_file(name), _LARGEST)
        return None if data is None else rows_of(pq.read_table(io.BytesIO(data)))

    def write(self, name: str, rows: Sequence[Row]) -> None:
        """Write a part."""
        if self.url is not None:
            output = io.BytesIO()
            pq.write_table(table(rows), output, compression="zstd")
            _folder(self.url).write(_file(name), output.getvalue(), replace=True)

    def rows(self) -> Iterator[Row]:
        """All rows."""
        if self.url is not None:
            for entry in _folder(self.url).walk(PARQUET, _raise):
                yield from self.part(entry.name.removesuffix(PARQUET[0])) or []


_LARGEST = 64 << 20
"""Bytes of a part, of at most tasks.FILES rows."""

_folder = cache(Folder)


def _file(name: str) -> str:
    return f"{name}{PARQUET[0]}"


def _raise(_: str, error: Exception) -> Any:
    raise error
