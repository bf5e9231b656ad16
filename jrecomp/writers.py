"""Writers of results for one JPEG file: as containers, and as standard JPEG files."""

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
from jrecomp.pictures import PictureCoder
from jrecomp.skeleton import pictures

_TABLE_BYTES, _FIELD_BYTES = 500, 50
"""Approximate least size in bytes of the tables of a JPEG file, and of the fields of a container."""


@dataclass(frozen=True)
class WriteOptions:
    """Options of written JPEG files.

    strip: omit metadata that decoders do not need. progressive: use libjpeg's progressive scan script.
    """

    strip: bool = False
    progressive: bool = False


@dataclass(frozen=True)
class Result:
    """A result of compressing or shrinking.

    output: the bytes to write. restored: the file that `output` restores, or `output` itself if it is not a
    container. quality: 0 to 100 if coefficients changed, otherwise None.
    """

    output: bytes
    restored: bytes
    quality: float | None = None


def stored(data: bytes, reason: StoredReason) -> Result:
    """A container that stores a file unmodelled."""
    return Result(container.pack(Stored(Original.of(data), reason, data)), data)


def lossless(data: bytes, coder: PictureCoder) -> Result:
    """A container of a file with modelled pictures.

    Raises UnsupportedJpegError, with the reason of the first picture, if no picture becomes smaller.
    """
    found = coder.dismantle(data)
    if found.reason and not pictures(found.steps):
        raise found.reason
    return Result(container.pack(coder.box(data, found)), data)


@dataclass(frozen=True)
class Writer(ABC):
    """Writes results of one JPEG file.

    source: the file's bytes. file: the parsed file. options: how JPEG files are written. limits: bounds on
    memory and time. The methods raise UnsupportedJpegError if a result cannot be written.
    """

    source: bytes
    file: JpegFile
    options: WriteOptions
    limits: Limits

    @cached_property
    def damage(self) -> str:
        """Why coefficients must not be changed, as jpeg.damage() reports it; empty if they may be."""
        return jpeg.damage(self.file, self.limits)

    @property
    @abstractmethod
    def overhead(self) -> int:
        """Estimate of the bytes of a result that are not entropy-coded."""

    @abstractmethod
    def unchanged(self) -> Result:
        """The smallest result with the coefficients of the file."""

    @abstractmethod
    def changed(self, new: Requantized, quality: float) -> Result:
        """The result with new steps and coefficients; quality: 0 to 100, recorded in the result."""

    @abstractmethod
    def changed_jpeg(self, new: Requantized) -> bytes:
        """The JPEG file that changed() writes or restores."""

    def _metadata_bytes(self) -> int:
        """Size in a result of the metadata and of the bytes after EOI."""
        after = b"" if self.options.strip else trailer(self.file.headers) or b""
        return len(metadata(self.file.headers, self.options.strip)) + len(after)

    def _kept(self) -> tuple[JpegFile, bytes]:
        """The parsed file and its bytes, stripped of metadata if the options ask for that."""
        headers = stripped(self.file.headers) if self.options.strip else self.file.headers
        if len(headers) >= len(self.file.headers):
            return self.file, self.source
        less = replace(self.file, headers=headers)
        written = jpeg.write(less, self.limits)
        _check_same(jpeg.read(written, self.limits), less)
        return less, written

    def _rebuilt(self, new: Requantized, optimal: bool) -> JpegFile:
        """The file with new coefficients; optimal: with optimal instead of typical Huffman tables."""
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
    """Writes standard JPEG files. Results of unchanged() and changed() are parsed again and compared."""

    @property
    def overhead(self) -> int:
        """See Writer."""
        return _TABLE_BYTES + self._metadata_bytes()

    def unchanged(self) -> Result:
        """The source, stripped if the options ask for that, or a smaller file with the same coefficients."""
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
        """See Writer. The file is not parsed again."""
        return jpeg.write(self._rebuilt(new, optimal=True), self.limits)


@dataclass(frozen=True)
class ContainerWriter(Writer):
    """Writes containers. The caller verifies them.

    model: codes the coefficients. resources: threads and device.
    """

    model: Model
    resources: codec.Resources

    @property
    def overhead(self) -> int:
        """See Writer. The typical Huffman tables take hardly any bytes in containers."""
        return _FIELD_BYTES + self._metadata_bytes()

    def unchanged(self) -> Result:
        """A container that restores the source, stripped if the options ask for that.

        The source is stored unmodelled if that is smaller.
        """
        box = self._lossless(restored := self._kept()[1])
        packed = container.pack(box if restored == self.source else self._lossy(box, HIGHEST))
        if len(packed) >= len(self.source):
            as_bytes = stored(self.source, StoredReason.NOT_SMALLER)
            if len(as_bytes.output) < len(packed):
                return as_bytes
        return Result(packed, restored)

    def changed(self, new: Requantized, quality: float) -> Result:
        """See Writer."""
        restored = self.changed_jpeg(new)
        box = self._lossy(self._lossless(restored), quality)
        return Result(container.pack(box), restored, quality)

    def changed_jpeg(self, new: Requantized) -> bytes:
        """See Writer. The file has typical Huffman tables, or optimal ones if it is not smaller otherwise.

        Typical tables are entries of the container's dictionary, so they take hardly any bytes.
        """
        for optimal in (False, True):
            restored = jpeg.write(self._rebuilt(new, optimal), self.limits)
            if len(restored) < len(self.source):
                break
        return restored

    def _lossy(self, box: Lossless, quality: float) -> Lossy:
        return Lossy(**vars(box), source=len(self.source), quality=round(100 * quality))

    def _lossless(self, restored: bytes) -> Lossless:
        coder = PictureCoder(self.model, self.resources, self.limits)
        return coder.box(restored, coder.dismantle(restored))


def _check_same(actual: JpegFile, expected: JpegFile) -> None:
    """Raises VerificationError if coefficients or quantization tables of two files differ."""
    pairs = zip(actual.coefficients, expected.coefficients, strict=True)
    steps = zip(actual.frame.components, expected.frame.components, strict=True)
    if not all(np.array_equal(a, b) for a, b in pairs) or not all(
        np.array_equal(a.quantization, b.quantization) for a, b in steps
    ):
        raise VerificationError("the written JPEG file has wrong coefficients or tables")
