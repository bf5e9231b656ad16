"""Integer tables of the format: they ship inside each weights file, so no decoder computes a float.

`make()` computes them once, when a model is trained.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from jrecomp.array_types import Float64, Int8, Int16, Int64, UInt8, UInt16
from jrecomp.features.arrays import namespace

FRACTION = 16
"""Values relative to a quantization step are integers in sixteenths of it."""

MAGNITUDES = 4096
"""Entries of a magnitude table: 0 to 256 steps in sixteenths."""

LOGIT_UNIT = 64
"""Logits are integers in 1/64 of a natural unit."""

LOGIT_LIMIT = 767
"""They are clamped to +-LOGIT_LIMIT (about 12 natural units)."""

SCALES = (2.0, 1.0, 0.5, 0.25, 0.12, 0.06, 0.03, 0.015)
"""Slopes of the eight tanh inputs of a linear prediction, per step."""


@dataclass(frozen=True)
class Tables:
    """log: uint8 [4096], 16 log2(1 + n/16) clipped to 127; tanh: int8 [8, 4096];
    log2_mantissa: int8 [16]; sigmoid: uint16 [1535], P(True) of a logit in units of 2^-16;
    half, quarter: int16 [8, 8], resampling of 2 or 4 blocks' low coefficients in units of 2^-12.
    """

    log: UInt8
    tanh: Int8
    log2_mantissa: Int8
    sigmoid: UInt16
    half: Int16
    quarter: Int16

    @cached_property
    def xp(self) -> Any:
        """NumPy or its twin for the tables' kind of array."""
        return namespace(self.log)

    def log_of(self, sixteenths: Int64) -> Int8:
        """sign x 16 log2(1 + magnitude in steps), int8 in [-127, 127]."""
        logs = self.xp.astype(self.log[abs(sixteenths).clip(max=MAGNITUDES - 1)], self.xp.int8)
        signed: Int8 = self.xp.where(sixteenths < 0, -logs, logs)
        return signed

    def tanh_of(self, sixteenths: Int64) -> Int8:
        """The eight saturating views [8, ...] of a prediction in sixteenths of a step."""
        values = self.tanh[:, abs(sixteenths).clip(max=MAGNITUDES - 1)]
        signed: Int8 = self.xp.where(sixteenths < 0, -values, values)
        return signed

    def log2_of(self, value: Int64) -> Int64:
        """About 16 log2(value) for value >= 1, exact integer arithmetic; value below 2^53."""
        xp = self.xp
        mantissa, exponent = xp.frexp(xp.astype(value, xp.float64))
        place = xp.astype(mantissa * 32, xp.int64) - 16
        logarithm: Int64 = 16 * xp.astype(exponent, xp.int64) + self.log2_mantissa[place]
        return logarithm


def make() -> Tables:
    """The tables as computed in float64 by the machine that trains."""
    n = np.arange(MAGNITUDES) / FRACTION
    logits = np.arange(-LOGIT_LIMIT, LOGIT_LIMIT + 1) / LOGIT_UNIT
    return Tables(
        log=np.minimum(np.rint(16 * np.log2(1 + n)), 127).astype(np.uint8),
        tanh=np.rint(127 * np.tanh(np.array(SCALES)[:, None] * n)).astype(np.int8),
        log2_mantissa=np.rint(16 * np.log2((np.arange(16) + 16.5) / 32)).astype(np.int8),
        sigmoid=np.clip(np.rint(65536 / (1 + np.exp(-logits))), 1, 65535).astype(np.uint16),
        half=_resampling(2),
        quarter=_resampling(4),
    )


def dct(n: int) -> Float64:
    """The orthonormal DCT of n values, [frequency, place]."""
    k, x = np.mgrid[0:n, 0:n]
    matrix: Float64 = np.sqrt(2 / n) * np.cos(np.pi * (2 * x + 1) * k / (2 * n))
    matrix[0] /= np.sqrt(2)
    return matrix


def _resampling(ratio: int) -> Int16:
    """[8, 8]: low 8/ratio coefficients of `ratio` blocks in a row to the 8 of their half-size picture."""
    low = 8 // ratio
    samples = np.kron(np.eye(ratio), dct(low).T) / np.sqrt(ratio)
    matrix: Float64 = np.rint(4096 * dct(8) @ samples)
    return matrix.astype(np.int16)
