"""A second decoder of the container, written from docs/format.md and for reading."""

import hashlib
import struct
import zlib

import brotli
import pytest

import jrecomp
from jrecomp import container, jpeg
from jrecomp.container.dictionary import entries
from jrecomp.encoding import encode_file
from jrecomp.model import load
from tests.encoder.drawings import noisy, png


class ByTheBook:
    """Reads fields one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, count: int) -> bytes:
        assert count <= len(self.data)
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def varint(self) -> int:
        low = self.take(1)[0]
        return low if low < 128 else low - 128 + 128 * self.varint()

    def packed(self) -> bytes:
        plain, compressed = self.varint(), self.varint()
        return brotli.decompress(self.take(compressed)) if compressed else self.take(plain)


def opened(container: bytes) -> tuple[int, ByTheBook]:
    """Mode and body of a container."""
    assert container[:4] == b"\xd1JR\x01"
    assert struct.unpack("<I", container[-4:]) == (zlib.crc32(container[:-4]),)
    return container[4], ByTheBook(container[5:-4])


def front_by_the_book(metadata: ByTheBook) -> bytes:
    references = [(metadata.varint(), metadata.varint()) for _ in range(metadata.varint())]
    literals = ByTheBook(metadata.take(metadata.varint()))
    restored = b"".join(literals.take(gap) + entries()[number] for gap, number in references)
    return restored + literals.data


@pytest.mark.parametrize("data", [b"", b"text", bytes(10_000)])
def test_stored_file(data: bytes) -> None:
    mode, body = opened(jrecomp.compress(data))
    assert mode == 0
    assert (body.varint(), body.take(4)) == (len(data), hashlib.sha256(data).digest()[:4])
    assert body.take(1) == b"\1"
    assert body.packed() == data
    assert body.data == b""


def test_modelled_file(photo: bytes) -> None:
    mode, body = opened(jrecomp.compress(photo))
    assert mode == 1
    check_modelled(body, photo)


def test_file_made_with_loss(photo: bytes) -> None:
    compressed = jrecomp.compress(photo, quality=43.21)
    mode, body = opened(compressed)
    assert mode == 2
    assert (body.varint(), body.varint()) == (len(photo), 4321)
    check_modelled(body, jrecomp.decompress(compressed))


def test_file_encoded_for_restoration() -> None:
    compressed = encode_file(png(noisy()), contained=True, restored=True)
    mode, body = opened(compressed)
    assert mode == 3
    assert body.varint() == 2  # network
    check_modelled(body, jrecomp.decompress(compressed))


def check_modelled(body: ByTheBook, photo: bytes) -> None:
    assert (body.varint(), body.take(4)) == (len(photo), hashlib.sha256(photo).digest()[:4])
    assert body.varint() == load().identifier
    metadata = ByTheBook(body.packed())
    expected = jpeg.read(photo)
    assert [metadata.varint() for _ in range(3)] == [1, 0, len(photo) - len(expected.headers)]
    assert front_by_the_book(metadata) == expected.headers
    assert metadata.take(metadata.varint()) == container.pack_reconstruction(expected.scans)
    assert metadata.varint() == 0  # bytes of copies
    assert metadata.data == b""
    assert [body.varint() for _ in range(2)] == [1, expected.frame.mcu_rows]
    (length,) = [body.varint()]
    assert len(body.take(2)) == 2
    assert length == len(body.data)
