"""Rate and distortion of a requantized file as differentiable functions of the parameters of a rule.

Both are computed from histograms of the file, which takes milliseconds. Requantization makes two discrete
choices: one of four steps for each frequency, by thresholds, and a level for each magnitude. The choice of
steps is replaced by probabilities. The roundings of steps and levels are replaced as Surrogate describes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from jrecomp.lossy.levels import ROUNDS
from jrecomp.lossy.rules import HIGH_RATE, LARGEST_STEP, Rule
from jrecomp.train.lossy.histograms import SmoothHistograms

SHARPNESS = 0.1
"""Width of the thresholds between steps, in natural logarithms of the ratio."""

TEMPERATURE = 0.3
"""Temperature of the choice between levels, in bits."""

BANDS = (0, 1, 6, 21, 64)
"""Limits of the bands of zig-zag indices; each band has a factor in the estimate of rates."""


class Surrogate(Enum):
    """Gradients of the roundings of steps and levels.

    STEPS interpolates linearly between the results of the two nearest integer steps; levels have no gradient.
    SOFT, STRAIGHT and CUBIC have the straight-through gradient for steps. For levels, SOFT has probabilities
    of the nearest levels, STRAIGHT the straight-through gradient, and CUBIC the slope of the third-order
    surrogate of Shin and Song (JPEG-resistant adversarial images, 2017). NONE has no gradients: all choices
    are those of requantization.
    """

    STEPS = "steps"
    SOFT = "soft"
    STRAIGHT = "straight"
    CUBIC = "cubic"
    NONE = "none"


def numbers_of(rule: Rule) -> Tensor:
    """The learned numbers, float32 [7]: logarithms of `stay` (2), jump, third, free, widening; flatness."""
    logs = torch.tensor([*rule.stay, rule.jump, rule.third, rule.free, rule.widening]).log()
    return torch.cat([logs, torch.tensor([rule.flatness])])


def rule_of(numbers: Tensor, identifier: int, name: str) -> Rule:
    """The rule with these numbers, rounded to three places."""
    exps: list[float] = numbers[:6].exp().tolist()
    a, b, jump, third, free, widening, flatness = (round(number, 3) for number in (*exps, float(numbers[6])))
    return Rule(identifier, name, (a, b), jump, third, free, widening, flatness)


@dataclass(frozen=True)
class Objective:
    """Rate and distortion of a file at a lmbda.

    factors: float32 [2, bands], ratios of size to entropy of levels, by SmoothHistograms.kind.
    sensitivity: float32 [2, 64], weights of errors, relative to those in the squared error of pixels.
    surrogate: gradients of roundings.
    """

    factors: Tensor
    sensitivity: Tensor
    surrogate: Surrogate = Surrogate.STEPS

    def __call__(self, h: SmoothHistograms, numbers: Tensor, lmbda: float) -> tuple[Tensor, Tensor]:
        """Bits and the weighted sum of squared errors of the file."""
        weights = h.shared * _flattening(h, numbers)
        own = h.pixels * _flattening(h, numbers)
        steps, shares = _steps(h, numbers, weights, lmbda, self.surrogate is Surrogate.NONE)
        bits, errors = torch.zeros(len(h.source)), torch.zeros(len(h.source))
        for real, probability in zip(steps, shares, strict=True):
            for step, share in self._whole(real, probability):
                with torch.set_grad_enabled(self.surrogate is not Surrogate.STEPS):
                    rate, squared = self._quantized(h, step, own, lmbda)
                bits, errors = bits + share * rate, errors + share * squared
        counted = h.pixels * self.sensitivity[h.kind, h.index]
        return (self.factors[h.kind, band(h.index)] * bits).sum(), (counted * errors).sum()

    def entropies(self, h: SmoothHistograms, numbers: Tensor, lmbda: float) -> Tensor:
        """Entropies of levels in bits, by kind of component and band, float32 [2, bands]."""
        ones = torch.zeros(2, len(BANDS) - 1, requires_grad=True)
        bits, _ = Objective(ones, self.sensitivity, Surrogate.NONE)(h, numbers, lmbda)
        return torch.autograd.grad(bits, ones)[0]

    def _whole(self, step: Tensor, share: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Integer steps that replace real steps, with their shares."""
        if self.surrogate is not Surrogate.STEPS:
            return [(step + (torch.round(step) - step).detach(), share)]
        below = torch.floor(step.detach())
        part = step - below
        if not part.any() and not step.requires_grad:
            return [(below, share)]
        return [(below, share * (1 - part)), (below + 1, share * part)]

    def _quantized(
        self, h: SmoothHistograms, step: Tensor, weight: Tensor, lmbda: float
    ) -> tuple[Tensor, Tensor]:
        """Bits and squared errors [frequencies] for a step at each frequency."""
        t, x, w = step[h.frequency], h.magnitude * h.source[h.frequency], weight[h.frequency]
        ratio = x / t
        below = torch.floor(ratio.detach())
        options = torch.stack([torch.zeros_like(below), below, below + 1], 1)
        squared = (x[:, None] - t[:, None] * options) ** 2
        costs = self._costs(h, w[:, None] * squared, options, below + (ratio.detach() - below >= 0.5), lmbda)
        if self.surrogate not in (Surrogate.STRAIGHT, Surrogate.CUBIC):
            shares = torch.nn.functional.one_hot(costs.argmin(1), 3).float()
            if self.surrogate is Surrogate.SOFT:
                shares = torch.softmax(-costs / (TEMPERATURE * lmbda), 1)
            return _entropy(h, options, shares), _sum(h, (shares * squared).sum(1) * h.counts.sum(1))
        level = options.gather(1, costs.detach().argmin(1, keepdim=True))[:, 0]
        slope = 3 * (ratio - torch.round(ratio)).detach() ** 2 if self.surrogate is Surrogate.CUBIC else 1.0
        return self._passed(h, x, t, level + slope * (ratio - ratio.detach()))

    def _costs(
        self, h: SmoothHistograms, errors: Tensor, options: Tensor, rounded: Tensor, lmbda: float
    ) -> Tensor:
        """Costs of levels as in lossy.levels.choose(), [rows, options]; rates have no gradients."""
        rate = lmbda * (h.index[h.frequency] > 0).float()[:, None]
        costs, levels, counts = errors, rounded, h.counts.sum(1)
        for _ in range(ROUNDS):
            occurring = torch.zeros(len(h.owner)).index_add(0, h.first + levels.long(), counts)
            costs = errors + rate * _bits(h, occurring)[h.first[:, None] + options.long()]
            levels = options.gather(1, costs.detach().argmin(1, keepdim=True))[:, 0]
        return costs

    def _passed(self, h: SmoothHistograms, x: Tensor, t: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        """Bits and squared errors for levels with gradients; bits are linear between levels."""
        at = h.first + level.detach().long()
        counts = torch.zeros(len(h.owner), h.counts.shape[1]).index_add(0, at, h.counts)
        bits = _information(h, counts)
        last = h.owner[(at + 1).clamp(max=len(h.owner) - 1)] != h.frequency
        above = bits[torch.where(last, at, at + 1)]
        linear = bits[at] + (above - bits[at]) * (level - level.detach())[:, None]
        return _sum(h, (linear * h.counts).sum(1)), _sum(h, (x - t * level) ** 2 * h.counts.sum(1))


def band(index: Tensor) -> Tensor:
    """The bands of zig-zag indices."""
    return torch.bucketize(index, torch.tensor(BANDS[1:-1]), right=True)


def _flattening(h: SmoothHistograms, numbers: Tensor) -> Tensor:
    logs = h.source.log()
    mean = logs.reshape(-1, 64).mean(1).repeat_interleave(64)
    return ((1 - numbers[6]) * (mean - logs)).exp()


def _steps(
    h: SmoothHistograms, numbers: Tensor, weights: Tensor, lmbda: float, hard: bool
) -> tuple[list[Tensor], list[Tensor]]:
    """The four steps that Rule.steps() chooses from, and their probabilities; each [frequencies]."""
    first, last, jump, third, free, widening = numbers[:6].exp()
    stay = first + (last - first) * (h.index / 63)
    mean = (first + last) / 2
    ratio = (lmbda / (HIGH_RATE * weights)).sqrt() / h.source * (mean / stay)
    steps = [
        h.source,
        torch.where(h.source == 1, 3 + 0 * jump, jump * h.source),
        3 * h.source,
        widening * ratio * h.source,
    ]
    passes: Callable[[Tensor], Tensor] = (
        (lambda limit: (ratio < limit).float())
        if hard
        else (lambda limit: torch.sigmoid((limit.log() - ratio.log()) / SHARPNESS))
    )
    rest, shares = torch.ones_like(ratio), []
    for limit in (mean, third, free):
        shares.append(rest * passes(limit))
        rest = rest - shares[-1]
    return [_limited(step, h.source) for step in steps], [*shares, rest]


def _limited(step: Tensor, source: Tensor) -> Tensor:
    """Steps limited to the range of Rule.steps()."""
    return torch.minimum(torch.maximum(step, source), source.clamp(min=LARGEST_STEP))


def _sum(h: SmoothHistograms, rows: Tensor) -> Tensor:
    return torch.zeros(len(h.source)).index_add(0, h.frequency, rows)


def _entropy(h: SmoothHistograms, options: Tensor, shares: Tensor) -> Tensor:
    counts = torch.zeros(len(h.owner), h.counts.shape[1])
    for number in range(options.shape[1]):
        at = h.first + options[:, number].long()
        counts = counts.index_add(0, at, shares[:, number, None] * h.counts)
    return torch.zeros(len(h.source)).index_add(0, h.owner, (counts * _information(h, counts)).sum(1))


def _information(h: SmoothHistograms, counts: Tensor) -> Tensor:
    """Self-information in bits of each level and its sign in each context; counts: [slots, CONTEXTS]."""
    total = torch.zeros(len(h.source), counts.shape[1]).index_add(0, h.owner, counts)
    bits = -((counts + 1e-3) / (total[h.owner] + 1e-3)).log2()
    return bits + (_number(h) > 0).float()[:, None]


def _bits(h: SmoothHistograms, counts: Tensor) -> Tensor:
    """Bits of each level as requantization estimates them; counts: [slots]."""
    number = _number(h)
    smooth = counts + 1e-3 + 0.5 * 2.0 ** -(number + 1).clamp(max=50)
    total = torch.zeros(len(h.source)).index_add(0, h.owner, smooth)
    return -(smooth / total[h.owner]).log2() + (number > 0).float()


def _number(h: SmoothHistograms) -> Tensor:
    """The level of each slot."""
    start = torch.searchsorted(h.owner, torch.arange(len(h.source)))
    return torch.arange(len(h.owner)) - start[h.owner]
