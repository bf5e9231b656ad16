"""Logits of the decisions about integers with a Laplace distribution, as integer tables.

The tails of a Laplace distribution are exponential, so that only the decisions about zero and sign depend on
its mean. docs/format/latents.md specifies the use of the tables.
"""

from typing import NamedTuple

import numpy as np

from jrecomp.array_types import Float64, Int16, Int64
from jrecomp.features.tables import FRACTION, LOGIT_LIMIT, LOGIT_UNIT
from jrecomp.model.symbols import (
    FIRST_BITS,
    FIRST_OUTPUT,
    HEAD,
    LENGTH_OUTPUT,
    MODELLED_LENGTHS,
    PER_SIGN,
    SECOND_BITS,
    SECOND_OUTPUT,
    VALUE_OUTPUTS,
)

LEVELS, LEVELS_PER_OCTAVE, LEVEL_OF_ONE = 64, 5, 22
"""Number of scales and their spacing: level n is the scale 2^((n - LEVEL_OF_ONE) / LEVELS_PER_OCTAVE)."""

MEAN_LIMIT = 2047
"""Largest magnitude of a mean, in sixteenths."""


class Laplace(NamedTuple):
    """Tables of logits by scale.

    head: int16 [LEVELS, FRACTION, HEAD], of the decisions non-zero and negative; the second index is the mean
    minus the nearest integer, in sixteenths plus 8. tail: int16 [LEVELS, PER_SIGN], of all other decisions,
    for either sign.
    """

    head: Int16
    tail: Int16

    def logits(self, fraction: Int64, level: Int64) -> Int16:
        """The logits of all decisions about integers.

        fraction: int64 [n], mean minus the nearest integer, -8 to 7 sixteenths. level: int64 [n], 0 to
        LEVELS - 1. Returns int16 [VALUE_OUTPUTS, n].
        """
        logits = np.empty((VALUE_OUTPUTS, len(level)), np.int16)
        logits[:HEAD] = self.head[level, fraction + FRACTION // 2].T
        logits[HEAD : HEAD + PER_SIGN] = self.tail[level].T
        logits[HEAD + PER_SIGN : VALUE_OUTPUTS] = logits[HEAD : HEAD + PER_SIGN]
        return logits


def make() -> Laplace:
    """The tables, computed in float64; only training calls this."""
    scale = 2.0 ** ((np.arange(LEVELS) - LEVEL_OF_ONE) / LEVELS_PER_OCTAVE)
    mean = (np.arange(FRACTION) - FRACTION // 2) / FRACTION
    above = 0.5 * np.exp((mean - 0.5) / scale[:, None])
    below = 0.5 * np.exp((-mean - 0.5) / scale[:, None])
    nonzero = np.log((above + below) / (1 - above - below))
    negative = -2 * mean / scale[:, None]
    return Laplace(_rounded(np.stack([nonzero, negative], -1)), _rounded(_tail(scale)))


def _tail(scale: Float64) -> Float64:
    """Logits of the halves of intervals of magnitudes, and of intervals against everything beyond them."""
    tail = np.zeros((LEVELS, PER_SIGN))
    for n in MODELLED_LENGTHS:
        half = 2.0 ** (n - 2) / scale
        tail[:, LENGTH_OUTPUT + n - MODELLED_LENGTHS.start] = -half - np.log(-np.expm1(-half))
    for n in FIRST_BITS:
        tail[:, FIRST_OUTPUT + n - FIRST_BITS.start] = -(2.0 ** (n - 2)) / scale
    for n in SECOND_BITS:
        output = SECOND_OUTPUT + 2 * (n - SECOND_BITS.start)
        tail[:, output : output + 2] = (-(2.0 ** (n - 3)) / scale)[:, None]
    return tail


def _rounded(logits: Float64) -> Int16:
    return np.clip(np.rint(LOGIT_UNIT * logits), -LOGIT_LIMIT, LOGIT_LIMIT).astype(np.int16)
