"""Measurement of encoders of pictures: size and similarity to the picture, time and memory."""

import io
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from jrecomp.array_types import UInt8
from jrecomp.bench import bd, isolated, scaling
from jrecomp.bench.codecs import Refused
from jrecomp.bench.encoders import picture_source
from jrecomp.bench.isolated import Speed
from jrecomp.bench.lossy import LossyCodec, Source
from jrecomp.bench.scores import MEASURES, Score

RANGES = ((30, 60), (60, 80), (80, 92))
"""Ranges of SSIMULACRA2 of the encoder that others are compared with."""

GUIDE = "ssimulacra2"
"""The measure of RANGES."""

MEGAPIXELS = 12.0
"""Size of the picture whose time and memory are measured."""

FAST_SETTING = -3
"""Index of the setting at which time and memory are measured."""


@dataclass(frozen=True)
class Point:
    """A result of an encoder: setting, size in bytes, similarities by measure, and seconds of encoding."""

    at: float
    size: int
    scores: dict[str, float]
    seconds: float


@dataclass(frozen=True)
class Curve:
    """The results of an encoder for a picture.

    coder: name. own: whether it is jrecomp. file: name of the picture. pixels: their number. points: by
    rising setting. refusals: reasons of missing results.
    """

    coder: str
    own: bool
    file: str
    pixels: int
    points: tuple[Point, ...]
    refusals: tuple[str, ...]

    def line(self, measure: str) -> list[tuple[float, float]]:
        """The pairs of size and similarity on the axis of a measure; none for what was not measured."""
        axis = MEASURES[measure].axis
        return [(point.size, axis(point.scores[measure])) for point in self.points if measure in point.scores]


class Results:
    """Curves and speeds; those of several runs are merged, and later points replace equal ones."""

    def __init__(self, measured: Iterable[Curve | Speed]) -> None:
        curves: dict[tuple[str, str], Curve] = {}
        self.speeds: list[Speed] = []
        for item in measured:
            if isinstance(item, Speed):
                self.speeds.append(item)
            else:
                key = item.coder, item.file
                curves[key] = _merged(curves[key], item) if key in curves else item
        self.curves = list(curves.values())
        self.coders = list(dict.fromkeys(curve.coder for curve in self.curves))
        self.own = list(dict.fromkeys(curve.coder for curve in self.curves if curve.own))
        self.measures = [name for name in MEASURES if any(curve.line(name) for curve in self.curves)]
        self._curves = curves

    def of(self, coder: str) -> dict[str, Curve]:
        """The curves of an encoder by file."""
        return {file: curve for (name, file), curve in self._curves.items() if name == coder}

    def changes(self, own: str, other: str, measure: str, low: float, high: float) -> dict[str, float]:
        """log(own size / other size) at equal similarity, by file.

        measure: of the similarity. low, high: similarities of the other encoder in GUIDE; the range of the
        measure is that at the same sizes.
        """
        found = {}
        others = self.of(other)
        for file, curve in self.of(own).items():
            peer = others.get(file)
            if not peer or not curve.line(measure) or not peer.line(measure) or not peer.line(GUIDE):
                continue
            span = bd.span(peer.line(GUIDE), peer.line(measure), low, high)
            ratio = span and bd.log_ratio(curve.line(measure), peer.line(measure), *span)
            if ratio is not None:
                found[file] = ratio
        return found

    def changes_between(
        self, own: str, other: str, measure: str, low: float, high: float
    ) -> dict[str, float]:
        """log(own size / other size) at equal similarity from low to high in the measure itself, by file."""
        others = self.of(other)
        found = {
            file: bd.log_ratio(curve.line(measure), others[file].line(measure), low, high)
            for file, curve in self.of(own).items()
            if file in others
        }
        return {file: ratio for file, ratio in found.items() if ratio is not None}

    def gains(self, own: str, other: str, measure: str, bpp: float) -> dict[str, float]:
        """Differences in similarity, on the axis of a measure, at equal bits per pixel, by file."""
        found = {}
        others = self.of(other)
        for file, curve in self.of(own).items():
            if file not in others or not curve.line(measure) or not others[file].line(measure):
                continue
            size = np.log([bpp * curve.pixels / 8])
            difference = bd.value_at(curve.line(measure), size) - bd.value_at(
                others[file].line(measure), size
            )
            if np.isfinite(difference[0]):
                found[file] = float(difference[0])
        return found

    def means(self, coder: str, measure: str) -> list[tuple[float, float]]:
        """Bits per pixel and mean similarity for each setting that has results for every picture.

        The pictures are those of common().
        """
        files = self.common(measure)
        groups: dict[float, list[tuple[int, int, float]]] = {}
        for file, curve in self.of(coder).items():
            for point in curve.points:
                if file in files and measure in point.scores:
                    group = groups.setdefault(point.at, [])
                    group.append((8 * point.size, curve.pixels, point.scores[measure]))
        sums = [np.sum(group, 0) for _, group in sorted(groups.items()) if len(group) == len(files)]
        return [(bits / pixels, score / len(files)) for bits, pixels, score in sums]

    def common(self, measure: str) -> set[str]:
        """The pictures of which every encoder has results in a measure that has them for at least half."""
        measured = [{f for f, c in self.of(name).items() if c.line(measure)} for name in self.coders]
        half = max(map(len, measured), default=0) / 2
        return set.intersection(*(files for files in measured if len(files) >= half)) if half else set()


def _merged(first: Curve, second: Curve) -> Curve:
    points = {point.at: point for point in first.points}
    for point in second.points:
        known = points.get(point.at)
        same = known is not None and known.size == point.size
        scores = known.scores | point.scores if known and same else point.scores
        points[point.at] = Point(point.at, point.size, scores, point.seconds)
    refusals = tuple(dict.fromkeys(first.refusals + second.refusals))
    return Curve(
        first.coder, first.own, first.file, first.pixels, tuple(points[at] for at in sorted(points)), refusals
    )


def measure(
    coders: Sequence[LossyCodec], paths: Iterable[Path], scores: Mapping[str, Score]
) -> Iterator[Curve]:
    """Measure for each picture the curve of each encoder."""
    for path in paths:
        source = picture_source(path)
        known: dict[bytes, dict[str, float]] = {}
        for coder in coders:
            yield _curve(coder, path, source, scores, known)


def _curve(
    coder: LossyCodec,
    path: Path,
    source: Source,
    scores: Mapping[str, Score],
    known: dict[bytes, dict[str, float]],
) -> Curve:
    """known: the similarities of decoded pictures, by their hash; those of containers are known already."""
    points, refusals = [], []
    for setting in coder.settings:
        started = time.perf_counter()
        try:
            encoded = coder.encode(source, setting)
            seconds = time.perf_counter() - started
            picture = np.asarray(coder.decode(encoded).convert("RGB"))
        except Refused as refused:
            refusals.append(str(refused))
            continue
        key = sha256(picture.tobytes()).digest()
        if key not in known:
            known[key] = similarities(source.pixels, picture, scores)
        points.append(Point(setting, len(encoded), known[key], seconds))
    rows, columns = source.pixels.shape[:2]
    return Curve(coder.name, coder.own, path.name, rows * columns, tuple(points), tuple(refusals))


def similarities(original: UInt8, picture: UInt8, scores: Mapping[str, Score]) -> dict[str, float]:
    """The similarities of a picture by measure; those that are infinite, of equal pictures, are left out."""
    found = {name: score(original, picture) for name, score in scores.items()}
    return {name: value for name, value in found.items() if np.isfinite(MEASURES[name].axis(value))}


def speeds(coders: Sequence[LossyCodec], paths: Sequence[Path], repeats: int) -> Iterator[Speed]:
    """Measure the time and memory of each encoder for a mosaic of pictures, each in a process of its own."""
    out = io.BytesIO()
    scaling.canvas(paths, MEGAPIXELS).save(out, "PNG", compress_level=1)
    source = Source(out.getvalue())
    for coder in coders:
        at = coder.settings[max(FAST_SETTING, -len(coder.settings))]
        work = partial(coder.encode, setting=at)
        size, seconds, memory = isolated.measure(work, source.data, repeats)
        yield Speed(coder.name, at, source.pixels[..., 0].size / 1e6, size, seconds, memory)


def as_json(results: Results) -> dict[str, Any]:
    """Results as values for JSON, from which from_json() makes them again."""
    return {"curves": list(map(asdict, results.curves)), "speeds": list(map(asdict, results.speeds))}


def from_json(document: Mapping[str, Any]) -> Iterator[Curve | Speed]:
    """The items of Results from as_json()."""
    for values in document["curves"]:
        points = tuple(Point(**point) for point in values["points"])
        yield Curve(**(values | {"points": points, "refusals": tuple(values["refusals"])}))
    yield from (Speed(**values) for values in document["speeds"])
