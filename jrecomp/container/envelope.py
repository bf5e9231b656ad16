"""The outer fields of a container: signature, version, mode, body, checksum (docs/format.md, "Container")."""

from collections.abc import Callable
from zlib import crc32

from jrecomp.container.boxes import (
    Container,
    Lossless,
    Lossy,
    Restorable,
    Stored,
    original_fields,
    read_lossless,
    read_lossy,
    read_restorable,
    read_stored,
    restorer_field,
    source_fields,
    write_body,
)
from jrecomp.container.fields import FieldReader, FieldWriter
from jrecomp.errors import CorruptContainerError
from jrecomp.options import DEFAULT_LIMITS, Limits

FORMAT_VERSION = 1

_SIGNATURE = b"\xd1JR"
STORED_MODE, LOSSLESS_MODE, LOSSY_MODE, RESTORABLE_MODE = range(4)
_MODES = {
    Stored: STORED_MODE,
    Lossless: LOSSLESS_MODE,
    Lossy: LOSSY_MODE,
    Restorable: RESTORABLE_MODE,
}
_READERS: dict[int, Callable[[FieldReader, Limits, bool], Container]] = {
    STORED_MODE: read_stored,
    LOSSLESS_MODE: read_lossless,
    LOSSY_MODE: read_lossy,
    RESTORABLE_MODE: read_restorable,
}
_CHECKSUM_BYTES = 4

HEAD_BYTES = 36
"""What precedes and identifies the original, three varints included, has at most so many bytes."""


def pack(box: Container) -> bytes:
    """The bytes of a container with these contents."""
    writer = FieldWriter()
    writer.raw(_SIGNATURE, len(_SIGNATURE))
    writer.byte(FORMAT_VERSION)
    writer.byte(_MODES[type(box)])
    write_body(writer, box)
    return bytes(writer.data) + crc32(writer.data).to_bytes(_CHECKSUM_BYTES, "little")


def is_container(data: bytes) -> bool:
    """Whether a file begins with the signature of containers."""
    return data.startswith(_SIGNATURE)


def unpack(data: bytes, limits: Limits = DEFAULT_LIMITS, *, brief: bool = False) -> Container:
    """The contents of a container; raises CorruptContainerError.

    Lengths are checked before memory is allocated for them.

    limits: bounds on the numbers of pictures and scans. brief: read only what describes the container. Stored
    data, `back` and the `coded` of pictures are empty then, and are not decompressed.
    """
    check_version(data)
    if crc32(data[:-_CHECKSUM_BYTES]) != int.from_bytes(data[-_CHECKSUM_BYTES:], "little"):
        raise CorruptContainerError("damaged or truncated container: its checksum does not match")
    reader = FieldReader(data[:-_CHECKSUM_BYTES])
    box = _READERS[read_mode(reader)](reader, limits, brief)
    if not brief:
        reader.finish()
    return box


def restored_length(head: bytes) -> int:
    """The length in bytes of the file that a container restores.

    head: the first HEAD_BYTES bytes of the container, or all of them. No checksum is compared. Raises
    CorruptContainerError if they are damaged, or those of a newer version.
    """
    check_version(head)
    reader = FieldReader(head)
    mode = read_mode(reader)
    if mode == LOSSY_MODE:
        source_fields(reader)
    elif mode == RESTORABLE_MODE:
        restorer_field(reader)
    return original_fields(reader).length


def check_version(data: bytes) -> None:
    """Raise CorruptContainerError unless the data begin with the signature and a known version."""
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


def read_mode(reader: FieldReader) -> int:
    """Read signature and version, which check_version() has checked, and the mode."""
    reader.raw(b"", len(_SIGNATURE) + 1)
    mode = reader.byte()
    if mode not in _READERS:
        raise CorruptContainerError(f"the container has the unknown mode {mode}")
    return mode
