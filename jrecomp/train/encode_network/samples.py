"""Training pictures on the device: crops, tables and lambdas drawn for each step."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from jrecomp.t81 import COLUMN, ROW
from jrecomp.train.encode_network.objective import Example

QUALITIES = (20, 97)
"""Range of qualities of the tables."""

KINDS = {"clean": 0.6, "jpeg": 0.32, "drawing": 0.08}
"""Shares of crops by the kind of their picture."""


class Pictures(NamedTuple):
    """pixels: uint8 [pictures, 3, side, side], smaller ones at the top left. sides: int64 [pictures]. share:
    probability that a crop is of a picture.
    """

    pixels: Tensor
    sides: Tensor
    share: Tensor


def read_pictures(path: Path, folder: str, least: int) -> Pictures:
    """Square pictures of a folder of a ZIP archive, whose names begin with their kind, a key of KINDS.

    least: smaller ones are left out.
    """
    found, kinds = [], []
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if name.startswith(f"{folder}/"):
                with archive.open(name) as file, Image.open(file) as image:
                    pixels = np.asarray(image.convert("RGB")).transpose(2, 0, 1)
                if min(pixels.shape[1:]) >= least:
                    found.append(pixels)
                    kinds.append(name.split("/")[1].rstrip("0123456789.webp"))
    sides = np.array([min(pixels.shape[1:]) for pixels in found])
    squares = np.zeros((len(found), 3, sides.max(), sides.max()), np.uint8)
    for square, pixels, side in zip(squares, found, sides, strict=True):
        square[:, :side, :side] = pixels[:, :side, :side]
    share = torch.tensor([KINDS[kind] / kinds.count(kind) for kind in kinds])
    return Pictures(torch.from_numpy(squares), torch.from_numpy(sides), share)


class Draw(NamedTuple):
    """Random choices of a step, for n crops: picture, top and left (as fractions), mirrored (0 or 1), factor
    of the pixels, tables, lambda, and shares of the likenesses.
    """

    picture: Tensor
    top: Tensor
    left: Tensor
    mirrored: Tensor
    factor: Tensor
    steps: Tensor
    lmbda: Tensor
    shares: Tensor


class Tables(NamedTuple):
    """Families of tables with their lambdas, by family, sampling (0: whole chroma, 1: halved), and quality
    from the first of QUALITIES on.

    steps: float32 [families, 2, qualities, 3, 64]. lmbda: of luminance and chrominance, [families, 2,
    qualities, 2].
    """

    steps: Tensor
    lmbda: Tensor

    def at(self, families: Tensor, qualities: Tensor, halved: bool) -> tuple[Tensor, Tensor]:
        """Tables [n, 3, 64], not rounded, and lambdas [n, 3] of n families and qualities."""
        place = qualities - QUALITIES[0]
        low = place.long().clamp(max=self.steps.shape[2] - 2)
        part = (place - low)[:, None]
        lmbda = self.lmbda[families, int(halved), low].lerp(self.lmbda[families, int(halved), low + 1], part)
        a, b = (self.steps[families, int(halved), index].log2() for index in (low, low + 1))
        return a.lerp(b, part[:, None]).exp2(), torch.cat([lmbda, lmbda[:, 1:]], 1)

    def draw(self, n: int, halved: bool, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Random tables [n, 3, 64], tilted, with another scale of chroma and noise, and lambdas [n, 3]."""
        radius = torch.tensor(np.hypot(ROW, COLUMN) / 9.9, dtype=torch.float32)
        families = torch.randint(len(self.steps), (n,), generator=random)
        low, high = QUALITIES
        qualities = low + (high - low) * torch.rand(n, generator=random)
        steps, lmbda = self.at(families, qualities, halved)
        tilt, scale, noise, size = (
            torch.randn(n, *k, generator=random) for k in ((2, 1), (2,), (2, 64), (1, 1))
        )
        change = 0.3 * tilt * (radius - radius.mean()) + 0.1 * size.abs() * noise
        change[:, 1] += 0.2 * scale[:, :1]
        steps = (steps.log2() + torch.cat([change, change[:, 1:]], 1)).exp2().round().clamp(1, 255)
        return steps, (lmbda * (0.35 * scale[:, 1:]).exp2()).clamp(0.02, 0.3)


def read_tables(path: Path) -> Tables:
    """Tables from an .npz file."""
    with np.load(path) as arrays:
        return Tables(torch.from_numpy(arrays["steps"]), torch.from_numpy(arrays["lmbda"]))


def draw(
    pictures: Pictures, n: int, halved: bool, tables: Tables, shares: Sequence[float], random: torch.Generator
) -> Draw:
    """The random choices of a step; shares: of the likenesses for half of the crops, random for the rest."""
    others = -torch.rand(n, 3, generator=random).clamp(min=1e-6).log()
    others = others / others.sum(1, keepdim=True)
    uniform = torch.rand(4, n, generator=random)
    dark = torch.rand(n, generator=random) < 0.2
    factor = torch.where(dark, 0.3 + 0.7 * uniform[3], torch.ones(n))
    return Draw(
        torch.multinomial(pictures.share, n, replacement=True, generator=random),
        uniform[0],
        uniform[1],
        (uniform[2] < 0.5).long(),
        factor,
        *tables.draw(n, halved, random),
        torch.where(torch.arange(n)[:, None] % 2 == 0, torch.tensor(shares), others),
    )


def example(pictures: Pictures, draw: Draw, size: int) -> Example:
    """Crops of size x size pixels."""
    place = torch.arange(size, device=pictures.pixels.device)
    columns = place + draw.mirrored[:, None] * (size - 1 - 2 * place)
    room = pictures.sides[draw.picture] - size + 1
    rows = place + (draw.top * room).long()[:, None]
    columns = columns + (draw.left * room).long()[:, None]
    cut = pictures.pixels[draw.picture[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    crops = cut.permute(0, 3, 1, 2).float()
    return Example((crops * draw.factor[:, None, None, None]).round(), draw.steps, draw.lmbda, draw.shares)
