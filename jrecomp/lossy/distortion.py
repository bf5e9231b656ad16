"""Weights of errors of coefficients in the squared error of decoded pixels."""

import numpy as np

from jrecomp.array_types import Float64
from jrecomp.jpeg.metadata import is_rgb
from jrecomp.jpeg.types import JpegFile
from jrecomp.t81 import COLUMN, ROW

_LUMINANCE = 1.0
_CHROMINANCE = (0.344136**2 + 1.772**2) / 3, (1.402**2 + 0.714136**2) / 3
"""Mean squared error of R, G and B for an error of 1 in Y, and in Cb and Cr (ITU-T T.871, clause 7)."""


def pixel_weights(file: JpegFile) -> list[Float64]:
    """Squared error of pixels per squared error of a dequantized coefficient, in the scale of 8-bit pixels.

    Returns for each component float64 [64], the mean over the colour channels. The weights follow from the
    orthonormal DCT, the colour transform and the upsampling of components. A factor of 2 is assumed to be
    upsampled with the triangle filter of libjpeg, which attenuates high frequencies, and other factors by
    repeating samples.
    """
    frame = file.frame
    highest = max(c.horizontal for c in frame.components), max(c.vertical for c in frame.components)
    number = len(frame.components)
    ycc = number == 3 and not is_rgb(file.headers, [c.identifier for c in frame.components])
    colours = [_LUMINANCE, *_CHROMINANCE] if ycc else [1 / number] * number
    scale = 0.25 ** (frame.precision - 8)
    return [
        scale * colour * _gain(highest[0] / c.horizontal)[COLUMN] * _gain(highest[1] / c.vertical)[ROW]
        for colour, c in zip(colours, frame.components, strict=True)
    ]


def _gain(factor: float) -> Float64:
    """Gain in energy of each basis function of the DCT when it is upsampled by a factor, float64 [8]."""
    if factor != 2:
        return np.full(8, factor)
    x, u = np.arange(-2, 10), np.arange(8)[:, None]
    norm = np.where(u == 0, 1, np.sqrt(2)) / np.sqrt(8)
    wave = np.where((x >= 0) & (x < 8), norm * np.cos((2 * x + 1) * u * np.pi / 16), 0)
    inner, before, after = wave[:, 1:-1], wave[:, :-2], wave[:, 2:]
    energy: Float64 = ((0.75 * inner + 0.25 * before) ** 2 + (0.75 * inner + 0.25 * after) ** 2).sum(1)
    return energy
