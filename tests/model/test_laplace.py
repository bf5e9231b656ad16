"""Tables of the Laplace distribution."""

from typing import Any

import numpy as np
import pytest

from jrecomp.array_types import Int16
from jrecomp.features.tables import LOGIT_UNIT
from jrecomp.model import laplace
from jrecomp.model.symbols import code_values


class Meter:
    """Sums the bits of decisions with given logits."""

    def __init__(self, logits: Int16) -> None:
        self.bits, self._logits = 0.0, logits / LOGIT_UNIT

    def decide(self, outputs: Any, rows: Any, truth: Any) -> Any:
        logit = np.zeros(len(rows)) if outputs is None else self._logits[outputs, rows]
        self.bits += float(np.logaddexp(0, np.where(truth, -logit, logit)).sum() / np.log(2))
        return truth


@pytest.mark.parametrize("level", [10, 22, 35, 60])
@pytest.mark.parametrize("fraction", [-8, 0, 5])
def test_tables_cost_what_a_laplace_distribution_says(level: int, fraction: int) -> None:
    scale = 2.0 ** ((level - laplace.LEVEL_OF_ONE) / laplace.LEVELS_PER_OCTAVE)
    tables = laplace.make()
    for value in range(-7, 8):  # all decisions about them have outputs
        distance = abs(value - fraction / 16)
        if distance < 0.5:
            p = 1 - 0.5 * (np.exp((distance - 0.5) / scale) + np.exp((-distance - 0.5) / scale))
        else:
            p = 0.5 * (np.exp((0.5 - distance) / scale) - np.exp((-0.5 - distance) / scale))
        if p < 1e-4:  # logits are limited
            continue
        meter = Meter(tables.logits(np.array([fraction]), np.array([level])))
        code_values(meter, np.array([value]), np.array([False]))
        assert meter.bits == pytest.approx(-np.log2(p), abs=0.05)
