"""Dequantization to the expectation in each cell."""

from decimal import Context, Decimal, localcontext
from math import isqrt

import numpy as np

from jrecomp.array_types import Int16, Int32
from jrecomp.jpeg.types import JpegFile
from jrecomp.restoration.cells import Cells
from jrecomp.restoration.sampling import Sampling
from jrecomp.restoration.transform import LARGEST_SAMPLE, inverse, natural, plane
from jrecomp.threads import Workers

_ROWS = 16
"""Number of block rows that are computed at once."""

OFFSET_BITS = 10
"""Offsets are in units of 2^-OFFSET_BITS of a step."""


def restored(file: JpegFile, workers: Workers) -> list[Int16]:
    """The components of a file with expected coefficients, see decode.Method."""
    return _components(file, workers, expected=True)


def centres(file: JpegFile, workers: Workers) -> list[Int16]:
    """The components of a file with all coefficients in the centres of their cells, see decode.Method."""
    return _components(file, workers, expected=False)


def _components(file: JpegFile, workers: Workers, expected: bool) -> list[Int16]:
    precision = file.frame.precision

    def component(number: int) -> Int16:
        described, levels = file.frame.components[number], file.coefficients[number]
        shift = offsets(levels) if expected else np.zeros((8, 8), np.int32)
        strips = [levels[first : first + _ROWS] for first in range(0, len(levels), _ROWS)]
        parts = [samples(strip, Cells.of(described, strip, precision), shift) for strip in strips]
        return Sampling.of(described, file.frame).enlarged(np.concatenate(parts)).astype(np.int16)

    return workers.map(component, range(len(file.coefficients)))


def samples(levels: Int16, cells: Cells, offsets: Int32) -> Int32:
    """The samples of some block rows with expected coefficients, int32 [rows, columns].

    levels: int16 [rows, columns, 64]. cells: theirs. offsets: result of offsets() for the whole component.
    """
    shift = (2 * cells.radius * offsets) >> OFFSET_BITS
    expected = cells.clipped(cells.centres - np.sign(natural(levels)) * shift)
    return plane(inverse(expected)).clip(-LARGEST_SAMPLE, LARGEST_SAMPLE)


def offsets(levels: Int16) -> Int32:
    """How far the expectation is from the centre of a cell towards zero, int32 [8, 8], 2^-OFFSET_BITS steps.

    levels: all of a component, int16 [rows, columns, 64].

    AC coefficients of a frequency have a Laplacian distribution, whose scale is estimated from the levels by
    maximum likelihood. The offset is then the same for all levels but 0, where it is 0.
    """
    magnitudes = np.abs(natural(levels).astype(np.int32))
    nonzero = np.count_nonzero(magnitudes, (0, 1)).astype(np.int64)
    total = magnitudes.sum((0, 1), dtype=np.int64)
    number = levels.shape[0] * levels.shape[1]
    with localcontext(Context(prec=28)):  # so that every machine rounds alike
        values = [_offset(number, int(n), int(t)) for n, t in zip(nonzero.flat, total.flat, strict=True)]
    return np.array([0, *values[1:]], np.int32).reshape(8, 8)


def _offset(number: int, nonzero: int, total: int) -> int:
    """The offset for a frequency with `number` levels, of which `nonzero` have magnitudes of sum `total`.

    With s = exp(-step / (2 scale)), the likelihood of the levels has its maximum where
    (number + nonzero + m) s^2 + (number - nonzero) s = m for m = 2 total - nonzero.
    """
    if not nonzero:
        return 0
    m, zeros = 2 * total - nonzero, number - nonzero
    a = number + nonzero + m
    root = isqrt((zeros * zeros + 4 * a * m) << 32)
    s = min(max(Decimal(root - (zeros << 16)) / (2 * a << 16), Decimal("0.0001")), Decimal("0.9999"))
    t = s * s
    offset = t / (1 - t) + 1 / t.ln() + Decimal("0.5")
    return round(offset * (1 << OFFSET_BITS))
