"""The integer networks of models of planes in NumPy and torch (docs/format/planes.md).

Weights and inputs are 8-bit integers, activations are 0 to 255, and sums are below 2^24 in magnitude.
Therefore float32 arithmetic is exact in any order of summation, also on GPUs that round operands to the 11
bits of TF32. The bound is checked when weights are loaded.
"""

from collections.abc import Sequence
from itertools import accumulate
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Float32, Int16
from jrecomp.features.tables import LOGIT_LIMIT

HIDDEN_SHIFT = 6
LOGIT_SHIFT = 5
"""Sums of hidden layers and of logits are divided by 2^shift and rounded down."""

INPUT_LIMIT, ACTIVATION_LIMIT, WEIGHT_LIMIT = 127, 255, 127
"""Largest magnitudes of inputs, activations and weights."""

EXACT = 1 << 24
"""Integers below this magnitude are exact in float32."""


class Layer(NamedTuple):
    """A fully connected layer; weight: integers in float32 [outputs, inputs], bias: float32 [outputs, 1]."""

    weight: Float32
    bias: Float32

    def check(self, limit: int) -> None:
        """Raises ValueError if a sum over inputs of magnitude `limit` could be inexact."""
        weight, bias = self.weight.astype(np.float64), self.bias
        bound = np.abs(weight).sum(1) * limit + np.abs(bias[:, 0])
        if bound.max() >= EXACT:
            raise ValueError("the weights do not fit: a sum of the network could reach 2^24")

    def sums(self, x: Float32) -> Float32:
        """weight @ x + bias, float32 [outputs, n]."""
        result: Float32 = self.weight @ x
        result += self.bias
        return result


class Network:
    """A network of two hidden layers and an output layer; raises ValueError if a sum could be inexact."""

    def __init__(self, layers: list[Layer]) -> None:
        self.layers = layers
        for layer, limit in zip(layers, (INPUT_LIMIT, ACTIVATION_LIMIT, ACTIVATION_LIMIT), strict=True):
            layer.check(limit)

    def logits(self, x: Float32) -> Int16:
        """The logits int16 [outputs, n], within +-LOGIT_LIMIT, for inputs float32 [inputs, n]."""
        for layer in self.layers[:2]:
            x = _floor(layer.sums(x), HIDDEN_SHIFT).clip(0, ACTIVATION_LIMIT)
        logits = _floor(self.layers[2].sums(x), LOGIT_SHIFT)
        result: Int16 = logits.clip(-LOGIT_LIMIT, LOGIT_LIMIT).astype(np.int16)
        return result


def _floor(sums: Float32, shift: int) -> Float32:
    sums *= 2.0**-shift
    floored: Float32 = np.floor(sums, out=sums)
    return floored


def split(flat: npt.NDArray[Any], shape_list: Sequence[tuple[int, ...]]) -> list[npt.NDArray[Any]]:
    """Split a flat array into consecutive arrays of the given shapes; raises ValueError if sizes differ."""
    ends = list(accumulate(map(prod, shape_list), initial=0))
    if ends[-1] != len(flat):
        raise ValueError("the weights do not fit the network")
    return [
        flat[start:end].reshape(shape) for start, end, shape in zip(ends, ends[1:], shape_list, strict=False)
    ]
