"""Crops of pictures, and their JPEG compression, for a batch at once on the device of the pictures.

Nothing here depends on values on the host, so that a CUDA graph can contain it.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from jrecomp.restorer import CELL, LARGEST_STEP, LOGARITHMS_PER_OCTAVE, places
from jrecomp.t81 import CHROMINANCE, LUMINANCE
from jrecomp.train.restore.pictures import PictureSet

MARGIN = 16
"""Pixels by which a crop is larger than what is compressed at last: a first compression has another grid."""

Halved = tuple[bool, bool]
"""Whether chroma is halved in width and in height."""

SAMPLINGS: dict[Halved, float] = {
    (True, True): 0.5,
    (False, False): 0.16,
    (True, False): 0.12,
    (False, True): 0.06,
}
"""Shares of the samplings in a batch; the rest is gray."""

DOUBLE = 5
"""One crop of so many was compressed before."""


class Group(NamedTuple):
    """Crops first to last - 1 of a batch, which have the same sampling; halved is None for gray."""

    first: int
    last: int
    halved: Halved | None

    @property
    def range(self) -> slice:
        """The crops."""
        return slice(self.first, self.last)


def groups(batch: int) -> list[Group]:
    """The groups of a batch."""
    result: list[Group] = []
    first = 0
    for halved, share in SAMPLINGS.items():
        last = min(batch, first + max(1, round(batch * share)))
        result.append(Group(first, last, halved))
        first = last
    return [group for group in (*result, Group(first, batch, None)) if group.first < group.last]


class Compressed(NamedTuple):
    """A batch after compression; components are Y, Cb, Cr around 0, chroma enlarged by repetition.

    target, plain: [n, 3, rows, columns], before compression and plainly decoded; chroma of gray is 0.
    steps: [n, 3, 64] in raster order.
    """

    target: Tensor
    plain: Tensor
    steps: Tensor


@dataclass(frozen=True)
class Crops:
    """Pictures on a device, of which crops can be taken: all planes one after the other in `samples`."""

    samples: Tensor
    starts: Tensor
    sizes: Tensor
    shares: Tensor

    @classmethod
    def of(cls, pictures: PictureSet, device: torch.device) -> "Crops":
        """The training pictures."""
        planes = [np.moveaxis(p, 2, 0).ravel() for p in pictures.train]
        starts = np.cumsum([0, *map(len, planes)])[:-1]
        sizes = [p.shape[:2] for p in pictures.train]
        shares = np.cumsum([(rows * columns) ** 0.75 for rows, columns in sizes])
        return cls(
            torch.from_numpy(np.concatenate(planes)).to(device),
            torch.tensor(starts, device=device),
            torch.tensor(sizes, device=device),
            torch.tensor(shares / shares[-1], dtype=torch.float32, device=device),
        )

    def take(self, count: int, side: int) -> Tensor:
        """Random RGB squares [count, 3, side, side] at any offset, mirrored and transposed, some smoothed."""
        device = self.samples.device
        chance = torch.rand(7, count, device=device)
        picture = torch.searchsorted(self.shares, chance[0]).clamp(max=len(self.starts) - 1)
        start, size = self.starts[picture], self.sizes[picture]
        y0 = (chance[1] * (size[:, 0] - side + 1)).long().clamp(min=0)
        x0 = (chance[2] * (size[:, 1] - side + 1)).long().clamp(min=0)
        line = torch.arange(side, device=device)
        y = torch.where(chance[3, :, None] < 0.5, line, side - 1 - line)[:, :, None]
        x = torch.where(chance[4, :, None] < 0.5, line, side - 1 - line)[:, None, :]
        swap = (chance[5] < 0.5)[:, None, None]
        y, x = torch.where(swap, x, y), torch.where(swap, y, x)
        x = x + (x0 + start)[:, None, None]
        inside = (y + y0[:, None, None]) * size[:, 1, None, None] + x
        plane = (size[:, 0] * size[:, 1])[:, None] * torch.arange(3, device=device)
        rgb = self.samples[inside[:, None] + plane[:, :, None, None]].float()
        return _smoothed(rgb, ((chance[6] - 0.75) * 0.8).clamp(min=0))


def _smoothed(rgb: Tensor, weight: Tensor) -> Tensor:
    """Weighted with both neighbours in each direction; weight: [n], 0 for no change."""
    w = weight[:, None, None, None]
    for padding, dim in (((0, 0, 1, 1), 2), ((1, 1, 0, 0), 3)):
        padded = F.pad(rgb, padding, mode="replicate")
        n = rgb.shape[dim]
        rgb = rgb * (1 - 2 * w) + w * (padded.narrow(dim, 0, n) + padded.narrow(dim, 2, n))
    return rgb


def _dct_matrix() -> Tensor:
    """The DCT of 8 x 8 samples as a matrix [64, 64], frequencies first."""
    k, x = np.arange(8)[:, None], np.arange(8)[None]
    line = np.cos((2 * x + 1) * k * np.pi / 16) * np.where(k == 0, np.sqrt(1 / 8), 0.5)
    return torch.tensor(np.kron(line, line), dtype=torch.float32)


class Codec:
    """Compression and decoding of batches on a device, in floats."""

    def __init__(self, device: torch.device, tables: np.ndarray, dtype: torch.dtype = torch.float32) -> None:
        self.device = device
        self.matrix = _dct_matrix().to(device, dtype)
        annex_k = np.array([LUMINANCE, CHROMINANCE], np.float32)
        self.annex_k = torch.tensor(annex_k, device=device)
        shapes = torch.tensor(np.concatenate([annex_k[None], tables]), device=device).log2()
        self.real = torch.tensor(tables, device=device)
        self.shapes = shapes - shapes[:, :1].mean(2, keepdim=True)  # luma has the mean 0
        u, v = torch.arange(64, device=device) // 8, torch.arange(64, device=device) % 8
        self.frequency = (u + v) / 14.0
        rgb = [[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]]
        self.variances = 1500 / (1 + u + v) ** 3.0
        self.of_chroma = torch.tensor([[0.0], [1.0]], device=device)
        self.of_luma = torch.tensor([1.0, 0.0, 0.0], device=device, dtype=dtype)
        self.flags = {
            halved: torch.tensor([*(halved or (False, False)), halved is None], device=device, dtype=dtype)
            for halved in (*SAMPLINGS, None)
        }
        self._places: dict[tuple[int, int, Halved], Tensor] = {}
        self.to_rgb = torch.tensor(rgb, device=device, dtype=dtype)
        self.from_rgb = torch.linalg.inv(self.to_rgb.double().cpu()).to(device, dtype)

    def ycc(self, rgb: Tensor) -> Tensor:
        """Y, Cb, Cr around 0 of RGB from 0 to 255; [n, 3, rows, columns]."""
        return torch.einsum("ij,njyx->niyx", self.from_rgb, rgb - 128)

    def rgb(self, ycc: Tensor) -> Tensor:
        """The inverse of ycc()."""
        return torch.einsum("ij,njyx->niyx", self.to_rgb, ycc) + 128

    def dct(self, planes: Tensor) -> Tensor:
        """Coefficients [n, blocks, 64] of planes [n, rows, columns]."""
        n, rows, columns = planes.shape
        blocks = planes.view(n, rows // 8, 8, columns // 8, 8).transpose(2, 3).reshape(n, -1, 64)
        return blocks @ self.matrix.T

    def idct(self, coefficients: Tensor, rows: int, columns: int) -> Tensor:
        """The inverse of dct()."""
        blocks = (coefficients @ self.matrix).view(-1, rows // 8, columns // 8, 8, 8)
        return blocks.transpose(2, 3).reshape(-1, rows, columns)

    def quality_tables(self, quality: Tensor) -> Tensor:
        """Steps [n, 3, 64] of Annex K scaled as libjpeg does; quality: [n], 1 to 100."""
        scale = torch.where(quality < 50, (5000 / quality).floor(), 200 - 2 * quality)[:, None, None]
        pair = ((self.annex_k * scale + 50) / 100).floor().clamp(1, LARGEST_STEP)
        return torch.cat([pair, pair[:, 1:]], 1)

    def typical_error(self, steps: Tensor) -> Tensor:
        """A squared error [n] of luma that is typical of tables [n, 3, 64]."""
        return torch.minimum(steps[:, 0].square() / 12, self.variances).mean(1)

    def random_tables(self, count: int) -> Tensor:
        """Steps [count, 3, 64]: Annex K, real tables, and both flattened and scaled."""
        chance = torch.rand(8, count, device=self.device)
        quality = torch.where(chance[0] < 0.7, 5 + 93 * chance[1], 85 + 13 * chance[1]).round()
        annex_k = self.quality_tables(quality)
        octave = annex_k[:, 0].log2().mean(1)[:, None, None]
        shape = self.shapes[(chance[2] * len(self.shapes)).long().clamp(max=len(self.shapes) - 1)]
        power = torch.where(chance[3] < 0.3, 1.0, chance[4])[:, None, None]
        chroma = (chance[5] * 2 - 1)[:, None, None] * self.of_chroma
        free = torch.exp2(shape * power + octave + chroma).round().clamp(1, LARGEST_STEP)
        real = self.real[(chance[6] * len(self.real)).long().clamp(max=len(self.real) - 1)]
        kind = chance[7][:, None, None]
        pair = torch.where(kind < 0.5, annex_k[:, :2], torch.where(kind < 0.62, real, free))
        return torch.cat([pair, pair[:, 1:]], 1)

    def random_levels(self, coefficients: Tensor, steps: Tensor) -> Tensor:
        """Levels of [n, components, blocks, 64]: the nearest ones in half of the pictures."""
        n = len(coefficients)
        chance = torch.rand(4, n, 1, 1, 1, device=self.device)
        x = coefficients / steps[:, :, None]
        wide = torch.where(chance[0] < 0.5, 0.0, 0.35 * chance[1]) * (0.4 + 0.6 * self.frequency)
        wide = (wide + 0.5 * wide * (torch.rand_like(x) - 0.5)) * (self.frequency > 0)
        narrow = torch.where(chance[0] < 0.5, 0.0, 0.12 * chance[2]) * (self.frequency > 0)
        magnitude = x.abs()
        return ((magnitude + 0.5 - torch.where(magnitude < 1, wide, narrow)).floor() * x.sign()).detach()

    def plain(self, ycc: Tensor, steps: Tensor, group: Group, rounded: bool = False) -> Tensor:
        """Compressed and decoded components of crops with the group's sampling; chroma samples are repeated.

        rounded: whether all levels are the nearest ones.
        """
        luma = self._decoded(ycc[:, :1], steps[:, :1], rounded)
        if group.halved is None:
            return torch.cat([luma, torch.zeros_like(ycc[:, 1:])], 1)
        chroma = self._decoded(reduced(ycc[:, 1:], group.halved), steps[:, 1:], rounded)
        return torch.cat([luma, enlarged(chroma, group.halved)], 1)

    def _decoded(self, planes: Tensor, steps: Tensor, rounded: bool) -> Tensor:
        n, count, rows, columns = planes.shape
        coefficients = self.dct(planes.flatten(0, 1)).view(n, count, -1, 64)
        if rounded:
            levels = (coefficients / steps[:, :, None]).round()
        else:
            levels = self.random_levels(coefficients, steps)
        return self.idct((levels * steps[:, :, None]).flatten(0, 1), rows, columns).view(planes.shape)

    def batch(self, crops: Crops, count: int, side: int) -> Compressed:
        """A batch of random crops, compressed."""
        ycc = self.ycc(crops.take(count, side + MARGIN))
        chance = torch.rand(count, 1, 1, 1, device=self.device)
        original = ycc
        ycc = ycc + torch.where(chance < 0.5, 0.0, 1.0) * (ycc.round() - ycc)
        first = self._first(ycc[::DOUBLE])
        ycc[::DOUBLE] = first
        rows, columns = (self._offsets(count, side) for _ in range(2))
        index = rows[:, None, :, None] * (side + MARGIN) + columns[:, None, None, :]
        index = index.expand(-1, 3, -1, -1).flatten(2)
        target = original.flatten(2).gather(2, index).view(count, 3, side, side)
        source = ycc.flatten(2).gather(2, index).view(count, 3, side, side)
        steps = self.random_tables(count)
        parts = groups(count)
        decoded = [self.plain(source[g.range], steps[g.range], g) for g in parts]
        gray = self.of_luma[:, None, None]
        target = torch.cat([target[g.range] * (gray if g.halved is None else 1) for g in parts])
        return Compressed(target, torch.cat(decoded), steps)

    def _offsets(self, count: int, side: int) -> Tensor:
        """Positions [count, side] of the second grid; one in three is aligned with the first."""
        chance = torch.rand(2, count, 1, device=self.device)
        offset = torch.where(chance[0] < 1 / 3, 0.0, (chance[1] * (MARGIN + 1)).floor().clamp(max=MARGIN))
        return offset.long() + torch.arange(side, device=self.device)

    def _first(self, ycc: Tensor) -> Tensor:
        """Pictures that were compressed before, rounded and limited as a decoder does."""
        steps = self.random_tables(len(ycc))
        decoded = [self.plain(ycc[g.range], steps[g.range], g) for g in groups(len(ycc))]
        return self.ycc(self.rgb(torch.cat(decoded)).round().clamp(0, 255))

    def corrected(self, plain: Tensor, correction: Tensor, steps: Tensor, halved: Halved | None) -> Tensor:
        """Components after corrections of smoothed(), with all coefficients in the cells of the file.

        plain: see plain().
        """
        luma = plain[:, :1] + self._inside(correction[:, :1], steps[:, :1])
        if halved is None:
            return torch.cat([luma, plain[:, 1:]], 1)
        chroma = smoothed(plain, halved)[:, 1:] + correction[:, 1:]
        change = reduced(chroma - plain[:, 1:], halved)
        back = enlarged(self._inside(change, steps[:, 1:]) - change, halved)
        return torch.cat([luma, chroma + back], 1)

    def _inside(self, change: Tensor, steps: Tensor) -> Tensor:
        n, count, rows, columns = change.shape
        coefficients = self.dct(change.flatten(0, 1)).view(n, count, -1, 64)
        bound = (steps / 2 - 1 / 32)[:, :, None]
        inside = torch.minimum(torch.maximum(coefficients, -bound), bound)
        return self.idct(inside.flatten(0, 1), rows, columns).view(change.shape)

    def described(self, steps: Tensor, halved: Halved | None) -> tuple[Tensor, Tensor]:
        """Logarithms [n, 3, 64] of the steps, and flags [n, 3], as the network reads them."""
        logs = (LOGARITHMS_PER_OCTAVE * steps.log2()).round().clamp(max=255)
        if halved is None:
            logs = logs * self.of_luma[:, None]
        return logs, self.flags[halved].expand(len(steps), 3)

    def inputs(self, smooth: Tensor, halved: Halved | None) -> Tensor:
        """The inputs of the network from the result of smoothed()."""
        pixels = F.pixel_unshuffle(smooth.round().clamp(-128, 127), CELL)
        key = (pixels.shape[2], pixels.shape[3], halved or (False, False))
        if key not in self._places:
            self._places[key] = torch.from_numpy(places(*key)).to(smooth.device, smooth.dtype)
        return torch.cat([pixels, self._places[key].expand(len(smooth), -1, -1, -1)], 1)


def reduced(planes: Tensor, halved: Halved) -> Tensor:
    """Means over the pixels of each chroma sample."""
    size = (1 + halved[1], 1 + halved[0])
    return planes if size == (1, 1) else F.avg_pool2d(planes, size)


def smoothed(plain: Tensor, halved: Halved | None) -> Tensor:
    """Components whose chroma is enlarged by the triangle filter, from those with repeated samples."""
    if halved is None or not any(halved):
        return plain
    size = plain.shape[2:]
    chroma = plain[:, 1:, :: 1 + halved[1], :: 1 + halved[0]]
    return torch.cat([plain[:, :1], F.interpolate(chroma, size=size, mode="bilinear")], 1)


def enlarged(planes: Tensor, halved: Halved) -> Tensor:
    """Chroma samples repeated on their pixels."""
    n, count, rows, columns = planes.shape
    down, across = 1 + halved[1], 1 + halved[0]
    repeated = planes[:, :, :, None, :, None].expand(n, count, rows, down, columns, across)
    return repeated.reshape(n, count, rows * down, columns * across)
