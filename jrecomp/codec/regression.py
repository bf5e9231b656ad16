"""Prediction of a component's innovations from those of the component before (docs/format/blocks.md).

Red, green and blue are alike, and so are the inks of CMYK. How alike they are is learned from the blocks
before, so a model needs no weights for it.
"""

import numpy as np

from jrecomp.array_types import Int64
from jrecomp.codec.coefficients import VALUE_LIMIT

INTERVAL = 64
"""Older blocks lose a quarter of their weight every INTERVAL blocks."""

SHIFT = 14
"""Predictions and weights are in units of 2^-SHIFT."""


class Regression:
    """Weights of a component, one for each coefficient. steps: int64 [64], the quantization table."""

    def __init__(self, steps: Int64) -> None:
        self._squares, self._products = 4 * steps * steps, np.zeros(64, np.int64)
        self._weights = np.zeros(64, np.int64)
        self._blocks = 0

    def predict(self, other: Int64) -> Int64:
        """Predictions, int64 [64], from the innovations of the other component at the same place."""
        return self._weights * other

    def learn(self, other: Int64, own: Int64) -> None:
        """Take a block into account; other, own: innovations, int64 [64]; 0 where there are none."""
        self._squares += other * other
        self._products += other * own
        self._blocks += 1
        if self._blocks % INTERVAL == 0:
            self._squares -= self._squares >> 2
            self._products -= self._products >> 2
        if self._blocks % INTERVAL == 0 or self._blocks & (self._blocks - 1) == 0:
            magnitudes = (np.abs(self._products) << SHIFT) // self._squares
            self._weights = np.sign(self._products) * np.minimum(magnitudes, VALUE_LIMIT)


def innovations(dequantized: Int64, sums: Int64, count: int) -> Int64:
    """What a component's own predictions leave of a block, int64 [64], within +-VALUE_LIMIT.

    dequantized: int64 [64]. sums: int64 [64], the predictions. count: number of coefficients that have them.
    """
    rest = np.clip(dequantized - (sums >> SHIFT), -VALUE_LIMIT, VALUE_LIMIT)
    return np.where(np.arange(64) < count, rest, 0)
