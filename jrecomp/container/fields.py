"""Fields of a container, walked in one direction to write and in the other to read.

A structure is described once, as a function that passes each of its values through a `Fields` object
and builds the structure from what comes back: a `Writer` appends the value and returns it, a `Reader`
ignores it and returns what the bytes say.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, islice, repeat
from typing import Protocol, TypeVar

from jrecomp.container import packing
from jrecomp.errors import CorruptContainerError

T = TypeVar("T")

_MAX_VARINT_BYTES = 9  # 63 bits: more than any length that a file can have


class Fields(Protocol):
    """What a structure's description may contain."""

    def byte(self, value: int) -> int:
        """One byte."""
        ...

    def varint(self, value: int) -> int:
        """An unsigned integer, little-endian groups of 7 bits (LEB128), in the fewest bytes."""
        ...

    def raw(self, value: bytes, length: int) -> bytes:
        """Exactly `length` bytes."""
        ...

    def packed(self, value: bytes, limit: int) -> bytes:
        """Bytes compressed where that helps: length, compressed length or 0, compressed or plain bytes.

        limit: the largest length that a reader accepts.
        """
        ...


def blob(fields: Fields, value: bytes) -> bytes:
    """Bytes after their length."""
    return fields.raw(value, fields.varint(len(value)))


def blobs(fields: Fields, values: Sequence[bytes]) -> tuple[bytes, ...]:
    """Several byte strings: their number, all lengths, then all contents."""
    lengths = [fields.varint(len(value)) for value in repeated(fields, values, b"")]
    return tuple(map(fields.raw, chain(values, repeat(b"")), lengths))


def repeated(fields: Fields, values: Sequence[T], blank: T) -> Iterator[T]:
    """The number of values, then each of them; a reader, which comes with none, gets as many blanks.

    They come one by one, so that a false number meets the end of the bytes before it costs anything.
    """
    return islice(chain(values, repeat(blank)), fields.varint(len(values)))


class Writer:
    """Appends every field to `data`."""

    def __init__(self) -> None:
        self.data = bytearray()

    def byte(self, value: int) -> int:
        """Append one byte."""
        self.data.append(value)
        return value

    def varint(self, value: int) -> int:
        """Append an unsigned integer."""
        rest = value
        while rest > 0x7F:
            self.data.append(rest & 0x7F | 0x80)
            rest >>= 7
        self.data.append(rest)
        return value

    def raw(self, value: bytes, length: int) -> bytes:
        """Append bytes."""
        self.data += value
        return value

    def packed(self, value: bytes, limit: int) -> bytes:
        """Append bytes, compressed where that helps."""
        self.varint(len(value))
        compressed = Writer()
        blob(compressed, packing.squeeze(value))
        if len(compressed.data) < 1 + len(value):
            self.data += compressed.data
        else:
            self.varint(0)
            self.data += value
        return value


class Reader:
    """Takes every field from bytes; raises CorruptContainerError where they end too early."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    @property
    def left(self) -> int:
        """Bytes not yet read."""
        return len(self._data) - self._position

    def byte(self, value: int = 0) -> int:
        """Take one byte."""
        return self.raw(b"", 1)[0]

    def varint(self, value: int = 0) -> int:
        """Take an unsigned integer."""
        result = 0
        for index in range(_MAX_VARINT_BYTES):
            byte = self.byte()
            result |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                if byte == 0 and index > 0:
                    break
                return result
        raise CorruptContainerError("damaged container: a malformed number")

    def raw(self, value: bytes, length: int) -> bytes:
        """Take `length` bytes."""
        if length > self.left:
            raise CorruptContainerError(
                f"damaged container: {length} bytes expected where {self.left} are left"
            )
        start, self._position = self._position, self._position + length
        return self._data[start : self._position]

    def packed(self, value: bytes, limit: int) -> bytes:
        """Take bytes and undo their compression."""
        length = self.varint()
        if length > limit:
            raise CorruptContainerError(
                f"damaged container: a part of {length} bytes, where {limit} are possible"
            )
        squeezed = blob(self, b"")
        return packing.expand(squeezed, length) if squeezed else self.raw(b"", length)

    def finish(self) -> None:
        """Check that every byte was read."""
        if self.left:
            raise CorruptContainerError(f"damaged container: {self.left} bytes too many")
