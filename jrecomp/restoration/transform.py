"""The DCT of 8x8 blocks and its inverse (ITU-T T.81 A.3.3) in integers.

Samples and coefficients have the same unit, as the transform is orthonormal. Each of its two passes rounds
once, after all sums.
"""

import math
from collections.abc import Sequence
from functools import cache
from typing import TypeVar

import numpy as np

from jrecomp.array_types import Int16, Int32, Int64
from jrecomp.t81 import INDEX

Int = TypeVar("Int", Int32, Int64)
AnyInt = TypeVar("AnyInt", Int16, Int32, Int64)

UNIT_BITS = 13
"""Samples and coefficients of `precision` bits are in units of 2^(precision - UNIT_BITS): 1/32 for 8 bits,
1/2 for 12 bits. So valid values take 16 bits, and the transform takes 32 bits.
"""

CONSTANT_BITS = 13
"""Bits of the constants of the transform, after the binary point."""

LARGEST_SAMPLE = (1 << UNIT_BITS) - 1
"""Bound on the samples that are transformed, twice the range of valid ones."""

LARGEST = (1 << 15) - 1
"""Bound on coefficients, and on values between the passes of the inverse transform."""

_NATURAL = np.array([INDEX[row, column] for row in range(8) for column in range(8)])
"""The index in zig-zag order of each coefficient in natural order, row by row."""


def unit_bits(precision: int) -> int:
    """Number of fractional bits of samples and coefficients. precision: bits per sample, 8 or 12."""
    return UNIT_BITS - precision


def natural(zigzag: AnyInt) -> AnyInt:
    """Coefficients [..., 8, 8] by vertical and horizontal frequency, from zig-zag order [..., 64]."""
    return zigzag[..., _NATURAL].reshape(*zigzag.shape[:-1], 8, 8)


def blocks(plane: Int) -> Int:
    """The blocks [rows, columns, 8, 8] of a plane of samples [8 rows, 8 columns]."""
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    return plane.reshape(rows, 8, columns, 8).swapaxes(1, 2)


def plane(parts: Int32) -> Int32:
    """The plane of samples [8 rows, 8 columns] of blocks [rows, columns, 8, 8]."""
    rows, columns = parts.shape[:2]
    return np.ascontiguousarray(parts.swapaxes(1, 2)).reshape(8 * rows, 8 * columns)


def forward(samples: Int, bits: int = CONSTANT_BITS) -> Int:
    """The coefficients [..., 8, 8] of blocks of samples [..., 8, 8].

    bits: of the constants. With CONSTANT_BITS, 32 bits are enough for samples within LARGEST_SAMPLE.
    """
    columns = analysed(lanes(samples, -2), bits, bits + 2)
    return np.stack(analysed(lanes(np.stack(columns, -2), -1), bits, bits + 1), -1)


def inverse(coefficients: Int32) -> Int32:
    """The samples [..., 8, 8] of blocks of coefficients [..., 8, 8] within LARGEST."""
    columns = np.stack(composed(lanes(coefficients, -2), CONSTANT_BITS, CONSTANT_BITS + 1), -2)
    rows = lanes(columns.clip(-LARGEST, LARGEST), -1)
    return np.stack(composed(rows, CONSTANT_BITS, CONSTANT_BITS + 2), -1)


def lanes(values: Int, axis: int) -> list[Int]:
    """The eight values of each row or column, each value for all rows or columns at once."""
    return [np.ascontiguousarray(lane) for lane in np.moveaxis(values, axis, 0)]


@cache
def _cosines(bits: int) -> list[int]:
    """sqrt(2) cos(k pi / 16) for k from 0 to 7."""
    return [round(math.sqrt(2) * math.cos(k * math.pi / 16) * 2**bits) for k in range(8)]


def analysed(x: Sequence[Int], bits: int, shift: int) -> list[Int]:
    """sqrt(8) times the orthonormal DCT of eight values, times 2^(bits - shift)."""
    one, (_, c1, c2, c3, _, c5, c6, c7) = 1 << bits, _cosines(bits)
    s0, s1, s2, s3 = (x[i] + x[7 - i] for i in range(4))
    d0, d1, d2, d3 = (x[i] - x[7 - i] for i in range(4))
    a, b, c, d = s0 + s3, s1 + s2, s0 - s3, s1 - s2
    sums = [
        (a + b) * one,
        d0 * c1 + d1 * c3 + d2 * c5 + d3 * c7,
        c * c2 + d * c6,
        d0 * c3 - d1 * c7 - d2 * c1 - d3 * c5,
        (a - b) * one,
        d0 * c5 - d1 * c1 + d2 * c7 + d3 * c3,
        c * c6 - d * c2,
        d0 * c7 - d1 * c5 + d2 * c3 - d3 * c1,
    ]
    return [(value + (1 << shift >> 1)) >> shift for value in sums]


def composed(x: Sequence[Int], bits: int, shift: int) -> list[Int]:
    """sqrt(8) times the inverse of the orthonormal DCT of eight values, times 2^(bits - shift)."""
    one, (_, c1, c2, c3, _, c5, c6, c7) = 1 << bits, _cosines(bits)
    half = 1 << shift >> 1
    a, b = (x[0] + x[4]) * one + half, (x[0] - x[4]) * one + half
    c, d = x[2] * c2 + x[6] * c6, x[2] * c6 - x[6] * c2
    even = a + c, b + d, b - d, a - c
    odd = (
        x[1] * c1 + x[3] * c3 + x[5] * c5 + x[7] * c7,
        x[1] * c3 - x[3] * c7 - x[5] * c1 - x[7] * c5,
        x[1] * c5 - x[3] * c1 + x[5] * c7 + x[7] * c3,
        x[1] * c7 - x[3] * c5 + x[5] * c3 - x[7] * c1,
    )
    first = [(e + o) >> shift for e, o in zip(even, odd, strict=True)]
    return first + [(e - o) >> shift for e, o in zip(reversed(even), reversed(odd), strict=True)]
