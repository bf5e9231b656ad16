"""Samples of components at the resolution of the picture, and back.

The mean over the pixels of a sample is that sample again, as encoders average the pixels (libjpeg's box
filter). Planes cover whole MCUs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import TypeVar

import numpy as np

from jrecomp.array_types import Int32, Int64
from jrecomp.errors import InputError
from jrecomp.jpeg.metadata import has_fitted_chroma
from jrecomp.jpeg.types import Component, Frame, JpegFile

Int = TypeVar("Int", Int32, Int64)


@dataclass(frozen=True)
class Sampling:
    """How many pixels a sample of a component has, down and across.

    fitted: whether samples are not means of pixels, see jpeg.has_fitted_chroma().
    """

    down: int
    across: int
    fitted: bool = False

    @classmethod
    def of(cls, component: Component, file: JpegFile) -> "Sampling":
        """The sampling of a component; raises InputError where a sample has a fraction of pixels."""
        rows, columns = mcu_size(file.frame)
        down, down_rest = divmod(rows // 8, component.vertical)
        across, across_rest = divmod(columns // 8, component.horizontal)
        if down_rest or across_rest:
            raise InputError("cannot be restored: its sampling factors are no multiples of each other")
        return cls(down, across, down * across > 1 and has_fitted_chroma(file.headers))

    def enlarged(self, samples: Int32) -> Int32:
        """The samples at the resolution of the picture, interpolated.

        samples: int32 [rows, columns]. Returns int32 [rows * down, columns * across].
        """
        doubled = _triangle if self.fitted else _doubled
        return _enlarged(_enlarged(samples, self.down, 0, doubled), self.across, 1, doubled)

    def repeated(self, samples: Int32) -> Int32:
        """The samples at the resolution of the picture, each repeated."""
        return samples.repeat(self.down, 0).repeat(self.across, 1)

    def sums(self, pixels: Int) -> Int:
        """The sum of the pixels of each sample: [rows * down, columns * across] to [rows, columns]."""
        for axis, factor in ((0, self.down), (1, self.across)):
            turned = pixels.swapaxes(0, axis)
            pixels = reduce(np.add, [turned[i::factor] for i in range(factor)]).swapaxes(0, axis)
        return pixels

    def means(self, pixels: Int32) -> Int32:
        """The mean of the pixels of each sample, rounded; shapes as for sums()."""
        means: Int32 = (self.sums(pixels) + self.pixels // 2) // self.pixels
        return means

    def moved(self, pixels: Int32, means: Int32) -> Int32:
        """The pixels with other means: all those of a sample are changed by the same amount, or by 1 more."""
        change, rest = np.divmod(means * self.pixels - self.sums(pixels), self.pixels)
        order = np.arange(self.pixels).reshape(1, self.down, 1, self.across)
        parts = pixels.reshape(len(means), self.down, -1, self.across)
        more = order < rest[:, None, :, None]
        return (parts + change[:, None, :, None] + more).astype(np.int32).reshape(pixels.shape)

    @property
    def pixels(self) -> int:
        """Number of pixels of a sample."""
        return self.down * self.across


def mcu_size(frame: Frame) -> tuple[int, int]:
    """Rows and columns of pixels of an MCU."""
    rows = max(component.vertical for component in frame.components)
    return 8 * rows, 8 * max(component.horizontal for component in frame.components)


def _enlarged(samples: Int32, factor: int, axis: int, doubled: Callable[[Int32, int], Int32]) -> Int32:
    """Interpolation between rows (axis 0) or columns (1), after repetition if factors are no powers of 2."""
    while factor % 2 == 0:
        samples, factor = doubled(samples, axis), factor // 2
    return samples.repeat(factor, axis) if factor > 1 else samples


def _doubled(samples: Int32, axis: int) -> Int32:
    """Two rows or columns for each, whose mean it is: means of the polynomial that has the means of five."""
    before2, before, after, after2 = (_beside(samples, axis, distance) for distance in (-2, -1, 1, 2))
    half = 22 * (after - before)
    half -= 3 * (after2 - before2)
    half += 64
    half >>= 7
    return _alternating(samples - half, samples + half, axis)


def _triangle(samples: Int32, axis: int) -> Int32:
    """Two rows or columns for each: three quarters of it, and a quarter of the nearest other one."""
    before, after = (3 * samples + _beside(samples, axis, distance) for distance in (-1, 1))
    return _alternating((before + 2) >> 2, (after + 1) >> 2, axis)


def _beside(samples: Int32, axis: int, distance: int) -> Int32:
    """The samples at a distance along an axis, at the edges the last ones."""
    size = samples.shape[axis]
    place = np.arange(distance, size + distance).clip(0, size - 1)
    return samples.take(place, axis)


def _alternating(first: Int32, second: Int32, axis: int) -> Int32:
    """Rows or columns of two planes in turns."""
    pair: Int32 = np.stack([first, second], axis + 1)
    return pair.reshape(-1, first.shape[1]) if axis == 0 else pair.reshape(len(first), -1)
