"""Predictions corrected by what the file has shown so far: secondary estimation in integers.

For each output and range of its logits, outcomes are counted beside what the network expected; the
logarithm of their ratio shifts the logit.
"""

from typing import Protocol

import numpy as np

from jrecomp.array_types import Bool, Index, Int16, Int64, UInt16
from jrecomp.features.tables import LOGIT_LIMIT
from jrecomp.model.symbols import ALL_OUTPUTS

BUCKET_SHIFT = 7
BUCKETS = ((2 * LOGIT_LIMIT) >> BUCKET_SHIFT) + 1
ONE = 1 << 16
"""Unit of counts, as of probabilities."""

PRIOR = 4 * ONE
"""Added to every count."""

SHIFT_LIMIT = 511
"""Largest shift of a logit: 8 natural units."""

LN_2, LN_MANTISSA = 2839, np.rint(4096 * np.log(np.arange(256, 512) / 256)).astype(np.int64)
"""Natural logarithms of 2 and of 1 to 2 in steps of 1/256, in units of 2^-12."""


def logarithm(value: Int64) -> Int64:
    """Natural logarithm of value >= 256, within 2^-8, in units of 2^-12; exact integer arithmetic."""
    exponent = np.frexp(value.astype(np.float64))[1].astype(np.int64) - 9
    result: Int64 = LN_2 * exponent + LN_MANTISSA[(value >> exponent) - 256]
    return result


class BinaryCoder(Protocol):
    """What codes decisions: coding.BitEncoder or coding.BitDecoder."""

    def code(self, ones: UInt16, decisions: Bool | None) -> Bool:
        """Codes len(ones) decisions and returns them."""
        ...


class Adaptation:
    """Counts and shifts of the outputs of one kind of network."""

    def __init__(self, sigmoid: UInt16) -> None:
        self._sigmoid = sigmoid
        # [true, expected true, false, expected false]
        self._counts = np.zeros((4, ALL_OUTPUTS * BUCKETS), np.int64)
        self._shift = np.zeros(ALL_OUTPUTS * BUCKETS, np.int64)

    def refresh(self) -> None:
        """Takes everything learned so far into account."""
        true, expected_true, false, expected_false = logarithm(self._counts + PRIOR)
        shift = (true - expected_true - false + expected_false) >> 6
        self._shift = np.clip(shift, -SHIFT_LIMIT, SHIFT_LIMIT)

    def fade(self) -> None:
        """Lets the counts weigh a quarter, for the next plane."""
        self._counts >>= 2
        self.refresh()

    def ones(self, outputs: int | Index, logits: Int16) -> UInt16:
        """P(True) in units of 2^-16 for logits int16 [n] of some outputs."""
        shifted = np.clip(logits + self._shift[_place(outputs, logits)], -LOGIT_LIMIT, LOGIT_LIMIT)
        ones: UInt16 = self._sigmoid[shifted + LOGIT_LIMIT]
        return ones

    def learn(self, outputs: int | Index, logits: Int16, decisions: Bool) -> None:
        """Counts outcomes; ones() does not change before refresh()."""
        place, true = _place(outputs, logits), ONE * decisions.astype(np.int64)
        expected = self._sigmoid[logits + LOGIT_LIMIT].astype(np.int64)
        for row, amount in zip(self._counts, (true, expected, ONE - true, ONE - expected), strict=True):
            np.add.at(row, place, amount)


def _place(outputs: int | Index, logits: Int16) -> Int64:
    place: Int64 = outputs * BUCKETS + ((logits.astype(np.int64) + LOGIT_LIMIT) >> BUCKET_SHIFT)
    return place


class AdaptiveDecider:
    """Decisions about a chunk of blocks: logits int16 [outputs, n], corrected, to a range coder."""

    def __init__(self, logits: Int16, adaptation: Adaptation, coder: BinaryCoder) -> None:
        self._logits, self._adaptation, self._coder = logits, adaptation, coder

    def decide(self, outputs: int | Index | None, rows: Index, truth: Bool | None) -> Bool:
        """See symbols.Decider."""
        if outputs is None:
            return self._coder.code(np.full(len(rows), ONE >> 1, np.uint16), truth)
        logits = self._logits[outputs, rows]
        decisions = self._coder.code(self._adaptation.ones(outputs, logits), truth)
        self._adaptation.learn(outputs, logits, decisions)
        return decisions
