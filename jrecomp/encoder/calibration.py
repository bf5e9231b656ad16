"""Likeness of one picture: the settings that give it a SSIMULACRA2, found on a sample of its pixels."""

import numpy as np

from jrecomp.array_types import UInt8
from jrecomp.encoder.coefficients import Pixels, Planes
from jrecomp.encoder.encode import Encoder, Options
from jrecomp.encoder.search import search
from jrecomp.metrics import Reference, pixels, to_rgb
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

TRIALS = 5


def sample(picture: Pixels) -> Pixels:
    """Tiles of a picture, evenly spread, below each other; the whole picture if it is not much larger."""
    rows, columns = picture.shape[:2]
    if rows * columns <= 2 * (TILE * TILES) ** 2 or min(rows, columns) < TILE:
        return picture
    tops, lefts = (np.linspace(0, side - TILE, TILES).astype(int) // 16 * 16 for side in (rows, columns))
    return np.concatenate([picture[y : y + TILE, x : x + TILE] for y in tops for x in lefts])


def calibrated(
    picture: Pixels, wanted: float, subsampling: str, options: Options, threads: int
) -> float | None:
    """The likeness whose settings give the sample of a picture the wanted SSIMULACRA2.

    Returns None if none does within the range that is tried.
    """
    part = sample(picture)
    reference = Reference(to_rgb(as_decoded(part)), threads)
    with Workers(threads) as workers:
        encoder = Encoder.of(Planes.of(part, workers), subsampling, b"", options, workers)

        def attempt(likeness: float) -> tuple[float, None]:
            decoded = to_rgb(pixels(encoder.file(likeness)))
            return max(IDENTICAL - reference.score(decoded), 1e-6), None

        lower = min(LOWER, 0.8 * (IDENTICAL - wanted))
        ends = wanted - lower, min(wanted + HIGHER, IDENTICAL)
        inside, _ = search(attempt, IDENTICAL - wanted, TOLERANCE, False, wanted, ends, TRIALS)
    return inside.likeness if inside else None


def as_decoded(picture: Pixels) -> UInt8:
    """A picture as decoders would give it, uint8 [rows, columns, channels]."""
    values = picture if picture.dtype == np.uint8 else np.rint(picture / np.float32(257))
    return values.astype(np.uint8).reshape(*picture.shape[:2], -1)
