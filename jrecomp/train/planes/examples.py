"""Training data of a network: the samples of its planes, on the device that trains."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from jrecomp.train.planes import decisions, samples
from jrecomp.train.planes.groups import Group
from jrecomp.train.planes.network import IntegerNetwork, bits

MOST = 16_000_000
"""Largest number of samples of a network, divided equally among planes that share it."""

CHUNK = 1 << 16
"""Number of samples that are evaluated at once."""


@dataclass(frozen=True)
class Examples:
    """n samples of a network.

    x: int8 [n, inputs]. rows: int32 [n], the row of each sample in the table. table: int8 [rows, outputs], as
    from decisions.table().
    """

    x: Tensor
    rows: Tensor
    table: Tensor

    @classmethod
    def read(cls, folder: Path, group: Group) -> "Examples | None":
        """The samples of a network, None if there are none."""
        x, rows = [], []
        for plane in group.planes:
            some = samples.read(folder, group.component_class, plane, MOST // len(group.planes))
            if some is not None:
                x.append(group.inputs_of(plane, some.x))
                rows.append(decisions.rows(plane, some.target, some.known_nonzero > 0))
        if not x:
            return None
        arrays = np.concatenate(x), np.concatenate(rows), decisions.table(group.planes[0])
        return cls(*map(torch.from_numpy, arrays))

    def __len__(self) -> int:
        return len(self.x)

    def to(self, device: str) -> "Examples":
        """The examples on a device."""
        return Examples(self.x.to(device), self.rows.to(device), self.table.to(device))

    def take(self, which: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs float32 [k, inputs] and decisions int8 [k, outputs] of samples; which: int64 [k]."""
        rows = self.rows.index_select(0, which)
        return self.x.index_select(0, which).float(), self.table.index_select(0, rows)

    def some(self, count: int) -> "Examples":
        """At most `count` random examples."""
        if count >= len(self):
            return self
        which = torch.randint(len(self), (count,), device=self.x.device)
        return Examples(self.x[which], self.rows[which], self.table)

    @torch.no_grad()
    def bits(self, network: IntegerNetwork) -> float:
        """Total bits of the examples with a network."""
        return float(sum(bits(network(x), wanted).item() for x, wanted in self._chunks()))

    def _chunks(self) -> Iterator[tuple[Tensor, Tensor]]:
        for which in torch.split(torch.arange(len(self), device=self.x.device), CHUNK):
            yield self.take(which)
