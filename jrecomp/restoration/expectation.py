"""Restoration without a network: expected coefficients, shrinkage at all shifts, and both in the cells."""

from collections.abc import Callable, Sequence
from decimal import Context, Decimal, localcontext

import numpy as np

from jrecomp.array_types import Int16, Int32
from jrecomp.jpeg.types import Component, JpegFile
from jrecomp.restoration.cells import Cells, projected
from jrecomp.restoration.sampling import Sampling
from jrecomp.restoration.shifts import BORDER, LEARNED, SAMPLE
from jrecomp.restoration.transform import LARGEST_SAMPLE, inverse, natural, plane
from jrecomp.threads import Workers

_STRIP_ROWS = 16
"""Number of block rows that are computed at once."""

OFFSET_BITS = 10
"""Offsets are in units of 2^-OFFSET_BITS of a step."""

_PRIOR = 2
"""Added to the sum of magnitudes beyond 1, so that few levels mean small offsets."""


def restored(file: JpegFile, workers: Workers) -> list[Int16]:
    """The components of a file by expectation and shrinkage, see decode.Method."""
    shifts = workers.map(offsets, file.coefficients)
    expected = [_decoded(file, number, shift, workers) for number, shift in enumerate(shifts)]
    shrunk = [_shrunk(file, number, plane, workers) for number, plane in enumerate(expected)]
    return _enlarged(file, shrunk, workers)


def centres(file: JpegFile, workers: Workers) -> list[Int16]:
    """The components of a file with all coefficients in the centres of their cells, see decode.Method."""
    none = np.zeros((8, 8), np.int32)
    decoded = [_decoded(file, number, none, workers) for number in range(len(file.coefficients))]
    return _enlarged(file, decoded, workers)


def _enlarged(file: JpegFile, planes: Sequence[Int16], workers: Workers) -> list[Int16]:
    """The samples of all components at the resolution of the picture."""

    def enlarged(component: Component, samples: Int16) -> Int16:
        sampling = Sampling.of(component, file)
        if sampling.pixels == 1:
            return samples
        wide = sampling.enlarged(samples.astype(np.int32))
        return wide.clip(-LARGEST_SAMPLE, LARGEST_SAMPLE).astype(np.int16)

    return workers.map(enlarged, file.frame.components, planes)


def strips(
    file: JpegFile, number: int, workers: Workers, work: Callable[[int, Int16, Cells], Int32]
) -> Int16:
    """A plane of samples from strips of a component, each computed from its first row, levels and cells.

    The rows are block rows. Samples are limited to LARGEST_SAMPLE.
    """
    component, levels = file.frame.components[number], file.coefficients[number]

    def strip(first: int) -> Int16:
        rows = levels[first : first + _STRIP_ROWS]
        samples = work(first, rows, Cells.of(component, rows, file.frame.precision))
        return samples.clip(-LARGEST_SAMPLE, LARGEST_SAMPLE).astype(np.int16)

    return np.concatenate(workers.map(strip, range(0, len(levels), _STRIP_ROWS)))


def _decoded(file: JpegFile, number: int, offsets: Int32, workers: Workers) -> Int16:
    """The samples of a component with expected coefficients."""
    return strips(
        file, number, workers, lambda _, levels, cells: plane(inverse(expected(levels, cells, offsets)))
    )


def _shrunk(file: JpegFile, number: int, samples: Int16, workers: Workers) -> Int16:
    """The samples of a component after shrinkage, with coefficients in their cells."""
    padded = np.pad(samples.clip(-SAMPLE, SAMPLE), BORDER, "edge")

    def work(first: int, levels: Int16, cells: Cells) -> Int32:
        rows = padded[8 * first : 8 * (first + len(levels)) + 2 * BORDER]
        return projected(LEARNED.applied(rows, cells.radius).astype(np.int32), cells)

    return strips(file, number, workers, work)


def expected(levels: Int16, cells: Cells, offsets: Int32) -> Int32:
    """The expected coefficients, int32 [rows, columns, 8, 8], in their cells.

    levels: of some block rows, int16 [rows, columns, 64]. cells: theirs. offsets: result of offsets() for the
    whole component.
    """
    shift = (2 * cells.radius * offsets) >> OFFSET_BITS
    return cells.clipped(cells.centres - np.sign(natural(levels)) * shift)


def offsets(levels: Int16) -> Int32:
    """How far the expectation is from the centre of a cell towards zero, int32 [8, 8], 2^-OFFSET_BITS steps.

    levels: all of a component, int16 [rows, columns, 64].

    The magnitudes of AC coefficients of a frequency are taken as exponentially distributed, apart from
    those of level 0, of which smooth areas have more, and encoders that save bytes make more. So the other
    levels alone tell the decay, by maximum likelihood. The offset is the same for all of them.
    """
    nonzero = natural(np.count_nonzero(levels, (0, 1)))
    beyond = natural(np.abs(levels).sum((0, 1), dtype=np.int64)) - nonzero
    with localcontext(Context(prec=28)):  # so that every machine rounds alike
        values = [_offset(int(n), int(b)) for n, b in zip(nonzero.flat, beyond.flat, strict=True)]
    return np.array([0, *values[1:]], np.int32).reshape(8, 8)


def _offset(nonzero: int, beyond: int) -> int:
    """The offset for a frequency with `nonzero` levels other than 0; beyond: the sum of magnitudes over 1."""
    if not nonzero:
        return 0
    decay = Decimal(beyond + _PRIOR) / (nonzero + beyond + _PRIOR)  # of the density in a step
    return round((Decimal("0.5") + 1 / decay.ln() + decay / (1 - decay)) * (1 << OFFSET_BITS))
