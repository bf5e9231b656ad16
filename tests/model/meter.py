"""A coder in place of the range coder."""

from typing import Any

import numpy as np

from jrecomp.array_types import UInt16


class Meter:
    """A coder that records the probabilities of decisions."""

    def __init__(self) -> None:
        self.ones: list[int] = []

    def code(self, ones: UInt16, decisions: Any) -> Any:
        self.ones += ones.tolist()
        return decisions


def logistic(x: float) -> int:
    """The probability that the coder gets for a logit; x: in units of 1/64."""
    return min(max(round(65536 / (1 + float(np.exp(-x / 64)))), 1), 65535)
