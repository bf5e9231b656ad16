"""Scan scripts: what each scan of a rebuilt file codes, and a search for progressive scans of few bytes."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from jrecomp.array_types import Int16, Int64
from jrecomp.jpeg.huffman import coded_bits, shortest_table
from jrecomp.jpeg.types import Frame
from jrecomp.native._scan import count_magnitudes
from jrecomp.t81 import MOST_BLOCKS_IN_MCU

_BANDS = (((1, 63),), ((1, 2), (3, 63)), ((1, 5), (6, 63)), ((1, 8), (9, 63)))
"""Divisions of the AC coefficients into bands (spectral selection, T.81 G.1.1.1.1)."""

_MOST_SHIFT = 2
"""Largest number of low bits that the first scans leave to later ones (successive approximation)."""

_HEADER_BITS, _TABLE_BITS = 8 * 10, 8 * 5
"""Bits of the SOS segment of one component, and of a DHT segment without its table."""


class Scan(NamedTuple):
    """The components, spectral selection and successive approximation of a scan (T.81 G.1.1.1)."""

    components: tuple[int, ...]
    ss: int = 0
    se: int = 63
    ah: int = 0
    al: int = 0


def sequential(frame: Frame) -> list[Scan]:
    """The scans of a sequential file."""
    return [Scan(components) for components in _together(frame)]


def progressive(frame: Frame) -> list[Scan]:
    """libjpeg's progressive scan scripts (jcparam.c); three components have the script for YCbCr."""
    indices = range(len(frame.components))
    dc_first = [Scan(components, 0, 0, 0, 1) for components in _together(frame)]
    dc_refine = [Scan(components, 0, 0, 1, 0) for components in _together(frame)]
    if len(indices) == 3:
        ac_first = [Scan((0,), 1, 5, 0, 2), Scan((2,), 1, 63, 0, 1), Scan((1,), 1, 63, 0, 1)]
        ac_first += [Scan((0,), 6, 63, 0, 2), Scan((0,), 1, 63, 2, 1)]
        ac_refine = [Scan((i,), 1, 63, 1, 0) for i in (2, 1, 0)]
    else:
        bands = [(1, 5, 0, 2), (6, 63, 0, 2), (1, 63, 2, 1)]
        ac_first = [Scan((i,), *band) for band in bands for i in indices]
        ac_refine = [Scan((i,), 1, 63, 1, 0) for i in indices]
    return dc_first + ac_first + dc_refine + ac_refine


def smallest(
    frame: Frame, coefficients: Sequence[Int16], count: Callable[[Sequence[Scan]], Sequence[Int64]]
) -> list[Scan]:
    """The progressive scans that take the fewest bytes of those that are compared.

    Each component gets a division of its AC coefficients into bands, and a number of low bits that
    refinement scans code.

    coefficients: int16 [block rows, block columns, 64] of each component. count: gives the symbol counts of
    each scan, [components, kinds, 256].
    """
    indices = range(len(frame.components))
    divisions = {(i, b): [Scan((i,), *band) for band in _BANDS[b]] for i, b in product(indices, range(4))}
    sizes = _sizes({scan for scans in divisions.values() for scan in scans}, coefficients, count)
    best = {
        i: min((divisions[i, b] for b in range(4)), key=lambda scans: sum(sizes[s] for s in scans))
        for i in indices
    }
    shifts = range(_MOST_SHIFT + 1)
    scans = {(i, shift): _shifted(best[i], shift) for i, shift in product(indices, shifts)}
    sizes |= _sizes({s for group in scans.values() for s in group} - set(sizes), coefficients, count)
    chosen = [
        min((scans[i, shift] for shift in shifts), key=lambda group: sum(sizes[s] for s in group))
        for i in indices
    ]
    first, refining = (
        [s for group in chosen for s in group if (s.ah > 0) == refined] for refined in (False, True)
    )
    refining.sort(key=lambda scan: -scan.ah)
    return [Scan(components, 0, 0) for components in _together(frame)] + first + refining


def _shifted(bands: Sequence[Scan], shift: int) -> list[Scan]:
    """The scans of a component whose bands come without their `shift` low bits first."""
    first = [Scan(scan.components, scan.ss, scan.se, 0, shift) for scan in bands]
    return first + [Scan(bands[0].components, 1, 63, low + 1, low) for low in reversed(range(shift))]


def _sizes(
    scans: set[Scan], coefficients: Sequence[Int16], count: Callable[[Sequence[Scan]], Sequence[Int64]]
) -> dict[Scan, int]:
    """The bits of AC scans with their headers and tables, without the bytes that are stuffed."""
    ordered = sorted(scans, key=lambda scan: (scan.components, scan.ss, scan.se, -scan.al))
    return {
        scan: _coded(counts[0, 1].tolist())
        + (_refined(coefficients[scan.components[0]], scan.ah) if scan.ah else 0)
        for scan, counts in zip(ordered, count(ordered), strict=True)
    }


def _coded(counts: list[int]) -> int:
    if not any(counts):
        return _HEADER_BITS
    table = shortest_table(counts)
    additional = sum(
        number * (symbol & 15 or (symbol >> 4 if symbol < 0xF0 else 0))
        for symbol, number in enumerate(counts)
    )
    return _HEADER_BITS + _TABLE_BITS + 8 * len(table) + coded_bits(table, counts) + additional


def _refined(blocks: Int16, ah: int) -> int:
    """The number of AC coefficients that have a correction bit in a refinement scan."""
    counts = np.zeros((64, (1 << ah) + 1), np.int64)
    count_magnitudes(blocks, counts)
    return int(counts[1:, -1].sum())


def _together(frame: Frame) -> list[tuple[int, ...]]:
    """All components in one interleaved scan if T.81 B.2.3 allows it, otherwise in a scan each."""
    indices = tuple(range(len(frame.components)))
    blocks = sum(c.horizontal * c.vertical for c in frame.components)
    return [indices] if len(indices) == 1 or blocks <= MOST_BLOCKS_IN_MCU else [(i,) for i in indices]
