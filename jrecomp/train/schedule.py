"""Schedule of the learning rate."""

import math

RISE = 0.02
"""Fraction of the steps in which the rate rises."""


def learning_rate(peak: float, progress: float) -> float:
    """The rate after a fraction of the steps (progress): a linear rise, then a cosine down to 0."""
    rise = min(1.0, progress / RISE + 0.01)
    return peak * rise * (0.5 + 0.5 * math.cos(math.pi * progress))
