"""Curves of size against similarity: what every coder makes of every JPEG file, and how long it takes."""

import math
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

import jrecomp
from jrecomp.array_types import UInt8
from jrecomp.bench.codecs import Refused
from jrecomp.bench.inputs import Encoding, Sample
from jrecomp.bench.lossy import SECONDS, LossyCodec, Source
from jrecomp.lossy import ms_ssim, psnr
from jrecomp.lossy.bdrate import log_ratio, percent

FIXED_QUALITY = 75.0
"""Of jrecomp, that times are taken at."""

SEARCHED_QUALITY = 50.0
"""Whose size a search for a rate has to meet."""

SSIMULACRA2 = ("ssimulacra2", "ssymulacra2")
"""Programs that print that score for two files: libjxl's, and the one that pip installs."""


@dataclass(frozen=True)
class Similarity:
    """Of a decoded result to the decoded source.

    psnr: over all channels in dB, infinite for the same picture. ms_ssim: up to 1. ssimulacra2: up to 100,
    None where no program gives it.
    """

    psnr: float
    ms_ssim: float
    ssimulacra2: float | None

    @property
    def ms_ssim_db(self) -> float:
        """-10 log10(1 - MS-SSIM)."""
        return -10 * math.log10(1 - self.ms_ssim) if self.ms_ssim < 1 else math.inf


@dataclass(frozen=True)
class Point:
    """A file that a coder made at one of its settings. size in bytes; seconds of wall clock, to make it."""

    at: float
    size: int
    similarity: Similarity
    seconds: float


@dataclass(frozen=True)
class Curve:
    """What a coder made of a JPEG file: points by rising setting, and why others are missing.

    setting: of the picture, None for a file as it was. before: bytes of the file. pixels: width x height.
    """

    coder: str
    own: bool
    file: str
    setting: Encoding | None
    before: int
    pixels: int
    points: tuple[Point, ...]
    refusals: tuple[str, ...]


@dataclass(frozen=True)
class Timing:
    """Seconds of wall clock of `jrecomp.compress` on a file, the best of the repeats."""

    model: str
    file: str
    setting: Encoding | None
    lossless: float
    fixed: float
    searched: float


class Band(NamedTuple):
    """A range of qualities, in dB but for SSIMULACRA2. measure: a property of Similarity."""

    title: str
    measure: str
    low: float
    high: float


BANDS = (
    Band("PSNR 38 to 45 dB", "psnr", 38, 45),
    Band("PSNR above 45 dB", "psnr", 45, 70),
    Band("MS-SSIM 0.99 to 0.9999", "ms_ssim_db", 20, 40),
    Band("SSIMULACRA2 50 to 90", "ssimulacra2", 50, 90),
)


class CurveResults:
    """Curves and times; a set is a setting of pictures, or None for files."""

    def __init__(self, measured: Iterable[Curve | Timing]) -> None:
        found = list(measured)
        self.curves = [one for one in found if isinstance(one, Curve)]
        self.times = [one for one in found if isinstance(one, Timing)]
        self.coders = list(dict.fromkeys(curve.coder for curve in self.curves))
        self.own = list(dict.fromkeys(curve.coder for curve in self.curves if curve.own))
        self.sets = list(dict.fromkeys(curve.setting for curve in self.curves))
        scored = any(p.similarity.ssimulacra2 is not None for curve in self.curves for p in curve.points)
        self.bands = BANDS if scored else BANDS[:-1]
        self._by_file = {(c.coder, c.file, c.setting): c for c in self.curves}

    def of(self, coder: str, setting: Encoding | None) -> list[Curve]:
        """A coder's curves of a set."""
        return [c for c in self.curves if c.coder == coder and c.setting == setting]

    def reference(self, curve: Curve) -> int:
        """Bytes of the first coder's file of the highest setting: the lossless container."""
        first = self._by_file[self.coders[0], curve.file, curve.setting]
        return first.points[-1].size if first.points else curve.before

    def bd_rate(self, own: str, other: str, setting: Encoding | None, band: Band) -> tuple[float | None, int]:
        """Percent by which files of `own` are larger at equal quality, and for how many files that counts."""
        return percent(
            log_ratio(
                _line(curve, band.measure),
                _line(self._by_file[other, curve.file, curve.setting], band.measure),
                band.low,
                band.high,
            )
            for curve in self.of(own, setting)
        )

    def falls(self) -> list[tuple[Curve, float, int]]:
        """Where a higher quality of ours gives a smaller file: the quality, and by how many bytes."""
        return [
            (curve, after.at, before.size - after.size)
            for curve in self.curves
            if curve.own
            for before, after in zip(curve.points, curve.points[1:], strict=False)
            if after.size < before.size
        ]


def _line(curve: Curve, measure: str) -> list[tuple[float, float]]:
    pairs = [(point.size, getattr(point.similarity, measure)) for point in curve.points]
    return [(size, quality) for size, quality in pairs if quality is not None]


def measure(
    coders: Sequence[LossyCodec],
    samples: Iterable[Sample],
    models: Sequence[str],
    repeats: int,
    threads: int,
    device: str,
) -> Iterator[Curve | Timing]:
    """For each sample a curve of each coder, then times of each model; repeats, threads, device: of these."""
    for sample in samples:
        source = Source(sample.read())
        alike = _Alike(source.pixels)
        for coder in coders:
            yield _curve(coder, sample, source, alike)
        for model in models:
            yield _timing(model, sample, source.jpeg, repeats, threads, device)


def _curve(coder: LossyCodec, sample: Sample, source: Source, alike: "_Alike") -> Curve:
    points, refusals = [], []
    for setting in coder.settings:
        started = time.perf_counter()
        try:
            made = coder.encode(source, setting)
            seconds = time.perf_counter() - started
        except Refused as refused:
            refusals.append(str(refused))
            continue
        try:
            picture = np.asarray(coder.decode(made).convert(source.image.mode))
        except Exception as error:  # what nothing decodes is no result
            refusals.append(f"{type(error).__name__}: {error}")
            continue
        points.append(Point(setting, len(made), alike.to(picture), seconds))
    rows, columns = source.pixels.shape[:2]
    place = (str(sample.path), sample.setting, len(source.jpeg), rows * columns)
    return Curve(coder.name, coder.own, *place, tuple(points), tuple(refusals))


def _timing(model: str, sample: Sample, jpeg: bytes, repeats: int, threads: int, device: str) -> Timing:
    compress = partial(jrecomp.compress, jpeg, model=model, threads=threads, device=device)
    size = len(compress(quality=SEARCHED_QUALITY))
    return Timing(
        model,
        str(sample.path),
        sample.setting,
        lossless=_best(compress, repeats),
        fixed=_best(partial(compress, quality=FIXED_QUALITY), repeats),
        searched=_best(partial(compress, max_bytes=size), repeats),
    )


def _best(work: Callable[[], object], repeats: int) -> float:
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


class _Alike:
    """Compares with a source; pictures that several coders make are judged once."""

    def __init__(self, source: UInt8) -> None:
        self._source = source
        self._known: dict[bytes, Similarity] = {}

    def to(self, picture: UInt8) -> Similarity:
        """The similarity of a picture."""
        key = sha256(picture.tobytes()).digest()
        if key not in self._known:
            self._known[key] = _similarity(self._source, picture)
        return self._known[key]


def _similarity(source: UInt8, picture: UInt8) -> Similarity:
    shape = (*source.shape[:2], -1)
    a, b = source.reshape(shape), picture.reshape(shape)
    return Similarity(psnr(a, b), ms_ssim(a, b), _ssimulacra2(source, picture))


def ssimulacra2() -> str | None:
    """The program that gives that score."""
    return next(filter(None, map(shutil.which, SSIMULACRA2)), None)


def _ssimulacra2(source: UInt8, picture: UInt8) -> float | None:
    program = ssimulacra2()
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        names = [str(Path(folder, name)) for name in ("a.png", "b.png")]
        for name, pixels in zip(names, (source, picture), strict=True):
            Image.fromarray(pixels).convert("RGB").save(name, compress_level=0)
        line = [program, *names]
        try:
            found = subprocess.run(line, check=True, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.SubprocessError:  # of pictures that it does not take
            return None
    return float(found.stdout.split()[-1])
