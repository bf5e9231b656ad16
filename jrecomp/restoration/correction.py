"""Restoration by expectation, corrected by a network, with coefficients in their cells."""

from functools import cache

import numpy as np

from jrecomp.array_types import Int16, Int32
from jrecomp.errors import UnknownModelError
from jrecomp.jpeg.types import JpegFile
from jrecomp.model import weights
from jrecomp.restoration import expectation
from jrecomp.restoration.cells import Cells, projected
from jrecomp.restoration.colour import Space
from jrecomp.restoration.network import (
    COMPONENTS,
    CORRECTION_UNIT,
    SAMPLE_UNIT,
    Description,
    Network,
    build,
    shifted,
)
from jrecomp.restoration.sampling import Sampling
from jrecomp.restoration.transform import LARGEST_SAMPLE, natural
from jrecomp.threads import Workers

FINEST = 2
"""Smallest mean step of luma, in levels of 8 bits, of files that are corrected."""

_FINER_BITS = (CORRECTION_UNIT // SAMPLE_UNIT).bit_length() - 1
"""Fractional bits of corrections beyond those of samples."""


def restored(file: JpegFile, workers: Workers) -> list[Int16]:
    """The components of a file with corrections, see decode.Method.

    Files that the network was not trained for are restored by expectation only.
    """
    expected = expectation.restored(file, workers)
    description = described(file)
    if description is None:
        return expected
    before, decoded = _stacked(expected), _stacked(expectation.centres(file, workers))
    del expected
    correction = network().correction(before, decoded, description, workers)
    del decoded
    return [
        _corrected(file, number, before[number], correction[number], workers)
        for number in range(len(file.frame.components))
    ]


@cache
def network() -> Network:
    """The trained network; raises UnknownModelError if it is not installed or damaged."""
    try:
        return build(weights.read(weights.RESTORER))
    except ValueError as error:
        raise UnknownModelError(f"the weights of restoration do not fit: {error}") from error


def described(file: JpegFile) -> Description | None:
    """What the network needs to know of a file, or None if it was not trained for such files.

    It was for gray, and for Y, Cb and Cr where chroma is halved or whole in each direction. Expectation alone
    is better where steps of luma are near 1 and errors are those of rounding (decision 31).
    """
    frame = file.frame
    luma, *chroma = (Sampling.of(component, file) for component in frame.components)
    factors = chroma[0] if chroma else luma
    if Space.of(file) not in (Space.GRAY, Space.YCC) or luma.pixels > 1 or {*chroma} - {factors}:
        return None
    if max(factors.down, factors.across) > 2:
        return None
    steps = np.ones((COMPONENTS, 64), np.int64)
    for number, component in enumerate(frame.components):
        raster = natural(component.steps.astype(np.int32)).reshape(64)
        steps[number] = (raster >> (frame.precision - 8)).clip(1)
    if steps[0].mean() < FINEST:
        return None
    return Description(steps, (factors.across == 2, factors.down == 2), not chroma)


def _stacked(planes: list[Int16]) -> Int16:
    """Planes as [COMPONENTS, rows, columns], 0 for absent ones."""
    stacked = np.zeros((COMPONENTS, *planes[0].shape), np.int16)
    stacked[: len(planes)] = planes
    return stacked


def _corrected(file: JpegFile, number: int, before: Int16, correction: Int16, workers: Workers) -> Int16:
    """The samples of a component after their correction, the coefficients of their means in the cells."""
    sampling = Sampling.of(file.frame.components[number], file)
    if sampling.fitted:  # the network was not trained for them
        return before

    def work(first: int, levels: Int16, cells: Cells) -> Int32:
        rows = slice(8 * sampling.down * first, 8 * sampling.down * (first + len(levels)))
        change = shifted(correction[rows].astype(np.int32), _FINER_BITS)
        samples = (before[rows] + change).clip(-LARGEST_SAMPLE, LARGEST_SAMPLE)
        return sampling.moved(samples, projected(sampling.means(samples), cells))

    return expectation.strips(file, number, workers, work)
