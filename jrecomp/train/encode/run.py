"""Learning of quantization tables at equal slopes.

Tables are the best ones of their rate if a little more rate buys the same likeness at every frequency, in
luma and in chroma, and by steps and by lambda. So in each round the slopes at all frequencies are compared,
and steps that buy less than the others are widened. This is done at several qualities; polynomials through
them are the family that is shipped.
"""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from jrecomp.array_types import Float64, UInt8
from jrecomp.encoder.coefficients import Planes
from jrecomp.encoder.encode import Encoder, Options
from jrecomp.encoder.tables import LARGEST_STEP, RESTORED, TUNES, Family, content, family
from jrecomp.metrics import Decode, Reference, pixels
from jrecomp.metrics.ssimulacra2 import IDENTICAL
from jrecomp.options import DEFAULT_LIMITS
from jrecomp.restoring import restore
from jrecomp.t81 import CHROMINANCE, COLUMN, INDEX, LUMINANCE, RASTER, ROW
from jrecomp.threads import Workers
from jrecomp.train import recipes
from jrecomp.train.checkpoints import completed
from jrecomp.train.encode.slopes import Example, Point, Slopes

STRENGTHS = (-1.25, -1.1, -0.9, -0.65, -0.4, -0.15)
"""Strengths at which tables are learned: the mean logarithm of the steps of luma is -3 times that."""

SLOPE = -3.0
DEGREE = 2
SIDE = 256
"""Side in pixels of the crops to learn from; a multiple of 16."""

START_LAMBDA = 0.09
SHARES = {"ssimulacra2": (0.5, 0.75), "ms-ssim": (0.2, 0.25), "psnr": (0.3, 0.0)}
"""Shares of the tables for each measure in those of the tune for SSIMULACRA2, for luma and for chroma.
DC of luma has those of chroma.
"""

EASE = 0.75
"""Factor to the lambdas of that tune."""

LEARNED = (*TUNES, RESTORED)
"""What tables are learned for."""

BEYOND = (-0.45, -0.2, 0.12)
"""Distances beyond the learned range at which the likeness is measured, too."""

QUALITIES = (0, 5, 10, 15, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 93, 95)
_RIDGE = np.diag([0, 0.02, 0.05])
_TRANSPOSED = np.array([INDEX[column, row] for row, column in zip(ROW, COLUMN, strict=True)])


@dataclass(frozen=True)
class TableSettings:
    """The options of a training.

    folder: pictures. work: folder for checkpoints. pictures, rounds: how many. start: the installed tables of
    this tune are learned further, and no others; "" learns all from those of annex K.
    """

    folder: Path
    work: Path
    pictures: int = 20
    rounds: int = 8
    start: str = ""


def train(settings: TableSettings) -> dict[str, Any]:
    """Learn all families; returns the content of weights/encode.json."""
    crops = _crops(settings)
    families = {
        (tune, subsampling): _fitted(_learned(settings, crops, tune, subsampling))
        for tune in ([settings.start] if settings.start else LEARNED)
        for subsampling in ("444", "420")
    }
    if not settings.start:
        _share(families)
    for tune in {tune for tune, _ in families}:
        families[tune, "422"] = _mixed([(families[tune, s], (0.5, 0.5)) for s in ("444", "420")], 1)
    with Workers(0) as workers:
        entries = [
            _entry(tune, subsampling, family, crops, workers)
            for (tune, subsampling), family in sorted(families.items())
        ]
    if settings.start:
        others = [entry for entry in content()["families"] if entry["tune"] != settings.start]
        return {"qualities": content()["qualities"], "families": others + entries}
    references = [Reference(crop) for crop in crops]
    qualities = [[q, _mean_likeness([_libjpeg(c, q) for c in crops], references, pixels)] for q in QUALITIES]
    qualities.append([100, IDENTICAL])
    return {"qualities": qualities, "families": entries}


def _share(families: dict[tuple[str, str], Family]) -> None:
    """Give the tables for SSIMULACRA2 their shares of others."""
    for subsampling in ("444", "420"):
        parts = [(families[tune, subsampling], SHARES[tune]) for tune in TUNES]
        mixed = _mixed(parts, EASE)
        mixed.steps[:, 0, 0] = _mixed([(f, (chroma, chroma)) for f, (_, chroma) in parts], 1).steps[:, 0, 0]
        families["ssimulacra2", subsampling] = mixed


def _crops(settings: TableSettings) -> list[UInt8]:
    paths = sorted(settings.folder.iterdir())
    rng = np.random.default_rng(1)
    taken = rng.permutation([i for i in range(len(paths)) if settings.start or i % recipes.CLEAN_HELD_OUT])
    crops = []
    for i in taken[: settings.pictures]:
        with Image.open(paths[i]) as image:
            picture = np.asarray(image.convert("RGB"))
        if min(picture.shape[:2]) < SIDE:
            continue
        y, x = (int(rng.integers(0, side - SIDE + 1)) for side in picture.shape[:2])
        crops.append(np.ascontiguousarray(picture[y : y + SIDE, x : x + SIDE]))
    return crops


def _learned(
    settings: TableSettings, crops: Sequence[UInt8], tune: str, subsampling: str
) -> list[tuple[Point, Float64]]:
    """The tables at each strength, with the slopes of the rate as weights; kept in the folder `work`."""
    examples = [Example(crop, subsampling, tune) for crop in crops]
    found = []
    for strength in STRENGTHS:
        path = settings.work / f"encode-{tune}-{subsampling}-{-strength:g}.json"
        if not path.is_file():
            start = _installed(tune, subsampling, strength) if settings.start else _start(strength)
            point, weights = _balanced(examples, start, settings.rounds)
            path.parent.mkdir(parents=True, exist_ok=True)
            with completed(path) as place:
                values = point.steps.tolist(), point.lambdas.tolist(), weights.tolist()
                place.write_text(json.dumps(values))
            print(f"{tune} {subsampling} {strength:g}: lambdas {point.lambdas.round(3)}", flush=True)
        steps, lambdas, rates = (np.array(v) for v in json.loads(path.read_text()))
        found.append((Point(steps, lambdas), rates))
    return found


def _start(strength: float) -> Point:
    """The tables of annex K at a strength."""
    tables = np.log(np.array([LUMINANCE, CHROMINANCE])[:, RASTER])
    return Point(tables - tables[0].mean() + SLOPE * strength, np.full(2, START_LAMBDA))


def _installed(tune: str, subsampling: str, strength: float) -> Point:
    """The installed tables at a strength."""
    steps, lambdas = family(tune, subsampling).logarithms(strength)
    return Point(steps, np.exp(lambdas))


def _balanced(examples: Sequence[Example], point: Point, rounds: int) -> tuple[Point, Float64]:
    """The point with equal slopes and about the rate of the first one, and slopes of its rate."""
    for number in range(rounds):
        slopes = [example.slopes(point) for example in examples]
        mean = Slopes(*(np.mean([vars(s)[name] for s in slopes], 0) for name in vars(slopes[0])))
        if number + 1 < rounds:
            point = _balanced_once(point, mean)
    return point, mean.rate


def _balanced_once(point: Point, slopes: Slopes) -> Point:
    price = slopes.loss.sum() / slopes.rate.sum()
    least = 0.01 * slopes.rate.mean()
    ratio = (np.maximum(slopes.loss, 0) / price + least) / (np.maximum(slopes.rate, 0) + least)
    change = -np.clip(0.45 * np.log(ratio), -0.3, 0.3)
    change -= (change * slopes.rate).sum() / slopes.rate.sum()
    of_lambda = np.maximum(slopes.lambda_loss / slopes.lambda_rate / price, 0.05)
    lambdas = point.lambdas * np.exp(-np.clip(0.6 * np.log(of_lambda), -0.25, 0.25))
    steps = np.clip(point.steps + change, 0, np.log(LARGEST_STEP))
    return Point(steps, np.clip(lambdas, 0.01, 0.4))


def _fitted(found: Sequence[tuple[Point, Float64]]) -> Family:
    """Polynomials through tables. Both orders of a pair of frequencies get the same step."""
    weights = np.clip([rates for _, rates in found], 2e-4, None)
    steps, lambdas = (np.array([vars(point)[name] for point, _ in found]) for name in ("steps", "lambdas"))
    luma = (steps[:, 0] * weights[:, 0]).sum(1) / weights[:, 0].sum(1)
    strengths = luma / SLOPE
    powers = strengths[:, None] ** np.arange(DEGREE + 1)
    start = np.array([0, SLOPE, 0])  # all steps change alike unless the tables tell otherwise
    result = np.zeros((DEGREE + 1, 2, 64))
    for kind in range(2):
        for k in range(64):
            pair = [k, _TRANSPOSED[k]]
            roots = np.sqrt(weights[:, kind, pair].T.ravel())
            rest = np.tile(powers, (2, 1)), steps[:, kind, pair].T.ravel() - np.tile(powers @ start, 2)
            rows = np.concatenate([rest[0] * roots[:, None], _RIDGE * roots.mean()])
            values = np.concatenate([rest[1] * roots, np.zeros(DEGREE + 1)])
            result[:, kind, k] = start + np.linalg.lstsq(rows, values, rcond=None)[0]
    logs = np.linalg.lstsq(powers, np.log(lambdas), rcond=None)[0]
    ends = strengths[[0, -1]]
    return Family(ends, ends, ends, result.round(3), logs.round(3))


def _mixed(parts: Sequence[tuple[Family, tuple[float, float]]], ease: float) -> Family:
    """The first of some families with means of all, by shares for luma and for chroma.

    ease: factor to the lambdas.
    """
    steps = np.sum([f.steps * np.array(shares)[:, None] for f, shares in parts], 0)
    lambdas = np.sum([f.lambdas * np.array(shares) for f, shares in parts], 0)
    lambdas[0] += np.log(ease)
    return replace(parts[0][0], steps=steps.round(3), lambdas=lambdas.round(3))


def _entry(
    tune: str, subsampling: str, family: Family, crops: Sequence[UInt8], workers: Workers
) -> dict[str, Any]:
    """A family with the likeness that its strengths give, for weights/encode.json."""
    low, high = (round(float(end), 4) for end in family.learned)
    to_restore = tune == RESTORED
    options = Options("psnr" if to_restore else tune, False, False, DEFAULT_LIMITS, restored=to_restore)
    encoders = [Encoder.of(Planes.of(crop, workers), subsampling, b"", options, workers) for crop in crops]
    references = [Reference(crop) for crop in crops]

    def likeness(strength: float) -> float:
        settings = family.of_strength(strength)
        files = [e.written(settings, e.levels(settings)) for e in encoders]
        return _mean_likeness(files, references, _restored if to_restore else pixels)

    strengths = [low + BEYOND[0], low + BEYOND[1], *np.linspace(low, high, 9), high + BEYOND[2]]
    found = np.maximum.accumulate([likeness(s) for s in strengths]) + 1e-3 * np.arange(len(strengths))
    return {
        "tune": tune,
        "subsampling": subsampling,
        "strengths": np.round(strengths, 4).tolist(),
        "likeness": found.round(3).tolist(),
        "learned": [low, high],
        "steps": family.steps.tolist(),
        "lambdas": family.lambdas.tolist(),
    }


def _libjpeg(picture: UInt8, quality: int) -> bytes:
    output = io.BytesIO()
    Image.fromarray(picture).save(output, "JPEG", quality=max(quality, 1), subsampling=2)
    return output.getvalue()


def _restored(data: bytes) -> UInt8:
    return restore(data).astype(np.uint8)


def _mean_likeness(files: Sequence[bytes], references: Sequence[Reference], decode: Decode) -> float:
    scores = [r.score(decode(data)) for data, r in zip(files, references, strict=True)]
    return round(float(np.mean(scores)), 2)


def export(content: dict[str, Any], weights: Path) -> Path:
    """Write weights/encode.json."""
    path = weights / "encode.json"
    with completed(path) as place:
        place.write_text(json.dumps(content) + "\n")
    return path
