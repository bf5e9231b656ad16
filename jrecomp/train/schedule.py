"""The learning rate over a training."""

import math

RISE = 0.02
"""The part of a training in which the rate rises."""


def learning_rate(peak: float, progress: float) -> float:
    """A short rise to the peak, then half a wave of a cosine down to 0. progress: 0 to 1."""
    rise = min(1.0, progress / RISE + 0.01)
    return peak * rise * (0.5 + 0.5 * math.cos(math.pi * progress))
