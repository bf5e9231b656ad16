"""Rate and distortion of a requantized file as functions of a rule's numbers, with gradients.

What requantize does to a file is a function of its histograms (lossy/requantize.py), so one evaluation takes
milliseconds. Two choices are steep there: which of four steps a frequency takes, by thresholds, and which
level a magnitude. Of steps that becomes probabilities; for what is rounded see Surrogate.
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
"""Of thresholds between steps, in natural logarithms of the ratio."""

TEMPERATURE = 0.3
"""Of choices between levels, in bits."""

BANDS = (0, 1, 6, 21, 64)
"""Limits of bands of zig-zag indices, each of which has a factor of its own in the estimate of rates."""


class Surrogate(Enum):
    """How gradients pass the roundings of steps and levels.

    STEPS: a step between two whole ones is either, by how near it is, so that its slope is the difference of
    what these cost; levels pass nothing. The others go straight through the rounding of steps, and pass
    levels as probabilities of those nearby (SOFT), straight (STRAIGHT) or with the slope of the third-order
    surrogate (CUBIC; Shin and Song: JPEG-resistant adversarial images, 2017). NONE: as requantize chooses.
    """

    STEPS = "steps"
    SOFT = "soft"
    STRAIGHT = "straight"
    CUBIC = "cubic"
    NONE = "none"


def numbers_of(rule: Rule) -> Tensor:
    """What is learned, float32 [7]: logarithms of the two `stay`, jump, third, free, widening; flatness."""
    logs = torch.tensor([*rule.stay, rule.jump, rule.third, rule.free, rule.widening]).log()
    return torch.cat([logs, torch.tensor([rule.flatness])])


def rule_of(numbers: Tensor, identifier: int, name: str) -> Rule:
    """The rule with these numbers, rounded to three places."""
    exps: list[float] = numbers[:6].exp().tolist()
    a, b, jump, third, free, widening, flatness = (round(number, 3) for number in (*exps, float(numbers[6])))
    return Rule(identifier, name, (a, b), jump, third, free, widening, flatness)


@dataclass(frozen=True)
class Objective:
    """Rate and distortion of one file at a lmbda.

    factors: float32 [2, bands], bits of the integer model over the entropy of levels, by kind of component.
    sensitivity: float32 [2, 64], what an error counts over what it counts in the mean of squares.
    """

    factors: Tensor
    sensitivity: Tensor
    surrogate: Surrogate = Surrogate.STEPS

    def __call__(self, h: SmoothHistograms, numbers: Tensor, lmbda: float) -> tuple[Tensor, Tensor]:
        """Bits and the sum of errors that count, of the whole file."""
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
        """Bits by kind of component and band before factors, float32 [2, bands]."""
        ones = torch.zeros(2, len(BANDS) - 1, requires_grad=True)
        bits, _ = Objective(ones, self.sensitivity, Surrogate.NONE)(h, numbers, lmbda)
        return torch.autograd.grad(bits, ones)[0]

    def _whole(self, step: Tensor, share: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Whole steps for one that need not be, with their shares."""
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
        """Bits and squared error [frequencies] of one step for each frequency."""
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
        """What requantize weighs, [rows, options]; rates follow from levels, which do not pass gradients."""
        rate = lmbda * (h.index[h.frequency] > 0).float()[:, None]
        costs, levels, counts = errors, rounded, h.counts.sum(1)
        for _ in range(ROUNDS):
            occurring = torch.zeros(len(h.owner)).index_add(0, h.first + levels.long(), counts)
            costs = errors + rate * _bits(h, occurring)[h.first[:, None] + options.long()]
            levels = options.gather(1, costs.detach().argmin(1, keepdim=True))[:, 0]
        return costs

    def _passed(self, h: SmoothHistograms, x: Tensor, t: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        """Bits and squared error for levels that pass gradients; bits go on linearly between levels."""
        at = h.first + level.detach().long()
        counts = torch.zeros(len(h.owner), h.counts.shape[1]).index_add(0, at, h.counts)
        bits = _information(h, counts)
        last = h.owner[(at + 1).clamp(max=len(h.owner) - 1)] != h.frequency
        above = bits[torch.where(last, at, at + 1)]
        linear = bits[at] + (above - bits[at]) * (level - level.detach())[:, None]
        return _sum(h, (linear * h.counts).sum(1)), _sum(h, (x - t * level) ** 2 * h.counts.sum(1))


def band(index: Tensor) -> Tensor:
    """The band of zig-zag indices."""
    return torch.bucketize(index, torch.tensor(BANDS[1:-1]), right=True)


def _flattening(h: SmoothHistograms, numbers: Tensor) -> Tensor:
    logs = h.source.log()
    mean = logs.reshape(-1, 64).mean(1).repeat_interleave(64)
    return ((1 - numbers[6]) * (mean - logs)).exp()


def _steps(
    h: SmoothHistograms, numbers: Tensor, weights: Tensor, lmbda: float, hard: bool
) -> tuple[list[Tensor], list[Tensor]]:
    """The four steps that Rule.steps chooses from and the probability of each; [frequencies] each."""
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
    """Steps within bounds."""
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
    """Bits of each slot's magnitude and sign in each context, from counts [slots, CONTEXTS]."""
    total = torch.zeros(len(h.source), counts.shape[1]).index_add(0, h.owner, counts)
    bits = -((counts + 1e-3) / (total[h.owner] + 1e-3)).log2()
    return bits + (_number(h) > 0).float()[:, None]


def _bits(h: SmoothHistograms, counts: Tensor) -> Tensor:
    """What requantize takes a level for, from counts [slots]."""
    number = _number(h)
    smooth = counts + 1e-3 + 0.5 * 2.0 ** -(number + 1).clamp(max=50)
    total = torch.zeros(len(h.source)).index_add(0, h.owner, smooth)
    return -(smooth / total[h.owner]).log2() + (number > 0).float()


def _number(h: SmoothHistograms) -> Tensor:
    """The level of each slot."""
    start = torch.searchsorted(h.owner, torch.arange(len(h.source)))
    return torch.arange(len(h.owner)) - start[h.owner]
