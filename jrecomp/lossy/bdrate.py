"""Bjontegaard's comparison of curves of size against quality: how much smaller at equal quality."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from jrecomp.array_types import Float64

OVERLAP = 1.0
"""Of qualities in dB, that two curves need to be compared."""

Curve = Sequence[tuple[float, float]]
"""Sizes, each with a quality in dB, in any order."""


def log_ratio(own: Curve, other: Curve, low: float, high: float) -> float | None:
    """The mean of log(own size / other size) over qualities from low to high that both curves have.

    Curves are straight lines between the points of their envelopes.
    None where they have less than OVERLAP in common there. (Bjontegaard, VCEG-M33, 2001, has cubics.)
    """
    a, b = envelope(own), envelope(other)
    if not len(a) or not len(b):
        return None
    low, high = max(low, a[0, 0], b[0, 0]), min(high, a[-1, 0], b[-1, 0])
    if high - low < OVERLAP:
        return None
    knots = np.unique(np.clip(np.concatenate([a[:, 0], b[:, 0], [low, high]]), low, high))
    difference = np.interp(knots, a[:, 0], a[:, 1]) - np.interp(knots, b[:, 0], b[:, 1])
    return float(np.trapezoid(difference, knots) / (high - low))


def percent(log_ratios: Iterable[float | None]) -> tuple[float | None, int]:
    """The mean change of size, of those that are there, and how many they are."""
    found = [ratio for ratio in log_ratios if ratio is not None]
    return (100 * math.expm1(sum(found) / len(found)) if found else None), len(found)


def envelope(curve: Curve) -> Float64:
    """Qualities, rising, with logarithms of sizes, float64 [points, 2].

    Left out are points that a smaller file of more quality makes superfluous, and those of infinite quality.
    """
    kept: list[tuple[float, float]] = []
    for size, quality in sorted(curve, key=lambda point: (-point[1], point[0])):
        if math.isfinite(quality) and (not kept or math.log(size) < kept[-1][1]):
            kept.append((quality, math.log(size)))
    return np.array(kept[::-1]).reshape(-1, 2)
