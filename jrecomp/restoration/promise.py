"""The promise that the coefficients of a restored picture are those of its file, and what keeps it.

Compressing the pixels with the quantization tables and the sampling of the file, with libjpeg's box filter,
gives the levels of the file again. Rounding and limiting pixels may break that. Here it is measured on the
pixels that are written, and MCUs that break it are corrected where that is possible.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from jrecomp.array_types import Bool, Int32, Int64
from jrecomp.restoration.cells import Cells
from jrecomp.restoration.colour import EXACT_BITS, Colours, Pixels
from jrecomp.restoration.sampling import Sampling
from jrecomp.restoration.transform import LARGEST, LARGEST_SAMPLE, blocks, forward, inverse, plane, unit_bits

ROUNDS = 8
"""Largest number of corrections of an MCU."""

TOLERANCE = 1 << (EXACT_BITS - 3)
"""How far coefficients of 8-bit pixels must be from the ends of their cells, in units of 2^-EXACT_BITS, as
libjpeg's integer DCT differs from the exact one.
"""

_CONSTANT_BITS = 24

AnyArray = TypeVar("AnyArray", Int32, Int64, Bool, Pixels)


@dataclass(frozen=True)
class Part:
    """Whole MCUs of a picture, in rows and columns.

    rows, columns: their number. cells: of each component. whole: for each component whether its blocks lie
    inside the picture, bool [block rows, block columns]. Levels of other blocks depend on how an encoder
    continues the picture.
    """

    rows: int
    columns: int
    cells: Sequence[Cells]
    whole: Sequence[Bool]

    def chosen(self, which: Bool) -> "Part":
        """Some MCUs, in one column. which: bool [rows, columns]."""
        cells = [Cells(self.column(cells.centres, which), cells.radius) for cells in self.cells]
        return Part(int(which.sum()), 1, cells, [self.column(whole, which) for whole in self.whole])

    def column(self, array: AnyArray, which: Bool) -> AnyArray:
        """The rows of some MCUs below each other, from an array [rows * down, columns * across, ...]."""
        mcus = self._mcus(array)[which]
        column: AnyArray = mcus.reshape(-1, *mcus.shape[2:])
        return column

    def put(self, array: AnyArray, which: Bool, column: AnyArray) -> None:
        """The inverse of column(): sets some MCUs of an array."""
        mcus = self._mcus(array)
        mcus[which] = column.reshape(-1, *mcus.shape[2:])

    def _mcus(self, array: AnyArray) -> AnyArray:
        """A view [rows, columns, down, across, ...] of an array [rows * down, columns * across, ...]."""
        down, across = array.shape[0] // self.rows, array.shape[1] // self.columns
        mcus: AnyArray = array.reshape(self.rows, down, self.columns, across, *array.shape[2:]).swapaxes(1, 2)
        return mcus


@dataclass(frozen=True)
class Promise:
    """Compression of pixels with the steps of a file, and corrections of the pixels.

    colours: conversion of the pixels. samplings: of the components.
    """

    colours: Colours
    samplings: Sequence[Sampling]

    def kept(self, components: Int32, part: Part, rounds: int = ROUNDS) -> tuple[Pixels, Int64]:
        """Pixels of components, corrected so that as many coefficients as possible are in their cells.

        components: int32 [rows, columns, components] in the unit of transform.UNIT_BITS. part: the MCUs that
        they are. rounds: number of corrections.

        Returns the pixels [rows, columns, channels], and how many coefficients of each MCU are not in their
        cells, [MCU rows, MCU columns].
        """
        pixels = self.colours.pixels(components)
        deviations = self._deviations(pixels, part)
        broken = self._broken(deviations, part)
        which = broken > 0
        if not rounds or not which.any():
            return pixels, broken
        excess = [part.column(deviation, which) for deviation in deviations]
        chosen = part.chosen(which)
        moved = part.column(components, which) - self._excess(excess, chosen)
        corrected, left = self.kept(moved.clip(-LARGEST_SAMPLE, LARGEST_SAMPLE), chosen, rounds - 1)
        better = left < broken[which][:, None]
        which[which] = better[:, 0]
        part.put(pixels, which, chosen.column(corrected, better))
        broken[which] = left[better]
        return pixels, broken

    def _deviations(self, pixels: Pixels, part: Part) -> list[Int64]:
        """How far the coefficients of pixels are from the centres of their cells.

        Returns for each component int64 [block rows, block columns, 8, 8], in units of 2^-EXACT_BITS.
        """
        samples = self.colours.samples(pixels)
        return [
            forward(blocks(self._averaged(plane, sampling)), _CONSTANT_BITS)
            - (cells.centres.astype(np.int64) << self._shift)
            for plane, sampling, cells in zip(samples, self.samplings, part.cells, strict=True)
        ]

    def _averaged(self, samples: Int64, sampling: Sampling) -> Int64:
        """The mean over the pixels of each sample; of 8-bit pixels as libjpeg rounds it (jcsample.c)."""
        sums, number = sampling.sums(samples), sampling.pixels
        if number == 1:
            return sums
        if self.colours.bits != self.colours.precision:
            sums //= number
            return sums
        bias = np.full(sums.shape[1], number // 2)
        if (sampling.down, sampling.across) in ((1, 2), (2, 2)):
            bias = np.arange(sums.shape[1]) % 2 + sampling.down - 1
        rounded: Int64 = ((sums >> EXACT_BITS) + bias) // number << EXACT_BITS
        return rounded

    def _broken(self, deviations: Sequence[Int64], part: Part) -> Int64:
        """How many coefficients of each MCU are not surely in their cells, [MCU rows, MCU columns]."""
        counts = np.zeros((part.rows, part.columns), np.int64)
        for deviation, cells, whole in zip(deviations, part.cells, part.whole, strict=True):
            border = cells.radius.astype(np.int64) << self._shift
            if self.colours.bits == self.colours.precision:
                border -= TOLERANCE
            broken = (np.abs(deviation) >= border).sum((2, 3))
            broken *= whole
            counts += broken.reshape(part.rows, -1, part.columns, broken.shape[1] // part.columns).sum((1, 3))
        return counts

    def _excess(self, deviations: Sequence[Int64], part: Part) -> Int32:
        """What the components have of coefficients beyond the inner parts of their cells.

        Returns int32 [rows, columns, components].
        """
        excess = []
        for deviation, sampling, cells in zip(deviations, self.samplings, part.cells, strict=True):
            nearer = (deviation >> self._shift).astype(np.int32)
            inner = cells.radius >> 1
            beyond = (nearer - nearer.clip(-inner, inner)).clip(-LARGEST, LARGEST)
            excess.append(sampling.repeated(plane(inverse(beyond))))
        return np.stack(excess, -1)

    @property
    def _shift(self) -> int:
        return EXACT_BITS - unit_bits(self.colours.precision)
