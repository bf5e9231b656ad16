"""The NumPy functions that planes, inputs and networks use, for torch tensors.

This is the only module outside of training that imports torch.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

Tensor = Any  # torch.Tensor; torch is optional for type checking

OutOfMemory = torch.OutOfMemoryError
has_cuda = torch.cuda.is_available


class TorchArrays:
    """Functions with the names and meanings of NumPy's; new tensors are created on one device."""

    int8, int16, int32, int64 = torch.int8, torch.int16, torch.int32, torch.int64
    float32, float64 = torch.float32, torch.float64
    where, stack, sign, frexp, floor = torch.where, torch.stack, torch.sign, torch.frexp, torch.floor
    zeros_like = torch.zeros_like
    permute_dims = torch.permute

    def __init__(self, device: Any) -> None:
        self._device = device

    def asarray(self, array: Any) -> Tensor:
        """Like numpy.asarray, for NumPy arrays, lists and numbers."""
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)

    def zeros(self, shape: int | Sequence[int], dtype: Any) -> Tensor:
        """Like numpy.zeros."""
        return torch.zeros(shape, dtype=dtype, device=self._device)

    def arange(self, start: int, stop: int) -> Tensor:
        """Like numpy.arange."""
        return torch.arange(start, stop, device=self._device)

    def astype(self, array: Tensor, dtype: Any) -> Tensor:
        """Like numpy.astype."""
        return array.to(dtype)

    def max(self, array: Tensor, axis: int) -> Tensor:
        """Like numpy.max."""
        return array.amax(axis)
