"""Integers in training: real parameters whose rounded multiples compute, and pass their gradients on."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from jrecomp.model.network import WEIGHT_LIMIT
from jrecomp.train.export import Layer

WEIGHT_UNIT = 64.0
"""Integer of a weight of 1."""

INPUT_UNIT = 32.0
"""Integer of an input of 1."""


class _Rounding(torch.autograd.Function):
    """A rounding forwards, nothing backwards."""

    @staticmethod
    def forward(_: Any, value: Tensor, rounding: Callable[[Tensor], Tensor]) -> Tensor:
        return rounding(value)

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        return gradient, None


def through(value: Tensor, rounding: Callable[[Tensor], Tensor]) -> Tensor:
    """rounding(value), whose gradient is the value's (Bengio et al. 2013)."""
    rounded: Tensor = _Rounding.apply(value, rounding)  # type: ignore[no-untyped-call]
    return rounded


def integers(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """The integer weights and biases of real ones, of any shape, with gradients."""
    limited = (weight * WEIGHT_UNIT).clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT)
    return through(limited, torch.round), through(bias * (WEIGHT_UNIT * INPUT_UNIT), torch.round)


def exported(weight: Tensor, bias: Tensor) -> Layer:
    """The same for weights files."""
    w, b = (tensor.detach().cpu().numpy() for tensor in integers(weight, bias))
    return w.astype(np.int8), b.astype(np.int32)
