"""What errors of coefficients do to the pixels of the decoded picture."""

import numpy as np

from jrecomp.array_types import Float64
from jrecomp.jpeg.metadata import is_rgb
from jrecomp.jpeg.types import JpegFile
from jrecomp.t81 import COLUMN, ROW

_LUMINANCE = 1.0
_CHROMINANCE = (0.344136**2 + 1.772**2) / 3, (1.402**2 + 0.714136**2) / 3
"""Squared error of R, G and B, their mean, for a unit error of Y, Cb, Cr (ITU-T T.871, clause 7)."""


def pixel_weights(file: JpegFile) -> list[Float64]:
    """Squared error of pixels for each squared error of a dequantized coefficient.

    float64 [64] for each component; the mean over channels. The DCT is orthonormal; components of half
    the samples are enlarged with the triangle filter of common decoders, which adds to low frequencies what
    it takes from high ones; those of fewer have their samples repeated.
    """
    frame = file.frame
    highest = max(c.horizontal for c in frame.components), max(c.vertical for c in frame.components)
    number = len(frame.components)
    ycc = number == 3 and not is_rgb(file.headers, [c.identifier for c in frame.components])
    colours = [_LUMINANCE, *_CHROMINANCE] if ycc else [1 / number] * number
    return [
        colour * _gain(highest[0] / c.horizontal)[COLUMN] * _gain(highest[1] / c.vertical)[ROW]
        for colour, c in zip(colours, frame.components, strict=True)
    ]


def _gain(factor: float) -> Float64:
    """Energy of each wave of the DCT once it is enlarged, over its own before; float64 [8]."""
    if factor != 2:
        return np.full(8, factor)
    x, u = np.arange(-2, 10), np.arange(8)[:, None]
    norm = np.where(u == 0, 1, np.sqrt(2)) / np.sqrt(8)
    wave = np.where((x >= 0) & (x < 8), norm * np.cos((2 * x + 1) * u * np.pi / 16), 0)
    inner, before, after = wave[:, 1:-1], wave[:, :-2], wave[:, 2:]
    energy: Float64 = ((0.75 * inner + 0.25 * before) ** 2 + (0.75 * inner + 0.25 * after) ** 2).sum(1)
    return energy
