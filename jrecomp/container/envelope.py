"""The outer fields of a container: signature, version, mode, body, checksum (docs/format.md, "Container")."""

from zlib import crc32

from jrecomp.container.boxes import Container, Lossless, Lossy, Stored, lossless, lossy, stored
from jrecomp.container.fields import FieldReader, FieldWriter
from jrecomp.errors import CorruptContainerError

FORMAT_VERSION = 1

_SIGNATURE = b"\xd1JR"
_STORED_MODE, _LOSSLESS_MODE, _LOSSY_MODE = 0, 1, 2
_CHECKSUM_BYTES = 4


def pack(box: Container) -> bytes:
    """The bytes of a container with these contents."""
    writer = FieldWriter()
    writer.raw(_SIGNATURE, len(_SIGNATURE))
    writer.byte(FORMAT_VERSION)
    if isinstance(box, Stored):
        writer.byte(_STORED_MODE)
        stored(writer, box)
    elif isinstance(box, Lossy):
        writer.byte(_LOSSY_MODE)
        lossy(writer, box)
    else:
        writer.byte(_LOSSLESS_MODE)
        lossless(writer, box)
    return bytes(writer.data) + crc32(writer.data).to_bytes(_CHECKSUM_BYTES, "little")


def unpack(data: bytes) -> Container:
    """The contents of a container; raises CorruptContainerError.

    Lengths are checked before memory is allocated for them.
    """
    _check(data)
    reader = FieldReader(data[len(_SIGNATURE) + 1 : -_CHECKSUM_BYTES])
    box = _read_body(reader)
    reader.finish()
    return box


def _check(data: bytes) -> None:
    if not data:
        raise CorruptContainerError("not a .jrc container: the input is empty")
    if not data.startswith(_SIGNATURE[: len(data)]):
        raise CorruptContainerError("not a .jrc container")
    if len(data) <= len(_SIGNATURE):
        raise CorruptContainerError("truncated container")
    version = data[len(_SIGNATURE)]
    if not 1 <= version <= FORMAT_VERSION:
        raise CorruptContainerError(
            f"the container has format version {version}, but this jrecomp reads only versions 1 to"
            f" {FORMAT_VERSION}"
        )
    if crc32(data[:-_CHECKSUM_BYTES]) != int.from_bytes(data[-_CHECKSUM_BYTES:], "little"):
        raise CorruptContainerError("damaged or truncated container: its checksum does not match")


def _read_body(reader: FieldReader) -> Container:
    mode = reader.byte()
    if mode == _STORED_MODE:
        return stored(reader, Stored())
    if mode == _LOSSLESS_MODE:
        return lossless(reader, Lossless())
    if mode == _LOSSY_MODE:
        return lossy(reader, Lossy())
    raise CorruptContainerError(f"the container has the unknown mode {mode}")
