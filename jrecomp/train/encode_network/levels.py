"""The choice of levels by rate and error, with gradients.

A level is the candidate of least cost: weight times squared error, in squared steps, plus lambda times bits.
Gradients are those of a choice by chance, whose probabilities fall exponentially with the cost. So a target
that is near the border between two levels has a gradient, and one that is far from it has none.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

LARGEST = 40
"""Magnitudes from here on share a rate."""

TEMPERATURE = 0.03
"""Of the choice by chance, in squared steps."""

ROUNDS = 3
"""How often levels and their rates are found in turn, from rounded coefficients on."""


def rates(levels: Tensor, smoothing: float = 1.0) -> Tensor:
    """Bits [n, 64, LARGEST + 1] of magnitudes with their sign, from the histogram of each zig-zag index.

    levels: [n, block rows, block columns, 64].
    """
    n = len(levels)
    magnitudes = levels.detach().abs().clamp(max=LARGEST).long().reshape(n, -1, 64)
    frequency = (
        torch.arange(64, device=levels.device) + 64 * torch.arange(n, device=levels.device)[:, None, None]
    )
    slots = (frequency * (LARGEST + 1) + magnitudes).flatten()
    counts = torch.zeros(n * 64 * (LARGEST + 1), device=levels.device)
    counts = counts.scatter_add(0, slots, torch.ones_like(slots, dtype=torch.float32))
    counts = counts.reshape(n, 64, LARGEST + 1)
    size = torch.arange(LARGEST + 1, device=levels.device)
    counts = counts + smoothing * (0.5 * 2.0 ** -(size + 1.0) + 1e-3)
    return counts.sum(-1, keepdim=True).log2() - counts.log2() + (size > 0)


class Choice(NamedTuple):
    """levels: [n, block rows, block columns, 64]. bits: of each. Both have straight-through gradients."""

    levels: Tensor
    bits: Tensor


def choose(targets: Tensor, weights: Tensor | float, lmbda: Tensor, bits: Tensor) -> Choice:
    """The levels of targets.

    targets: in steps, [n, block rows, block columns, 64]. weights: of errors, of the same shape. lmbda: in
    squared steps per bit, [n]. bits: from rates(). DC is rounded.
    """
    n = len(targets)
    magnitude = targets.abs()
    low = magnitude.detach().floor()
    candidates = torch.stack([torch.zeros_like(low), low, low + 1])
    slots = candidates.clamp(max=LARGEST).long().reshape(3, n, -1, 64).transpose(2, 3)
    costs = bits.expand(3, -1, -1, -1).gather(-1, slots).transpose(2, 3).reshape(candidates.shape)
    # Rates of magnitudes that share one grow with their logarithm.
    costs = costs + 2 * (candidates.clamp(min=LARGEST) / LARGEST).log2()
    total = weights * (magnitude - candidates) ** 2 + lmbda.reshape(-1, 1, 1, 1) * costs
    best = total.detach().argmin(0, keepdim=True)
    hard = candidates.gather(0, best)[0]
    hard_bits = costs.gather(0, best)[0]
    is_dc = torch.arange(64, device=targets.device) == 0
    hard = torch.where(is_dc, magnitude.detach().round(), hard)
    if not total.requires_grad:
        return Choice(hard * targets.sign(), hard_bits)
    twice = (low == 0) & (torch.arange(3, device=targets.device).reshape(3, 1, 1, 1, 1) == 0)
    chance = (-total / TEMPERATURE).masked_fill(twice, -math.inf).softmax(0)
    chance = chance.masked_fill(is_dc, 0)
    soft, soft_bits = (chance * candidates).sum(0), (chance * costs).sum(0)
    through = hard + soft - soft.detach()
    return Choice(through * targets.detach().sign(), hard_bits + soft_bits - soft_bits.detach())


@torch.no_grad()
def plain(coefficients: Tensor, lmbda: Tensor) -> Choice:
    """Levels of coefficients in steps, without edits."""
    choice = Choice(coefficients.round(), coefficients)
    for _ in range(ROUNDS):
        choice = choose(coefficients, 1.0, lmbda, rates(choice.levels))
    return choice


def edited(targets: Tensor, weights: Tensor, lmbda: Tensor, start: Tensor) -> Choice:
    """Levels of edited targets, and the bits that they take with the rates of their own histogram.

    start: levels to begin with, from plain().
    """
    with torch.no_grad():
        first = choose(targets, weights, lmbda, rates(start)).levels
        bits = rates(first)
    return choose(targets, weights, lmbda, bits)


def dc_bits(levels: Tensor) -> Tensor:
    """Estimated bits [n] of the differences of DC levels (F.1.2.1)."""
    dc = levels[..., 0]
    change = torch.diff(dc.flatten(1), dim=1).abs()
    return (1.5 + 1.8 * (1 + change).log2()).sum(1)
