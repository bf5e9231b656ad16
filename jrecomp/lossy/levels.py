"""Rate-distortion optimal levels of coefficients for new quantization steps, from histograms.

A level is the magnitude of a requantized coefficient.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Bool, Float64, Int16, Int32, Int64
from jrecomp.errors import StoredReason, UnsupportedJpegError
from jrecomp.jpeg.types import JpegFile
from jrecomp.lossy.distortion import pixel_weights
from jrecomp.native._scan import count_magnitudes

LARGEST = 2048
"""Largest magnitude of a coefficient of 8-bit files; those of valid files are smaller. 4 more bits of sample
precision are 4 more bits of coefficients.
"""

ROUNDS = 2
"""Number of iterations of choosing levels and estimating their rates again."""


@dataclass(frozen=True)
class Histograms:
    """Histograms of the magnitudes of a file's coefficients.

    A frequency here is a zig-zag index of a component; there are 64 for each component in turn.

    tables: for each frequency the counts of magnitudes, int64 [largest magnitude + 1]. sources: for each
    component the quantization table of the source, int32 [64], at least 1. pixels: for each component float64
    [64], see pixel_weights().
    """

    tables: list[Int64]
    sources: list[Int32]
    pixels: list[Float64]

    @classmethod
    def of(cls, file: JpegFile) -> "Histograms":
        """The histograms of a file; raises UnsupportedJpegError for magnitudes beyond LARGEST."""
        largest = LARGEST << (file.frame.precision - 8)
        tables = [table for blocks in file.coefficients for table in _counted(blocks, largest)]
        return cls(tables, [c.steps for c in file.frame.components], pixel_weights(file))

    @cached_property
    def rows(self) -> "_Rows":
        """The histograms as flat arrays."""
        return _Rows.of(self)


@dataclass(frozen=True)
class _Rows:
    """Histograms with a row for each magnitude that occurs at a frequency, and slots for possible levels.

    frequency, magnitude: int64 [rows]. counts: float64 [rows]. slot: int64 [rows], the slot of level 0 of the
    row's frequency. owner, level: int64 [slots], the frequency and the level of each slot. source, pixels:
    float64 [frequencies], as in Histograms.
    """

    frequency: Int64
    magnitude: Int64
    counts: Float64
    slot: Int64
    owner: Int64
    level: Int64
    source: Float64
    pixels: Float64

    @classmethod
    def of(cls, histograms: Histograms) -> "_Rows":
        magnitudes = [np.flatnonzero(table) for table in histograms.tables]
        slots = np.array([len(table) for table in histograms.tables]) + 1  # a level may be rounded up
        frequency = np.repeat(np.arange(len(slots)), [len(occurring) for occurring in magnitudes])
        owner = np.repeat(np.arange(len(slots)), slots)
        first = np.cumsum(slots) - slots
        pairs = zip(histograms.tables, magnitudes, strict=True)
        return cls(
            frequency,
            np.concatenate(magnitudes),
            np.concatenate([table[occurring] for table, occurring in pairs]).astype(np.float64),
            first[frequency],
            owner,
            np.arange(len(owner)) - first[owner],
            np.concatenate(histograms.sources).astype(np.float64),
            np.concatenate(histograms.pixels),
        )


@dataclass(frozen=True)
class Levels:
    """The levels chosen for all magnitudes.

    rows: the histograms. steps: float64 [frequencies]. chosen: int64 [rows], the level of each row.
    """

    rows: _Rows
    steps: Float64
    chosen: Int64

    def tables(self) -> list[Int16]:
        """For each frequency the level of each magnitude, int16; 0 for magnitudes that do not occur."""
        flat = np.zeros(len(self.rows.owner), np.int16)
        flat[self.rows.slot + self.rows.magnitude] = self.chosen
        return np.split(flat, np.flatnonzero(np.diff(self.rows.owner)) + 1)

    def bits(self) -> float:
        """Estimated rate in bits: the entropy of the levels at each frequency, and a bit for each sign."""
        counts = np.bincount(self.rows.slot + self.chosen, self.rows.counts, len(self.rows.owner))
        total = np.bincount(self.rows.owner, counts)[self.rows.owner]
        occurring = counts > 0
        information = np.log2(total[occurring] / counts[occurring]) + (self.rows.level[occurring] > 0)
        return float((counts[occurring] * information).sum())

    def error(self) -> float:
        """Estimated total squared error of pixels."""
        f = self.rows.frequency
        errors = self.rows.magnitude * self.rows.source[f] - self.steps[f] * self.chosen
        return float((self.rows.counts * self.rows.pixels[f] * errors**2).sum())


def choose(
    histograms: Histograms, steps: Sequence[Int32], weights: Sequence[Float64], lmbda: float
) -> Levels:
    """Choose the levels that minimize error + lmbda * rate. DC is only rounded.

    The rate of a level is its self-information in the histogram of chosen levels, so the choice is iterated.

    histograms: of the source. steps: for each component int32 [64]. weights: for each component float64 [64],
    weights of squared errors of coefficients. lmbda: squared error per bit.
    """
    rows, step = histograms.rows, np.concatenate(steps).astype(np.float64)
    f = rows.frequency
    x, t = rows.magnitude * rows.source[f], step[f]
    below = np.floor(x / t).astype(np.int64)
    rounded = np.floor(x / t + 0.5).astype(np.int64)
    candidates = np.stack([np.zeros_like(below), below, below + 1])
    errors = np.concatenate(weights)[f] * (x - t * candidates) ** 2
    occurring = rows.level < np.append(below[np.flatnonzero(np.diff(f))], below[-1])[rows.owner] + 2
    levels = rounded
    for _ in range(ROUNDS):
        bits = _bits(rows, np.bincount(rows.slot + levels, rows.counts, len(rows.owner)), occurring)
        best = (errors + lmbda * bits[rows.slot + candidates]).argmin(0)
        levels = np.where(f % 64 == 0, rounded, np.take_along_axis(candidates, best[None], 0)[0])
    return Levels(rows, step, levels)


def _counted(blocks: Int16, largest: int) -> list[Int64]:
    counts = np.zeros((64, largest + 2), np.int64)
    count_magnitudes(np.require(blocks, np.int16, ["C", "W"]), counts)
    if counts[:, -1].any():
        raise UnsupportedJpegError(StoredReason.OUT_OF_RANGE)
    return [row[: np.flatnonzero(row)[-1] + 1] for row in counts]


def _bits(rows: _Rows, counts: npt.NDArray[Any], occurring: Bool) -> Float64:
    """Bits of each level and its sign from counts, smoothed so that levels that do not occur stay finite."""
    smooth = np.where(occurring, counts + 1e-3 + 0.5 * 2.0 ** -np.minimum(rows.level + 1, 50), 1e-300)
    bits: Float64 = (rows.level > 0) - np.log2(smooth / np.bincount(rows.owner, smooth)[rows.owner])
    return bits
