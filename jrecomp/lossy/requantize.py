"""Requantization of the coefficients of a picture by a rule and a quality.

As in "Unified learning-based lossy and lossless JPEG recompression" (arXiv:2312.02705), new quantization
tables are derived from those of the source, and the highest quality keeps the source's coefficients.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from jrecomp.array_types import Bool, Float64, Int16, Int32
from jrecomp.jpeg.types import JpegFile
from jrecomp.lossy.distortion import pixel_weights
from jrecomp.lossy.levels import Histograms, Levels, choose
from jrecomp.lossy.operating_point import HIGHEST, OperatingPoint
from jrecomp.lossy.rules import LARGEST_STEP, Rule

LARGEST_LAMBDA = 4000.0
"""Squared error of pixels per bit at quality 0."""

LEAST_LAMBDA = 0.2
"""Squared error per bit at quality 100, as a fraction of the smallest weighted squared step."""

PART = 2048
"""Number of blocks whose levels are looked up at once, chosen for the caches of processors."""

GOLDEN = (math.sqrt(5) - 1) / 2
"""1 / golden ratio; the fractional parts of its multiples are evenly distributed between 0 and 1."""


@dataclass(frozen=True)
class Requantized:
    """A requantized picture.

    steps: for each component int32 [64]; components that share a table in the source share the new one.
    coefficients: as in JpegFile.
    """

    steps: list[Int32]
    coefficients: list[Int16]


class Estimate(NamedTuple):
    """Estimates for a requantized picture.

    bits: entropy of the levels. error: total squared error of pixels.
    """

    bits: float
    error: float


@dataclass(frozen=True)
class Requantizer:
    """Requantizes a picture.

    file: the source. rule: determines steps and weights of errors. The methods raise UnsupportedJpegError for
    coefficients beyond levels.LARGEST.
    """

    file: JpegFile
    rule: Rule

    def requantized(self, point: OperatingPoint) -> Requantized:
        """The requantized picture at an operating point."""
        steps, ends = self._ends(point)
        upper, lower = ends[0].tables(), ends[-1].tables()
        coefficients = []
        for number, blocks in enumerate(self.file.coefficients):
            own = slice(64 * number, 64 * number + 64)
            new = _replaced(blocks, upper[own])
            if point.share:
                mixed = _evenly_chosen(blocks.shape[:2], point.share)
                new[mixed] = _replaced(blocks[mixed], lower[own])
            coefficients.append(new)
        return Requantized(steps, coefficients)

    def estimate(self, point: OperatingPoint) -> Estimate:
        """Rate and error at an operating point, estimated from histograms."""
        _, ends = self._ends(point)

        def mixed(cost: Callable[[Levels], float]) -> float:
            upper, lower = cost(ends[0]), cost(ends[-1])
            return upper + point.share * (lower - upper)

        return Estimate(mixed(Levels.bits), mixed(Levels.error))

    def lmbda(self, quality: float) -> float:
        """The squared error of pixels per bit at a quality from 0 to 100."""
        return _lambda(self._least, quality)

    def _ends(self, point: OperatingPoint) -> tuple[list[Int32], list[Levels]]:
        """The steps, and the levels of the upper and lower quality, or of the upper one if `share` is 0."""
        steps = self._steps(point.steps)
        qualities = [point.upper, point.lower][: 2 if point.share else 1]
        return steps, [self._levels(steps, quality) for quality in qualities]

    @cached_property
    def _histograms(self) -> Histograms:
        return Histograms.of(self.file)

    @cached_property
    def _weights(self) -> list[Float64]:
        pairs = zip(self._histograms.sources, self._histograms.pixels, strict=True)
        return [self.rule.weights(source, pixels) for source, pixels in pairs]

    @cached_property
    def _least(self) -> float:
        return _least_lambda(self._histograms.sources, self._histograms.pixels)

    def _steps(self, quality: float) -> list[Int32]:
        lmbda, sources = self.lmbda(quality) if quality < HIGHEST else 0.0, self._histograms.sources
        shared = [
            [w for q, w in zip(sources, self._weights, strict=True) if np.array_equal(q, source)]
            for source in sources
        ]
        largest = LARGEST_STEP << (self.file.frame.precision - 8)
        return [
            self.rule.steps(q, np.mean(w, 0), lmbda, largest) for q, w in zip(sources, shared, strict=True)
        ]

    def _levels(self, steps: Sequence[Int32], quality: float) -> Levels:
        return choose(self._histograms, steps, self._weights, self.lmbda(quality))


def lambda_of(file: JpegFile, quality: float) -> float:
    """Lambda, the squared error of pixels per bit, at a quality from 0 to 100."""
    return _lambda(_least_lambda([c.steps for c in file.frame.components], pixel_weights(file)), quality)


def _least_lambda(sources: Sequence[Int32], pixels: Sequence[Float64]) -> float:
    """The squared error per bit at quality 100; sources, pixels: as in Histograms."""
    finest = min((w * q.astype(np.float64) ** 2).min() for q, w in zip(sources, pixels, strict=True))
    return min(float(LEAST_LAMBDA * finest), LARGEST_LAMBDA)  # very coarse tables could exceed the largest


def _lambda(least: float, quality: float) -> float:
    return float(LARGEST_LAMBDA * (least / LARGEST_LAMBDA) ** (quality / 100))


def _evenly_chosen(shape: tuple[int, ...], share: float) -> Bool:
    """A fraction of all blocks, evenly distributed; bool [rows, columns]."""
    chosen: Bool = np.arange(math.prod(shape)).reshape(shape) * GOLDEN % 1 < share
    return chosen


def _replaced(blocks: Int16, levels: Sequence[Int16]) -> Int16:
    """Blocks [..., 64] with levels in place of magnitudes; levels: for each index those of all magnitudes."""
    table = np.concatenate([np.concatenate([-magnitudes[:0:-1], magnitudes]) for magnitudes in levels])
    sizes = np.array([2 * len(magnitudes) - 1 for magnitudes in levels])
    zero = np.cumsum(sizes) - sizes // 2 - 1
    result = np.empty(blocks.shape, np.int16)
    for part, new in zip(*(_parts(array.reshape(-1, 64)) for array in (blocks, result)), strict=True):
        np.take(table, part + zero, out=new, mode="clip")  # with other modes, `out` is buffered
    return result


def _parts(blocks: Int16) -> list[Int16]:
    """Views of at most PART blocks."""
    return [blocks[i : i + PART] for i in range(0, len(blocks), PART)]
