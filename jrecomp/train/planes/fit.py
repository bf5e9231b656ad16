"""Quantization-aware training of one network (torch).

The forward pass computes exactly the integers of jrecomp.model.network; roundings pass gradients
straight through (Bengio et al. 2013).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jrecomp.array_types import Int8, Int32
from jrecomp.features.tables import LOGIT_LIMIT, LOGIT_UNIT
from jrecomp.model.network import ACTIVATION_LIMIT, HIDDEN_SHIFT, LOGIT_SHIFT, WEIGHT_LIMIT
from jrecomp.model.planes import LAST
from jrecomp.train.planes.decisions import of_last, of_values
from jrecomp.train.planes.samples import Samples

WEIGHT_UNIT = 64.0
INPUT_UNIT = 32.0
BATCH = 2048
CHUNK = 1 << 16


class _Rounding(torch.autograd.Function):
    """A rounding forwards, nothing backwards."""

    @staticmethod
    def forward(_: Any, value: Tensor, rounding: Callable[[Tensor], Tensor]) -> Tensor:
        return rounding(value)

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        return gradient, None


def through(value: Tensor, rounding: Callable[[Tensor], Tensor]) -> Tensor:
    """rounding(value), whose gradient is the value's."""
    rounded: Tensor = _Rounding.apply(value, rounding)  # type: ignore[no-untyped-call]
    return rounded


class IntegerNetwork(nn.Module):
    """Hidden layers and an output layer; parameters are real, what is computed with them is integer."""

    def __init__(self, shapes: list[tuple[int, int]]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(inputs, outputs) for outputs, inputs in shapes)

    def integers(self, layer: nn.Linear) -> tuple[Tensor, Tensor]:
        """Integer weights and biases of a layer, with gradients."""
        weight = (layer.weight * WEIGHT_UNIT).clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT)
        bias = layer.bias * (WEIGHT_UNIT * INPUT_UNIT)
        return through(weight, torch.round), through(bias, torch.round)

    def forward(self, x: Tensor) -> Tensor:
        """Logits in natural units [n, outputs] for integer inputs [n, inputs]."""
        for layer in self.layers[:-1]:
            assert isinstance(layer, nn.Linear)
            weight, bias = self.integers(layer)
            x = F.linear(x, weight * 2.0**-HIDDEN_SHIFT, bias * 2.0**-HIDDEN_SHIFT)
            x = F.hardtanh(through(x, torch.floor), 0, ACTIVATION_LIMIT)
        last = self.layers[-1]
        assert isinstance(last, nn.Linear)
        weight, bias = self.integers(last)
        sums = F.linear(x, weight * 2.0**-LOGIT_SHIFT, bias * 2.0**-LOGIT_SHIFT)
        return F.hardtanh(through(sums, torch.floor), -LOGIT_LIMIT, LOGIT_LIMIT) / LOGIT_UNIT

    def export(self) -> list[tuple[Int8, Int32]]:
        """Integer weight [outputs, inputs] and bias [outputs] of each layer."""
        pairs = [self.integers(layer) for layer in self.layers if isinstance(layer, nn.Linear)]
        return [
            (w.detach().cpu().numpy().astype(np.int8), b.detach().cpu().numpy().astype(np.int32))
            for w, b in pairs
        ]


def bits(logits: Tensor, decisions: Tensor) -> Tensor:
    """Bits of all decisions, summed. decisions: int8 [n, outputs] of train.decisions."""
    sign = decisions.to(logits.dtype)
    return (F.softplus(-sign * logits) * sign.abs()).sum() / math.log(2)


@dataclass(frozen=True)
class Fit:
    """layers: integer weights and biases. train, validation: bits per sample of modelled decisions."""

    layers: list[tuple[Int8, Int32]]
    train: float
    validation: float


def fit(
    plane: int, shapes: list[tuple[int, int]], train: Samples, valid: Samples | None, steps: int, device: str
) -> Fit:
    """Trains the network of one plane for some steps."""
    torch.manual_seed(plane)
    random = torch.Generator().manual_seed(plane)
    network = IntegerNetwork(shapes).to(device)
    x, wanted = _tensors(plane, train, device)
    optimizer = torch.optim.Adam(network.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step / steps))
    total, count = 0.0, 0
    for step in range(steps):
        rows = torch.randint(len(x), (min(BATCH, 4 * len(x)),), generator=random).to(device)
        loss = bits(network(x.index_select(0, rows).float()), wanted.index_select(0, rows)) / len(rows)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if step >= 0.9 * steps:
            total, count = total + loss.item(), count + 1
    return Fit(network.export(), total / max(count, 1), _evaluate(network, plane, valid, device))


def _rate(progress: float) -> float:
    warm = min(1.0, progress / 0.02 + 0.01)
    return 6e-3 * warm * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-5


def _tensors(plane: int, samples: Samples, device: str) -> tuple[Tensor, Tensor]:
    wanted = (
        of_last(samples.target) if plane == LAST else of_values(samples.target, samples.known_nonzero > 0)
    )
    return torch.from_numpy(samples.x).to(device), torch.from_numpy(wanted).to(device)


def _evaluate(network: IntegerNetwork, plane: int, valid: Samples | None, device: str) -> float:
    if valid is None or not len(valid.x):
        return math.nan
    total = 0.0
    x, wanted = _tensors(plane, valid, device)
    with torch.no_grad():
        for part, decisions in zip(torch.split(x, CHUNK), torch.split(wanted, CHUNK), strict=True):
            total += bits(network(part.float()), decisions).item()
    return total / len(valid.x)
