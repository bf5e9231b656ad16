"""Files with JPEG pictures: from bytes to the contents of a container, and back."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from jrecomp import codec, container, jpeg
from jrecomp.array_types import Int16
from jrecomp.container import Lossless, Original, Stored
from jrecomp.container.fields import FieldWriter
from jrecomp.errors import LimitError, StoredReason, UnsupportedJpegError
from jrecomp.jpeg.types import Frame, JpegFile
from jrecomp.model import Model
from jrecomp.options import DEFAULT_LIMITS, Limits
from jrecomp.skeleton import (
    Coded,
    Dismantled,
    Found,
    Picture,
    describe,
    dismantle,
    excess_pixels,
    pictures,
    restore,
)
from jrecomp.threads import Task, Workers

_FIELD_BYTES = 8
"""Approximate size of the fields of a picture in a container."""


@dataclass
class PictureCoder:
    """Models the pictures of one file.

    model: codes the coefficients. resources: threads and device. limits: bounds on memory and time.
    exact: see jpeg.read().
    """

    model: Model
    resources: codec.Resources
    limits: Limits = DEFAULT_LIMITS
    exact: bool = True
    _pixels: int = field(init=False)

    def __post_init__(self) -> None:
        self._pixels = self.limits.max_pixels
        self._engine = self.resources.engine(self.model)

    def dismantle(self, data: bytes) -> Dismantled:
        """Take the pictures out of a file."""
        return dismantle(data, self._encode, self.limits)

    def box(self, data: bytes, found: Dismantled) -> Lossless:
        """The contents of a container of a file."""
        return Lossless(Original.of(data), self.model.identifier, found.front, found.back, found.steps)

    def restore(self, box: Lossless) -> bytes:
        """The file; raises CorruptContainerError or UnsupportedJpegError if the box is damaged."""
        found = describe(box.front, box.steps)
        with Workers(min(self.resources.workers, len(found)) if len(found) > 1 else 0) as pool:
            tasks = self._started(pool, pictures(box.steps), found)

            def whole(picture: Picture, headers: bytes) -> list[memoryview]:
                described, task = found.pop(), tasks.pop()
                if task and described.headers == headers:
                    return jpeg.insert(headers, task.result())
                frame = self._frame(headers, picture.removed)
                return jpeg.insert(headers, self._decode(picture.coded, headers, frame))

            return restore(box.front + box.back, box.steps, whole)

    def _started(
        self, pool: Workers, coded: Sequence[Picture], found: Sequence[Found]
    ) -> list[Task[jpeg.ScanData] | None]:
        """The decoding of each picture of one slice in which no other picture is; None for other pictures.

        The headers of a picture with others inside are known only after these are restored.
        """
        tasks = list[Task[jpeg.ScanData] | None]()
        ends = [place.offset + len(place.headers) + place.removed for place in found]
        follows = [following.offset >= end for following, end in zip(found[1:], ends, strict=False)]
        for picture, place, alone in zip(coded, found, [*follows, len(found) > 1], strict=True):
            task = None
            if alone and len(picture.coded.slices) == 1:
                frame = self._frame(place.headers, place.removed)
                task = pool.submit(partial(self._decode, picture.coded, place.headers, frame, threads=1))
            tasks.append(task)
        return tasks

    def _decode(self, coded: Coded, headers: bytes, frame: Frame, threads: int = 0) -> jpeg.ScanData:
        """The scan data of a picture; threads: number of threads, 0 for all."""
        scans = container.unpack_reconstruction(coded.reconstruction, self.limits)
        coefficients = self.coefficients(frame, _slices(coded), threads)
        return jpeg.scan_data(JpegFile(frame, coefficients, headers, scans), self.limits)

    def _frame(self, headers: bytes, removed: int) -> Frame:
        """The frame of a picture, of which `removed` bytes are scan data."""
        frame = jpeg.parse_frame(headers, self.limits)
        self._spend_pixels(frame, removed)
        return frame

    def first(self, box: Lossless, highest: int) -> JpegFile | None:
        """The picture that a file begins with, None if it begins with none.

        highest: see codec.decode(). Raises CorruptContainerError and UnsupportedJpegError for damaged boxes.
        """
        for picture, place in zip(pictures(box.steps), describe(box.front, box.steps), strict=True):
            if place.offset == 0:
                frame = self._frame(place.headers, place.removed)
                coefficients = self.coefficients(frame, _slices(picture.coded), highest=highest)
                scans = container.unpack_reconstruction(picture.coded.reconstruction, self.limits)
                return JpegFile(frame, coefficients, place.headers, scans)
        return None

    def coefficients(
        self, frame: Frame, slices: codec.EncodedSlices, threads: int = 0, highest: int = codec.HIGHEST
    ) -> list[Int16]:
        """The decoded slices of a picture, see codec.decode(); threads: number of threads, 0 for all."""
        workers = threads or self.resources.workers
        return codec.decode(frame, slices, self.model, workers, self._engine, self.limits, highest)

    def _encode(self, data: bytes, first: bool) -> tuple[bytes, Coded]:
        """Headers and coded scan data of a picture; see skeleton.Encode."""
        headers, _ = jpeg.split(data)
        removed = len(data) - len(headers)
        self._frame(headers, removed)
        coded = min(map(self._coded, self._parsings(data)), key=_size)
        if _FIELD_BYTES + _size(coded) >= removed and not first:
            raise UnsupportedJpegError(StoredReason.NOT_SMALLER)
        return headers, coded

    def _parsings(self, data: bytes) -> Iterator[JpegFile]:
        """The parsed picture; if a scan ends irregularly and with repeated bytes, also without these."""
        file = jpeg.read(data, self.limits, exact=self.exact)
        scans = file.scans
        yield file
        del file  # frees the coefficients
        if any(scan.segments or scan.extraneous or scan.last_eob_run for scan in scans):
            with suppress(UnsupportedJpegError):
                less = jpeg.read(data, self.limits, idle=False, exact=self.exact)
                if less.scans != scans:
                    yield less

    def _coded(self, file: JpegFile) -> Coded:
        slices = codec.encode(file, self.model, self.resources.workers, self._engine, self.limits)
        scans = container.pack_reconstruction(file.scans)
        return Coded(scans, slices.copies, slices.mcu_rows, tuple(slices.data))

    def _spend_pixels(self, frame: Frame, removed: int) -> None:
        excess = excess_pixels(frame.width * frame.height, removed)
        if excess > self._pixels:
            raise LimitError("all pictures together have more pixels than the limit ({})", "max_pixels")
        self._pixels -= excess


def _slices(coded: Coded) -> codec.EncodedSlices:
    return codec.EncodedSlices(coded.mcu_rows, list(coded.slices), coded.copies)


def _size(coded: Coded) -> int:
    """The number of bytes that a picture takes in a container, where reconstruction data is compressed."""
    scans = FieldWriter()
    scans.packed(coded.reconstruction)
    return len(scans.data) + len(coded.copies) + sum(map(len, coded.slices))


class Result(NamedTuple):
    """A result of compressing or shrinking.

    output: the bytes to write. restored: the file that `output` restores, or `output` itself if it is not a
    container. quality: 0 to 100 if coefficients changed, otherwise None. remark: what the restored file lacks
    or has besides, as a phrase, or "".
    """

    output: bytes
    restored: bytes
    quality: float | None = None
    remark: str = ""


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
