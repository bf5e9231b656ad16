"""The parameters of a model of blocks that are learned by gradients, in torch.

Parameters are floats in natural units; export() rounds them to the integers of weights files. Computations
follow docs/format/blocks.md, clamping included, but without rounding, as its units are fine. Levels of
magnitudes have a thermometer code: the contribution of a level is the sum of the weights up to that level.
"""

import math
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jrecomp.codec.blocks import CONTEXT_STEPS, NEIGHBOURS
from jrecomp.model.blocks import (
    BANDS,
    ENERGIES,
    HIDDEN,
    HIDDEN_LIMIT,
    NEAR_LEVELS,
    NETWORK,
    OWN_LEVELS,
    SCALE_LIMIT,
    TRAINED_CONFIDENCES,
    eighths_of_octaves,
)
from jrecomp.model.symbols import LAST_LEVELS, MODELLED_LENGTHS
from jrecomp.train.blocks.linear import Predictions
from jrecomp.train.blocks.samples import Blocks, classes_of

HIDDEN_UNIT, WEIGHT_UNIT, LOGIT_UNIT, STEP_UNIT, SLOPE_UNIT, START_UNIT = 128, 1024, 32, 2048, 256, 64
"""The integers for 1: in hidden units, weights on hidden units, logits and scales, step_weight, length_slope,
and added logits."""

NEAR, OWN = len(NEAR_LEVELS) + 1, len(OWN_LEVELS) + 1
"""Numbers of levels of magnitudes."""

LAYER_SHIFT = 12
"""Logits and scales are sums divided by 2^LAYER_SHIFT."""

LARGEST_SUM = 32000
"""Largest sum of integers added to a hidden unit; weights files require less than 2^15."""


@dataclass(frozen=True)
class Examples:
    """Tensors of n blocks.

    near, near_last, energy, across_near: as in Blocks. steps: float32 [n, 9], log2 of the quantization steps
    of CONTEXT_STEPS. last: int64 [n]. coded: int16 [n, 64], AC coefficients and the residual of DC.
    confidence: uint8 [n, 64]. agrees: bool [n, 64], whether a coefficient has the expected sign.
    """

    near: Tensor
    near_last: Tensor
    energy: Tensor
    across_near: Tensor
    steps: Tensor
    last: Tensor
    coded: Tensor
    confidence: Tensor
    agrees: Tensor

    def __len__(self) -> int:
        return len(self.last)

    @classmethod
    def of(cls, blocks: Blocks, predictions: Predictions) -> "Examples":
        """The examples for blocks and their predictions."""
        coded = blocks.coefficients.copy()
        coded[:, 0] = np.clip(predictions.residual, -32767, 32767)
        octaves = eighths_of_octaves(blocks.steps[:, CONTEXT_STEPS].astype(np.int64)) / 8
        arrays = (
            blocks.near,
            blocks.near_last,
            blocks.energy,
            blocks.across_near,
            octaves.astype(np.float32),
            blocks.last.astype(np.int64),
            coded,
            np.minimum(predictions.confidence, TRAINED_CONFIDENCES - 1),
            (coded < 0) == predictions.below,
        )
        return cls(*map(torch.from_numpy, arrays))

    def rows(self, which: Tensor) -> "Examples":
        """A subset of the examples."""
        return Examples(*(getattr(self, field.name)[which] for field in fields(self)))


class Bits(NamedTuple):
    """Total bits of decisions by kind; bits below the leading one have no parameters and are left out."""

    last: Tensor
    zero: Tensor
    sign: Tensor
    length: Tensor


class Curves(nn.Module):
    """Embeddings of levels: smooth functions of the level, plus a deviation for each level.

    A level of ENERGIES means that there is none; its embedding is 0.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        level = torch.arange(ENERGIES, dtype=torch.float32)
        smooth = torch.stack([level / 16, torch.log2(1 + level) / 2], 1)
        self.design = torch.cat([smooth, torch.eye(ENERGIES)], 1)
        self.weight = nn.Parameter(torch.zeros(count, self.design.shape[1], HIDDEN))
        nn.init.normal_(self.weight[:, : smooth.shape[1]], 0, 0.05)
        self.start = (ENERGIES + 1) * torch.arange(count)

    def table(self) -> Tensor:
        """The embeddings, float32 [curves, ENERGIES, HIDDEN]."""
        return self.design @ self.weight

    def forward(self, levels: Tensor) -> Tensor:
        """Sums of embeddings, [n, HIDDEN]; levels: [n, curves]."""
        table = F.pad(self.table(), (0, 0, 0, 1)).reshape(-1, HIDDEN)
        sums: Tensor = F.embedding_bag(levels + self.start, table, mode="sum")
        return sums


def _thermometer(classes: Tensor, count: int) -> Tensor:
    """Thermometer code: float32 [n, ... count], the first m of `count` are 1 for class m, others 0."""
    return (classes[..., None] > torch.arange(count, dtype=torch.uint8)).flatten(1).float()


class Network(nn.Module):
    """The network of a component class. Attributes are named after the arrays of weights files."""

    def __init__(self, has_across: bool) -> None:
        """has_across: whether the component before is an input."""
        super().__init__()
        before = 63 if has_across else 0
        self.near = nn.Parameter(0.01 * torch.randn(len(NEIGHBOURS), 63, NEAR, HIDDEN))
        self.across_near = nn.Parameter(0.01 * torch.randn(before, OWN, HIDDEN))
        self.step = nn.Linear(len(CONTEXT_STEPS), HIDDEN)
        nn.init.normal_(self.step.weight, 0, 0.0125)
        self.near_last, self.energy, self.own_last = Curves(len(NEIGHBOURS)), Curves(len(BANDS)), Curves(1)
        self.last, self.scale = nn.Linear(HIDDEN, 63), nn.Linear(HIDDEN, 64)
        self.own = nn.Parameter(torch.zeros(63, OWN, 64))
        self.trust = nn.Parameter(torch.zeros(TRAINED_CONFIDENCES))
        self.sign_start = nn.Parameter(torch.linspace(0, 2, TRAINED_CONFIDENCES).repeat(64, 1))
        self.length_slope = nn.Parameter(torch.full((len(MODELLED_LENGTHS),), 0.7))
        offset = torch.linspace(-1, -2, len(MODELLED_LENGTHS))[:, None, None]
        self.length_trust = nn.Parameter(offset.repeat(1, 2, TRAINED_CONFIDENCES))
        j, k = torch.arange(1, 64)[:, None, None], torch.arange(64)
        self.later = ((k > j) | (k == 0)).float()

    def forward(self, examples: Examples) -> Bits:
        """Bits of the decisions that have parameters."""
        hidden = self.hidden(examples)
        last = self._bits_of_last(hidden, examples.last)
        return Bits(last, *self._bits_of_coefficients(self.scales(hidden, examples), examples))

    def hidden(self, examples: Examples) -> Tensor:
        """Sums of hidden units, [n, HIDDEN], without own_last, not clamped."""
        sums: Tensor = F.linear(_thermometer(examples.near, NEAR), self.near.flatten(0, 2).T)
        sums = sums + self.step(examples.steps) + self.near_last(examples.near_last)
        sums = sums + self.energy(examples.energy)
        if examples.across_near.shape[1]:
            across = _thermometer(examples.across_near, OWN)
            sums = sums + F.linear(across, self.across_near.flatten(0, 1).T)
        return sums

    def scales(self, hidden: Tensor, examples: Examples) -> Tensor:
        """Scales z, [n, 64], each after the coefficients before it are coded."""
        active = F.hardtanh(hidden + self.own_last(examples.last[:, None]), 0, HIDDEN_LIMIT / HIDDEN_UNIT)
        limit = SCALE_LIMIT / LOGIT_UNIT
        z: Tensor = F.hardtanh(self.scale(active), -limit, limit)
        magnitude = torch.from_numpy(classes_of(examples.coded[:, 1:].numpy(), OWN_LEVELS))
        own = (self.own * self.later).flatten(0, 1)
        return z + F.linear(_thermometer(magnitude, OWN), own.T)

    def last_logits(self, hidden: Tensor) -> Tensor:
        """Logits of the nodes of `last`, [n, 63]."""
        logits: Tensor = self.last(F.hardtanh(hidden, 0, HIDDEN_LIMIT / HIDDEN_UNIT))
        return logits

    def _bits_of_last(self, hidden: Tensor, last: Tensor) -> Tensor:
        level = torch.arange(LAST_LEVELS)
        prefix = last[:, None] >> (LAST_LEVELS - level)
        bit = last[:, None] >> (LAST_LEVELS - 1 - level) & 1
        return _bits(self.last_logits(hidden).gather(1, (1 << level) - 1 + prefix), bit > 0)

    def _bits_of_coefficients(self, z: Tensor, examples: Examples) -> tuple[Tensor, Tensor, Tensor]:
        k, last, nonzero = torch.arange(64), examples.last[:, None], examples.coded != 0
        uncertain = ((k < last) | (k == 0)).flatten().nonzero()[:, 0]
        z, confidence = z.flatten(), examples.confidence.flatten().long()
        zero = _bits(z[uncertain] + self.trust[confidence[uncertain]], nonzero.flatten()[uncertain])
        found = (nonzero & (k <= last)).flatten().nonzero()[:, 0]
        agrees = examples.agrees.flatten()[found]
        sign = _bits(self.sign_start.flatten()[found % 64 * TRAINED_CONFIDENCES + confidence[found]], agrees)
        length = torch.frexp(examples.coded.flatten()[found].float())[1]
        side = agrees * TRAINED_CONFIDENCES + confidence[found]
        return zero, sign, self._bits_of_lengths(z[found], length, side)

    def _bits_of_lengths(self, z: Tensor, length: Tensor, side: Tensor) -> Tensor:
        total = torch.zeros(())
        for place, n in enumerate(MODELLED_LENGTHS):
            logits = self.length_slope[place] * z + self.length_trust[place].flatten()[side]
            longer = length >= n
            total = total + _bits(logits, longer)
            z, length, side = z[longer], length[longer], side[longer]
        return total

    @torch.no_grad()
    def export(self) -> dict[str, npt.NDArray[Any]]:
        """The learned arrays of a weights file, by name without the class."""
        factor = self._factor()
        arrays = {name: factor * tensor for name, tensor in self._incoming().items()}
        arrays |= {
            "last_weight": self.last.weight * WEIGHT_UNIT / factor,
            "last_bias": self.last.bias * (LOGIT_UNIT << LAYER_SHIFT),
            "scale_weight": self.scale.weight * WEIGHT_UNIT / factor,
            "scale_bias": self.scale.bias * (LOGIT_UNIT << LAYER_SHIFT),
            "own": (self.own * self.later).cumsum(1) * LOGIT_UNIT,
            "trust": self.trust * START_UNIT,
            "length_slope": self.length_slope * SLOPE_UNIT,
            "length_trust": self.length_trust * START_UNIT,
            "sign_start": self.sign_start * START_UNIT,
        }
        return {name: _rounded(name, tensor) for name, tensor in arrays.items()}

    def _incoming(self) -> dict[str, Tensor]:
        """All terms of hidden units, [..., HIDDEN], in the units of weights files."""
        arrays = {
            "bias": self.step.bias,
            "near": self.near.cumsum(2),
            "near_last": self.near_last.table(),
            "energy": self.energy.table(),
            "across_near": self.across_near.cumsum(1),
            "own_last": self.own_last.table()[0],
        }
        return {name: tensor * HIDDEN_UNIT for name, tensor in arrays.items()} | {
            "step_weight": self.step.weight.T * STEP_UNIT
        }

    def _factor(self) -> Tensor:
        """Factors of at most 1, [HIDDEN], that keep the sums of hidden units below LARGEST_SUM."""
        m = {name: tensor.abs() for name, tensor in self._incoming().items()}
        total = m["bias"] + m["step_weight"].sum(0) + m["near"].amax(2).sum((0, 1))
        total = total + m["near_last"].amax(1).sum(0) + m["energy"].amax(1).sum(0) + m["own_last"].amax(0)
        if len(m["across_near"]):
            total = total + m["across_near"].amax(1).sum(0)
        factor: Tensor = (LARGEST_SUM / total).clamp(max=1)
        return factor


def _rounded(name: str, tensor: Tensor) -> npt.NDArray[Any]:
    dtype, shape = NETWORK[name]
    largest = np.iinfo(np.dtype(dtype)).max
    rounded = np.clip(np.rint(tensor.double().numpy()), -largest, largest).astype(dtype)
    return rounded if rounded.size else np.zeros(shape, dtype)


def _bits(logits: Tensor, true: Tensor) -> Tensor:
    total: Tensor = F.softplus(torch.where(true, -logits, logits)).sum() / math.log(2)
    return total
