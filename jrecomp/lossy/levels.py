"""Levels of coefficients for new steps, and what they cost, from histograms alone."""

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
"""Of magnitudes; sound files of 8 bits stay below it."""

ROUNDS = 2
"""How often levels are chosen for the rates that follow from them."""


@dataclass(frozen=True)
class Histograms:
    """How often each magnitude occurs in a file at each frequency: 64 of each component, one after the other.

    tables: int64 [largest magnitude + 1] for each frequency. sources: int32 [64] for each component, steps of
    at least 1. pixels: float64 [64] for each component, see pixel_weights.
    """

    tables: list[Int64]
    sources: list[Int32]
    pixels: list[Float64]

    @classmethod
    def of(cls, file: JpegFile) -> "Histograms":
        """Those of a file; raises UnsupportedJpegError for magnitudes beyond LARGEST."""
        tables = [table for blocks in file.coefficients for table in _counted(blocks)]
        return cls(tables, [c.steps for c in file.frame.components], pixel_weights(file))

    @cached_property
    def rows(self) -> "_Rows":
        """All tables as one."""
        return _Rows.of(self)


@dataclass(frozen=True)
class _Rows:
    """A row for each magnitude that a frequency has. frequency, magnitude: int64 [rows].
    counts: float64 [rows].

    slot: int64 [rows], the first of a row's frequency in arrays that have a place for each level that may
    occur. owner, level: int64 [slots], the frequency and the level of each place.
    source, pixels: float64 [frequencies].
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
        slots = np.array([len(table) for table in histograms.tables]) + 1  # rounding may add to the largest
        frequency = np.repeat(np.arange(len(slots)), [len(found) for found in magnitudes])
        owner = np.repeat(np.arange(len(slots)), slots)
        first = np.cumsum(slots) - slots
        pairs = zip(histograms.tables, magnitudes, strict=True)
        return cls(
            frequency,
            np.concatenate(magnitudes),
            np.concatenate([table[found] for table, found in pairs]).astype(np.float64),
            first[frequency],
            owner,
            np.arange(len(owner)) - first[owner],
            np.concatenate(histograms.sources).astype(np.float64),
            np.concatenate(histograms.pixels),
        )


@dataclass(frozen=True)
class Levels:
    """Levels of all magnitudes. chosen: int64 [rows]. steps: float64 [frequencies]."""

    rows: _Rows
    steps: Float64
    chosen: Int64

    def tables(self) -> list[Int16]:
        """For each frequency the level of each magnitude, 0 for those that it does not have."""
        flat = np.zeros(len(self.rows.owner), np.int16)
        flat[self.rows.slot + self.rows.magnitude] = self.chosen
        return np.split(flat, np.flatnonzero(np.diff(self.rows.owner)) + 1)

    def bits(self) -> float:
        """Entropy of all levels, each frequency by itself."""
        counts = np.bincount(self.rows.slot + self.chosen, self.rows.counts, len(self.rows.owner))
        total = np.bincount(self.rows.owner, counts)[self.rows.owner]
        seen = counts > 0
        information = np.log2(total[seen] / counts[seen]) + (self.rows.level[seen] > 0)
        return float((counts[seen] * information).sum())

    def error(self) -> float:
        """Squared error of pixels."""
        f = self.rows.frequency
        apart = self.rows.magnitude * self.rows.source[f] - self.steps[f] * self.chosen
        return float((self.rows.counts * self.rows.pixels[f] * apart**2).sum())


def choose(
    histograms: Histograms, steps: Sequence[Int32], weights: Sequence[Float64], lmbda: float
) -> Levels:
    """The levels of least error and rate together; rates are those of the levels themselves.

    steps, weights: [64] for each component, weights of errors that count. lmbda: of error for a bit; DC is
    rounded.
    """
    rows, step = histograms.rows, np.concatenate(steps).astype(np.float64)
    f = rows.frequency
    x, t = rows.magnitude * rows.source[f], step[f]
    below = np.floor(x / t).astype(np.int64)
    rounded = np.floor(x / t + 0.5).astype(np.int64)
    options = np.stack([np.zeros_like(below), below, below + 1])
    errors = np.concatenate(weights)[f] * (x - t * options) ** 2
    occurring = rows.level < np.append(below[np.flatnonzero(np.diff(f))], below[-1])[rows.owner] + 2
    levels = rounded
    for _ in range(ROUNDS):
        bits = _bits(rows, np.bincount(rows.slot + levels, rows.counts, len(rows.owner)), occurring)
        best = (errors + lmbda * bits[rows.slot + options]).argmin(0)
        levels = np.where(f % 64 == 0, rounded, np.take_along_axis(options, best[None], 0)[0])
    return Levels(rows, step, levels)


def _counted(blocks: Int16) -> list[Int64]:
    counts = np.zeros((64, LARGEST + 2), np.int64)
    count_magnitudes(np.require(blocks, np.int16, ["C", "W"]), counts)
    if counts[:, -1].any():
        raise UnsupportedJpegError(StoredReason.OUT_OF_RANGE)
    return [row[: np.flatnonzero(row)[-1] + 1] for row in counts]


def _bits(rows: _Rows, counts: npt.NDArray[Any], occurring: Bool) -> Float64:
    """Of each magnitude with its sign, from how often they occur; unseen ones cost more and more."""
    smooth = np.where(occurring, counts + 1e-3 + 0.5 * 2.0 ** -np.minimum(rows.level + 1, 50), 1e-300)
    bits: Float64 = (rows.level > 0) - np.log2(smooth / np.bincount(rows.owner, smooth)[rows.owner])
    return bits
