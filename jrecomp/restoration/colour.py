"""Pixels from components, and components as encoders compute them from pixels (ITU-T T.871, clause 7)."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Int32, Int64
from jrecomp.errors import InputError
from jrecomp.jpeg.metadata import is_rgb, is_ycck
from jrecomp.jpeg.types import JpegFile
from jrecomp.restoration.transform import unit_bits

Pixels = npt.NDArray[np.unsignedinteger[Any]]
"""uint8 or uint16 [rows, columns, channels]."""

EXACT_BITS = 16
"""Fractional bits of samples() and of coefficients computed from them."""

_BITS = 14
_CR_TO_R, _CB_TO_B, _CB_TO_G, _CR_TO_G = (round(c * 2**_BITS) for c in (1.402, 1.772, 0.344136, 0.714136))

_SCALE_BITS = 32


class Space(Enum):
    """What the components of a file mean."""

    GRAY = "gray"
    YCC = "YCbCr"
    RGB = "RGB"
    CMYK = "CMYK"
    YCCK = "YCCK"

    @classmethod
    def of(cls, file: JpegFile) -> "Space":
        """The meaning of a file's components, as libjpeg sees it; raises InputError for two components."""
        number = len(file.frame.components)
        if number == 1:
            return cls.GRAY
        if number == 3:
            rgb = is_rgb(file.headers, [c.identifier for c in file.frame.components])
            return cls.RGB if rgb else cls.YCC
        if number == 4:
            return cls.YCCK if is_ycck(file.headers) else cls.CMYK
        raise InputError("cannot be restored: pictures of two components have no colours")


_INVERTED = {Space.CMYK: slice(0, 4), Space.YCCK: slice(3, 4)}
"""Channels that decoders invert, as Adobe's programs store CMYK inverted. The others of YCCK are
inverted twice, as Y, Cb and Cr give R, G and B.
"""


@dataclass(frozen=True)
class Colours:
    """Conversion between components and pixels.

    space: of the components. precision: bits per sample of the file. bits: of the pixels, 8 or 16.
    """

    space: Space
    precision: int
    bits: int

    def pixels(self, components: Int32) -> Pixels:
        """Pixels, rounded and limited to their range.

        components: int32 [rows, columns, components] in the unit of transform.UNIT_BITS, 0 in the middle of
        their range. Returns [rows, columns, channels].
        """
        channels = np.moveaxis(components, -1, 0)
        if self._transformed:
            channels = _rgb(channels)
        unit, largest = unit_bits(self.precision), (1 << self.precision) - 1
        limited = (channels + (1 << (self.precision - 1 + unit))).clip(0, largest << unit)
        if self.bits == self.precision:
            values = (limited + (1 << unit >> 1)) >> unit
        else:
            values = (limited * self._full + (largest << unit >> 1)) // (largest << unit)
        if inverted := _INVERTED.get(self.space):
            values[inverted] = self._full - values[inverted]
        return np.ascontiguousarray(np.moveaxis(values, 0, -1).astype(self.dtype))

    def samples(self, pixels: Pixels) -> Int64:
        """The samples of components before averaging, int64 [components, rows, columns], 0 in the middle.

        pixels: [rows, columns, channels]. Samples are exact, in units of 2^-EXACT_BITS; those of 8-bit pixels
        are rounded to integers where libjpeg rounds them.
        """
        values = np.moveaxis(pixels, -1, 0).astype(np.int32)
        if inverted := _INVERTED.get(self.space):
            values[inverted] = self._full - values[inverted]
        middle = 1 << (self.precision - 1 + EXACT_BITS)
        if self.bits == self.precision:
            if self._transformed:
                values[:3] = _rounded_ycc(values[:3])
            return ((values << EXACT_BITS) - middle).astype(np.int64)
        scale = ((1 << self.precision) - 1 << _SCALE_BITS) // self._full
        exact = (values.astype(np.int64) * scale) >> (_SCALE_BITS - EXACT_BITS)
        exact -= middle
        if self._transformed:
            exact[:3] = _exact_ycc(exact[:3])
        return exact

    @property
    def dtype(self) -> type[np.uint8] | type[np.uint16]:
        """Type of the pixels."""
        return np.uint8 if self.bits == 8 else np.uint16

    @property
    def _full(self) -> int:
        return (1 << self.bits) - 1

    @property
    def _transformed(self) -> bool:
        return self.space in (Space.YCC, Space.YCCK)


def _rgb(components: Int32) -> Int32:
    """R, G and B from Y, Cb and Cr; a fourth component stays."""
    y, cb, cr = components[:3]
    half = 1 << _BITS >> 1
    red = y + ((cr * _CR_TO_R + half) >> _BITS)
    green = y - ((cb * _CB_TO_G + cr * _CR_TO_G + half) >> _BITS)
    blue = y + ((cb * _CB_TO_B + half) >> _BITS)
    return np.stack([red, green, blue, *components[3:]])


def _rounded_ycc(rgb: Int32) -> Int32:
    """Y, Cb and Cr as libjpeg rounds them to integers (jccolor.c), with 128 added to Cb and Cr."""
    red, green, blue = rgb
    half, middle = 1 << 15, 128 << 16
    y = (19595 * red + 38470 * green + 7471 * blue + half) >> 16
    cb = (-11059 * red - 21709 * green + 32768 * blue + middle + half - 1) >> 16
    cr = (32768 * red - 27439 * green - 5329 * blue + middle + half - 1) >> 16
    return np.stack([y, cb, cr])


def _exact_ycc(rgb: Int64) -> Int64:
    """Y, Cb and Cr in the unit of R, G and B, all with 0 in the middle."""
    red, green, blue = rgb
    y = blue + ((_fixed(0.299) * (red - blue) + _fixed(0.587) * (green - blue)) >> _SCALE_BITS)
    cb = ((blue - y) * _fixed(1 / 1.772)) >> _SCALE_BITS
    cr = ((red - y) * _fixed(1 / 1.402)) >> _SCALE_BITS
    return np.stack([y, cb, cr])


def _fixed(factor: float) -> int:
    return round(factor * (1 << _SCALE_BITS))
