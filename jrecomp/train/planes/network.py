"""The network of a plane, or of several planes that share it, in torch.

The forward pass computes the same integers as jrecomp.model.network.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jrecomp.features.tables import LOGIT_LIMIT, LOGIT_UNIT
from jrecomp.model.network import ACTIVATION_LIMIT, HIDDEN_SHIFT, LOGIT_SHIFT
from jrecomp.model.planes import Shape
from jrecomp.train.export import Layer
from jrecomp.train.rounding import INPUT_UNIT, WEIGHT_UNIT, exported, integers, through


class IntegerNetwork(nn.Module):
    """Two hidden layers and an output layer, with real parameters that are rounded to integers to compute."""

    def __init__(self, shapes: Sequence[Shape]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(inputs, outputs) for outputs, inputs in shapes)

    @classmethod
    def of(cls, layers: Sequence[Layer]) -> "IntegerNetwork":
        """The network with these integers; layers: weight [outputs, inputs] and bias [outputs] of each."""
        shapes = [(len(weight), weight.shape[1]) for weight, _ in layers]
        network = cls(shapes)
        with torch.no_grad():
            for linear, (weight, bias) in zip(network._linear(), layers, strict=True):
                linear.weight.copy_(torch.tensor(weight) / WEIGHT_UNIT)
                linear.bias.copy_(torch.tensor(bias) / (WEIGHT_UNIT * INPUT_UNIT))
        return network

    def forward(self, x: Tensor) -> Tensor:
        """Logits in natural units, float32 [n, outputs]; x: integers in float32 [n, inputs]."""
        *hidden, last = (integers(linear.weight, linear.bias) for linear in self._linear())
        for weight, bias in hidden:
            x = F.hardtanh(_shifted(x, weight, bias, HIDDEN_SHIFT), 0, ACTIVATION_LIMIT)
        logits = _shifted(x, *last, LOGIT_SHIFT)
        return F.hardtanh(logits, -LOGIT_LIMIT, LOGIT_LIMIT) / LOGIT_UNIT

    def export(self) -> list[Layer]:
        """Integer weight [outputs, inputs] and bias [outputs] of each layer."""
        return [exported(linear.weight, linear.bias) for linear in self._linear()]

    def _linear(self) -> list[nn.Linear]:
        return [layer for layer in self.layers if isinstance(layer, nn.Linear)]


def _shifted(x: Tensor, weight: Tensor, bias: Tensor, shift: int) -> Tensor:
    """floor(sums / 2^shift)."""
    return through(F.linear(x, weight * 2.0**-shift, bias * 2.0**-shift), torch.floor)


def bits(logits: Tensor, decisions: Tensor) -> Tensor:
    """Total bits of decisions, int8 [n, outputs] as in jrecomp.train.planes.decisions."""
    sign = decisions.to(logits.dtype)
    return (F.softplus(-sign * logits) * sign.abs()).sum() / math.log(2)
