"""From a JPEG file to restored pixels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from jrecomp.array_types import Bool, Int16
from jrecomp.errors import check_memory
from jrecomp.jpeg.types import Frame, JpegFile
from jrecomp.options import DEFAULT_LIMITS, Limits
from jrecomp.restoration import correction, expectation
from jrecomp.restoration.cells import Cells
from jrecomp.restoration.colour import Colours, Pixels, Space
from jrecomp.restoration.network import BAND_CELLS, SIDE
from jrecomp.restoration.promise import Part, Promise
from jrecomp.restoration.sampling import Sampling, mcu_size
from jrecomp.threads import Workers

Method = Callable[[JpegFile, Workers], list[Int16]]
"""Restores the components of a file.

Returns for each component int16 [rows, columns] at the resolution of the picture, of whole MCUs, in the unit
of transform.UNIT_BITS, 0 in the middle of their range. The mean over the pixels of a sample has its
coefficients in their cells, by cells.Cells.clipped().
"""

METHODS: dict[str, Method] = {"network": correction.restored, "expectation": expectation.restored}
"""The first is the default."""

PLAIN = "plain"
"""The name of decoding without restoration."""

STRENGTH_BITS = 8
_PIXEL_BYTES = 24
"""Memory for a pixel of a component: coefficients, planes of samples, and pixels in both forms."""

_LEAST_ROWS = SIDE * BAND_CELLS[0]
_LEAST_COMPONENTS = 2
"""The network takes as much memory for fewer rows of pixels, and for one component."""

_STRIP_PIXELS = 1 << 18


@dataclass(frozen=True)
class Restored:
    """A restored picture.

    pixels: uint8 or uint16 [rows, columns, channels].
    coefficients: number of coefficients that were compared, those of blocks that are inside the picture; 0 if
        the pixels have fewer bits than the file's samples.
    broken: number of these that compressing the pixels does not give again.
    method: the one that was used, or PLAIN.
    """

    pixels: Pixels
    coefficients: int
    broken: int
    method: str


def restored(
    file: JpegFile, method: str, bits: int, strength: float, threads: int, limits: Limits = DEFAULT_LIMITS
) -> Restored:
    """Restore the picture of a file.

    file: result of jpeg.read(). method: one of METHODS. bits: of the pixels, 8 or 16. strength: share of the
    difference from the centres of the cells, 0 to 1. threads: at least 1. limits: bound the memory.

    Raises InputError for files that have no colours or fractions of pixels, and LimitError.
    """
    frame = file.frame
    samplings = [Sampling.of(component, file) for component in frame.components]
    promise = Promise(Colours(Space.of(file), frame.precision, bits), samplings)
    height, width = mcu_size(frame)
    size = max(frame.mcu_rows * height, _LEAST_ROWS) * frame.mcu_columns * width
    check_memory(size * max(len(samplings), _LEAST_COMPONENTS) * _PIXEL_BYTES, limits.max_memory)
    with Workers(threads) as workers:
        components = _components(file, METHODS[method], round(strength * 2**STRENGTH_BITS), workers)
        pixels = np.empty((frame.height, frame.width, len(samplings)), promise.colours.dtype)

        def finish(first: int, end: int) -> tuple[int, int]:
            part = _part(file, samplings, first, end)
            rows = slice(first * height, end * height)
            strip = np.stack([plane[rows] for plane in components], -1, dtype=np.int32)
            place = pixels[rows]
            if bits < frame.precision:
                place[:] = promise.colours.pixels(strip)[: len(place), : frame.width]
                return 0, 0
            finished, broken = promise.kept(strip, part)
            place[:] = finished[: len(place), : frame.width]
            return 64 * sum(int(whole.sum()) for whole in part.whole), int(broken.sum())

        step = max(1, _STRIP_PIXELS // (height * width * frame.mcu_columns))
        starts = range(0, frame.mcu_rows, step)
        counts = workers.map(finish, starts, [min(start + step, frame.mcu_rows) for start in starts])
    compared, broken = (sum(column) for column in zip(*counts, strict=True))
    return Restored(pixels, compared, broken, _used(file, method, strength))


def _used(file: JpegFile, method: str, strength: float) -> str:
    """What restores a file: expectation those that the network was not trained for."""
    if strength == 0:
        return PLAIN
    alone = method == "network" and correction.described(file) is None
    return "expectation" if alone else method


def _components(file: JpegFile, method: Method, share: int, workers: Workers) -> list[Int16]:
    """The components with a share of the restoration, in units of 2^-STRENGTH_BITS."""
    if share == 0:
        return expectation.centres(file, workers)
    components = method(file, workers)
    if share == 1 << STRENGTH_BITS:
        return components
    plain = expectation.centres(file, workers)
    return [_mixed(p, c, share) for p, c in zip(plain, components, strict=True)]


def _mixed(plain: Int16, restored: Int16, share: int) -> Int16:
    difference = (restored.astype(np.int32) - plain) * share
    return (plain + (difference >> STRENGTH_BITS)).astype(np.int16)


def _part(file: JpegFile, samplings: Sequence[Sampling], first: int, end: int) -> Part:
    """Some MCU rows of a file."""
    frame = file.frame
    cells, whole = [], []
    for component, levels, sampling in zip(frame.components, file.coefficients, samplings, strict=True):
        rows = slice(first * component.vertical, end * component.vertical)
        inside = _inside(frame, sampling, rows, component.block_columns)
        parts = Cells.of(component, levels[rows], frame.precision)
        cells.append(parts.unbounded if sampling.fitted else parts)
        whole.append(inside & (not sampling.fitted))
    return Part(end - first, frame.mcu_columns, cells, whole)


def _inside(frame: Frame, sampling: Sampling, rows: slice, columns: int) -> Bool:
    """Which blocks of a component have no pixel outside the picture, bool [rows, columns]."""
    down = np.arange(rows.start + 1, rows.stop + 1) * 8 * sampling.down <= frame.height
    across = np.arange(1, columns + 1) * 8 * sampling.across <= frame.width
    inside: Bool = down[:, None] & across
    return inside
