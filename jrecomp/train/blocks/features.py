"""What the coding of a block sees, for many blocks at once: integers of docs/format/blocks.md."""

from functools import cache

import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Bool, Int16, Int32, Int64, UInt8
from jrecomp.codec.blocks import ABOVE, BAND_STEPS, LEFT, SEEN
from jrecomp.codec.coders import VALUE_LIMIT
from jrecomp.model.blocks import BANDS, CONFIDENCES, ENERGIES, NEAR_LEVELS, OWN_LEVELS, make_tables


@cache
def _basis() -> Int32:
    return make_tables()["basis"].astype(np.int32)


def dequantized(coefficients: Int16, steps: npt.NDArray[np.integer]) -> Int32:
    """d_j of any shape."""
    product = coefficients.astype(np.int32) * steps.astype(np.int32)
    limited: Int32 = np.clip(product, -VALUE_LIMIT, VALUE_LIMIT)
    return limited


def last_of(coefficients: Int16) -> UInt8:
    """`last` [...] of coefficients [..., 64]."""
    nonzero = coefficients[..., :0:-1] != 0
    last: UInt8 = np.where(nonzero.any(-1), 63 - nonzero.argmax(-1), 0).astype(np.uint8)
    return last


def near_class(coefficients: Int16) -> UInt8:
    """Levels of magnitudes from 1 on, 0 for 0, as neighbours are seen."""
    return _class_of(coefficients, NEAR_LEVELS)


def own_class(coefficients: Int16) -> UInt8:
    """Levels of magnitudes from 1 on, 0 for 0, as the block itself and other components are seen."""
    return _class_of(coefficients, OWN_LEVELS)


def _class_of(coefficients: Int16, limits: tuple[int, ...]) -> UInt8:
    largest = limits[-1] + 1
    classes = np.searchsorted((0, *limits), np.arange(largest + 1)).astype(np.uint8)
    result: UInt8 = classes[np.minimum(np.abs(coefficients.astype(np.int32)), largest)]
    return result


def values(near: Int32, exists: Bool) -> tuple[Int16, Int16]:
    """Values int16 [n, 41] and base int16 [n].

    near: dequantized coefficients [n, 4, 64] of the neighbours, exists: [n, 4]; both in order of NEIGHBOURS.
    """
    edges = {n: _edges(near[:, n], part) for n, part in SEEN.items()}
    total = edges[LEFT][:, :8].sum(1) * exists[:, LEFT] + edges[ABOVE][:, :8].sum(1) * exists[:, ABOVE]
    base = total >> (2 + exists[:, LEFT].astype(np.int64) + exists[:, ABOVE])
    differences = [(part - base[:, None]) * exists[:, n, None] for n, part in edges.items()]
    limited = np.clip(np.concatenate(differences, 1), -VALUE_LIMIT, VALUE_LIMIT)
    return limited.astype(np.int16), base.astype(np.int16)


def _edges(d: Int32, which: slice) -> Int64:
    terms = (d[:, :, None] * _basis()[:, which] + (1 << 14)) >> 15
    wrapped: Int64 = terms.sum(1).astype(np.int16).astype(np.int64)
    return wrapped


def eighths_of_octaves(x: Int64) -> Int64:
    """l(x) of any shape."""
    mantissa, exponent = np.frexp(x)
    octaves: Int64 = 8 * (exponent.astype(np.int64) - 1) + (16 * mantissa).astype(np.int64) - 8
    return np.where(x > 0, octaves, -1016)


def energy_levels(first: Int32, rows: int, columns: int, steps: Int32) -> UInt8 | None:
    """uint8 [rows, columns, bands], e_b of blocks of a component with these steps.

    first: dequantized coefficients of component 0. None where it is not seen.
    """
    v, h = first.shape[0] // rows, first.shape[1] // columns
    if v not in (1, 2, 4) or h not in (1, 2, 4) or first.shape[:2] != (v * rows, h * columns):
        return None
    sums = np.stack([np.abs(first[..., a:b]).sum(-1) for a, b in BANDS], -1)
    covering = np.minimum(sums.reshape(rows, v, columns, h, -1).sum((1, 3)), 1 << 23)
    unit = v * h * steps[list(BAND_STEPS)].astype(np.int64)
    octaves = eighths_of_octaves(covering + unit) - eighths_of_octaves(unit)
    levels: UInt8 = np.minimum(octaves >> 1, ENERGIES - 1).astype(np.uint8)
    return levels


def expected_ac(sums: Int64, steps: npt.NDArray[np.integer]) -> tuple[Bool, UInt8]:
    """Whether P of any shape expects below zero, and the confidence."""
    octaves = eighths_of_octaves(np.abs(sums) >> 8) - eighths_of_octaves(4 * steps.astype(np.int64))
    return sums < 0, np.clip((octaves >> 2) - 1, 0, CONFIDENCES - 1).astype(np.uint8)


def expected_dc(sums: Int64, steps: npt.NDArray[np.integer]) -> tuple[Int64, Bool, UInt8]:
    """What is subtracted from DC, of P_0 with the base; then as expected_ac, of what is left."""
    s = np.sign(sums) * ((np.abs(sums) * ((1 << 22) // steps.astype(np.int64))) >> 32)
    whole: Int64 = np.clip((s + 8) >> 4, -VALUE_LIMIT, VALUE_LIMIT)
    rest = np.clip(s - 16 * whole, -64, 64)
    return whole, rest < 0, np.searchsorted((2, 4, 8), np.abs(rest), "right").astype(np.uint8)
