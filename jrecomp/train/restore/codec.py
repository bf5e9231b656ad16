"""Errors of pictures, and corrections that stay in the cells of a file, on a device."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from jrecomp.restoration.cells import MARGIN
from jrecomp.restoration.network import (
    DIFFERENCE_UNITS,
    HADAMARD,
    INPUT_LIMIT,
    LARGEST_STEP,
    LOGARITHMS_PER_OCTAVE,
    PIXELS,
    SAMPLE_UNIT,
    SIDE,
    input_shifts,
    places,
)
from jrecomp.train.restore.store import Batch, Group
from jrecomp.train.transform import dct_matrix

BOUND = MARGIN / SAMPLE_UNIT
"""Distance from the ends of cells that coefficients keep."""


class Codec:
    """Constants on a device, and functions of batches."""

    def __init__(self, device: torch.device, groups: list[Group]) -> None:
        self.groups = groups
        self.dct = torch.from_numpy(dct_matrix()).to(device)
        self.hadamard = torch.tensor(np.kron(HADAMARD, HADAMARD), dtype=torch.float32, device=device)
        self.scales = torch.tensor(SAMPLE_UNIT / 2.0 ** input_shifts(), dtype=torch.float32, device=device)
        u, v = torch.arange(64, device=device) // 8, torch.arange(64, device=device) % 8
        self.variances = 1500 / (1 + u + v) ** 3.0
        rgb = [[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]]
        self.to_rgb = torch.tensor(rgb, device=device)
        self.luma_alone = torch.tensor([[1.0], [0.0], [0.0]], device=device)
        self.flags = torch.cat(
            [
                torch.tensor([[*g.halved, g.factors is None]], dtype=torch.float32).expand(
                    g.last - g.first, -1
                )
                for g in groups
            ]
        ).to(device)
        self._places: dict[tuple[int, int], Tensor] = {}

    def described(self, steps: Tensor) -> Tensor:
        """Logarithms [n, 3, 64] of the steps, as the network reads them."""
        logs = (LOGARITHMS_PER_OCTAVE * steps.clamp(1, LARGEST_STEP).log2()).round().clamp(max=255)
        gray = self.flags[:, 2, None, None]
        return logs * (1 - gray * (1 - self.luma_alone))

    def inputs(self, batch: Batch) -> Tensor:
        """The inputs of the network, see restoration.network.inputs()."""
        cells = F.pixel_unshuffle(batch.restored, SIDE)
        n, _, rows, columns = cells.shape
        found = torch.einsum("uk,nckp->ncup", self.hadamard, cells.view(n, 3, PIXELS, -1))
        found = found.reshape(cells.shape) * self.scales[:, None, None]
        factors = DIFFERENCE_UNITS / batch.steps.mean(2)
        difference = (batch.decoded - batch.restored) * factors[:, :, None, None]
        x = torch.cat([found, F.pixel_unshuffle(difference, SIDE)], 1).round()
        return torch.cat([x.clamp(-INPUT_LIMIT, INPUT_LIMIT), self._constant(rows, columns)], 1)

    def _constant(self, rows: int, columns: int) -> Tensor:
        if (rows, columns) not in self._places:
            parts = [
                torch.from_numpy(places(rows, columns, g.halved)).float().expand(g.last - g.first, -1, -1, -1)
                for g in self.groups
            ]
            self._places[rows, columns] = torch.cat(parts).to(self.dct.device)
        return self._places[rows, columns]

    def corrected(self, batch: Batch, correction: Tensor) -> Tensor:
        """Components after corrections in levels, with all coefficients in the cells of the file."""
        change = batch.restored + correction - batch.decoded
        luma = self._inside(change[:, :1], batch.steps[:, :1])
        chroma = [self._chroma(change[g.range, 1:], batch.steps[g.range, 1:], g) for g in self.groups]
        return batch.decoded + torch.cat([luma, torch.cat(chroma)], 1)

    def _chroma(self, change: Tensor, steps: Tensor, group: Group) -> Tensor:
        if group.factors is None:
            return torch.zeros_like(change)
        means = change if group.factors == (1, 1) else F.avg_pool2d(change, group.factors)
        back = self._inside(means, steps) - means
        down, across = group.factors
        return change + back.repeat_interleave(down, 2).repeat_interleave(across, 3)

    def _inside(self, change: Tensor, steps: Tensor) -> Tensor:
        """The nearest changes of planes from the centres of cells that stay in them."""
        n, count, rows, columns = change.shape
        blocks = change.reshape(n, count, rows // 8, 8, columns // 8, 8).transpose(3, 4)
        coefficients = blocks.reshape(n, count, -1, 64) @ self.dct.T
        bound = (steps / 2 - BOUND)[:, :, None]
        inside = torch.minimum(torch.maximum(coefficients, -bound), bound) @ self.dct
        blocks = inside.view(n, count, rows // 8, columns // 8, 8, 8).transpose(3, 4)
        return blocks.reshape(change.shape)

    def errors(self, components: Tensor, original: Tensor) -> tuple[Tensor, Tensor]:
        """Mean squared errors [n] of luma and of RGB."""
        error = components - original
        rgb = torch.einsum("ij,njyx->niyx", self.to_rgb, error)
        return error[:, 0].square().mean((1, 2)), rgb.square().mean((1, 2, 3))

    def typical_error(self, steps: Tensor) -> Tensor:
        """A squared error [n] of luma that is typical of tables [n, 3, 64]."""
        return torch.minimum(steps[:, 0].square() / 12, self.variances).mean(1)
