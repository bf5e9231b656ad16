"""What a network gains on held-out pictures."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from jrecomp.restorer import CORRECTION_UNIT
from jrecomp.train.restore.compression import Codec, Group, Halved, smoothed
from jrecomp.train.restore.network import Network
from jrecomp.train.restore.pictures import Pixels

QUALITIES = (10, 30, 50, 75, 90, 95)
HALVED: Halved = (True, True)


class Gain(NamedTuple):
    """Gains in dB over plain decoding in floats: of luma, mean and worst picture, and of RGB, mean; against
    chroma enlarged by the triangle filter."""

    quality: int
    luma: float
    worst: float
    rgb: float

    def __str__(self) -> str:
        """One line."""
        return f"q{self.quality}: luma {self.luma:+.3f} (worst {self.worst:+.3f}), RGB {self.rgb:+.3f} dB"


def gains(
    network: Network, weights: dict[str, Tensor], codec: Codec, pictures: list[Pixels]
) -> Iterator[Gain]:
    """The gain at each quality with chroma halved in both directions; sides are multiples of 16.

    weights: of Network.integers().
    """
    with torch.no_grad():
        for quality in QUALITIES:
            each = np.array([_gain(network, weights, codec, p, quality) for p in pictures])
            yield Gain(quality, each[:, 0].mean(), each[:, 0].min(), each[:, 1].mean())


def _gain(
    network: Network, weights: dict[str, Tensor], codec: Codec, picture: Pixels, quality: int
) -> tuple[float, float]:
    rgb = torch.from_numpy(np.moveaxis(picture, 2, 0).copy()).to(codec.device, codec.matrix.dtype)[None]
    ycc = codec.ycc(rgb)
    steps = codec.quality_tables(torch.full((1,), float(quality), device=codec.device)).to(rgb.dtype)
    plain = codec.plain(ycc.round(), steps, Group(0, 1, HALVED), rounded=True)
    smooth = smoothed(plain, HALVED)
    correction = network.correction(weights, codec.inputs(smooth, HALVED), *codec.described(steps, HALVED))
    better = codec.corrected(plain, correction / CORRECTION_UNIT, steps, HALVED)

    def rgb_error(x: Tensor) -> Tensor:
        return (codec.rgb(x).clamp(0, 255) - rgb).square().mean()

    luma = _decibels((plain - ycc)[:, 0].square().mean(), (better - ycc)[:, 0].square().mean())
    return luma, _decibels(rgb_error(smooth), rgb_error(better))


def _decibels(before: Tensor, after: Tensor) -> float:
    return 10 * float(torch.log10((before + 1e-6) / (after + 1e-6)))
