"""Examples in files, and random crops of them on a device.

A folder has pairs of files: planes of many examples one after the other, and a table of their places. Nothing
in Crops.take() depends on values on the host, so that a CUDA graph can contain it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from jrecomp.restoration.network import SAMPLE_UNIT
from jrecomp.train.restore.examples import SAMPLINGS, Example

FACTORS = {"4:2:0": (2, 2), "4:4:4": (1, 1), "4:2:2": (1, 2), "4:4:0": (2, 1), "gray": None}
"""How many times chroma is smaller, down and across; None where there is none."""

GRID = 16
"""Places of crops are multiples of this number of pixels, as MCUs are."""

PLANES = 9
"""Three kinds of three components, see Example."""

_TABLE_COLUMNS = 4
"""Offset, rows, columns and sampling; the steps follow."""


class Group(NamedTuple):
    """Crops first to last - 1 of a batch, which have the same sampling; factors: a value of FACTORS."""

    first: int
    last: int
    factors: tuple[int, int] | None

    @property
    def range(self) -> slice:
        """The crops."""
        return slice(self.first, self.last)

    @property
    def halved(self) -> tuple[bool, bool]:
        """Whether chroma is halved in width and in height."""
        down, across = self.factors or (1, 1)
        return across == 2, down == 2


def groups(batch: int) -> list[Group]:
    """The groups of a batch, the samplings in their shares."""
    ends = np.rint(np.cumsum(list(SAMPLINGS.values())) * batch).astype(int).tolist()
    parts = zip([0, *ends[:-1]], ends, FACTORS.values(), strict=True)
    return [Group(*part) for part in parts if part[0] < part[1]]


class Batch(NamedTuple):
    """Crops of examples in levels of 8 bits, float [n, 3, rows, columns]: restored by expectation, plainly
    decoded, and the original; and steps [n, 3, 64] in raster order."""

    restored: Tensor
    decoded: Tensor
    original: Tensor
    steps: Tensor


def write(folder: Path, number: int, examples: Iterable[Example]) -> None:
    """Write a pair of files."""
    table, offset = [], 0
    with (folder / f"{number}.planes").open("wb") as file:
        for planes, steps, sampling in examples:
            file.write(planes.tobytes())
            table.append([offset, *planes.shape[2:], list(SAMPLINGS).index(sampling), *steps.ravel()])
            offset += planes.size
    np.save(folder / f"{number}.npy", np.array(table, np.int64))


def is_complete(folder: Path, number: int) -> bool:
    """Whether write() has written a pair of files to its end."""
    return (folder / f"{number}.npy").exists()


@dataclass(frozen=True)
class Crops:
    """Examples of which crops are taken, all on one device.

    planes: int16, all planes. tables: int64 [examples, 4 + 192] for each sampling. side: of the crops.
    """

    planes: Tensor
    tables: list[Tensor]
    side: int

    @classmethod
    def read(cls, folder: Path, side: int, device: torch.device) -> "Crops":
        """The examples of a folder that are large enough."""
        planes, tables, offset = [], [], 0
        for path in sorted(folder.glob("*.npy")):
            table = np.load(path)
            table[:, 0] += offset
            planes.append(np.fromfile(path.with_suffix(".planes"), np.int16))
            offset += len(planes[-1])
            tables.append(table[(table[:, 1] >= side) & (table[:, 2] >= side)])
        whole = torch.from_numpy(np.concatenate(tables)).to(device)
        parts = [whole[whole[:, 3] == number] for number in range(len(SAMPLINGS))]
        return cls(torch.from_numpy(np.concatenate(planes)).to(device), parts, side)

    def take(self, batch: int) -> Batch:
        """Random crops, mirrored at random, in the order of groups()."""
        device, side = self.planes.device, self.side
        parts = []
        for group in groups(batch):
            table = self.tables[list(FACTORS.values()).index(group.factors)]
            chosen = torch.rand(group.last - group.first, device=device) * len(table)
            parts.append(table[chosen.long().clamp(max=len(table) - 1)])
        chosen = torch.cat(parts)
        chance = torch.rand(4, batch, device=device)
        start, rows, columns = chosen[:, 0], chosen[:, 1], chosen[:, 2]
        top = (chance[0] * ((rows - side) // GRID + 1)).long() * GRID
        left = (chance[1] * ((columns - side) // GRID + 1)).long() * GRID
        line = torch.arange(side, device=device)
        y = torch.where(chance[2, :, None] < 0.5, line, side - 1 - line) + top[:, None]
        x = torch.where(chance[3, :, None] < 0.5, line, side - 1 - line) + left[:, None]
        place = y[:, :, None] * columns[:, None, None] + x[:, None, :] + start[:, None, None]
        plane = (rows * columns)[:, None] * torch.arange(PLANES, device=device)
        samples = self.planes[place[:, None] + plane[:, :, None, None]] / SAMPLE_UNIT
        restored, decoded, original = samples.view(batch, 3, 3, side, side).unbind(1)
        steps = chosen[:, _TABLE_COLUMNS:].view(batch, 3, 64).float()
        return Batch(restored, decoded, original, steps)
