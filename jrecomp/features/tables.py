"""Integer tables of models (docs/format/models.md). They are stored in each weights file.

make() computes them in floating point once, when a model is trained.
"""

from typing import NamedTuple

import numpy as np

from jrecomp.array_types import Float64, Int8, Int16, Int64, UInt8, UInt16

FRACTION = 16
"""Values relative to a quantization step are integers in units of step / FRACTION."""

MAGNITUDES = 4096
"""Number of entries of a table of magnitudes, which covers 0 to 256 steps in sixteenths."""

LOGIT_UNIT = 64
"""Logits are integers in 1/64 of a natural unit."""

LOGIT_LIMIT = 767
"""Largest magnitude of a logit, about 12 natural units."""

SCALES = (2.0, 1.0, 0.5, 0.25, 0.12, 0.06, 0.03, 0.015)
"""Factors of the eight tanh inputs of a prediction in steps."""


class Tables(NamedTuple):
    """The integer tables of a model.

    log: uint8 [4096], 16 log2(1 + n/16), limited to 127. tanh: int8 [8, 4096], 127 tanh(scale n/16) for each
    of SCALES. log2_mantissa: int8 [16], for log2_of(). sigmoid: uint16 [1535], the probability of True in
    units of 2^-16 for logits from -LOGIT_LIMIT to LOGIT_LIMIT. half, quarter: int16 [8, 8] in units of 2^-12,
    matrices that combine the low coefficients of 2 or 4 blocks.
    """

    log: UInt8
    tanh: Int8
    log2_mantissa: Int8
    sigmoid: UInt16
    half: Int16
    quarter: Int16

    def log_of(self, sixteenths: Int64) -> Int8:
        """sign(n) 16 log2(1 + |n| / 16) for n in sixteenths of a step, int8 in [-127, 127]."""
        logs = self.log[abs(sixteenths).clip(max=MAGNITUDES - 1)].astype(np.int8)
        signed: Int8 = np.where(sixteenths < 0, -logs, logs)
        return signed

    def tanh_of(self, sixteenths: Int64) -> Int8:
        """127 tanh(scale n / 16) for n in sixteenths of a step and each of SCALES, int8 [8, ...]."""
        values = self.tanh[:, abs(sixteenths).clip(max=MAGNITUDES - 1)]
        signed: Int8 = np.where(sixteenths < 0, -values, values)
        return signed

    def log2_of(self, value: Int64) -> Int64:
        """Approximately 16 log2(value) for 1 <= value < 2^53, in exact integer arithmetic."""
        mantissa, exponent = np.frexp(value.astype(np.float64))
        place = (mantissa * 32).astype(np.int64) - 16
        logarithm: Int64 = 16 * exponent.astype(np.int64) + self.log2_mantissa[place]
        return logarithm


def make() -> Tables:
    """The tables, computed in float64; only training calls this."""
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
    """The matrix of the orthonormal DCT of n values, float64 [frequency, position]."""
    k, x = np.mgrid[0:n, 0:n]
    matrix: Float64 = np.sqrt(2 / n) * np.cos(np.pi * (2 * x + 1) * k / (2 * n))
    matrix[0] /= np.sqrt(2)
    return matrix


def _resampling(ratio: int) -> Int16:
    """Matrix int16 [8, 8] from the low 8 / ratio coefficients of `ratio` adjacent blocks to one block's.

    The one block has the same picture, reduced by `ratio`.
    """
    low = 8 // ratio
    samples = np.kron(np.eye(ratio), dct(low).T) / np.sqrt(ratio)
    matrix: Float64 = np.rint(4096 * dct(8) @ samples)
    return matrix.astype(np.int16)
