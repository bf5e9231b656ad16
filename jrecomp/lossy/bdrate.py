"""Bjontegaard delta rate (ITU-T VCEG-M33, 2001): the mean difference in size at equal quality.

VCEG-M33 fits cubic polynomials. Here curves are piecewise linear.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from jrecomp.array_types import Float64

OVERLAP = 1.0
"""Smallest range of qualities, in dB, that two curves must have in common to be compared."""

Curve = Sequence[tuple[float, float]]
"""Points of a rate-distortion curve: (size, quality in dB), in any order."""


def log_ratio(own: Curve, other: Curve, low: float, high: float) -> float | None:
    """The mean logarithm of the ratio of sizes at equal quality.

    own, other: the curves; the ratio is own size / other size. low, high: range of qualities in dB.
    The curves are linear in log(size) between the points of their envelopes.
    Returns None if the curves have a range of less than OVERLAP in common.
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
    """The mean change of size in percent, from results of log_ratio(), and the number of results.

    Results of None are left out. The mean is None if there are no others.
    """
    ratios = [ratio for ratio in log_ratios if ratio is not None]
    return (100 * math.expm1(sum(ratios) / len(ratios)) if ratios else None), len(ratios)


def envelope(curve: Curve) -> Float64:
    """The Pareto-optimal points of a curve: (quality, log(size)), float64 [points, 2], by rising quality.

    A point is left out if a smaller file has at least its quality, or if its quality is infinite.
    """
    kept: list[tuple[float, float]] = []
    for size, quality in sorted(curve, key=lambda point: (-point[1], point[0])):
        if math.isfinite(quality) and (not kept or math.log(size) < kept[-1][1]):
            kept.append((quality, math.log(size)))
    return np.array(kept[::-1]).reshape(-1, 2)
