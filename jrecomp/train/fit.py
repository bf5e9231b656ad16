"""Quantization-aware training of one network (torch).

The forward pass computes exactly the integers of jrecomp.model.network; roundings pass gradients
straight through (Bengio et al. 2013).
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jrecomp.model.network import ACTIVATION_LIMIT, HIDDEN_SHIFTS, LOGIT_SHIFT, WEIGHT_LIMIT
from jrecomp.model.symbols import (
    FIRST_BITS,
    FIRST_OUTPUT,
    HEAD,
    LAST_LEVELS,
    LENGTH_OUTPUT,
    MODELLED_LENGTHS,
    NEGATIVE,
    NONZERO,
    PER_SIGN,
    SECOND_BITS,
    SECOND_OUTPUT,
)
from jrecomp.model.weights import LAST
from jrecomp.planes.tables import LOGIT_LIMIT, LOGIT_UNIT
from jrecomp.train.samples import Samples

WEIGHT_UNIT = 64.0
INPUT_UNIT = 32.0
BATCH = 2048


def _through(value: Tensor, exact: Tensor) -> Tensor:
    return value + (exact - value).detach()


class IntegerNetwork(nn.Module):
    """Two hidden layers; parameters are real, what is computed with them is integer."""

    def __init__(self, shapes: list[tuple[int, int]]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(inputs, outputs) for outputs, inputs in shapes)

    def integers(self, layer: nn.Linear) -> tuple[Tensor, Tensor]:
        """Integer weights and biases of a layer, with gradients."""
        weight = (layer.weight * WEIGHT_UNIT).clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT)
        bias = layer.bias * (WEIGHT_UNIT * INPUT_UNIT)
        return _through(weight, weight.round()), _through(bias, bias.round())

    def forward(self, x: Tensor) -> Tensor:
        """Logits in natural units [n, outputs] for integer inputs [n, inputs]."""
        for layer, shift in zip(self.layers, HIDDEN_SHIFTS, strict=False):
            assert isinstance(layer, nn.Linear)
            weight, bias = self.integers(layer)
            x = F.linear(x, weight, bias) * 2.0**-shift
            x = _through(x, x.floor()).clamp(0, ACTIVATION_LIMIT)
        last = self.layers[-1]
        assert isinstance(last, nn.Linear)
        weight, bias = self.integers(last)
        sums = F.linear(x, weight, bias) * 2.0**-LOGIT_SHIFT
        return _through(sums, sums.floor()).clamp(-LOGIT_LIMIT, LOGIT_LIMIT) / LOGIT_UNIT

    def export(self) -> list[tuple[npt.NDArray[np.int8], npt.NDArray[np.int32]]]:
        """Integer weight [outputs, inputs] and bias [outputs] of each layer."""
        pairs = [self.integers(layer) for layer in self.layers if isinstance(layer, nn.Linear)]
        return [
            (w.detach().cpu().numpy().astype(np.int8), b.detach().cpu().numpy().astype(np.int32))
            for w, b in pairs
        ]


def _cost(logit: Tensor, bit: Tensor) -> Tensor:
    return F.softplus(torch.where(bit, -logit, logit))


def value_bits(out: Tensor, target: Tensor, sure: Tensor) -> Tensor:
    """Bits of all modelled decisions of coefficients, summed; see model.symbols for the layout."""
    nonzero = target != 0
    total = _cost(out[:, NONZERO], nonzero)[~sure].sum()
    out, target = out[nonzero], target[nonzero]
    if not len(out):
        return total / math.log(2)
    negative, magnitude = target < 0, target.abs()
    total = total + _cost(out[:, NEGATIVE], negative).sum()
    tail = out[:, HEAD:].view(-1, 2, PER_SIGN)
    tail = torch.where(negative[:, None], tail[:, 1], tail[:, 0])
    lengths = torch.arange(MODELLED_LENGTHS.start, MODELLED_LENGTHS.stop, device=out.device)
    at_least = magnitude[:, None] >= (1 << (lengths - 1))
    asked = magnitude[:, None] >= (1 << (lengths - 2))
    logits = tail[:, LENGTH_OUTPUT : LENGTH_OUTPUT + len(lengths)]
    total = total + (_cost(logits, at_least) * asked).sum()
    length = torch.floor(torch.log2(magnitude.double())).long() + 1
    rows = torch.nonzero((length >= FIRST_BITS.start) & (length < FIRST_BITS.stop))[:, 0]
    n = length[rows]
    first = (magnitude[rows] >> (n - 2)) & 1
    total = total + _cost(tail[rows, FIRST_OUTPUT + n - FIRST_BITS.start], first > 0).sum()
    rows = torch.nonzero((length >= SECOND_BITS.start) & (length < SECOND_BITS.stop))[:, 0]
    n = length[rows]
    first, second = (magnitude[rows] >> (n - 2)) & 1, (magnitude[rows] >> (n - 3)) & 1
    output = SECOND_OUTPUT + 2 * (n - SECOND_BITS.start) + first
    return (total + _cost(tail[rows, output], second > 0).sum()) / math.log(2)


def last_bits(out: Tensor, target: Tensor) -> Tensor:
    """Bits of `last`, summed."""
    total = torch.zeros((), device=out.device)
    for level in range(LAST_LEVELS):
        place = LAST_LEVELS - 1 - level
        node = (1 << level) - 1 + (target >> (place + 1))
        total = total + _cost(out.gather(1, node[:, None])[:, 0], (target >> place & 1) > 0).sum()
    return total / math.log(2)


@dataclass(frozen=True)
class Fit:
    """layers: integer weights and biases. train, validation: bits per sample of modelled decisions."""

    layers: list[tuple[npt.NDArray[np.int8], npt.NDArray[np.int32]]]
    train: float
    validation: float


def fit(
    plane: int, shapes: list[tuple[int, int]], train: Samples, valid: Samples | None, steps: int, device: str
) -> Fit:
    """Trains the network of one plane for some steps."""
    torch.manual_seed(plane)
    random = torch.Generator().manual_seed(plane)
    network = IntegerNetwork(shapes).to(device)
    x, target, sure = (
        torch.from_numpy(a).to(device) for a in (train.x, train.target.astype(np.int64), train.sure)
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step / steps))
    total, count = 0.0, 0
    for step in range(steps):
        rows = torch.randint(len(x), (min(BATCH, 4 * len(x)),), generator=random).to(device)
        loss = _bits(network, plane, x[rows], target[rows], sure[rows]) / len(rows)
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


def _bits(network: IntegerNetwork, plane: int, x: Tensor, target: Tensor, sure: Tensor) -> Tensor:
    out = network(x.float())
    return last_bits(out, target) if plane == LAST else value_bits(out, target, sure)


def _evaluate(network: IntegerNetwork, plane: int, valid: Samples | None, device: str) -> float:
    if valid is None or not len(valid.x):
        return math.nan
    total = 0.0
    with torch.no_grad():
        for start in range(0, len(valid.x), 1 << 16):
            part = slice(start, start + (1 << 16))
            x, target = torch.from_numpy(valid.x[part]), torch.from_numpy(valid.target[part].astype(np.int64))
            sure = torch.from_numpy(valid.sure[part])
            total += _bits(network, plane, x.to(device), target.to(device), sure.to(device)).item()
    return total / len(valid.x)
