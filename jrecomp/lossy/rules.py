"""Rules that derive quantization steps from the source's steps and lambda, the squared error per bit.

weights/lossy.json holds the rules with their permanent identifiers and names.
"""

import json
from dataclasses import dataclass
from functools import cache

import numpy as np

from jrecomp.array_types import Float64, Int32
from jrecomp.errors import UnknownModelError
from jrecomp.model.weights import folder

HIGH_RATE = np.log(2) / 6
"""Squared error, in squared steps, that one more bit saves in uniform quantization at high rate."""

LARGEST_STEP = 255
"""Largest quantization step of baseline files, which have 8 bits per sample; more bits scale it."""


@dataclass(frozen=True)
class Rule:
    """Parameters that determine quantization steps.

    For each coefficient, let the ratio be the optimal step at high rate divided by the source's step. The new
    step is the source's step times a factor that depends on the ratio.

    identifier, name: permanent.
    stay: thresholds for DC and for zig-zag index 63, interpolated in between; the factor is 1 below them.
    jump: the factor above `stay`; a step of 1 becomes 3. Smaller factors would requantize the source's
        coefficients poorly.
    third: threshold above which the factor is 3.
    free: threshold above which the factor is the ratio times `widening`.
    flatness: 1 weights errors as in squared error of pixels, 0 relative to the source's steps; values in
        between interpolate.
    """

    identifier: int
    name: str
    stay: tuple[float, float]
    jump: float
    third: float
    free: float
    widening: float
    flatness: float

    def steps(self, source: Int32, weights: Float64, lmbda: float, largest: int = LARGEST_STEP) -> Int32:
        """The new quantization steps.

        source: int32 [64], the source's steps, at least 1. weights: float64 [64], result of weights(). lmbda:
        squared error per bit. largest: limit of steps, unless the source's are larger.
        Returns int32 [64], at least the source's steps.
        """
        stay = np.linspace(*self.stay, 64)
        ratio = np.sqrt(lmbda / (HIGH_RATE * weights)) / source * (stay.mean() / stay)
        jumped = np.where(source == 1, 3, self.jump * source)
        steps = np.select(
            [ratio < stay.mean(), ratio < self.third, ratio < self.free],
            [source, jumped, 3 * source],
            self.widening * ratio * source,
        )
        limited: Int32 = np.clip(np.rint(steps), source, np.maximum(source, largest)).astype(np.int32)
        return limited

    def weights(self, source: Int32, pixels: Float64) -> Float64:
        """Weights of squared errors of coefficients.

        source: int32 [64], the source's steps. pixels: float64 [64], see pixel_weights().
        Returns float64 [64].
        """
        logs = np.log(source)
        weights: Float64 = pixels * np.exp((1 - self.flatness) * (logs.mean() - logs))
        return weights


def rule_names() -> list[str]:
    """The names of the installed rules."""
    return [rule.name for rule in _rules()]


def load_rule(wanted: str) -> Rule:
    """The rule with a name; raises UnknownModelError."""
    for rule in _rules():
        if rule.name == wanted:
            return rule
    raise UnknownModelError(f"rule {wanted!r} is not installed; installed rules: {', '.join(rule_names())}")


@cache
def _rules() -> list[Rule]:
    entries = json.loads((folder() / "lossy.json").read_text())["rules"]
    return [Rule(entry.pop("id"), stay=tuple(entry.pop("stay")), **entry) for entry in entries]
