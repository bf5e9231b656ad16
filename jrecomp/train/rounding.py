"""Integer weights in training: rounded multiples of real parameters, with straight-through gradients."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from jrecomp.model.network import WEIGHT_LIMIT
from jrecomp.train.export import Layer

WEIGHT_UNIT = 64.0
"""The integer for a weight of 1."""

INPUT_UNIT = 32.0
"""The integer for an input of 1."""


class _Rounding(torch.autograd.Function):
    """Rounds in the forward pass; gradients pass unchanged in the backward pass."""

    @staticmethod
    def forward(_: Any, value: Tensor, rounding: Callable[[Tensor], Tensor]) -> Tensor:
        return rounding(value)

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        return gradient, None


def through(value: Tensor, rounding: Callable[[Tensor], Tensor]) -> Tensor:
    """rounding(value), with the straight-through gradient (Bengio et al. 2013)."""
    rounded: Tensor = _Rounding.apply(value, rounding)  # type: ignore[no-untyped-call]
    return rounded


def integers(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """The integers for real weights and biases of any shape, with straight-through gradients."""
    limited = (weight * WEIGHT_UNIT).clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT)
    return through(limited, torch.round), through(bias * (WEIGHT_UNIT * INPUT_UNIT), torch.round)


def exported(weight: Tensor, bias: Tensor) -> Layer:
    """The integers for a weights file."""
    w, b = (tensor.detach().cpu().numpy() for tensor in integers(weight, bias))
    return w.astype(np.int8), b.astype(np.int32)
