"""The contents of containers in each mode, and their fields (docs/format.md, the sections on bodies)."""

from dataclasses import dataclass
from hashlib import sha256

from jrecomp.container import dictionary
from jrecomp.container.fields import FieldReader, Fields, FieldWriter, blob, blobs
from jrecomp.errors import CorruptContainerError

_CHECKSUM_BYTES = 4
_METADATA_ALLOWANCE = 4096
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
        return cls(len(data), sha256(data).digest()[:_CHECKSUM_BYTES])


@dataclass(frozen=True)
class Stored:
    """A file stored unmodelled.

    original: identifies the file. reason: number of a StoredReason, or one that a later version added.
    data: the file.
    """

    original: Original = Original()
    reason: int = 0
    data: bytes = b""


@dataclass(frozen=True)
class Lossless:
    """A modelled JPEG file.

    original: identifies the file. model: permanent identifier of the model that coded the slices.
    headers: every byte of the file that is not entropy-coded data of a modelled scan.
    reconstruction: result of pack_reconstruction().
    mcu_rows: MCU rows in each slice except the last, which may have fewer.
    slices: the range-coded coefficients of each slice.
    copies: the MCUs that are in no slice, as codec.EncodedSlices has them.
    """

    original: Original = Original()
    model: int = 0
    headers: bytes = b""
    reconstruction: bytes = b""
    mcu_rows: int = 0
    slices: tuple[bytes, ...] = ()
    copies: bytes = b""


@dataclass(frozen=True)
class Lossy(Lossless):
    """A modelled JPEG file that was made from another with loss; `original` identifies the file it restores.

    source: length in bytes of the file that it was made from. quality: 0 to 10000, in hundredths.
    """

    source: int = 0
    quality: int = 0


Container = Stored | Lossless


def stored(fields: Fields, box: Stored) -> Stored:
    """Write or read the body of mode 0; a reader ignores `box`."""
    original = _original(fields, box.original)
    return Stored(original, fields.byte(box.reason), fields.packed(box.data, original.length))


def lossless(fields: Fields, box: Lossless) -> Lossless:
    """Write or read the body of mode 1; a reader ignores `box`."""
    original = _original(fields, box.original)
    model = fields.varint(box.model)
    metadata = fields.packed(_join_metadata(box), 4 * original.length + _METADATA_ALLOWANCE)
    headers, reconstruction = _split_metadata(metadata, original.length)
    return Lossless(
        original,
        model,
        headers,
        reconstruction,
        copies=blob(fields, box.copies),
        mcu_rows=fields.varint(box.mcu_rows),
        slices=blobs(fields, box.slices),
    )


def lossy(fields: Fields, box: Lossy) -> Lossy:
    """Write or read the body of mode 2; a reader ignores `box`. Raises CorruptContainerError."""
    source, quality = fields.varint(box.source), fields.varint(box.quality)
    if quality > HIGHEST_QUALITY:
        raise CorruptContainerError(f"damaged container: its quality is {quality / 100:g}, more than 100")
    return Lossy(**vars(lossless(fields, box)), source=source, quality=quality)


def _original(fields: Fields, original: Original) -> Original:
    return Original(fields.varint(original.length), fields.raw(original.checksum, _CHECKSUM_BYTES))


def _join_metadata(box: Lossless) -> bytes:
    writer = FieldWriter()
    blob(writer, box.reconstruction)
    return bytes(writer.data) + dictionary.replace(box.headers)


def _split_metadata(metadata: bytes, limit: int) -> tuple[bytes, bytes]:
    reader = FieldReader(metadata)
    reconstruction = blob(reader, b"")
    return dictionary.restore(reader.raw(b"", reader.left), limit), reconstruction
