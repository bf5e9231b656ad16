"""Rules that say which quantization steps serve a source table and a lmbda of error against rate.

They ship as weights/lossy.json, each with a permanent id and name.
"""

import json
from dataclasses import dataclass
from functools import cache

import numpy as np

from jrecomp.array_types import Float64, Int32
from jrecomp.errors import UnknownModelError
from jrecomp.model.weights import folder

HIGH_RATE = np.log(2) / 6
"""Error that a bit saves, over the squared step, of uniform quantization at high rate."""

LARGEST_STEP = 255
"""Of baseline files."""


@dataclass(frozen=True)
class Rule:
    """How the steps of a table follow from the step that is best at high rate, over the source's.

    Below `stay` (its first number for DC, its last for coefficient 63, in between for others) the step stays
    the source's. From there on it is `jump` times the source's, since steps between that and the source's
    serve no coefficients of the source well; from `third` on 3 times, from `free` on the ratio times
    `widening`. A step of 1 jumps to 3. flatness: how far errors count alike in all coefficients, 1, or by how
    coarse the source's steps are, 0.
    """

    identifier: int
    name: str
    stay: tuple[float, float]
    jump: float
    third: float
    free: float
    widening: float
    flatness: float

    def steps(self, source: Int32, weights: Float64, lmbda: float) -> Int32:
        """Steps int32 [64] for a source table [64].

        weights: float64 [64], errors that count. lmbda: of squared error for a bit.
        """
        stay = np.linspace(*self.stay, 64)
        ratio = np.sqrt(lmbda / (HIGH_RATE * weights)) / source * (stay.mean() / stay)
        jumped = np.where(source == 1, 3, self.jump * source)
        steps = np.select(
            [ratio < stay.mean(), ratio < self.third, ratio < self.free],
            [source, jumped, 3 * source],
            self.widening * ratio * source,
        )
        limited: Int32 = np.clip(np.rint(steps), source, np.maximum(source, LARGEST_STEP)).astype(np.int32)
        return limited

    def weights(self, source: Int32, pixels: Float64) -> Float64:
        """The errors that count, of pixel weights [64]."""
        logs = np.log(source)
        weights: Float64 = pixels * np.exp((1 - self.flatness) * (logs.mean() - logs))
        return weights


def rule_names() -> list[str]:
    """Names of the installed rules."""
    return [rule.name for rule in _rules()]


def load_rule(wanted: str) -> Rule:
    """The rule of a name; raises UnknownModelError."""
    for rule in _rules():
        if rule.name == wanted:
            return rule
    raise UnknownModelError(f"no rule {wanted!r} for lossy compression; there are {', '.join(rule_names())}")


@cache
def _rules() -> list[Rule]:
    entries = json.loads((folder() / "lossy.json").read_text())["rules"]
    return [Rule(entry.pop("id"), stay=tuple(entry.pop("stay")), **entry) for entry in entries]
