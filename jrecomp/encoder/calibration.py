"""Likeness of one picture: the settings that give it a SSIMULACRA2, found on a sample of its pixels."""

from math import log, log10

import numpy as np

from jrecomp.array_types import Float64
from jrecomp.encoder.coefficients import Pixels, as_decoded
from jrecomp.encoder.effort import files_of
from jrecomp.encoder.encode import Options
from jrecomp.encoder.search import search
from jrecomp.metrics import Decode, Reference, luma_psnr, ms_ssim, to_rgb
from jrecomp.metrics.ssimulacra2 import IDENTICAL
from jrecomp.threads import Workers

TILE, TILES = 256, 3
"""Side of a tile of the sample in pixels, and the number of tiles across and down."""

TOLERANCE = 0.03
"""The distance from the original may be smaller by this fraction than wanted."""

LOWER, HIGHER = 12.0, 12.0
"""How far the settings may be from those of the average picture, in SSIMULACRA2. Smooth drawings, which the
measure forgives more than the eye, get no coarser ones.
"""

GAIN = 1.5
"""How much rounds raise SSIMULACRA2 at the same settings, about."""

TRIALS = 5

BOUNDS = (("PSNR-Y", 0.5, " dB"), ("MS-SSIM", 0.2, " dB"), ("SSIMULACRA2", 0.1, ""))
"""The most that a measure may be worse than that of a plain result of the same size."""

APART = 4.0
"""Distance in likeness of the two plain results between which one of the same size is interpolated."""


def sample(picture: Pixels) -> Pixels:
    """Tiles of a picture, evenly spread, below each other; the whole picture if it is not much larger."""
    rows, columns = picture.shape[:2]
    if rows * columns <= 2 * (TILE * TILES) ** 2 or min(rows, columns) < TILE:
        return picture
    tops, lefts = (np.linspace(0, side - TILE, TILES).astype(int) // 16 * 16 for side in (rows, columns))
    return np.concatenate([picture[y : y + TILE, x : x + TILE] for y in tops for x in lefts])


def calibrated(
    picture: Pixels,
    wanted: float,
    subsampling: str,
    options: Options,
    rounds: int,
    decode: Decode,
    threads: int,
) -> float | None:
    """The likeness whose settings give the sample of a picture the wanted SSIMULACRA2.

    decode: gives the pixels that are compared. Returns None if none does within the range that is tried.
    """
    part = sample(picture)
    reference = Reference(to_rgb(as_decoded(part)), threads)
    with Workers(threads) as workers:
        file = files_of(part, subsampling, b"", options, rounds, threads, workers)

        def attempt(likeness: float) -> tuple[float, None]:
            decoded = to_rgb(decode(file(likeness)))
            return max(IDENTICAL - reference.score(decoded), 1e-6), None

        lower = min(LOWER, 0.8 * (IDENTICAL - wanted))
        ends = wanted - lower, min(wanted + HIGHER, IDENTICAL)
        start = max(wanted - (GAIN if rounds else 0), ends[0])
        inside, _ = search(attempt, IDENTICAL - wanted, TOLERANCE, False, start, ends, TRIALS)
    return inside.likeness if inside else None


def lost(
    picture: Pixels,
    likeness: float,
    subsampling: str,
    options: Options,
    rounds: int,
    decode: Decode,
    threads: int,
) -> str:
    """What the sample of a picture loses by rounds against plain results of the same size.

    likeness: whose settings are compared. decode: gives the pixels that are compared. Returns the first
    measure that is worse by more than BOUNDS allows, such as "PSNR-Y 0.90 dB", and nothing if all hold.
    """
    part = sample(picture)
    original = as_decoded(part)
    reference = Reference(original, threads)

    def measured(data: bytes) -> tuple[float, Float64]:
        decoded = decode(data).reshape(original.shape)
        distance = max(1 - ms_ssim(original, decoded), 1e-9)
        scores = luma_psnr(original, decoded), -10 * log10(distance), reference.score(decoded)
        return log(len(data)), np.array(scores)

    with Workers(threads) as workers:
        plain, refined = (files_of(part, subsampling, b"", options, n, threads, workers) for n in (0, rounds))
        size, scores = measured(refined(likeness))
        low, high = (measured(plain(likeness - step)) for step in (APART, 0.0))
    if high[0] == low[0] or not np.isfinite([scores, low[1], high[1]]).all():
        return ""
    expected = low[1] + (high[1] - low[1]) * (size - low[0]) / (high[0] - low[0])
    for (name, bound, unit), loss in zip(BOUNDS, expected - scores, strict=True):
        if loss > bound:
            return f"{name} {loss:.2f}{unit}"
    return ""
