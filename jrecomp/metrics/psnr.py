"""The peak signal-to-noise ratio."""

import numpy as np

from jrecomp.array_types import Float32, UInt8

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the luma of JPEG files (ITU-T T.871)."""


def psnr(a: UInt8, b: UInt8) -> float:
    """The peak signal-to-noise ratio of two pictures over all channels, in dB; infinite if they are equal.

    a, b: uint8 [rows, columns, channels].
    """
    return _decibels(np.subtract(a, b, dtype=np.int16).astype(np.float32))


def luma_psnr(a: UInt8, b: UInt8) -> float:
    """The peak signal-to-noise ratio of the luma of two pictures, in dB; infinite if they are equal.

    a, b: uint8 [rows, columns, 1 or 3], gray or RGB.
    """
    difference = np.subtract(a, b, dtype=np.int16).astype(np.float32)
    return _decibels(difference @ np.array(LUMA, np.float32) if a.shape[-1] == 3 else difference)


def _decibels(error: Float32) -> float:
    values = error.ravel()
    mean = float(np.einsum("i,i->", values, values, dtype=np.float64)) / values.size
    return float(10 * np.log10(255**2 / mean)) if mean else float("inf")
