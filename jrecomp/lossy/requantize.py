"""New steps and levels for the coefficients of a picture, by a rule and one number for quality.

After Unified learning-based lossy and lossless JPEG recompression (arXiv:2312.02705): tables that follow from
the source's, with the source's own coefficients at the lossless end.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jrecomp.jpeg.types import JpegFile
from jrecomp.lossy.distortion import pixel_weights
from jrecomp.lossy.rules import Rule

Float64 = npt.NDArray[np.float64]
Int16 = npt.NDArray[np.int16]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

LARGEST_TRADE = 4000.0
"""Of squared error for a bit, at quality 0."""

LEAST_TRADE = 0.2
"""Of the least squared step, at quality 100: it changes next to nothing."""

ROUNDS = 2
"""How often levels are chosen for the rates that follow from them."""


@dataclass(frozen=True)
class Requantized:
    """steps: int32 [64] for each component; coefficients like those of JpegFile. Tables that components
    shared are shared."""

    steps: list[Int32]
    coefficients: list[Int16]


def trade_of(file: JpegFile, quality: float) -> float:
    """Squared error of a pixel that a bit is worth; quality: 0 to 100."""
    weights, steps = pixel_weights(file.frame), _sources(file)
    least = LEAST_TRADE * min(
        (w * q.astype(np.float64) ** 2).min() for w, q in zip(weights, steps, strict=True)
    )
    least = min(least, LARGEST_TRADE)  # of the coarsest tables it is more
    return float(LARGEST_TRADE * (least / LARGEST_TRADE) ** (quality / 100))


def requantize(file: JpegFile, quality: float, rule: Rule) -> Requantized:
    """The picture at a quality from 0 to 100."""
    trade, sources = trade_of(file, quality), _sources(file)
    weights = [rule.weights(q, w) for q, w in zip(sources, pixel_weights(file.frame), strict=True)]
    steps, coefficients = [], []
    for number, source in enumerate(sources):
        shared = [w for q, w in zip(sources, weights, strict=True) if np.array_equal(q, source)]
        steps.append(rule.steps(source, np.mean(shared, 0), trade))
        tables = _levels(file.coefficients[number], source, steps[number], weights[number], trade)
        coefficients.append(_replaced(file.coefficients[number], tables))
    return Requantized(steps, coefficients)


def _sources(file: JpegFile) -> list[Int32]:
    return [np.maximum(c.quantization, 1) for c in file.frame.components]


def _levels(
    coefficients: Int16, source: Int32, steps: Int32, weights: Float64, trade: float
) -> list[npt.NDArray[np.int16]]:
    """For each index the levels of magnitudes 0, 1, ... up to the largest."""
    return [
        _choose(
            _histogram(coefficients[..., k]),
            int(source[k]),
            int(steps[k]),
            float(weights[k]),
            trade if k else 0,
        )
        for k in range(64)
    ]


def _histogram(values: Int16) -> Int64:
    counts: Int64 = np.bincount(np.abs(values.astype(np.int32)).ravel())
    return counts


def _choose(counts: Int64, source: int, step: int, weight: float, trade: float) -> Int16:
    """The levels of least error and rate together; rates are those of the levels themselves."""
    x = np.arange(len(counts)) * float(source)
    below = np.floor(x / step).astype(np.int64)
    levels = np.floor(x / step + 0.5).astype(np.int64)
    options = np.stack([np.zeros_like(below), below, below + 1])
    errors = weight * (x - step * options) ** 2
    for _ in range(ROUNDS if trade else 0):
        bits = _bits(np.bincount(levels, counts, minlength=int(below[-1]) + 2).astype(np.float64))
        best = (errors + trade * bits[options]).argmin(0)
        levels = np.take_along_axis(options, best[None], 0)[0]
    return levels.astype(np.int16)


def _bits(counts: Float64) -> Float64:
    """Of each magnitude with its sign, from how often they occur; unseen ones cost more and more."""
    smooth = counts + 1e-3 + 0.5 * 2.0 ** -np.minimum(np.arange(1, len(counts) + 1), 50)
    bits: Float64 = -np.log2(smooth / smooth.sum())
    bits[1:] += 1
    return bits


def _replaced(coefficients: Int16, levels: Sequence[Int16]) -> Int16:
    result = np.empty_like(coefficients)
    for k, table in enumerate(levels):
        values = coefficients[..., k]
        magnitudes = table[np.abs(values)]
        result[..., k] = np.where(values < 0, -magnitudes, magnitudes)
    return result
