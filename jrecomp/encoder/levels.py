"""Levels of coefficients by rate and error."""

from dataclasses import dataclass, field

import numpy as np

from jrecomp.array_types import Float32, Float64, Int16, Int64, UInt8
from jrecomp.native import _encode
from jrecomp.threads import Workers

ROUNDS = 2
"""Number of iterations of choosing levels and estimating their rates again."""

_BAND = 16
"""Block rows that a thread handles at a time."""


@dataclass(frozen=True)
class Quantizer:
    """Chooses the levels of one component.

    steps: float32 [64], the quantization table. lmbda: the squared error, in steps, that equals one bit.
    importance: float32 [64], weights of squared errors by frequency.
    """

    steps: Float32
    lmbda: float
    importance: Float32 = field(default_factory=lambda: np.ones(64, np.float32))

    def __call__(
        self, targets: Float32, weights: Float32, kept: UInt8, workers: Workers, rounds: int = ROUNDS
    ) -> Int16:
        """The levels with the least weighted squared error + lmbda * rate, int16 [block rows, columns, 64].

        targets: real-valued coefficients, float32 [block rows, block columns, 64]. weights: of the squared
        errors in steps, [block rows, block columns, 1, 7 or 64], see _encode.choose(). kept: uint8 [block
        rows, block columns]; AC coefficients up to this index are only rounded, as DC always is.
        """
        bits = None
        for _ in range(rounds):
            levels, bits = self.choose(targets, weights, kept, bits, workers)
        return levels

    def choose(
        self, targets: Float32, weights: Float32, kept: UInt8, bits: Float32 | None, workers: Workers
    ) -> tuple[Int16, Float32]:
        """Like a call, with one iteration; also returns the bits of the symbols in the levels.

        bits: of the symbols of levels that were chosen before, float32 [256], None for the first ones.
        """
        levels = np.empty(targets.shape, np.int16)
        counts = self._round(targets, weights, kept, _initial() if bits is None else bits, levels, workers)
        return levels, _bits(counts)

    def _round(
        self,
        targets: Float32,
        weights: Float32,
        kept: UInt8,
        bits: Float32,
        levels: Int16,
        workers: Workers,
    ) -> Int64:
        def band(row: int) -> Int64:
            rows, counts = slice(row, row + _BAND), np.zeros(256, np.int64)
            _encode.choose(
                targets[rows],
                self.steps,
                self.importance,
                weights[rows],
                kept[rows],
                bits,
                self.lmbda,
                levels[rows],
                counts,
            )
            return counts

        total: Int64 = np.sum(workers.map(band, range(0, len(targets), _BAND)), axis=0)
        return total


def _bits(counts: Int64) -> Float32:
    """Bits of each symbol by its share of the counts; symbols that do not occur stay finite."""
    smooth = counts + 0.5 * _initial_shares()
    bits: Float32 = -np.log2(smooth / smooth.sum()).astype(np.float32)
    return bits


def _initial() -> Float32:
    bits: Float32 = -np.log2(_initial_shares()).astype(np.float32)
    return bits


def _initial_shares() -> Float64:
    """Shares of symbols before any are counted: short runs and small magnitudes are likely."""
    run, size = np.divmod(np.arange(256), 16)
    shares = 2.0 ** (-0.4 * run - 1.1 * size)
    shares[0] = 1
    result: Float64 = shares / shares.sum()
    return result
