"""What a container holds in each mode, and the fields that it is written as."""

from dataclasses import dataclass
from hashlib import sha256

from jrecomp.container import dictionary
from jrecomp.container.fields import Fields, Reader, Writer, blob, blobs
from jrecomp.errors import CorruptContainerError

_CHECKSUM_BYTES = 4
_METADATA_ALLOWANCE = 4096

HIGHEST_QUALITY = 10000
"""In hundredths: of a picture whose coefficients are the source's."""


@dataclass(frozen=True)
class Original:
    """What identifies the original file: its length in bytes and the start of its SHA-256."""

    length: int = 0
    checksum: bytes = b""

    @classmethod
    def of(cls, data: bytes) -> "Original":
        """Describe a file's bytes."""
        return cls(len(data), sha256(data).digest()[:_CHECKSUM_BYTES])


@dataclass(frozen=True)
class Stored:
    """A file kept as bytes.

    reason: number of a StoredReason, or of one that a later version added.
    """

    original: Original = Original()
    reason: int = 0
    data: bytes = b""


@dataclass(frozen=True)
class Lossless:
    """A modelled JPEG file.

    model: permanent identifier of the model that coded the slices.
    headers: every byte of the file that is not entropy-coded data of a modelled scan.
    reconstruction: what the scans say beyond the coefficients, of pack_reconstruction().
    mcu_rows: MCU rows in each slice but the last, which may have fewer.
    slices: the coefficients, coded.
    """

    original: Original = Original()
    model: int = 0
    headers: bytes = b""
    reconstruction: bytes = b""
    mcu_rows: int = 0
    slices: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Lossy(Lossless):
    """A modelled JPEG file that was made from another with changes; `original` is what it restores.

    source: length of that other file in bytes. quality: 0 to 100 in hundredths.
    """

    source: int = 0
    quality: int = 0


Container = Stored | Lossless


def stored(fields: Fields, box: Stored) -> Stored:
    """The body of a stored file."""
    original = _original(fields, box.original)
    return Stored(original, fields.byte(box.reason), fields.packed(box.data, original.length))


def lossless(fields: Fields, box: Lossless) -> Lossless:
    """The body of a modelled file."""
    original = _original(fields, box.original)
    model = fields.varint(box.model)
    metadata = fields.packed(_join_metadata(box), 4 * original.length + _METADATA_ALLOWANCE)
    headers, reconstruction = _split_metadata(metadata, original.length)
    return Lossless(
        original,
        model,
        headers,
        reconstruction,
        mcu_rows=fields.varint(box.mcu_rows),
        slices=blobs(fields, box.slices),
    )


def lossy(fields: Fields, box: Lossy) -> Lossy:
    """The body of a modelled file that was changed."""
    source, quality = fields.varint(box.source), fields.varint(box.quality)
    if quality > HIGHEST_QUALITY:
        raise CorruptContainerError(f"a quality of {quality / 100:g}")
    return Lossy(**vars(lossless(fields, box)), source=source, quality=quality)


def _original(fields: Fields, original: Original) -> Original:
    return Original(fields.varint(original.length), fields.raw(original.checksum, _CHECKSUM_BYTES))


def _join_metadata(box: Lossless) -> bytes:
    writer = Writer()
    blob(writer, box.reconstruction)
    return bytes(writer.data) + dictionary.replace(box.headers)


def _split_metadata(metadata: bytes, limit: int) -> tuple[bytes, bytes]:
    reader = Reader(metadata)
    reconstruction = blob(reader, b"")
    return dictionary.restore(reader.raw(b"", reader.left), limit), reconstruction
