"""Finds lossy results that meet a target: a quality, a size, or a similarity to the source."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from jrecomp.array_types import UInt8
from jrecomp.errors import TargetError, UnsupportedJpegError
from jrecomp.jpeg.metadata import metadata
from jrecomp.lossy import HIGHEST, Goal, OperatingPoint, Requantizer, Search, requantizer
from jrecomp.metrics import ms_ssim, pixels, psnr, ssimulacra2, to_rgb
from jrecomp.notes import Note, OnProgress
from jrecomp.options import Tune
from jrecomp.pictures import Result
from jrecomp.targets import Target
from jrecomp.writers import Writer

SIZE_TOLERANCE = 0.01
"""Tolerance for target sizes: the largest shortfall of an accepted result, as a fraction of the size."""

DISTANCE_TOLERANCE = 1 - 10 ** (-0.05 / 10)
"""Tolerance for target similarities, as a fraction of the distance from the source; it is 0.05 dB."""

_SSIMULACRA2_EXPONENT = 3.2
"""100 minus the score, to this power, is about proportional to the squared error."""

_HIGHEST_PSNR = 1e4
"""Larger PSNR in dB is reduced to this, whose distance is 0. Integers may be too large for a float."""

UNCHANGED = OperatingPoint.at(HIGHEST)
"""The operating point at which no coefficient changes."""


def changed(
    target: Target, writer: Writer, tune: Tune, threads: int, on_progress: OnProgress
) -> tuple[Result, Note]:
    """The lossy result that meets a target best, with a note.

    tune: measure that it is optimized for. threads: at least 1. on_progress: see Request. Raises the errors
    of Request.meet(), and LimitError.
    """
    with requantizer(writer.file, tune, threads, writer.limits) as (picture, remark):
        result, note = Request(target, writer, picture, on_progress).meet()
    return result, note._replace(text="; ".join(filter(None, [remark, note.text])))


@dataclass(frozen=True)
class Request:
    """A lossy target for one file.

    target: the target, not lossless. writer: writes results of the file. picture: requantizes its
    coefficients. on_progress: called with a line of text for each attempt.
    """

    target: Target
    writer: Writer
    picture: Requantizer
    on_progress: OnProgress

    def meet(self) -> tuple[Result, Note]:
        """Find the result that meets the target best.

        Returns it with a note. The result has unchanged coefficients if no smaller one meets the target.
        Raises TargetError if a size cannot be met, and UnsupportedJpegError if the file cannot be written
        even with unchanged coefficients.
        """
        unchanged = self.writer.unchanged()
        result, text = self._meet(unchanged, self.target.largest(self.writer.file.frame))
        return result, Note(result.quality, "; ".join(filter(None, [text, result.remark])))

    def _meet(self, unchanged: Result, largest: int | None) -> tuple[Result, str]:
        if largest is not None and len(unchanged.output) <= largest:
            return unchanged, ""
        reason = self.writer.obstacle
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
            return unchanged, "lossless, as a lossy result would not be smaller"
        return found, text

    def _find(self, unchanged: Result, largest: int | None) -> tuple[Result | None, str]:
        """The best result with changed coefficients (None if there is none), and a note on how it misses."""
        target = self.target
        if largest is not None:
            return self._of_size(unchanged, largest)
        if target.name in METRICS:
            return self._similar(METRICS[target.name], target.value)
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

        goal = Goal(largest, SIZE_TOLERANCE * largest, rises=True)
        picture, overhead = self.picture, 8 * self.writer.overhead
        search = Search(goal, evaluate, lambda point: overhead + picture.estimate(point).bits)
        search.run((search.estimate(UNCHANGED), len(unchanged.output)))
        if search.best is None:
            assert search.beyond is not None
            raise self._too_large(largest, unchanged, search.beyond.result)
        return search.best.result, _missed(search, "{:,} bytes".format)

    def _too_large(self, largest: int, unchanged: Result, least: Result) -> TargetError:
        smaller = min(unchanged, least, key=lambda result: len(result.output))
        text = f"cannot be as small as {largest:,} bytes, only as {len(smaller.output):,} bytes"
        composition, options = self._composition(smaller.restored)
        return TargetError(f"{text}; {composition}", *options)

    def _composition(self, restored: bytes) -> tuple[str, list[str]]:
        """What the bytes of a restored file are, and the options that would leave less of them."""
        headers, after = self.writer.picture.headers, len(self.writer.after)
        size, least = (len(metadata(headers, s, bool(after))) for s in (self.writer.options.strip, True))
        parts, options = [f"{len(restored) - size - after:,} bytes of the picture"], []
        parts.append(f"{size:,} of metadata")
        if least < size:
            parts[-1] += f" ({least:,} with {{}})"
            options.append("strip")
        if after:
            parts.append(f"{after:,} after the picture (0 with {{}})")
            options.append("strip_trailer")
        return f"the JPEG file has {', '.join(parts[:-1])} and {parts[-1]}", options

    def _similar(self, metric: "Metric", least: float) -> tuple[Result | None, str]:
        try:
            source = pixels(self.writer.source)
        except OSError as error:
            return None, f"as the source cannot be decoded to compare: {error}"

        def evaluate(point: OperatingPoint) -> tuple[float, None]:
            decoded = pixels(self.writer.changed_jpeg(self.picture.requantized(point)))
            similarity = metric.measure(source, decoded)
            self.on_progress(f"quality {point.quality:.2f}: {metric.text(similarity)}")
            return metric.distance(similarity), None

        limit = metric.distance(least)
        goal = Goal(limit, DISTANCE_TOLERANCE * limit, rises=False)
        search = Search(goal, evaluate, lambda point: self.picture.estimate(point).error)
        search.run(metric.known_point(source))
        if search.best is None:
            return None, "as no lossy result was found that is similar enough"
        if search.best.amount == 0:
            return None, ""
        result = self._changed(search.best.point)
        return result, _missed(search, lambda distance: metric.text(metric.similarity(distance)))


def _missed(search: Search[Any], text: Callable[[float], str]) -> str:
    """A note if no result within the tolerance was found; text: formats an amount."""
    if search.met:
        return ""
    ends = [text(end.amount) for end in (search.best, search.beyond) if end]
    if len(ends) == 2:
        return f"no result was found between {ends[0]} and {ends[1]}"
    lowest = search.best is not None and search.best.point.quality == 0
    return f"quality 0 already has {ends[0]}" if lowest else f"no result was found nearer than {ends[0]}"


class Metric(Protocol):
    """A similarity metric, with a conversion to a distance that falls as the similarity rises."""

    def measure(self, a: UInt8, b: UInt8) -> float: ...

    def distance(self, similarity: float) -> float: ...

    def similarity(self, distance: float) -> float: ...

    def text(self, similarity: float) -> str: ...

    def known_point(self, source: UInt8) -> tuple[float, float] | None:
        """A total squared error and its distance, to start the search; None if the relation is unknown."""
        ...


class _Psnr:
    measure = staticmethod(psnr)

    def distance(self, similarity: float) -> float:
        return float(10 ** (-min(similarity, _HIGHEST_PSNR) / 10))

    def similarity(self, distance: float) -> float:
        return -10 * math.log10(distance) if distance else math.inf

    def text(self, similarity: float) -> str:
        return f"{similarity:.2f} dB"

    def known_point(self, source: UInt8) -> tuple[float, float]:
        return 255**2 * source[..., 0].size, 1.0


class _MsSsim:
    measure = staticmethod(ms_ssim)

    def distance(self, similarity: float) -> float:
        return 1 - similarity

    def similarity(self, distance: float) -> float:
        return 1 - distance

    def text(self, similarity: float) -> str:
        return f"{similarity:.5f}"

    def known_point(self, source: UInt8) -> None:
        return None


class _Ssimulacra2:
    def measure(self, a: UInt8, b: UInt8) -> float:
        return ssimulacra2(to_rgb(a), to_rgb(b))

    def distance(self, similarity: float) -> float:
        return float((100 - similarity) ** _SSIMULACRA2_EXPONENT)

    def similarity(self, distance: float) -> float:
        return float(100 - distance ** (1 / _SSIMULACRA2_EXPONENT))

    def text(self, similarity: float) -> str:
        return f"{similarity:.2f}"

    def known_point(self, source: UInt8) -> None:
        return None


METRICS: dict[str | None, Metric] = {
    "min_psnr": _Psnr(),
    "min_ms_ssim": _MsSsim(),
    "min_ssimulacra2": _Ssimulacra2(),
}
"""The metric of each target that is a similarity."""
