"""Linear predictions of coefficients, fitted by weighted least squares to the values known before each."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from jrecomp.array_types import Bool, Float32, Float64, Index, Int16, Int32, Int64, UInt8
from jrecomp.codec import blocks as codec
from jrecomp.model.blocks import VALUES
from jrecomp.train.blocks.samples import Blocks

CHUNK = 1 << 15
"""Number of blocks that are processed at once, to limit memory."""

PREDICTION_SHIFT = 14
"""Weights and predictions are in units of 2^-PREDICTION_SHIFT."""


@dataclass(frozen=True)
class Linear:
    """Weights in units of 2^-PREDICTION_SHIFT; the fields are arrays of weights files.

    edge: int16 [64, VALUES]. within: int16 [64, 64], indices j and k; 0 if j is not known before k.
    across: int16 [64].
    """

    edge: Int16
    within: Int16
    across: Int16

    @classmethod
    def zero(cls) -> "Linear":
        """Weights of 0, which predict the base for DC and 0 for all other coefficients."""
        return cls(np.zeros((64, VALUES), np.int16), np.zeros((64, 64), np.int16), np.zeros(64, np.int16))


@dataclass(frozen=True)
class Predictions:
    """The predictions of n blocks.

    below: bool [n, 64], whether the coefficient is expected to be negative. confidence: uint8 [n, 64].
    residual: int32 [n], DC minus its prediction.
    """

    below: Bool
    confidence: UInt8
    residual: Int32


def solve(blocks: Blocks) -> Linear:
    """Fit the predictions of a component class."""
    edge, within, across = np.zeros((64, VALUES)), np.zeros((64, 64)), np.zeros(64)
    for k, products in _normal_equations(blocks):
        known = range(1, k if k else 64)
        columns = [*range(VALUES), *(VALUES + j for j in known)]
        has_across = k and blocks.across.shape[1]
        if has_across:
            columns.append(VALUES + 63 + k)
        solution = _solution(products[np.ix_(columns, columns)], products[columns, VALUES + k])
        edge[k], within[1 : 1 + len(known), k] = solution[:VALUES], solution[VALUES : VALUES + len(known)]
        across[k] = solution[-1] if has_across else 0
    return Linear(_rounded(edge), _rounded(within), _rounded(across))


def _solution(xx: Float64, xt: Float64) -> Float64:
    ridge = 1e-5 * xx.diagonal() + 1e-9 * xx.trace() + 1e-6
    solution: Float64 = np.linalg.solve(xx + np.diagflat(ridge), xt)
    return solution


def _rounded(weights: Float64) -> Int16:
    return np.clip(np.rint(weights * (1 << PREDICTION_SHIFT)), -32767, 32767).astype(np.int16)


def _normal_equations(blocks: Blocks) -> Iterator[tuple[int, Float64]]:
    """(k, sum of x x') for k = 63 to 0, over the rows x of _known() for blocks with `last` >= k."""
    last = blocks.last
    products = np.zeros(2 * [VALUES + 64 + blocks.across.shape[1]])
    for k in range(63, -1, -1):
        rows = np.flatnonzero(last == k)
        for start in range(0, len(rows), CHUNK):
            x = _known(blocks, rows[start : start + CHUNK])
            products = products + (x * _weight(x)[:, None]).T @ x
        yield k, products


def _known(blocks: Blocks, rows: Index) -> Float32:
    """float32 [n, VALUES + 64 (+ 63)]: values, dequantized coefficients, and those in `across`."""
    d = _dequantized(blocks, rows)
    d[:, 0] -= 2 * blocks.base[rows]
    return np.concatenate([blocks.values[rows], d, blocks.across[rows]], 1).astype(np.float32)


def _dequantized(blocks: Blocks, rows: Index) -> Int64:
    return codec.dequantized(blocks.coefficients[rows].astype(np.int64), blocks.steps[rows].astype(np.int64))


def _weight(x: Float32) -> Float32:
    """Weights of blocks, float32 [n]; they fall with the activity of a block and its surroundings."""
    contrast, spread = x[:, :VALUES], x[:, VALUES + 1 : VALUES + 64]
    activity = np.abs(contrast).mean(1) / 8 + 2 * np.sqrt(np.square(spread).mean(1))
    weight: Float32 = 1 / np.square(8 + activity)
    return weight


def predict(blocks: Blocks, linear: Linear) -> Predictions:
    """The predictions that the codec makes for blocks."""
    result = Predictions(
        np.empty((len(blocks), 64), np.bool_),
        np.empty((len(blocks), 64), np.uint8),
        np.empty(len(blocks), np.int32),
    )
    for start in range(0, len(blocks), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(blocks)))
        sums, steps = _sums(blocks, linear, rows), blocks.steps[rows].astype(np.int64)
        result.below[rows], result.confidence[rows] = codec.expected_ac(sums, steps)
        whole, expected = codec.expected_dc(sums[:, 0], steps[:, 0])
        result.below[rows, 0], result.confidence[rows, 0] = expected
        result.residual[rows] = blocks.coefficients[rows, 0] - whole
    return result


def _sums(blocks: Blocks, linear: Linear, rows: Index) -> Int64:
    """The predictions P, int64 [n, 64]; that of DC includes the base."""
    d = _dequantized(blocks, rows)
    sums = blocks.values[rows].astype(np.float64) @ linear.edge.T + d.astype(np.float64) @ linear.within
    sums[:, 1 : 1 + blocks.across.shape[1]] += (
        blocks.across[rows].astype(np.float64) * linear.across[1 : 1 + blocks.across.shape[1]]
    )
    wrapped = codec.wrap32(sums.astype(np.int64))
    wrapped[:, 0] += blocks.base[rows].astype(np.int64) << PREDICTION_SHIFT + 1
    return wrapped
