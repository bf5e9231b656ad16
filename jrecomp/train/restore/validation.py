"""What a network of integers gains on held-out pictures."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from jrecomp import jpeg
from jrecomp.restoration.network import CORRECTION_UNIT, SAMPLE_UNIT, Description, Network
from jrecomp.train.restore.codec import Codec
from jrecomp.train.restore.examples import Pixels, example, quality_tables, saved
from jrecomp.train.restore.store import FACTORS, Batch, Group

QUALITIES = (10, 30, 50, 75, 90, 95)
SAMPLING = "4:2:0"


class Gain(NamedTuple):
    """Gains in dB over plain decoding: of luma, mean and worst picture, and of RGB, mean; and what of them
    restoration by expectation has."""

    quality: int
    luma: float
    worst: float
    rgb: float
    expected_luma: float
    expected_rgb: float

    def __str__(self) -> str:
        """One line."""
        luma = f"luma {self.luma:+.3f} (worst {self.worst:+.3f}; expectation {self.expected_luma:+.3f})"
        return f"q{self.quality}: {luma}, RGB {self.rgb:+.3f} ({self.expected_rgb:+.3f}) dB"


def gains(network: Network, pictures: Sequence[Pixels]) -> Iterator[Gain]:
    """The gain at each quality with chroma halved in both directions; sides are multiples of 16."""
    for quality in QUALITIES:
        each = np.array([_gain(network, picture, quality) for picture in pictures])
        luma, rgb, expected_luma, expected_rgb = each.mean(0)
        yield Gain(quality, luma, each[:, 0].min(), rgb, expected_luma, expected_rgb)


def _gain(network: Network, picture: Pixels, quality: int) -> tuple[float, ...]:
    file = jpeg.read(saved(picture, SAMPLING, quality_tables(quality)))
    planes, steps, _ = example(file, picture, SAMPLING)
    description = Description(steps.astype(np.int64), (True, True), False)
    correction = network.reference(planes[0], planes[1], description)
    restored, decoded, original = torch.from_numpy(planes).float()[:, None] / SAMPLE_UNIT
    batch = Batch(restored, decoded, original, torch.from_numpy(steps.astype(np.float32))[None])
    codec = Codec(torch.device("cpu"), [Group(0, 1, FACTORS[SAMPLING])])
    better = codec.corrected(batch, torch.from_numpy(correction).float()[None] / CORRECTION_UNIT)
    errors = [codec.errors(x, batch.original) for x in (better, batch.restored, batch.decoded)]
    return tuple(_decibels(errors[2][kind], errors[which][kind]) for which in (0, 1) for kind in (0, 1))


def _decibels(before: Tensor, after: Tensor) -> float:
    return 10 * float(torch.log10((before + 1e-6) / (after + 1e-6)))
