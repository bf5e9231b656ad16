"""Field types of containers, with one description of each structure for writing and reading.

A structure is described by a function that passes each value to a method of a `Fields` object and builds the
structure from the returned values. A `FieldWriter` appends the value and returns it. A `FieldReader` ignores
the value and returns the one that it reads. The types are specified in docs/format.md, "Conventions".
"""

from collections.abc import Iterator, Sequence
from itertools import chain, islice, repeat
from typing import Protocol, TypeVar
from zlib import crc32

from jrecomp.container import packing
from jrecomp.errors import CorruptContainerError

T = TypeVar("T")

CHECK_BYTES = 2
"""Bytes of a check, see Fields.check()."""

_MAX_VARINT_BYTES = 9  # 63 bits


class Sliceable(Protocol):
    """Bytes, or an object that makes them when they are used."""

    def __len__(self) -> int:
        """Number of bytes."""
        ...

    def __getitem__(self, part: slice, /) -> bytes:
        """Some of the bytes."""
        ...


class Fields(Protocol):
    """The field types of a container; each method takes the value to write and returns the value."""

    def byte(self, value: int) -> int:
        """One byte."""
        ...

    def varint(self, value: int) -> int:
        """An unsigned integer in LEB128, in as few bytes as possible."""
        ...

    def raw(self, value: bytes, length: int) -> bytes:
        """Exactly `length` bytes."""
        ...


def blob(fields: Fields, value: bytes) -> bytes:
    """Bytes, preceded by their length."""
    return fields.raw(value, fields.varint(len(value)))


def repeated(fields: Fields, values: Sequence[T], blank: T, limit: int | None = None) -> Iterator[T]:
    """Write or read the number of values, and yield as many: those given to write, or blanks to read.

    Values are yielded one at a time. A reader of a wrong number thus reaches the end of the data before it
    allocates memory for that many values. limit: the largest number that a reader accepts.
    """
    count = fields.varint(len(values))
    if limit is not None and count > limit:
        raise CorruptContainerError(f"the container has {count:,} items in a list, more than {limit:,}")
    return islice(chain(values, repeat(blank)), count)


def check_of(data: bytes | bytearray) -> bytes:
    """The low two bytes of the CRC-32 of bytes, as they are written."""
    return (crc32(data) & 0xFFFF).to_bytes(CHECK_BYTES, "little")


class FieldWriter:
    """Appends each field to `data`."""

    def __init__(self) -> None:
        self.data = bytearray()

    def byte(self, value: int) -> int:
        """Append one byte."""
        self.data.append(value)
        return value

    def varint(self, value: int) -> int:
        """Append an unsigned integer in LEB128."""
        rest = value
        while rest > 0x7F:
            self.data.append(rest & 0x7F | 0x80)
            rest >>= 7
        self.data.append(rest)
        return value

    def raw(self, value: bytes, length: int) -> bytes:
        """Append bytes; `length` is not used."""
        self.data += value
        return value

    def packed(self, value: bytes, beside: int = 0) -> None:
        """Append bytes, compressed if that makes the field shorter; beside: see packing.squeeze()."""
        self.varint(len(value))
        compressed = FieldWriter()
        blob(compressed, packing.squeeze(value, beside))
        if len(compressed.data) < 1 + len(value):
            self.data += compressed.data
        else:
            self.varint(0)
            self.data += value

    def check(self) -> None:
        """Append the low two bytes of the CRC-32 of the bytes so far."""
        self.data += check_of(self.data)


class FieldReader:
    """Reads fields from bytes; its methods raise CorruptContainerError for damaged or truncated data."""

    def __init__(self, data: Sliceable) -> None:
        self._data = data
        self._position = 0

    @property
    def left(self) -> int:
        """Bytes not yet read."""
        return len(self._data) - self._position

    def byte(self, value: int = 0) -> int:
        """Read one byte."""
        return self.raw(b"", 1)[0]

    def varint(self, value: int = 0) -> int:
        """Read an unsigned integer in LEB128."""
        result = 0
        found = self._data[self._position : self._position + _MAX_VARINT_BYTES]
        for index, byte in enumerate(found):
            result |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                if byte == 0 and index > 0:
                    break
                self._position += index + 1
                return result
        else:
            if len(found) < _MAX_VARINT_BYTES:
                self.raw(b"", len(found) + 1)  # raises: the data end in the number
        raise CorruptContainerError("damaged container: a number is malformed")

    def raw(self, value: bytes, length: int) -> bytes:
        """Read `length` bytes."""
        if length > self.left:
            raise CorruptContainerError(
                f"damaged container: {length} bytes are expected, but {self.left} are left"
            )
        start, self._position = self._position, self._position + length
        return self._data[start : self._position]

    def packed(self, limit: int) -> Sliceable:
        """Read bytes that are at most `limit`; they are decompressed as far as they are used."""
        length = self.varint()
        if length > limit:
            raise CorruptContainerError(
                f"damaged container: a field has {length} bytes, but at most {limit} are possible"
            )
        squeezed = blob(self, b"")
        return packing.Expander(squeezed, length) if squeezed else self.raw(b"", length)

    def check(self) -> None:
        """Read the low two bytes of the CRC-32 of the bytes so far, and compare."""
        expected = check_of(self._data[: self._position])
        if self.raw(b"", CHECK_BYTES) != expected:
            raise CorruptContainerError("damaged container: its fields do not fit their check")

    def finish(self) -> None:
        """Raise CorruptContainerError if bytes are left."""
        if self.left:
            raise CorruptContainerError(f"damaged container: it has {self.left} bytes too many")
