"""Writers of results for one JPEG file: as containers, and as standard JPEG files."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from jrecomp import codec, container, jpeg
from jrecomp.container import Lossless, Lossy
from jrecomp.errors import StoredReason, UnsupportedJpegError, VerificationError
from jrecomp.jpeg.metadata import metadata, removed_metadata, stripped, unlinked
from jrecomp.jpeg.multi_picture import index_problem, moved_index
from jrecomp.jpeg.previews import moved_previews
from jrecomp.jpeg.types import JpegFile
from jrecomp.lossy import HIGHEST, Requantized
from jrecomp.model import Model
from jrecomp.options import Limits
from jrecomp.pictures import PictureCoder, Result, stored

_TABLE_BYTES, _FIELD_BYTES = 500, 50
"""Approximate least size in bytes of the tables of a JPEG file, and of the fields of a container."""


@dataclass(frozen=True)
class WriteOptions:
    """Options of written JPEG files.

    strip: omit metadata that decoders do not need. strip_trailer: omit the bytes after the picture.
    progressive: use libjpeg's progressive scan script where that is smaller.
    """

    strip: bool = False
    strip_trailer: bool = False
    progressive: bool = False


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
        """Why the picture must not be written anew; "" if it may be."""
        return jpeg.damage(self.file, self.limits) or self._index_problem

    @property
    def obstacle(self) -> str:
        """Why coefficients must not be changed; "" if they may be."""
        complete = all(c.has_table for c in self.file.frame.components)
        return self.damage or ("" if complete else "the quantization table is missing")

    @cached_property
    def picture(self) -> JpegFile:
        """The file up to the end of the picture, without what leads to pictures that the options omit."""
        picture, after = self._parts
        omitted = after and self.options.strip_trailer
        return replace(picture, headers=unlinked(picture.headers)) if omitted else picture

    @property
    def after(self) -> bytes:
        """The bytes after the picture that results keep."""
        return b"" if self.options.strip_trailer else self._parts[1]

    @property
    def _index_problem(self) -> str:
        """Why the pictures after the first one would be lost if its size changed; "" if they would not."""
        return index_problem(self.picture.headers) if self.after else ""

    @cached_property
    def _parts(self) -> tuple[JpegFile, bytes]:
        return jpeg.separate(self.file, self.limits)

    @cached_property
    def _oddity(self) -> str:
        return jpeg.oddity(self.file, self.limits)

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
        """Size in a result of the metadata and of the bytes after the picture."""
        return len(metadata(self.picture.headers, self.options.strip, bool(self.after))) + len(self.after)

    def _kept(self) -> tuple[JpegFile, bytes, str]:
        """The parsed file, its bytes and a remark, without what the options omit; its scans stay."""
        kept = self.file, self.source, ""
        if not (self.options.strip or self.options.strip_trailer):
            return kept
        if self._index_problem:
            return *kept[:2], f"nothing was removed: {self._index_problem}"
        headers = self.picture.headers
        if self.options.strip:
            headers = stripped(headers, bool(self.after))
        less, written = self._written(replace(self.picture, headers=headers + self.after))
        if len(written) >= len(self.source):
            return kept
        _check_same(jpeg.read(written, self.limits), less)
        return less, written, self._removed(less)

    def _rebuilt(self, new: Requantized, optimal: bool, progressive: bool) -> tuple[JpegFile, bytes, str]:
        """The file with new coefficients, its bytes and a remark; optimal: with optimal Huffman tables."""
        file = jpeg.rebuild(
            self.file,
            new.steps,
            new.coefficients,
            huffman="optimal" if optimal else "typical",
            progressive=progressive,
            strip=self.options.strip,
            strip_trailer=self.options.strip_trailer,
            limits=self.limits,
        )
        remarks = self._removed(file), self._oddity
        return *self._written(file), "; ".join(filter(None, remarks))

    def _written(self, file: JpegFile) -> tuple[JpegFile, bytes]:
        """A file with the offsets of further pictures adapted to its length, and its bytes."""
        written = jpeg.write(file, self.limits)
        if not self.after:
            return file, written
        ends = [len(data) - len(self.after) for data in (written, self.source)]
        headers = file.headers
        for moved in (moved_index, moved_previews):
            headers, written = (moved(data, ends[0], self.source, ends[1]) for data in (headers, written))
        return replace(file, headers=headers), written

    def _removed(self, file: JpegFile) -> str:
        """What the options omit from a file, as a phrase."""
        headers = file.headers[: len(file.headers) - len(self.after)]
        found = [removed_metadata(self._parts[0].headers, headers)]
        if self.options.strip_trailer and self._parts[1]:
            found.append(f"{len(self._parts[1]):,} bytes after the picture")
        text = " and ".join(filter(None, found))
        return f"removed {text}" if text else ""


@dataclass(frozen=True)
class JpegWriter(Writer):
    """Writes standard JPEG files. Results of unchanged() and changed() are parsed again and compared."""

    @property
    def overhead(self) -> int:
        """See Writer."""
        return _TABLE_BYTES + self._metadata_bytes()

    def unchanged(self) -> Result:
        """The source, stripped if the options ask for that, or a smaller file with the same coefficients."""
        _, written, remark = self._kept()
        kept = Result(written, written, remark=remark)
        if self.damage:
            return kept
        same = Requantized([c.quantization for c in self.file.frame.components], self.file.coefficients)
        try:
            new = self.changed(same, HIGHEST)._replace(quality=None)
        except UnsupportedJpegError:
            return kept
        return min(new, kept, key=lambda result: len(result.output))

    def changed(self, new: Requantized, quality: float) -> Result:
        """See Writer."""
        file, written, remark = self._smallest(new)
        _check_same(jpeg.read(written, self.limits), file)
        return Result(written, written, quality, remark)

    def changed_jpeg(self, new: Requantized) -> bytes:
        """See Writer. The file is not parsed again."""
        return self._smallest(new)[1]

    def _smallest(self, new: Requantized) -> tuple[JpegFile, bytes, str]:
        """The changed file with its bytes and a remark; sequential also where progressive was asked for."""
        processes = {False, self.options.progressive}
        files = [self._rebuilt(new, optimal=True, progressive=process) for process in sorted(processes)]
        return min(files, key=lambda found: len(found[1]))


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
        _, restored, remark = self._kept()
        box = self._lossless(restored)
        packed = container.pack(box if restored == self.source else self._lossy(box, HIGHEST))
        if len(packed) >= len(self.source):
            as_bytes = stored(self.source, StoredReason.NOT_SMALLER)
            if len(as_bytes.output) < len(packed):
                return as_bytes
        return Result(packed, restored, remark=remark)

    def changed(self, new: Requantized, quality: float) -> Result:
        """See Writer."""
        _, restored, remark = self._smaller_jpeg(new)
        box = self._lossy(self._lossless(restored), quality)
        return Result(container.pack(box), restored, quality, remark)

    def changed_jpeg(self, new: Requantized) -> bytes:
        """See Writer."""
        return self._smaller_jpeg(new)[1]

    def _smaller_jpeg(self, new: Requantized) -> tuple[JpegFile, bytes, str]:
        """The changed file, its bytes and a remark.

        It has typical Huffman tables, or optimal ones if it is not smaller otherwise. Typical tables are
        entries of the container's dictionary, so they take hardly any bytes.
        """
        for optimal in (False, True):
            result = self._rebuilt(new, optimal, self.options.progressive)
            if len(result[1]) < len(self.source):
                break
        return result

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
        np.array_equal(a.quantization, b.quantization) and a.has_table == b.has_table for a, b in steps
    ):
        raise VerificationError("the written JPEG file has wrong coefficients or tables")
