"""Changes of size at equal similarity, between curves that are monotone cubics.

Source: F. N. Fritsch, J. Butland, "A method for constructing local monotone piecewise cubic interpolants",
SIAM J. Sci. Stat. Comput. 5 (1984). The logarithm of size is interpolated by similarity, and the reverse.
"""

from collections.abc import Callable

import numpy as np

from jrecomp.array_types import Float64
from jrecomp.lossy.bdrate import Curve, envelope

SHARE = 0.4
"""Smallest share of a range of similarities that two curves must have in common to be compared."""

_STEPS = 200

Line = Callable[[Float64], Float64]


def increasing(x: Float64, y: Float64) -> Line:
    """The monotone cubic through points that rise in both coordinates; constant before and after them."""
    if len(x) < 3:
        return lambda at: np.interp(at, x, y)
    step = np.diff(x)
    rise = np.diff(y) / step
    before, after = 2 * step[1:] + step[:-1], step[1:] + 2 * step[:-1]
    slopes = np.empty_like(x)
    slopes[1:-1] = (before + after) / (before / rise[:-1] + after / rise[1:])
    slopes[0] = _end(step[0], step[1], rise[0], rise[1])
    slopes[-1] = _end(step[-1], step[-2], rise[-1], rise[-2])

    def line(at: Float64) -> Float64:
        at = np.clip(at, x[0], x[-1])
        k = np.clip(np.searchsorted(x, at, "right") - 1, 0, len(step) - 1)
        t = (at - x[k]) / step[k]
        quadratic = (3 - 2 * t) * t * rise[k] + (1 - t) ** 2 * slopes[k] - t * (1 - t) * slopes[k + 1]
        value: Float64 = y[k] + step[k] * t * quadratic
        return value

    return line


def _end(step: float, inner_step: float, rise: float, inner_rise: float) -> float:
    """The slope at an end, by three points."""
    slope = ((2 * step + inner_step) * rise - step * inner_rise) / (step + inner_step)
    return max(slope, 0.0)


def size_line(curve: Curve) -> tuple[Line, float, float]:
    """log(size) by similarity, and the least and greatest similarity; raises ValueError if it is empty."""
    points = envelope(curve)
    if not len(points):
        raise ValueError("a curve without points")
    return increasing(points[:, 0], points[:, 1]), points[0, 0], points[-1, 0]


def value_at(curve: Curve, log_sizes: Float64) -> Float64:
    """The similarity of a curve at logarithms of sizes; NaN outside the curve."""
    points = envelope(curve)
    inside = (log_sizes >= points[0, 1]) & (log_sizes <= points[-1, 1])
    return np.where(inside, increasing(points[:, 1], points[:, 0])(log_sizes), np.nan)


def span(guide: Curve, curve: Curve, low: float, high: float) -> tuple[float, float] | None:
    """The similarities of a curve at the sizes that have two other similarities.

    guide, curve: results of one codec in two measures. low, high: similarities in the measure of guide.
    Returns None if the curve covers less than SHARE of the range.
    """
    line, least, most = size_line(guide)
    inside = max(low, least), min(high, most)
    if inside[1] - inside[0] < SHARE * (high - low):
        return None
    points = envelope(curve)
    found = increasing(points[:, 1], points[:, 0])(line(np.array(inside)))
    return float(found[0]), float(found[1])


def log_ratio(own: Curve, other: Curve, low: float, high: float) -> float | None:
    """The mean logarithm of own size / other size from one similarity to another.

    Returns None if the curves have less than SHARE of the range in common.
    """
    if not own or not other:
        return None
    (first, *ends), (second, *other_ends) = size_line(own), size_line(other)
    inside = max(low, ends[0], other_ends[0]), min(high, ends[1], other_ends[1])
    if not inside[1] - inside[0] > 0 or inside[1] - inside[0] < SHARE * (high - low):
        return None
    at = np.linspace(*inside, _STEPS)
    return float(np.mean(first(at) - second(at)))
