"""Lossy results that meet a target: a quality, a size, or a similarity to the source."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from jrecomp import jpeg
from jrecomp.array_types import UInt8
from jrecomp.errors import TargetError, UnsupportedJpegError
from jrecomp.jpeg.metadata import has_index, metadata
from jrecomp.lossy import (
    HIGHEST,
    Goal,
    OperatingPoint,
    Requantizer,
    Search,
    Target,
    ms_ssim,
    pixels,
    psnr,
)
from jrecomp.writers import Result, Writer

NEAR_BYTES = 0.01
"""How far below a size a result may be, as a fraction of it."""

NEAR_DISTANCE = 1 - 10 ** (-0.05 / 10)
"""How far below a distance from the source a result may be, as a fraction of it: 0.05 dB."""

UNCHANGED = OperatingPoint.at(HIGHEST)


class Note(NamedTuple):
    """What there is to say about a result.

    quality: 0 to 100, of the change; None where no coefficient changed. text: why the result is not what
    was asked for; empty where it is.
    """

    quality: float | None
    text: str


OnProgress = Callable[[str], None]
"""Called with a line about each attempt at a target."""

OnNote = Callable[[Note], None]
"""Called once, with the note about the result."""


def ignore(_: object) -> None:
    """Does nothing with what it is called with."""


@dataclass(frozen=True)
class Request:
    """A target for one file. on_progress: called with a line about each attempt."""

    target: Target
    writer: Writer
    picture: Requantizer
    on_progress: OnProgress

    def meet(self) -> tuple[Result, Note]:
        """The result that meets the target best, and the note about it.

        That is the unchanged picture where it is as small as any other result, or where nothing else meets
        the target. Raises TargetError where a size cannot be met, and UnsupportedJpegError where not even
        the unchanged picture can be written.
        """
        unchanged = self.writer.unchanged()
        result, text = self._meet(unchanged, self.target.largest(self.writer.file.frame))
        return result, Note(result.quality, text)

    def _meet(self, unchanged: Result, largest: int | None) -> tuple[Result, str]:
        if largest is not None and len(unchanged.output) <= largest:
            return unchanged, ""
        reason = self.writer.damage
        try:
            found, text = (None, "") if reason else self._find(unchanged, largest)
        except UnsupportedJpegError as error:
            found, text, reason = None, "", str(error)
        if reason and largest is not None:
            raise TargetError(f"cannot be changed: {reason}")
        if reason:
            return unchanged, f"lossless, as the picture cannot be changed: {reason}"
        if found is None:
            return unchanged, f"lossless, {text or 'as nothing would change'}"
        if len(found.output) >= len(unchanged.output):
            return unchanged, "lossless, which is as small"
        if has_index(self.writer.file.headers):
            text = text or "without the index of its further pictures"
        return found, text

    def _find(self, unchanged: Result, largest: int | None) -> tuple[Result | None, str]:
        """The best changed picture, None where nothing changes; and why none is nearer to the target."""
        target = self.target
        if largest is not None:
            return self._of_size(unchanged, largest)
        if target.name == "min_psnr":
            return self._similar(_Psnr(), target.value)
        if target.name == "min_ms_ssim":
            return self._similar(_MsSsim(), target.value)
        point = OperatingPoint.at(target.value)
        changes = self.picture.estimate(point).error > 0
        return self._changed(point) if changes else None, ""

    def _changed(self, point: OperatingPoint) -> Result:
        return self.writer.changed(self.picture.requantized(point), point.quality)

    def _of_size(self, unchanged: Result, largest: int) -> tuple[Result, str]:
        def evaluate(point: OperatingPoint) -> tuple[float, Result]:
            result = self._changed(point)
            self.on_progress(f"quality {point.quality:.2f}: {len(result.output):,} bytes")
            return len(result.output), result

        goal = Goal(largest, NEAR_BYTES * largest, rises=True)
        picture, overhead = self.picture, 8 * self.writer.overhead
        search = Search(goal, evaluate, lambda point: overhead + picture.estimate(point).bits)
        search.run((search.estimate(UNCHANGED), len(unchanged.output)))
        if search.best is None:
            assert search.beyond is not None
            raise TargetError(self._too_large(largest, unchanged, search.beyond.result))
        return search.best.result, _missed(search, "{:,} bytes".format)

    def _too_large(self, largest: int, unchanged: Result, least: Result) -> str:
        smaller = min(unchanged, least, key=lambda result: len(result.output))
        text = f"cannot be as small as {largest:,} bytes, only as {len(smaller.output):,}"
        headers = jpeg.read(smaller.restored, self.writer.limits).headers
        kept, needed = (len(metadata(headers, strip)) for strip in (False, True))
        if 4 * kept > len(smaller.output):
            text += f", with metadata of {kept:,} (stripped {needed:,})"
        return text

    def _similar(self, metric: "_Metric", least: float) -> tuple[Result | None, str]:
        try:
            source = pixels(self.writer.source)
        except OSError as error:
            return None, f"as the source cannot be decoded to compare: {error}"

        def evaluate(point: OperatingPoint) -> tuple[float, None]:
            decoded = pixels(self.writer.changed_jpeg(self.picture.requantized(point)))
            found = metric.measure(source, decoded)
            self.on_progress(f"quality {point.quality:.2f}: {metric.shown(found)}")
            return metric.distance(found), None

        limit = metric.distance(least)
        goal = Goal(limit, NEAR_DISTANCE * limit, rises=False)
        search = Search(goal, evaluate, lambda point: self.picture.estimate(point).error)
        search.run(metric.known(source))
        if search.best is None:
            return None, "as nothing else was found to be that similar"
        if search.best.amount == 0:
            return None, ""
        result = self._changed(search.best.point)
        return result, _missed(search, lambda distance: metric.shown(metric.of(distance)))


def _missed(search: Search[Any], shown: Callable[[float], str]) -> str:
    """Why a result is not near to the target, as far as is known; shown: amounts in words."""
    if search.met:
        return ""
    ends = [shown(end.amount) for end in (search.best, search.beyond) if end]
    if len(ends) == 2:
        return f"found nothing between {ends[0]} and {ends[1]}"
    lowest = search.best is not None and search.best.point.quality == 0
    return f"{ends[0]} is what quality 0 has" if lowest else f"found nothing nearer than {ends[0]}"


class _Metric(Protocol):
    """A measure of similarity, and a distance from the source that falls as the measure rises."""

    def measure(self, a: UInt8, b: UInt8) -> float: ...

    def distance(self, similarity: float) -> float: ...

    def of(self, distance: float) -> float: ...

    def shown(self, similarity: float) -> str: ...

    def known(self, source: UInt8) -> tuple[float, float] | None:
        """A squared error of the whole picture with its distance, where that can be told."""
        ...


class _Psnr:
    measure = staticmethod(psnr)

    def distance(self, similarity: float) -> float:
        return float(10 ** (-similarity / 10))

    def of(self, distance: float) -> float:
        return -10 * math.log10(distance) if distance else math.inf

    def shown(self, similarity: float) -> str:
        return f"{similarity:.2f} dB"

    def known(self, source: UInt8) -> tuple[float, float]:
        return 255**2 * source[..., 0].size, 1.0


class _MsSsim:
    measure = staticmethod(ms_ssim)

    def distance(self, similarity: float) -> float:
        return 1 - similarity

    def of(self, distance: float) -> float:
        return 1 - distance

    def shown(self, similarity: float) -> str:
        return f"{similarity:.5f}"

    def known(self, source: UInt8) -> None:
        return None
