"""The contents of containers in each mode, and their fields (docs/format.md, the sections on bodies)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from jrecomp.container.fields import FieldReader, Fields, FieldWriter
from jrecomp.container.metadata import pack_metadata, unpack_metadata
from jrecomp.container.tables import Slices, read_slices, write_slices
from jrecomp.digest import sha256
from jrecomp.errors import CorruptContainerError, check_memory
from jrecomp.options import Limits
from jrecomp.skeleton import Picture, Step, pictures

_CHECKSUM_BYTES = 4
_ALLOWANCE = 4096
"""Bytes that metadata may have beyond four times the length of the original."""

HIGHEST_QUALITY = 10000
"""Quality in hundredths of a file with the coefficients of its source."""


@dataclass(frozen=True)
class Original:
    """Identifies the file that a container restores.

    length: in bytes. checksum: the first 4 bytes of the SHA-256.
    """

    length: int = 0
    checksum: bytes = b""

    @classmethod
    def of(cls, data: bytes) -> "Original":
        """Length and checksum of a file's bytes."""
        return cls(len(data), sha256(data)[:_CHECKSUM_BYTES])


class Stored(NamedTuple):
    """A file stored unmodelled.

    original: identifies the file. reason: number of a StoredReason, or one that a later version added.
    data: the file.
    """

    original: Original = Original()
    reason: int = 0
    data: bytes = b""


@dataclass(frozen=True)
class Lossless:
    """A file with modelled JPEG pictures.

    original: identifies the file. model: permanent identifier of the model that coded the slices.
    front, back: the skeleton: the file without the scan data of its pictures. The steps refer to bytes of the
    front only. steps: what restores the file from the skeleton.
    """

    original: Original = Original()
    model: int = 0
    front: bytes = b""
    back: bytes = b""
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Lossy(Lossless):
    """A modelled JPEG file that was made from another with loss; `original` identifies the file it restores.

    source: length in bytes of the file that it was made from. quality: 0 to 10000, in hundredths.
    """

    source: int = 0
    quality: int = 0


@dataclass(frozen=True)
class Restorable(Lossless):
    """A modelled JPEG file that is meant to be shown after restoration.

    restorer: permanent number of the method by which its likeness was measured, see options.RESTORERS.
    """

    restorer: int = 0


Container = Stored | Lossless


def write_body(writer: FieldWriter, box: Container) -> None:
    """Write the body of a container."""
    if isinstance(box, Stored):
        original_fields(writer, box.original)
        writer.byte(box.reason)
        writer.packed(box.data)
        return
    if isinstance(box, Lossy):
        source_fields(writer, box.source, box.quality)
    if isinstance(box, Restorable):
        restorer_field(writer, box.restorer)
    original_fields(writer, box.original)
    writer.varint(box.model)
    found = pictures(box.steps)
    slices = sum(len(part) for picture in found for part in picture.coded.slices)
    writer.packed(pack_metadata(box.front, box.back, box.steps), beside=slices)
    write_slices(writer, found)


def read_stored(reader: FieldReader, limits: Limits, brief: bool) -> Stored:
    """Read the body of mode 0; raises CorruptContainerError, and LimitError if memory does not suffice.

    limits: bounds the memory for what is stored. brief: leave out what is stored.
    """
    original, reason = original_fields(reader), reader.byte()
    contents = reader.packed(original.length)
    if brief:
        return Stored(original, reason)
    check_memory(original.length, limits.max_memory)
    return Stored(original, reason, contents[:])


def read_lossless(reader: FieldReader, limits: Limits, brief: bool) -> Lossless:
    """Read the body of mode 1; raises CorruptContainerError, and LimitError if memory does not suffice.

    limits, brief: as for read_description(). With `brief`, the slices of pictures are empty.
    """
    box = read_description(reader, limits, brief)
    if brief:
        return box
    slices = read_slices(reader, len(pictures(box.steps)), intact=True)
    if any(None in parts for _, parts in slices):
        raise CorruptContainerError("damaged container: a slice does not fit its check")
    return with_slices(box, slices)


def read_description(reader: FieldReader, limits: Limits, brief: bool) -> Lossless:
    """Read what precedes the slices in the body of mode 1; raises the errors of read_lossless().

    limits: bounds the number of pictures, and the memory for the file and its metadata. brief: leave out the
    back of the skeleton and what restores scans.
    """
    original, model = original_fields(reader), reader.varint()
    metadata = reader.packed(4 * original.length + _ALLOWANCE)
    if not brief:
        check_memory(original.length + len(metadata), limits.max_memory)
    front, back, steps = unpack_metadata(metadata, original.length, limits, brief)
    return Lossless(original, model, front, back, steps)


def with_slices(box: Lossless, slices: Sequence[Slices]) -> Lossless:
    """The box with the slices of each picture; those that are None are empty."""
    left = iter(slices)

    def filled(picture: Picture) -> Picture:
        mcu_rows, parts = next(left)
        coded = picture.coded._replace(mcu_rows=mcu_rows, slices=tuple(part or b"" for part in parts))
        return picture._replace(coded=coded)

    steps = tuple(filled(step) if isinstance(step, Picture) else step for step in box.steps)
    return replace(box, steps=steps)


def read_lossy(reader: FieldReader, limits: Limits, brief: bool) -> Lossy:
    """Read the body of mode 2 as read_lossless() does."""
    source, quality = source_fields(reader)
    if quality > HIGHEST_QUALITY:
        raise CorruptContainerError(f"damaged container: its quality is {quality / 100:g}, more than 100")
    return Lossy(**vars(read_lossless(reader, limits, brief)), source=source, quality=quality)


def read_restorable(reader: FieldReader, limits: Limits, brief: bool) -> Restorable:
    """Read the body of mode 3 as read_lossless() does."""
    restorer = restorer_field(reader)
    return Restorable(**vars(read_lossless(reader, limits, brief)), restorer=restorer)


def original_fields(fields: Fields, original: Original = Original()) -> Original:
    """Write or read what identifies the file that a container restores."""
    return Original(fields.varint(original.length), fields.raw(original.checksum, _CHECKSUM_BYTES))


def source_fields(fields: Fields, source: int = 0, quality: int = 0) -> tuple[int, int]:
    """Write or read what precedes the body of mode 1 in one of mode 2."""
    return fields.varint(source), fields.varint(quality)


def restorer_field(fields: Fields, restorer: int = 0) -> int:
    """Write or read what precedes the body of mode 1 in one of mode 3."""
    return fields.varint(restorer)
