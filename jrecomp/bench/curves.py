"""Measurement of rate-distortion curves of lossy codecs, and of the times of jrecomp."""

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
from jrecomp.lossy.bdrate import log_ratio, percent
from jrecomp.metrics import ms_ssim, psnr
from jrecomp.options import Device

FIXED_QUALITY = 75.0
"""Quality at which the time of jrecomp with a fixed quality is measured."""

SEARCHED_QUALITY = 50.0
"""Quality whose size is the target when the time of a search is measured."""

SSIMULACRA2 = ("ssimulacra2", "ssymulacra2")
"""Programs that print the SSIMULACRA 2 score of two files: that of libjxl, and the one that pip installs."""


@dataclass(frozen=True)
class Similarity:
    """Similarity of a decoded result to the decoded source.

    psnr: over all channels in dB, infinite for equal pictures. ms_ssim: at most 1. ssimulacra2: at most 100,
    None if it was not measured.
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
    """A result of a codec at one of its settings.

    at: the setting. size: in bytes. similarity: to the source. seconds: wall-clock time of encoding.
    """

    at: float
    size: int
    similarity: Similarity
    seconds: float


@dataclass(frozen=True)
class Curve:
    """The results of a codec for a JPEG file.

    coder: name of the codec. own: whether it is jrecomp. file: path. setting: of the encoded picture, None
    for a JPEG file. before: size of the file in bytes. pixels: width times height. points: results by rising
    setting. refusals: reasons of missing results.
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
    """Wall-clock times in seconds of jrecomp.compress() on a file; the fastest of the repeats counts.

    lossless: without a target. fixed: with quality FIXED_QUALITY. searched: with the size that
    SEARCHED_QUALITY gives as target.
    """

    model: str
    file: str
    setting: Encoding | None
    lossless: float
    fixed: float
    searched: float


class Band(NamedTuple):
    """A range of similarities for BD-rates; measure: a property of Similarity, low, high: values of it."""

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
    """All curves and times of a benchmark. A set of files is identified by the pictures' setting, or None."""

    def __init__(self, measured: Iterable[Curve | Timing]) -> None:
        items = list(measured)
        self.curves = [item for item in items if isinstance(item, Curve)]
        self.times = [item for item in items if isinstance(item, Timing)]
        self.coders = list(dict.fromkeys(curve.coder for curve in self.curves))
        self.own = list(dict.fromkeys(curve.coder for curve in self.curves if curve.own))
        self.sets = list(dict.fromkeys(curve.setting for curve in self.curves))
        scored = any(p.similarity.ssimulacra2 is not None for curve in self.curves for p in curve.points)
        self.bands = BANDS if scored else BANDS[:-1]
        self._by_file = {(c.coder, c.file, c.setting): c for c in self.curves}

    def of(self, coder: str, setting: Encoding | None) -> list[Curve]:
        """The curves of a codec for a set."""
        return [c for c in self.curves if c.coder == coder and c.setting == setting]

    def reference(self, curve: Curve) -> int:
        """Size in bytes of the lossless container: the first codec's result at its highest setting."""
        first = self._by_file[self.coders[0], curve.file, curve.setting]
        return first.points[-1].size if first.points else curve.before

    def bd_rate(self, own: str, other: str, setting: Encoding | None, band: Band) -> tuple[float | None, int]:
        """The BD-rate in percent, negative if files of `own` are smaller, and the number of files."""
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
        """Cases in which a higher quality of jrecomp gives a smaller file: curve, quality, bytes fewer."""
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
    device: Device,
) -> Iterator[Curve | Timing]:
    """Measure for each sample the curve of each codec, then the times of each model.

    coders: the codecs. samples: the files. models: names of jrecomp's models. repeats, threads, device: of
    the measurement of times.
    """
    for sample in samples:
        source = Source(sample.read())
        comparison = _Comparison(source.pixels)
        for coder in coders:
            yield _curve(coder, sample, source, comparison)
        for model in models:
            yield _timing(model, sample, source.data, repeats, threads, device)


def _curve(coder: LossyCodec, sample: Sample, source: Source, comparison: "_Comparison") -> Curve:
    points, refusals = [], []
    for setting in coder.settings:
        started = time.perf_counter()
        try:
            encoded = coder.encode(source, setting)
            seconds = time.perf_counter() - started
        except Refused as refused:
            refusals.append(str(refused))
            continue
        try:
            picture = np.asarray(coder.decode(encoded).convert(source.image.mode))
        except Exception as error:  # a file that cannot be decoded is not a result
            refusals.append(f"{type(error).__name__}: {error}")
            continue
        points.append(Point(setting, len(encoded), comparison.similarity(picture), seconds))
    rows, columns = source.pixels.shape[:2]
    file = (str(sample.path), sample.setting, len(source.data), rows * columns)
    return Curve(coder.name, coder.own, *file, tuple(points), tuple(refusals))


def _timing(model: str, sample: Sample, jpeg: bytes, repeats: int, threads: int, device: Device) -> Timing:
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


class _Comparison:
    """Compares pictures with a source; equal pictures are measured once."""

    def __init__(self, source: UInt8) -> None:
        self._source = source
        self._known: dict[bytes, Similarity] = {}

    def similarity(self, picture: UInt8) -> Similarity:
        """The similarity of a picture to the source."""
        key = sha256(picture.tobytes()).digest()
        if key not in self._known:
            self._known[key] = _similarity(self._source, picture)
        return self._known[key]


def _similarity(source: UInt8, picture: UInt8) -> Similarity:
    shape = (*source.shape[:2], -1)
    a, b = source.reshape(shape), picture.reshape(shape)
    return Similarity(psnr(a, b), ms_ssim(a, b), _ssimulacra2(source, picture))


def ssimulacra2() -> str | None:
    """The path of a program that computes SSIMULACRA 2, None if none is installed."""
    return next(filter(None, map(shutil.which, SSIMULACRA2)), None)


def _ssimulacra2(source: UInt8, picture: UInt8) -> float | None:
    program = ssimulacra2()
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        names = [str(Path(folder, name)) for name in ("a.png", "b.png")]
        for name, pixels in zip(names, (source, picture), strict=True):
            Image.fromarray(pixels).convert("RGB").save(name, compress_level=0)
        command = [program, *names]
        try:
            done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.SubprocessError:  # the program does not support some pictures
            return None
    return float(done.stdout.split()[-1])
