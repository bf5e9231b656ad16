"""Comparison of two rules: sizes of containers at equal similarity, on held-out pictures."""

import math
from collections.abc import Iterator
from pathlib import Path

from jrecomp import jpeg, pipeline
from jrecomp.array_types import UInt8
from jrecomp.errors import JrecompError
from jrecomp.jpeg.types import JpegFile
from jrecomp.lossy import OperatingPoint, Requantizer, Rule
from jrecomp.lossy.bdrate import Curve, log_ratio, percent
from jrecomp.metrics import ms_ssim, pixels, psnr
from jrecomp.train import recipes
from jrecomp.train.lossy.estimate import MODEL, quality_of
from jrecomp.train.pictures import pictures

QUALITIES = (75, 90, 95)
LAMBDAS = tuple(0.2 * 1.7**i for i in range(11))

BANDS = {"mse": ((38.0, 45.0), (45.0, 70.0)), "ms-ssim": ((15.0, 22.0), (22.0, 40.0))}
"""Ranges of similarity in dB for each distortion; MS-SSIM is converted to -10 log10(1 - MS-SSIM)."""

LARGEST_BLOCKS = 20000
"""Files with as many blocks or more are left out to save time."""


def held_out(data: Path) -> Iterator[tuple[str, JpegFile]]:
    """Labels and files: every third of the held-out clean pictures, and every twelfth held-out real file."""
    clean = sorted((data / "train" / "clean").iterdir())[:: 3 * recipes.CLEAN_HELD_OUT]
    real = [p for p in sorted((data / "train" / "jpeg").iterdir()) if recipes.held_out(p)][::12]
    wanted = [recipes.Recipe(path, seed, q) for q in QUALITIES for seed, path in enumerate(clean)]
    for recipe in wanted + [recipes.Recipe(path, 0) for path in real]:
        for picture in pictures([recipe], []):
            if sum(c.block_rows * c.block_columns for c in picture.file.frame.components) < LARGEST_BLOCKS:
                yield recipe.label, picture.file


def compare(data: Path, rule: Rule, reference: Rule, distortion: str) -> dict[str, float]:
    """Change of the rate, relative to `reference`, in percent: means over files by label and range."""
    found: dict[str, list[float | None]] = {}
    for label, file in held_out(data):
        try:
            ours, theirs = (curve(file, one, distortion) for one in (rule, reference))
        except JrecompError:  # the file cannot be changed
            continue
        for band in BANDS[distortion]:
            name = f"{label}, {band[0]:g} to {band[1]:g} dB"
            found.setdefault(name, []).append(log_ratio(ours, theirs, *band))
    changes = {label: percent(ratios)[0] for label, ratios in sorted(found.items())}
    return {label: change for label, change in changes.items() if change is not None}


def curve(file: JpegFile, rule: Rule, distortion: str) -> Curve:
    """Sizes of containers and similarities for all LAMBDAS."""
    source = pixels(jpeg.write(file))
    picture = Requantizer(file, rule)
    points = []
    for lmbda in reversed(LAMBDAS):
        new = picture.requantized(OperatingPoint.at(quality_of(file, lmbda)))
        rebuilt = jpeg.rebuild(file, new.steps, new.coefficients, huffman="typical")
        restored = jpeg.write(rebuilt)
        similarity = _similarity(source, pixels(restored), distortion)
        if similarity < math.inf:
            points.append(
                (len(pipeline.compress(restored, model=MODEL, threads=1, device="cpu")), similarity)
            )
    return points


def _similarity(a: UInt8, b: UInt8, distortion: str) -> float:
    if distortion == "mse":
        return psnr(a, b)
    distance = 1 - ms_ssim(a, b)
    return -10 * math.log10(distance) if distance > 0 else math.inf
