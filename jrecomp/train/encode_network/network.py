"""The pre-editing network: shifts of targets and weights of errors, from pixels and plain errors.

It looks at planes in cells of 4 x 4 pixels, and sees the quantization tables as gains and offsets of its
features. Activations are 8-bit and weights are 8-bit, as they are in use; gradients pass the roundings.
One network serves luminance, another both components of chrominance.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

CELL = 4
"""Pixels along a side of a cell."""

ACTIVATION_UNIT = 32.0
"""The integer for an activation of 1; activations are 0 to 255."""

WEIGHT_LIMIT = 127

PIXEL_UNIT = 64.0
"""Difference of pixels that is an input of 1."""

LARGEST_SHIFT = 1.0
"""Bound of shifts, in steps."""

LARGEST_LOG_WEIGHT = 1.5
"""Bound of the natural logarithms of weights."""

SCALE_INDICES = slice(1, 21)
"""Zig-zag indices of the steps that errors are measured in."""

CONDITIONS = 68
"""Inputs from the tables: 64 steps, lambda, two shares of likenesses, and whether chroma is halved."""


def through(value: Tensor, rounded: Tensor) -> Tensor:
    """The rounded value, with the gradient of the value."""
    return value + (rounded - value).detach()


class Convolution(nn.Module):
    """A convolution whose weights are integers up to WEIGHT_LIMIT times a scale for each output."""

    def __init__(
        self, inputs: int, outputs: int, size: int, stride: int = 1, gain: float = 1.0, bias: bool = False
    ) -> None:
        super().__init__()
        spread = gain * math.sqrt(3 / (inputs * size**2))
        self.weight = nn.Parameter(torch.empty(outputs, inputs, size, size).uniform_(-spread, spread))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.stride, self.padding = stride, size // 2 if stride == 1 else 0

    def forward(self, x: Tensor) -> Tensor:
        scale = self.weight.detach().abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-6) / WEIGHT_LIMIT
        weight = through(self.weight, (self.weight / scale).round() * scale)
        return functional.conv2d(x, weight, self.bias, self.stride, self.padding)


def activations(x: Tensor) -> Tensor:
    """8-bit activations."""
    limited = (x * ACTIVATION_UNIT).clamp(0, 255)
    return through(limited, limited.round()) / ACTIVATION_UNIT


def signed(x: Tensor) -> Tensor:
    """8-bit inputs, which are signed."""
    return (x * ACTIVATION_UNIT).round().clamp(-128, 127) / ACTIVATION_UNIT


class Network(nn.Module):
    """A network for the components of one grid.

    components: number of components that it edits. context: planes that it sees besides. width: features.
    depth: residual blocks of two convolutions.
    """

    def __init__(self, components: int, context: int, width: int, depth: int) -> None:
        super().__init__()
        self.components, self.width, self.depth = components, width, depth
        self.enter = Convolution(2 * CELL**2 * (components + context) + 4, width, 3)
        self.first = nn.ModuleList([Convolution(width, width, 3) for _ in range(depth)])
        self.second = nn.ModuleList([Convolution(width, width, 3, gain=0.3) for _ in range(depth)])
        self.leave = Convolution(width, 128 * components, 2, 2, gain=0.05, bias=True)
        self.table = nn.Sequential(
            nn.Linear(CONDITIONS, 64), nn.ReLU(), nn.Linear(64, width * (4 * depth + 4))
        )
        with torch.no_grad():
            self.table[2].weight *= 0.3

    def forward(self, planes: Tensor, errors: Tensor, conditions: Tensor) -> tuple[Tensor, Tensor]:
        """Shifts in steps, and logarithms of weights, [components, n, block rows, block columns, 64] each.

        planes: level-shifted, [n, components + context, rows, columns], those to edit first. errors: of the
        plain result, in mean steps, of the same shape. conditions: from conditions_of().
        """
        n, _, rows, columns = planes.shape
        pixels = (planes.round() / PIXEL_UNIT).clamp(-2, 127 / PIXEL_UNIT)
        cells = functional.pixel_unshuffle(torch.cat([pixels, signed(errors)], 1), CELL)
        place = torch.eye(4, device=planes.device).reshape(1, 4, 2, 2).repeat(n, 1, rows // 8, columns // 8)
        controls = self.table(conditions).reshape(n, 2 * self.depth + 2, 2, self.width, 1, 1)
        gains, offsets = iter((1 + controls[:, :, 0]).unbind(1)), iter(controls[:, :, 1].unbind(1))
        x = self.enter(torch.cat([cells, place], 1)) * next(gains) + next(offsets)
        for first, second in zip(self.first, self.second, strict=True):
            inner = first(activations(x * next(gains) + next(offsets)))
            x = x + second(activations(inner * next(gains) + next(offsets)))
        x = activations(x * next(gains) + next(offsets))
        out = self.leave(x).reshape(n, self.components, 2, 64, rows // 8, columns // 8)
        shifts, logs = out.permute(2, 1, 0, 4, 5, 3).unbind(0)
        dc = torch.arange(64, device=planes.device) == 0
        return (
            functional.hardtanh(shifts * LARGEST_SHIFT).masked_fill(dc, 0),
            functional.hardtanh(logs) * LARGEST_LOG_WEIGHT,
        )


def conditions_of(steps: Tensor, lmbda: Tensor, shares: Tensor, halved: bool) -> Tensor:
    """Inputs from the tables, [n, CONDITIONS].

    steps: binary logarithms, [n, 64]. lmbda: [n]. shares: weights of the likenesses, [n, 3].
    """
    flag = torch.full_like(lmbda, float(halved))
    return torch.cat([steps / 4 - 1, (lmbda * 10).log2()[:, None], shares[:, :2], flag[:, None]], 1)


def unit_of(steps: Tensor) -> Tensor:
    """The mean step [n] that errors are measured in; steps: [n, 64]."""
    return steps[:, SCALE_INDICES].log2().mean(1).exp2()


class Networks(nn.Module):
    """The networks of luminance and chrominance."""

    def __init__(self, luma: tuple[int, int] = (64, 2), chroma: tuple[int, int] = (32, 2)) -> None:
        super().__init__()
        self.luma = Network(1, 0, *luma)
        self.chroma = Network(2, 1, *chroma)
