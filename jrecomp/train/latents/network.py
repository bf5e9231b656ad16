"""The autoencoder of jrecomp.model.latents in torch.

The forward pass computes the same integers. All roundings, those of latents too, have straight-through
gradients.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jrecomp.features.tables import FRACTION
from jrecomp.model import latents as latents_model
from jrecomp.model.convolution import Shape
from jrecomp.model.laplace import LEVEL_OF_ONE, LEVELS, LEVELS_PER_OCTAVE, MEAN_LIMIT
from jrecomp.model.latents import (
    HIDDEN_SHIFT,
    ITERATIONS,
    LATENT_LIMIT,
    LATENT_SHIFT,
    LATENT_UNIT,
    LEVEL_SHIFT,
    MEAN_SHIFT,
)
from jrecomp.model.network import ACTIVATION_LIMIT
from jrecomp.train.export import Layer
from jrecomp.train.rounding import INPUT_UNIT, WEIGHT_UNIT, exported, integers, through

FIRST_LEVEL = 16
"""Initial level of all scales, relative to steps of 1."""


class IntegerConvolution(nn.Module):
    """A convolution with real parameters, which are rounded to integers to compute."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        spread = 1 / math.sqrt(max(1, shape.matrix[1]))
        self.weight = nn.Parameter(torch.empty(shape.matrix).uniform_(-spread, spread))
        self.bias = nn.Parameter(torch.zeros(shape.outputs))

    def forward(self, x: Tensor, constants: Tensor | None = None, stride: int = 1) -> Tensor:
        """Sums [n, outputs, rows, columns]; x: [n, inputs, rows, columns], constants: [n, constants]."""
        shape, (weight, bias) = self.shape, integers(self.weight, self.bias)
        spatial, constant = torch.split(weight, [weight.shape[1] - shape.constants, shape.constants], 1)
        offset = bias if constants is None else F.linear(constants, constant, bias)
        offset = offset.reshape(-1, shape.outputs, 1, 1)
        if not shape.inputs:
            return offset.expand(-1, -1, *x.shape[2:])
        taps = spatial.reshape(shape.outputs, shape.inputs, shape.size, shape.size)
        return F.conv2d(x, taps, stride=stride, padding=shape.size // 2) + offset

    def export(self) -> Layer:
        """The integer weight, of shape.matrix, and the integer bias, [outputs]."""
        return exported(self.weight, self.bias)


def shifted(sums: Tensor, shift: int) -> Tensor:
    """floor(sums / 2^shift)."""
    return through(sums * 2.0**-shift, torch.floor)


def activations(sums: Tensor) -> Tensor:
    """Activations of hidden layers, 0 to ACTIVATION_LIMIT."""
    return F.hardtanh(shifted(sums, HIDDEN_SHIFT), 0, ACTIVATION_LIMIT)


def quantized(sums: Tensor) -> Tensor:
    """Latents within +-LATENT_LIMIT."""
    return F.hardtanh(shifted(sums, LATENT_SHIFT), -LATENT_LIMIT, LATENT_LIMIT)


def enlarged(x: Tensor, rows: int, columns: int) -> Tensor:
    """Upsampled by 2 in each direction, cropped to rows x columns."""
    return F.interpolate(x, scale_factor=2)[:, :, :rows, :columns]


class Rates(NamedTuple):
    """Bits of n crops, [n]: of the values of the group, and of y1 and y2 together."""

    values: Tensor
    latents: Tensor


class Autoencoder(nn.Module):
    """The autoencoder of a group in a component class."""

    def __init__(self, component_class: int, group: int, channels: int, latents: int) -> None:
        super().__init__()
        layout = latents_model.shapes(component_class, group, channels, latents)
        self.convolutions = nn.ModuleList(map(IntegerConvolution, layout))
        with torch.no_grad():
            bias = self.convolutions[-1].bias
            assert isinstance(bias, Tensor)
            bias[len(bias) // 2 :] = FIRST_LEVEL * 2.0**LEVEL_SHIFT / (WEIGHT_UNIT * INPUT_UNIT)

    def forward(
        self, own: Tensor, known: Tensor, target: Tensor, step_inputs: Tensor, steps: Tensor, levels: Tensor
    ) -> Rates:
        """The bits of examples; the arguments are fields of crops.Examples in float32."""
        static, prior, prior_out = self.convolutions[4:7]
        y1, y2 = self.latents(own)
        rate = _bits(y2, *_parameters(static(y2, step_inputs)))
        x = enlarged(LATENT_UNIT * y2, *y1.shape[2:])
        rate = rate + _bits(y1, *_parameters(prior_out(activations(prior(x, step_inputs)))))
        mean, level = _parameters(self.of_values(y1, known, step_inputs))
        return Rates(_bits(target, _in_steps(mean, steps), level - levels), rate)

    def latents(self, own: Tensor) -> tuple[Tensor, Tensor]:
        """The latents y1 and y2."""
        analysis, latents, analysis_2, latents_2 = self.convolutions[:4]
        h = activations(analysis(own, stride=2))
        return quantized(latents(h)), quantized(latents_2(activations(analysis_2(h, stride=2))))

    def of_values(self, y1: Tensor, known: Tensor, step_inputs: Tensor) -> Tensor:
        """Sums of the last convolution, from y1 and known inputs."""
        synthesis, shared, out = self.convolutions[7:]
        x = torch.cat([known, enlarged(LATENT_UNIT * y1, *known.shape[2:])], 1)
        h = activations(synthesis(x, step_inputs))
        for _ in range(ITERATIONS):
            h = F.hardtanh(h + shifted(shared(h), HIDDEN_SHIFT), 0, ACTIVATION_LIMIT)
        result: Tensor = out(h)
        return result

    def export(self) -> list[Layer]:
        """The integer weights and biases of all convolutions."""
        return [c.export() for c in self.convolutions if isinstance(c, IntegerConvolution)]


def _parameters(sums: Tensor) -> tuple[Tensor, Tensor]:
    mean, level = sums.chunk(2, 1)
    return shifted(mean, MEAN_SHIFT), shifted(level, LEVEL_SHIFT) + LEVEL_OF_ONE


def _in_steps(mean: Tensor, steps: Tensor) -> Tensor:
    """Means in units of each channel's step, from units of the first channel's; exact in float64."""
    scaled = F.hardtanh(mean, -MEAN_LIMIT, MEAN_LIMIT).double() * steps[:, :1] / steps
    return through(scaled, torch.floor).float()


def _bits(target: Tensor, mean: Tensor, level: Tensor) -> Tensor:
    """Bits [n] of integers under Laplace distributions; mean: in sixteenths."""
    mean = F.hardtanh(mean, -MEAN_LIMIT, MEAN_LIMIT) / FRACTION
    rate = torch.exp2((LEVEL_OF_ONE - F.hardtanh(level, 0, LEVELS - 1)) / LEVELS_PER_OCTAVE)
    distance = (target - mean).abs()
    inner, outer = distance.clamp(max=0.5), (distance - 0.5).clamp(min=0)
    near = -torch.log1p(-0.5 * (torch.exp((inner - 0.5) * rate) + torch.exp((-inner - 0.5) * rate)))
    far = _capped(outer * rate) + math.log(2) - torch.log(-torch.expm1(-rate))
    return torch.where(distance < 0.5, near, far).flatten(1).sum(1) / math.log(2)


def _capped(cost: Tensor, limit: float = 16.0) -> Tensor:
    """Costs that grow logarithmically beyond the limit, which approximates limited logits."""
    return torch.where(cost < limit, cost, limit + limit * torch.log(cost.clamp(min=limit) / limit))
