"""The outer fields of a container: signature, version, mode, body, checksum (docs/format.md, "Container")."""

from zlib import crc32

from jrecomp.container.boxes import (
    Container,
    Lossless,
    Lossy,
    Stored,
    read_lossless,
    read_lossy,
    read_stored,
    write_body,
)
from jrecomp.container.fields import FieldReader, FieldWriter
from jrecomp.errors import CorruptContainerError
from jrecomp.options import DEFAULT_LIMITS, Limits

FORMAT_VERSION = 1

_SIGNATURE = b"\xd1JR"
_MODES = {Stored: 0, Lossless: 1, Lossy: 2}
_CHECKSUM_BYTES = 4


def pack(box: Container) -> bytes:
    """The bytes of a container with these contents."""
    writer = FieldWriter()
    writer.raw(_SIGNATURE, len(_SIGNATURE))
    writer.byte(FORMAT_VERSION)
    writer.byte(_MODES[type(box)])
    write_body(writer, box)
    return bytes(writer.data) + crc32(writer.data).to_bytes(_CHECKSUM_BYTES, "little")


def unpack(data: bytes, limits: Limits = DEFAULT_LIMITS, *, brief: bool = False) -> Container:
    """The contents of a container; raises CorruptContainerError.

    Lengths are checked before memory is allocated for them.

    limits: bounds on the numbers of pictures and scans. brief: read only what describes the container. Stored
    data, `back` and the `coded` of pictures are empty then, and are not decompressed.
    """
    _check(data)
    reader = FieldReader(data[:-_CHECKSUM_BYTES])
    reader.raw(b"", len(_SIGNATURE) + 1)
    box = _read_body(reader, limits, brief)
    if not brief:
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


def _read_body(reader: FieldReader, limits: Limits, brief: bool) -> Container:
    mode = reader.byte()
    if mode == _MODES[Stored]:
        return read_stored(reader, brief)
    if mode == _MODES[Lossless]:
        return read_lossless(reader, limits, brief)
    if mode == _MODES[Lossy]:
        return read_lossy(reader, limits, brief)
    raise CorruptContainerError(f"the container has the unknown mode {mode}")
