"""Writers of results for one JPEG file: containers, and standard JPEG files."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from jrecomp import codec, container, jpeg
from jrecomp.container import Lossless, Lossy, Original, Stored
from jrecomp.errors import StoredReason, UnsupportedJpegError, VerificationError
from jrecomp.jpeg.markers import trailer
from jrecomp.jpeg.metadata import has_index, metadata, stripped
from jrecomp.jpeg.types import JpegFile
from jrecomp.lossy import HIGHEST, Requantized
from jrecomp.model import Model
from jrecomp.options import Limits

_TABLE_BYTES, _FIELD_BYTES = 500, 50
"""About how many bytes the tables of a JPEG file and the fields of a container take at least."""


@dataclass(frozen=True)
class WriteOptions:
    """How JPEG files are written.

    strip: leave out metadata that decoders do not need. progressive: scans as libjpeg's progressive ones.
    """

    strip: bool = False
    progressive: bool = False


@dataclass(frozen=True)
class Result:
    """output: the bytes to write. restored: the JPEG file that they stand for.

    quality: 0 to 100, of the change; None where no coefficient changed.
    """

    output: bytes
    restored: bytes
    quality: float | None = None


def stored(data: bytes, reason: StoredReason) -> Result:
    """A container that holds a file as it is."""
    return Result(container.pack(Stored(Original.of(data), reason, data)), data)


@dataclass(frozen=True)
class Writer(ABC):
    """Writes results of one file. source: its bytes, file: the same, parsed.

    Every method raises UnsupportedJpegError where the result cannot be written.
    """

    source: bytes
    file: JpegFile
    options: WriteOptions
    limits: Limits

    @cached_property
    def damage(self) -> str:
        """Why coefficients must not change, see jpeg.damage(); empty where they may."""
        return jpeg.damage(self.file, self.limits)

    @property
    @abstractmethod
    def overhead(self) -> int:
        """About how many bytes of a result are not entropy-coded."""

    @abstractmethod
    def unchanged(self) -> Result:
        """The smallest result whose coefficients are those of the file."""

    @abstractmethod
    def changed(self, new: Requantized, quality: float) -> Result:
        """The result with new coefficients."""

    @abstractmethod
    def changed_jpeg(self, new: Requantized) -> bytes:
        """The JPEG file alone that changed() stands for."""

    def _metadata_bytes(self) -> int:
        """Size of the metadata and of what follows EOI, as results have them."""
        after = b"" if self.options.strip else trailer(self.file.headers) or b""
        return len(metadata(self.file.headers, self.options.strip)) + len(after)

    def _kept(self) -> tuple[JpegFile, bytes]:
        """The file and its bytes, without metadata where they are to be stripped."""
        headers = stripped(self.file.headers) if self.options.strip else self.file.headers
        if len(headers) >= len(self.file.headers):
            return self.file, self.source
        less = replace(self.file, headers=headers)
        written = jpeg.write(less, self.limits)
        _check_same(jpeg.read(written, self.limits), less)
        return less, written

    def _rebuilt(self, new: Requantized, optimal: bool) -> JpegFile:
        """A new file; optimal: with Huffman tables that make it smallest."""
        return jpeg.rebuild(
            self.file,
            new.steps,
            new.coefficients,
            huffman="optimal" if optimal else "typical",
            progressive=self.options.progressive,
            strip=self.options.strip,
            limits=self.limits,
        )


@dataclass(frozen=True)
class JpegWriter(Writer):
    """Writes standard JPEG files. Each is read again and compared."""

    @property
    def overhead(self) -> int:
        """See Writer."""
        return _TABLE_BYTES + self._metadata_bytes()

    def unchanged(self) -> Result:
        """The source, stripped if asked for, or a new file with its coefficients, if that is smaller."""
        kept = Result(*2 * (self._kept()[1],))
        if self.damage or has_index(self.file.headers):
            return kept
        same = Requantized([c.quantization for c in self.file.frame.components], self.file.coefficients)
        try:
            new = replace(self.changed(same, HIGHEST), quality=None)
        except UnsupportedJpegError:
            return kept
        return min(new, kept, key=lambda result: len(result.output))

    def changed(self, new: Requantized, quality: float) -> Result:
        """See Writer."""
        file = self._rebuilt(new, optimal=True)
        written = jpeg.write(file, self.limits)
        _check_same(jpeg.read(written, self.limits), file)
        return Result(written, written, quality)

    def changed_jpeg(self, new: Requantized) -> bytes:
        """See Writer; not compared."""
        return jpeg.write(self._rebuilt(new, optimal=True), self.limits)


@dataclass(frozen=True)
class ContainerWriter(Writer):
    """Writes containers. They are not decoded again: that is for the caller."""

    model: Model
    resources: codec.Resources

    @property
    def overhead(self) -> int:
        """See Writer; tables take next to nothing in containers."""
        return _FIELD_BYTES + self._metadata_bytes()

    def unchanged(self) -> Result:
        """A lossless container of the source, or of the stripped source; stored where that is smaller."""
        file, restored = self._kept()
        box = self._lossless(file, restored)
        packed = container.pack(box if restored == self.source else self._lossy(box, HIGHEST))
        if len(packed) >= len(self.source):
            as_bytes = stored(self.source, StoredReason.NOT_SMALLER)
            if len(as_bytes.output) < len(packed):
                return as_bytes
        return Result(packed, restored)

    def changed(self, new: Requantized, quality: float) -> Result:
        """See Writer."""
        file, restored = self._smaller_jpeg(new)
        box = self._lossy(self._lossless(file, restored), quality)
        return Result(container.pack(box), restored, quality)

    def changed_jpeg(self, new: Requantized) -> bytes:
        """See Writer."""
        return self._smaller_jpeg(new)[1]

    def _smaller_jpeg(self, new: Requantized) -> tuple[JpegFile, bytes]:
        """With typical Huffman tables, which cost nothing in containers, if that is smaller than the source."""
        for optimal in (False, True):
            file = self._rebuilt(new, optimal)
            restored = jpeg.write(file, self.limits)
            if len(restored) < len(self.source):
                break
        return file, restored

    def _lossy(self, box: Lossless, quality: float) -> Lossy:
        return Lossy(**vars(box), source=len(self.source), quality=round(100 * quality))

    def _lossless(self, file: JpegFile, restored: bytes) -> Lossless:
        slices = codec.encode(file, self.model, self.resources.workers, self.resources.engine(self.model))
        return Lossless(
            original=Original.of(restored),
            model=self.model.identifier,
            headers=file.headers,
            reconstruction=container.pack_reconstruction(file.scans),
            mcu_rows=slices.mcu_rows,
            slices=tuple(slices.data),
        )


def _check_same(found: JpegFile, wanted: JpegFile) -> None:
    """Raises VerificationError where a file has other coefficients or quantization tables than it should."""
    pairs = zip(found.coefficients, wanted.coefficients, strict=True)
    steps = zip(found.frame.components, wanted.frame.components, strict=True)
    if not all(np.array_equal(a, b) for a, b in pairs) or not all(
        np.array_equal(a.quantization, b.quantization) for a, b in steps
    ):
        raise VerificationError("the new JPEG file does not hold the coefficients that it should")
