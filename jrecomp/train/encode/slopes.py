"""Rates and losses of a picture as functions of steps and lambdas: their slopes at given settings."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from jrecomp.array_types import Float32, Float64, Int16, UInt8
from jrecomp.encoder.coefficients import SUBSAMPLINGS, Planes
from jrecomp.encoder.levels import Quantizer
from jrecomp.encoder.tables import RESTORED
from jrecomp.jpeg import Component, Frame
from jrecomp.metrics import Reference
from jrecomp.threads import Workers
from jrecomp.train.encode.restored import restored_errors
from jrecomp.train.encode.similarity import decode, ms_ssim

WIDER, COSTLIER = 1.1, 1.2
"""Factors to steps and to a lambda by which their slopes are found."""

KINDS = (0, 1, 1)
"""Whether the components are luma or chroma."""

_LEAST = 1e-3

Loss = Callable[[Tensor], tuple[float, Tensor]]
"""Gives a loss and its gradient for decoded pixels, float32 [1, 3, rows, columns]."""


@dataclass(frozen=True)
class Point:
    """Settings whose steps need not be integers.

    steps: logarithms of the steps of luma and chroma, float64 [2, 64]. lambdas: float64 [2].
    """

    steps: Float64
    lambdas: Float64


@dataclass(frozen=True)
class Slopes:
    """Slopes at a point, of the loss and of the logarithm of the rate.

    loss, rate: by the logarithms of steps, float64 [2, 64]. lambda_loss, lambda_rate: by the
    logarithms of lambdas, float64 [2]. Rates fall; their slopes are given without the sign.
    """

    loss: Float64
    rate: Float64
    lambda_loss: Float64
    lambda_rate: Float64


@dataclass(frozen=True)
class Example:
    """A picture to learn from.

    pixels: uint8 [rows, columns, 3], whole MCUs. subsampling: of chroma. tune: the measure, or RESTORED for
    PSNR after restoration.
    """

    pixels: UInt8
    subsampling: str
    tune: str

    @cached_property
    def components(self) -> list[Float32]:
        """Real-valued coefficients."""
        with Workers(1) as workers:
            planes = Planes.of(self.pixels, workers)
            return planes.components(self.subsampling, workers, averaged=self.tune == RESTORED)

    @cached_property
    def _loss(self) -> Loss:
        if self.tune == "ssimulacra2":
            return _ssimulacra2(self.pixels)
        source = torch.from_numpy(self.pixels.astype(np.float32)).permute(2, 0, 1)[None]
        distance = _ms_ssim_distance if self.tune == "ms-ssim" else _mean_square

        def decibels(decoded: Tensor) -> tuple[float, Tensor]:
            leaf = decoded.detach().requires_grad_()
            loss = 10 * torch.log10(distance(source, leaf) + 1e-7)
            (gradient,) = torch.autograd.grad(loss, leaf)
            return float(loss.detach()), gradient

        return decibels

    def slopes(self, point: Point) -> Slopes:
        """The slopes at a point.

        The derivative of the loss by the scale of the errors at a frequency tells what they cost; how they
        grow with the step is found by another step.
        """
        rates, energies, errors = self._quantized(point)
        costs = self._costs(errors)
        total = rates.sum()
        wider, grown, _ = self._quantized(Point(point.steps + np.log(WIDER), point.lambdas))
        loss = costs * np.clip(_growth(energies, grown, WIDER), 0, 1.5)
        rate = (rates - wider) / np.log(WIDER) / total
        by_lambda = []
        for kind in range(2):
            lambdas = point.lambdas * np.where(np.arange(2) == kind, COSTLIER, 1)
            fewer, grown, _ = self._quantized(Point(point.steps, lambdas))
            cost = (costs * _growth(energies, grown, COSTLIER))[kind].sum()
            by_lambda.append((cost, (rates - fewer).sum() / np.log(COSTLIER) / total))
        lambda_loss, lambda_rate = np.array(by_lambda).T
        return Slopes(loss, rate, lambda_loss, lambda_rate)

    def _quantized(self, point: Point) -> tuple[Float64, Float64, list[Float32]]:
        """Bits and squared errors by kind and frequency, [2, 64], and the errors of each component."""
        rates, energies = np.zeros((2, 64)), np.zeros((2, 64))
        tables = [np.exp(point.steps[kind]).astype(np.float32) for kind in KINDS]
        chosen = []
        with Workers(1) as workers:
            for kind, steps, target in zip(KINDS, tables, self.components, strict=True):
                weights, kept = (
                    np.ones((*target.shape[:2], 1), np.float32),
                    np.zeros(target.shape[:2], np.uint8),
                )
                levels = Quantizer(steps, float(point.lambdas[kind]))(target, weights, kept, workers)
                rates[kind] += bits(levels)
                chosen.append(levels)
            if self.tune == RESTORED:
                errors = restored_errors(self._frame, self.components, chosen, tables, workers)
            else:
                parts = zip(chosen, tables, self.components, strict=True)
                errors = [levels * steps - target for levels, steps, target in parts]
        for kind, error in zip(KINDS, errors, strict=True):
            energies[kind] += np.einsum("yxk,yxk->k", error, error)
        return rates, energies, errors

    def _costs(self, errors: list[Float32]) -> Float64:
        """The derivatives of the loss by the scales of the errors, float64 [2, 64]."""
        scales = torch.ones(2, 64, requires_grad=True)
        planes = [
            torch.from_numpy(target) + scales[kind] * torch.from_numpy(error)
            for kind, target, error in zip(KINDS, self.components, errors, strict=True)
        ]
        decoded = decode(planes, self._frame)
        _, gradient = self._loss(decoded.detach())
        (slope,) = torch.autograd.grad(decoded, scales, gradient)
        result: Float64 = slope.numpy().astype(np.float64)
        return result

    @property
    def _frame(self) -> Frame:
        """A frame with the sampling factors."""
        rows, columns = self.pixels.shape[:2]
        steps, factors = np.ones(64, np.int32), [SUBSAMPLINGS[self.subsampling], (1, 1), (1, 1)]
        components = tuple(
            Component(i, *factor, steps, *blocks.shape[:2])
            for i, (factor, blocks) in enumerate(zip(factors, self.components, strict=True))
        )
        return Frame(columns, rows, False, 1, 1, components)


def bits(levels: Int16) -> Float64:
    """Entropies in bits of the levels at each frequency, of DC differences, and signs, float64 [64]."""
    columns = levels.reshape(-1, 64).astype(np.int64)
    columns[1:, 0] -= columns[:-1, 0].copy()
    result = np.zeros(64)
    for k, magnitudes in enumerate(np.abs(columns).T):
        counts = np.bincount(magnitudes)
        occurring = counts[counts > 0]
        result[k] = (occurring * np.log2(len(columns) / occurring)).sum() + np.count_nonzero(magnitudes)
    return result


def _growth(before: Float64, after: Float64, factor: float) -> Float64:
    """The derivative of the logarithm of errors by that of what was multiplied by a factor."""
    growth: Float64 = 0.5 * np.log((after + _LEAST) / (before + _LEAST)) / np.log(factor)
    return growth


def _ssimulacra2(pixels: UInt8) -> Loss:
    reference = Reference(pixels)

    def loss(decoded: Tensor) -> tuple[float, Tensor]:
        samples = np.ascontiguousarray(decoded[0].permute(1, 2, 0).numpy(), np.float32)
        scored = reference.gradient(samples)
        return 100 - scored.score, -torch.from_numpy(scored.gradient).permute(2, 0, 1)[None].float()

    return loss


def _ms_ssim_distance(a: Tensor, b: Tensor) -> Tensor:
    return 1 - ms_ssim(a, b)


def _mean_square(a: Tensor, b: Tensor) -> Tensor:
    return ((a - b.clamp(0, 255)) ** 2).mean()
