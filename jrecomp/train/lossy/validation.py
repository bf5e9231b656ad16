"""Rates that two rules need for the same likeness, on held-out pictures and finished containers."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from jrecomp import jpeg, pipeline
from jrecomp.errors import JrecompError
from jrecomp.jpeg.types import JpegFile
from jrecomp.lossy import Requantizer, Rule, Setting, ms_ssim, pixels, psnr
from jrecomp.rate import Change
from jrecomp.train import corpus
from jrecomp.train.lossy.estimate import MODEL, quality_of

QUALITIES = (75, 90, 95)
TRADES = tuple(0.2 * 1.7**i for i in range(11))

BANDS = {"mse": ((38.0, 45.0), (45.0, 70.0)), "ms-ssim": ((15.0, 22.0), (22.0, 40.0))}
"""Of likeness in dB, for each distortion; that of MS-SSIM is -10 log10(1 - MS-SSIM)."""

LEAST_BAND = 1.0
"""dB that two curves share, else they are not compared."""

LARGEST_BLOCKS = 20000

Curve = npt.NDArray[np.float64]
"""Of rising likeness; float64 [points, 2], likeness and size."""


def held_out(data: Path) -> Iterator[tuple[str, JpegFile]]:
    """Labels and files: every third clean picture that is held out, and every twelfth real file."""
    clean = sorted((data / "train" / "clean").iterdir())[:: 3 * corpus.CLEAN_HELD_OUT]
    real = [p for p in sorted((data / "train" / "jpeg").iterdir()) if corpus.held_out(p)][::12]
    recipes = [corpus.Recipe(path, seed, q) for q in QUALITIES for seed, path in enumerate(clean)]
    for recipe in recipes + [corpus.Recipe(path, 0) for path in real]:
        for picture in corpus.pictures([recipe], []):
            if sum(c.block_rows * c.block_columns for c in picture.file.frame.components) < LARGEST_BLOCKS:
                yield recipe.label, picture.file


def compare(data: Path, rule: Rule, reference: Rule, distortion: str) -> dict[str, float]:
    """Percent of rate that a rule needs more than another, mean over files, by label and band of likeness."""
    found: dict[str, list[float]] = {}
    for label, file in held_out(data):
        try:
            ours, theirs = (curve(file, one, distortion) for one in (rule, reference))
        except JrecompError:  # no file that can be changed
            continue
        for band in BANDS[distortion]:
            change = bd_rate(ours, theirs, *band)
            if not math.isnan(change):
                found.setdefault(f"{label}, {band[0]:g} to {band[1]:g} dB", []).append(change)
    return {label: float(np.mean(changes)) for label, changes in sorted(found.items())}


def curve(file: JpegFile, rule: Rule, distortion: str) -> Curve:
    """Likeness and container sizes over TRADES."""
    change, source = Change(strip=False, optimal=False), pixels(jpeg.write(file))
    picture = Requantizer(file, rule)
    points = []
    for trade in reversed(TRADES):
        restored = jpeg.write(change.apply(picture, Setting.at(quality_of(file, trade))))
        likeness = _likeness(source, pixels(restored), distortion)
        if likeness < math.inf:
            points.append((likeness, len(pipeline.compress(restored, model=MODEL, threads=1, device="cpu"))))
    return _rising(np.array(points, np.float64).reshape(-1, 2))


def _likeness(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8], distortion: str) -> float:
    if distortion == "mse":
        return psnr(a, b)
    distance = 1 - ms_ssim(a, b)
    return -10 * math.log10(distance) if distance > 0 else math.inf


def _rising(points: Curve) -> Curve:
    """The points that no smaller one is as good as."""
    ordered = points[np.argsort(points[:, 0])[::-1]]
    kept = [i for i, size in enumerate(ordered[:, 1]) if (ordered[:i, 1] > size).all()]
    return ordered[kept][::-1]


def bd_rate(a: Curve, b: Curve, low: float, high: float) -> float:
    """Percent of rate that a takes more than b, the mean over a band; NaN where they share too little."""
    if min(len(a), len(b)) < 2:
        return math.nan
    low, high = max(low, a[0, 0], b[0, 0]), min(high, a[-1, 0], b[-1, 0])
    if high - low < LEAST_BAND:
        return math.nan
    at = np.linspace(low, high, 200)
    logs = [np.interp(at, curve[:, 0], np.log(curve[:, 1])) for curve in (a, b)]
    return 100 * (float(np.exp((logs[0] - logs[1]).mean())) - 1)
