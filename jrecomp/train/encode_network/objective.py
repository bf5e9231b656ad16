"""The objective: bits and likeness of pictures that are encoded with the network's edits.

Each likeness is the logarithm of an error, over the slope of that logarithm against the logarithm of the
size. So a change of the loss by -0.01 is a file that is 1 % smaller at equal likeness, and the weights of the
likenesses, which add up to 1, say whose curve counts how much.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from jrecomp.train.encode_network import levels, transform
from jrecomp.train.encode_network.network import Networks, conditions_of, unit_of
from jrecomp.train.encode_network.similarity import ms_ssim, ssimulacra2

SLOPES = {"ssimulacra2": 1.05, "ms-ssim": 2.0, "psnr": 1.7}
"""Slopes of the logarithm of each error against that of the size, along tables of all qualities."""

SIZE_ANCHOR = 4.0
"""Cost of the squared change of the logarithm of the size, which keeps results where the slopes are known."""

EDIT_ANCHOR = 0.03
"""Cost of the mean of squared shifts (in steps) and squared logarithms of weights, averaged over components.

It takes back edits that change nothing here, but might with the rates of another encoder.
"""

LEAST_BITS = 0.05
"""Bits per pixel that are added to sizes, so that empty crops do not count for much."""


class Example(NamedTuple):
    """pixels: float32 [n, 3, rows, columns], 0 to 255. steps: [n, 3, 64], in zig-zag order. lmbda: [n, 3].
    shares: weights of the likenesses, in the order of SLOPES, [n, 3].
    """

    pixels: Tensor
    steps: Tensor
    lmbda: Tensor
    shares: Tensor


class Result(NamedTuple):
    """log_size: [n]. change: of it by the edits. edits: mean of their squares, [n]. errors: their
    logarithms, [n], by likeness, as in SLOPES.
    """

    log_size: Tensor
    change: Tensor
    edits: Tensor
    errors: dict[str, Tensor]

    def loss(self, shares: Tensor) -> Tensor:
        """The loss [n]; shares: see Example."""
        costs = torch.stack([self.errors[name] / slope for name, slope in SLOPES.items()], 1)
        likeness = (shares * costs).sum(1)
        return self.log_size + likeness + SIZE_ANCHOR * self.change**2 + EDIT_ANCHOR * self.edits


class Encoding:
    """A batch of pictures, transformed and encoded without edits."""

    def __init__(self, example: Example, halved: bool) -> None:
        self.pixels, self._steps, self._lmbda, self._shares = example
        self._halved = halved
        with torch.no_grad():
            y, blue, red = transform.ycc(self.pixels)
            self._full_luma = y
            chroma = [transform.halved(c) for c in (blue, red)] if halved else [blue, red]
            self._planes = [y, *chroma]
            self._targets = [
                transform.coefficients(plane) / self._step(i) for i, plane in enumerate(self._planes)
            ]
            self._chosen = [levels.plain(target, self._lmbda[:, i]) for i, target in enumerate(self._targets)]
            self.start = [choice.levels for choice in self._chosen]
            self._plain_size = self._log_size(self._chosen)

    def _step(self, component: int) -> Tensor:
        return self._steps[:, component, None, None]

    def edits(self, networks: Networks) -> tuple[list[Tensor], list[Tensor]]:
        """Shifts and logarithms of weights of each component."""
        errors = [
            transform.samples((a - b) * self._step(i))
            for i, (a, b) in enumerate(zip(self.start, self._targets, strict=True))
        ]
        y, y_error = self._planes[0], errors[0]
        near, near_error = (transform.halved(p) for p in (y, y_error)) if self._halved else (y, y_error)
        steps = self._steps.log2()
        units = [unit_of(self._steps[:, i])[:, None, None] for i in range(3)]
        luma, luma_log = networks.luma(
            y[:, None],
            (y_error / units[0])[:, None],
            self._conditions(steps[:, 0], self._lmbda[:, 0]),
        )
        chroma, chroma_log = networks.chroma(
            torch.stack([*self._planes[1:], near], 1),
            torch.stack([errors[1] / units[1], errors[2] / units[2], near_error / units[0]], 1),
            self._conditions(steps[:, 1:].mean(1), self._lmbda[:, 1]),
        )
        return [luma[0], *chroma], [luma_log[0], *chroma_log]

    def _conditions(self, steps: Tensor, lmbda: Tensor) -> Tensor:
        """Inputs of a network from the table; steps: their binary logarithms, [n, 64]."""
        return conditions_of(steps, lmbda, self._shares, self._halved)

    def plain(self) -> Result:
        """Size and errors without edits."""
        return self._result(self._chosen, torch.zeros_like(self._lmbda[:, 0]))

    def edited(self, networks: Networks) -> Result:
        """Size and errors with the edits of a network."""
        shifts, logs = self.edits(networks)
        chosen = [
            levels.edited(self._targets[i] + shifts[i], logs[i].exp(), self._lmbda[:, i], self.start[i])
            for i in range(3)
        ]
        squares = [(s**2 + 0.5 * log**2).mean((1, 2, 3)) for s, log in zip(shifts, logs, strict=True)]
        return self._result(chosen, torch.stack(squares).mean(0))

    def _result(self, chosen: list[levels.Choice], edits: Tensor) -> Result:
        y, *chroma = [transform.samples(c.levels * self._step(i)) for i, c in enumerate(chosen)]
        if self._halved:
            chroma = [transform.enlarged(plane) for plane in chroma]
        decoded = transform.rgb([y, *chroma])
        luma = transform.ycc(decoded)[0]
        squared = 0.7 * ((luma - self._full_luma) ** 2).mean((1, 2))
        squared = squared + 0.3 * ((decoded - self.pixels) ** 2).mean((1, 2, 3))
        similar = ms_ssim(self._full_luma + transform.CENTRE, luma + transform.CENTRE)
        score = ssimulacra2(self.pixels, decoded)
        errors = {
            "ssimulacra2": (100 - score).clamp(min=0.5).log(),
            "ms-ssim": (1 - similar).clamp(min=1e-5).log(),
            "psnr": (squared + 0.05).log(),
        }
        size = self._log_size(chosen)
        return Result(size, size - self._plain_size, edits, errors)

    def _log_size(self, chosen: list[levels.Choice]) -> Tensor:
        area = self.pixels.shape[-1] * self.pixels.shape[-2]
        bits = sum(c.bits[..., 1:].sum((1, 2, 3)) + levels.dc_bits(c.levels.detach()) for c in chosen)
        return (bits / area + LEAST_BITS).log()
