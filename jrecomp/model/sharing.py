"""Networks that several AC planes share (docs/format/planes.md, "Weights files").

A shared network has an input for every known value that any of its planes sees. Known values of different
planes are the same input if they lie in the same block and are as many frequencies further down and to the
right. Each plane has a bias of its own in the first layer; all other weights are common.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Index
from jrecomp.features.store import AC_INPUTS, DIFFERENCE
from jrecomp.t81 import COLUMN, ROW

Planes = tuple[int, ...]
"""Numbers of planes that share a network, ascending."""

Layers = list[tuple[npt.NDArray[Any], npt.NDArray[Any]]]
"""Weight [outputs, inputs] and bias [outputs] of the layers of one plane's network."""


@dataclass(frozen=True)
class SharedLayers:
    """The layers of the network of some planes.

    weights: [outputs, inputs] of each layer. biases: of the first layer [planes, outputs], then [outputs].
    """

    planes: Planes
    weights: list[npt.NDArray[Any]]
    biases: list[npt.NDArray[Any]]

    def of(self, plane: int) -> Layers:
        """The network of one of the planes as if it shared nothing."""
        first = self.weights[0]
        if len(self.planes) > 1:
            first = first[:, columns(self.planes, plane, first.shape[1])]
        biases = [self.biases[0][self.planes.index(plane)], *self.biases[1:]]
        return list(zip([first, *self.weights[1:]], biases, strict=True))


def groups_of(numbers: Sequence[int]) -> list[Planes]:
    """The planes of each network, from the number of each plane's network; raises ValueError.

    Networks are numbered in the order of their first planes. DC and `last` share with nobody.
    """
    count = max(numbers) + 1
    groups = [tuple(p for p, n in enumerate(numbers) if n == number) for number in range(count)]
    firsts = [group[0] if group else -1 for group in groups]
    if firsts != sorted(set(firsts)) or firsts[0] != 0:
        raise ValueError("networks are not in the order of their planes")
    if any(len(group) > 1 and not {0, len(numbers) - 1}.isdisjoint(group) for group in groups):
        raise ValueError("DC and `last` cannot share a network")
    return groups


@cache
def known_values(planes: Planes) -> list[tuple[int, ...]]:
    """The known values that any of some AC planes sees, in the order of a shared network's inputs.

    (side, rows down, columns to the right) of coefficients, ascending; then (DIFFERENCE + neighbour,).
    """
    every = {value for plane in planes for value in _of_plane(plane)}
    return sorted(every, key=lambda value: (len(value) == 1, value))


def _of_plane(plane: int) -> list[tuple[int, ...]]:
    known = AC_INPUTS[plane]
    return [
        (side, int(ROW[j] - ROW[plane]), int(COLUMN[j] - COLUMN[plane])) if j < DIFFERENCE else (j,)
        for j, side in zip(known.plane.tolist(), known.side.tolist(), strict=True)
    ]


def columns(planes: Planes, plane: int, inputs: int) -> Index:
    """Which inputs of a shared network those of a plane are, intp [inputs of the plane].

    inputs: how many the shared network has. Those after the known values are the same in all planes.
    """
    every = known_values(planes)
    own = [every.index(value) for value in _of_plane(plane)]
    return np.array([*own, *range(len(every), inputs)], np.intp)
