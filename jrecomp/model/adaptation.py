"""Adaptation of predicted probabilities to the file, in integers: secondary symbol estimation.

For each output and range of its logits, the outcomes and their expected numbers are counted. The logarithm of
the ratio of their odds is added to the logit. docs/format/models.md, "Adaptation", specifies it.
"""

from typing import Protocol

import numpy as np

from jrecomp.array_types import Bool, Index, Int16, Int64, UInt16
from jrecomp.features.tables import LOGIT_LIMIT
from jrecomp.model.symbols import ALL_OUTPUTS

BUCKET_SHIFT = 7
BUCKETS = ((2 * LOGIT_LIMIT) >> BUCKET_SHIFT) + 1
"""Number of ranges of logits with counts of their own; each is 2^BUCKET_SHIFT wide."""

ONE = 1 << 16
"""A count of one outcome. Probabilities have the same unit."""

PRIOR = 4 * ONE
"""Added to each count, so that a few outcomes shift logits only slightly."""

SHIFT_LIMIT = 511
"""Largest magnitude of the shift of a logit, 8 natural units."""

LN_2, LN_MANTISSA = 2839, np.rint(4096 * np.log(np.arange(256, 512) / 256)).astype(np.int64)
"""Natural logarithms of 2, and of 1 to 2 in steps of 1/256, in units of 2^-12."""


def logarithm(value: Int64) -> Int64:
    """Natural logarithm of value >= 256 in units of 2^-12, accurate to 2^-8, in exact integer arithmetic."""
    exponent = np.frexp(value.astype(np.float64))[1].astype(np.int64) - 9
    result: Int64 = LN_2 * exponent + LN_MANTISSA[(value >> exponent) - 256]
    return result


class BinaryCoder(Protocol):
    """Encoder or decoder of binary decisions: coding.BitEncoder or coding.BitDecoder."""

    def code(self, probabilities: UInt16, decisions: Bool | None) -> Bool:
        """Encode or decode decisions.

        probabilities: uint16 [n], of True in units of 2^-16. decisions: bool [n], None to decode.
        Returns the decisions, bool [n].
        """
        ...


class Adaptation:
    """Counts of outcomes and shifts of logits, for the outputs of one kind of network.

    sigmoid: table of probabilities, see features.tables.Tables.
    """

    def __init__(self, sigmoid: UInt16) -> None:
        self._sigmoid = sigmoid
        # [true, expected true, false, expected false]
        self._counts = np.zeros((4, ALL_OUTPUTS * BUCKETS), np.int64)
        self._shift = np.zeros(ALL_OUTPUTS * BUCKETS, np.int64)

    def refresh(self) -> None:
        """Compute the shifts from the counts; probabilities change only here."""
        true, expected_true, false, expected_false = logarithm(self._counts + PRIOR)
        shift = (true - expected_true - false + expected_false) >> 6
        self._shift = np.clip(shift, -SHIFT_LIMIT, SHIFT_LIMIT)

    def fade(self) -> None:
        """Divide the counts by 4 and compute the shifts, before the next plane."""
        self._counts >>= 2
        self.refresh()

    def probabilities(self, outputs: int | Index, logits: Int16) -> UInt16:
        """The adapted probabilities of True.

        outputs: index of one output for all logits, or intp [n]. logits: int16 [n].
        Returns uint16 [n] in units of 2^-16.
        """
        shifted = np.clip(logits + self._shift[_bucket(outputs, logits)], -LOGIT_LIMIT, LOGIT_LIMIT)
        result: UInt16 = self._sigmoid[shifted + LOGIT_LIMIT]
        return result

    def learn(self, outputs: int | Index, logits: Int16, decisions: Bool) -> None:
        """Count outcomes, bool [n], and their expected numbers; the other arguments as in probabilities()."""
        bucket, true = _bucket(outputs, logits), ONE * decisions.astype(np.int64)
        expected = self._sigmoid[logits + LOGIT_LIMIT].astype(np.int64)
        for row, amount in zip(self._counts, (true, expected, ONE - true, ONE - expected), strict=True):
            np.add.at(row, bucket, amount)


def _bucket(outputs: int | Index, logits: Int16) -> Int64:
    bucket: Int64 = outputs * BUCKETS + ((logits.astype(np.int64) + LOGIT_LIMIT) >> BUCKET_SHIFT)
    return bucket


class AdaptiveDecider:
    """Codes decisions about a chunk of blocks with adapted probabilities; it is a symbols.Decider.

    logits: int16 [outputs, blocks]. adaptation: adapts them and learns. coder: encodes or decodes.
    """

    def __init__(self, logits: Int16, adaptation: Adaptation, coder: BinaryCoder) -> None:
        self._logits, self._adaptation, self._coder = logits, adaptation, coder

    def decide(self, outputs: int | Index | None, rows: Index, truth: Bool | None) -> Bool:
        """See symbols.Decider."""
        if outputs is None:
            return self._coder.code(np.full(len(rows), ONE >> 1, np.uint16), truth)
        logits = self._logits[outputs, rows]
        decisions = self._coder.code(self._adaptation.probabilities(outputs, logits), truth)
        self._adaptation.learn(outputs, logits, decisions)
        return decisions
