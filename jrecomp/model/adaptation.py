"""Predictions corrected by what the file has shown so far: secondary estimation in integers.

For each output and range of its logits, the errors of the network's predictions and their variances are
summed; one Newton step on the log-likelihood, held back by a prior, gives a shift of the logit.
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from jrecomp.model.symbols import Bits, Rows
from jrecomp.planes.tables import LOGIT_LIMIT, LOGIT_UNIT

BUCKET_SHIFT = 7
BUCKETS = ((2 * LOGIT_LIMIT) >> BUCKET_SHIFT) + 1
PRIOR = 8 << 16
"""Added to the summed variance, which is in units of 2^-16."""

SHIFT_LIMIT = 2 * LOGIT_UNIT
_ONE = 1 << 16

Int64 = npt.NDArray[np.int64]
Logits = npt.NDArray[np.int16]
Ones = npt.NDArray[np.uint16]


class Coder(Protocol):
    """What codes decisions: coding.BitEncoder or coding.BitDecoder."""

    def code(self, ones: Ones, decisions: Bits | None) -> Bits:
        """Codes len(ones) decisions and returns them."""
        ...


class Adaptation:
    """Sums and shifts of the outputs of one network."""

    def __init__(self, outputs: int, sigmoid: Ones) -> None:
        self._sigmoid = sigmoid
        self._error = np.zeros(outputs * BUCKETS, np.int64)
        self._variance = np.zeros(outputs * BUCKETS, np.int64)
        self.refresh()

    def refresh(self) -> None:
        """Takes everything learned so far into account."""
        shift = LOGIT_UNIT * self._error // (self._variance + PRIOR)
        self._shift = np.clip(shift, -SHIFT_LIMIT, SHIFT_LIMIT)

    def halve(self) -> None:
        """Lets the sums count half, for the next plane."""
        self._error >>= 1
        self._variance >>= 1
        self.refresh()

    def ones(self, outputs: int | Rows, logits: Logits) -> Ones:
        """P(True) in units of 2^-16 for logits int16 [n] of some outputs."""
        shifted = np.clip(logits + self._shift[_place(outputs, logits)], -LOGIT_LIMIT, LOGIT_LIMIT)
        ones: Ones = self._sigmoid[shifted + LOGIT_LIMIT]
        return ones

    def learn(self, outputs: int | Rows, logits: Logits, decisions: Bits) -> None:
        """Adds the outcome of decisions to the sums; ones() does not change before refresh()."""
        predicted = self._sigmoid[logits + LOGIT_LIMIT].astype(np.int64)
        place = _place(outputs, logits)
        np.add.at(self._error, place, _ONE * decisions - predicted)
        np.add.at(self._variance, place, predicted * (_ONE - predicted) >> 16)


def _place(outputs: int | Rows, logits: Logits) -> Int64:
    place: Int64 = outputs * BUCKETS + ((logits.astype(np.int64) + LOGIT_LIMIT) >> BUCKET_SHIFT)
    return place


class AdaptiveDecider:
    """Decisions about a chunk of blocks: logits int16 [outputs, n], corrected, to a range coder."""

    def __init__(self, logits: Logits, adaptation: Adaptation, coder: Coder) -> None:
        self._logits, self._adaptation, self._coder = logits, adaptation, coder

    def decide(self, outputs: int | Rows | None, rows: Rows, truth: Bits | None) -> Bits:
        """See symbols.Decider."""
        if outputs is None:
            return self._coder.code(np.full(len(rows), _ONE >> 1, np.uint16), truth)
        logits = self._logits[outputs, rows]
        decisions = self._coder.code(self._adaptation.ones(outputs, logits), truth)
        self._adaptation.learn(outputs, logits, decisions)
        return decisions
