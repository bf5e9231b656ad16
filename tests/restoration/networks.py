"""Networks of restoration with random weights, for tests."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from jrecomp.restoration import network
from jrecomp.restoration.network import INPUTS, OUTPUTS

CONVOLUTIONS = 6


def arrays(width: int = 12, seed: int = 1, octaves: float = 8.0) -> dict[str, NDArray[Any]]:
    """Two pairs of convolutions with random weights. octaves: logarithm of the middle of the gains."""
    rng = np.random.default_rng(seed)
    widths = [INPUTS, *[width] * (CONVOLUTIONS - 1), OUTPUTS]
    result: dict[str, NDArray[Any]] = {
        f"convolution_{i}": rng.integers(-127, 128, (widths[i + 1], widths[i], 3, 3)).astype(np.int8)
        for i in range(CONVOLUTIONS)
    }
    gains, offsets = (count(CONVOLUTIONS) for count in (network.gain_count, network.offset_count))
    controls = (gains + offsets) * width + 2 * OUTPUTS
    gained = gains * width + OUTPUTS
    exponent = round(octaves * network.STEPS_PER_OCTAVE) << network.EXPONENT_SHIFT
    bias = np.where(np.arange(controls) < gained, exponent, rng.integers(-5000, 20000, controls))
    return result | {
        "hidden": rng.integers(-127, 128, (64, network.DESCRIPTION)).astype(np.int8),
        "hidden_bias": rng.integers(-99, 99, 64).astype(np.int32),
        "control": rng.integers(-20, 20, (controls, 64)).astype(np.int8),
        "control_bias": bias.astype(np.int32),
        "logarithms": network.logarithms(),
        "gains": network.gain_table(),
    }
