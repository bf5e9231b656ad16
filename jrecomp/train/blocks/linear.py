"""The linear predictions of coefficients: weighted least squares over what is known before each."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from jrecomp.array_types import Bool, Float32, Float64, Index, Int16, Int32, Int64, UInt8
from jrecomp.codec import blocks as codec
from jrecomp.model.blocks import VALUES
from jrecomp.train.blocks.samples import Blocks

CHUNK = 1 << 15

PREDICTION_SHIFT = 14
"""Predictions are in units of 2^-PREDICTION_SHIFT."""


@dataclass(frozen=True)
class Linear:
    """edge: int16 [64, VALUES]. within: int16 [64, 64], [j, k], 0 where j is not known before k. across:
    int16 [64]. In units of 2^-PREDICTION_SHIFT."""

    edge: Int16
    within: Int16
    across: Int16

    @classmethod
    def zero(cls) -> "Linear":
        """Those that predict nothing but, of DC, the base."""
        return cls(np.zeros((64, VALUES), np.int16), np.zeros((64, 64), np.int16), np.zeros(64, np.int16))


@dataclass(frozen=True)
class Predictions:
    """below: bool [n, 64], confidence: uint8 [n, 64]; residual: int32 [n], DC less its prediction."""

    below: Bool
    confidence: UInt8
    residual: Int32


def solve(blocks: Blocks) -> Linear:
    """The predictions of a component class."""
    edge, within, across = np.zeros((64, VALUES)), np.zeros((64, 64)), np.zeros(64)
    for k, products in _normal_equations(blocks):
        known = range(1, k if k else 64)
        columns = [*range(VALUES), *(VALUES + j for j in known)]
        sees_before = k and blocks.across.shape[1]
        if sees_before:
            columns.append(VALUES + 63 + k)
        solution = _solution(products[np.ix_(columns, columns)], products[columns, VALUES + k])
        edge[k], within[1 : 1 + len(known), k] = solution[:VALUES], solution[VALUES : VALUES + len(known)]
        across[k] = solution[-1] if sees_before else 0
    return Linear(_rounded(edge), _rounded(within), _rounded(across))


def _solution(xx: Float64, xt: Float64) -> Float64:
    ridge = 1e-5 * xx.diagonal() + 1e-9 * xx.trace() + 1e-6
    solution: Float64 = np.linalg.solve(xx + np.diagflat(ridge), xt)
    return solution


def _rounded(weights: Float64) -> Int16:
    return np.clip(np.rint(weights * (1 << PREDICTION_SHIFT)), -32767, 32767).astype(np.int16)


def _normal_equations(blocks: Blocks) -> Iterator[tuple[int, Float64]]:
    """(k, x x') for k = 63 to 0, x what is known and wanted of the blocks with `last` >= k."""
    last = blocks.last
    products = np.zeros(2 * [VALUES + 64 + blocks.across.shape[1]])
    for k in range(63, -1, -1):
        rows = np.flatnonzero(last == k)
        for start in range(0, len(rows), CHUNK):
            x = _known(blocks, rows[start : start + CHUNK])
            products = products + (x * _weight(x)[:, None]).T @ x
        yield k, products


def _known(blocks: Blocks, rows: Index) -> Float32:
    """float32 [n, VALUES + 64 (+ 63)]: values, dequantized coefficients, those of the component before."""
    d = _dequantized(blocks, rows)
    d[:, 0] -= 2 * blocks.base[rows]
    return np.concatenate([blocks.values[rows], d, blocks.across[rows]], 1).astype(np.float32)


def _dequantized(blocks: Blocks, rows: Index) -> Int64:
    return codec.dequantized(blocks.coefficients[rows].astype(np.int64), blocks.steps[rows].astype(np.int64))


def _weight(x: Float32) -> Float32:
    """By activity [n]: an error counts for less where there is much to predict."""
    contrast, spread = x[:, :VALUES], x[:, VALUES + 1 : VALUES + 64]
    activity = np.abs(contrast).mean(1) / 8 + 2 * np.sqrt(np.square(spread).mean(1))
    weight: Float32 = 1 / np.square(8 + activity)
    return weight


def predict(blocks: Blocks, linear: Linear) -> Predictions:
    """What the codec predicts of blocks."""
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
    """P [n, 64], of DC with the base."""
    d = _dequantized(blocks, rows)
    sums = blocks.values[rows].astype(np.float64) @ linear.edge.T + d.astype(np.float64) @ linear.within
    sums[:, 1 : 1 + blocks.across.shape[1]] += (
        blocks.across[rows].astype(np.float64) * linear.across[1 : 1 + blocks.across.shape[1]]
    )
    wrapped = codec.wrap32(sums.astype(np.int64))
    wrapped[:, 0] += blocks.base[rows].astype(np.int64) << PREDICTION_SHIFT + 1
    return wrapped
