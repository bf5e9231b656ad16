"""Networks that are shared by several AC planes (docs/format/planes.md, "Weights files").

A shared network has the known values of all its planes as inputs. Known values of different planes are the
same input if they are in the same block and have the same offset in frequency from their plane. Each plane
has its own bias in the first layer. All other weights are common.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Index
from jrecomp.features.store import AC_INPUTS, DIFFERENCE
from jrecomp.t81 import PLACES

Planes = tuple[int, ...]
"""Numbers of the planes that share a network, ascending."""

Layers = list[tuple[npt.NDArray[Any], npt.NDArray[Any]]]
"""Weight [outputs, inputs] and bias [outputs] of each layer of a plane's network."""


class SharedLayers(NamedTuple):
    """The layers of a network that planes share.

    weights: [outputs, inputs] for each layer. biases: [planes, outputs] for the first layer, [outputs] for
    the others.
    """

    planes: Planes
    weights: list[npt.NDArray[Any]]
    biases: list[npt.NDArray[Any]]

    def of(self, plane: int) -> Layers:
        """The network of one of the planes, with only its own inputs."""
        first = self.weights[0]
        if len(self.planes) > 1:
            first = first[:, columns(self.planes, plane, first.shape[1])]
        biases = [self.biases[0][self.planes.index(plane)], *self.biases[1:]]
        return list(zip([first, *self.weights[1:]], biases, strict=True))


def groups_of(numbers: Sequence[int]) -> list[Planes]:
    """The planes of each network.

    numbers: the network of each plane. Networks must be numbered in the order of their first planes, and DC
    and `last` must have networks of their own. Raises ValueError otherwise.
    """
    count = max(numbers) + 1
    groups = [tuple(p for p, n in enumerate(numbers) if n == number) for number in range(count)]
    firsts = [group[0] if group else -1 for group in groups]
    if firsts != sorted(set(firsts)) or firsts[0] != 0:
        raise ValueError("the weights do not fit: networks are not in the order of their planes")
    if any(len(group) > 1 and not {0, len(numbers) - 1}.isdisjoint(group) for group in groups):
        raise ValueError("the weights do not fit: DC and `last` cannot share a network")
    return groups


@cache
def known_values(planes: Planes) -> dict[tuple[int, ...], int]:
    """The known values of any of the planes, in the order of a shared network's inputs, with their indices.

    Coefficients are (side, vertical offset, horizontal offset in frequency), ascending. DC differences are
    (DIFFERENCE + neighbour,) and come last.
    """
    every = {value for plane in planes for value in _of_plane(plane)}
    ordered = sorted(every, key=lambda value: (len(value) == 1, value))
    return {value: index for index, value in enumerate(ordered)}


@cache
def _of_plane(plane: int) -> list[tuple[int, ...]]:
    known, (row, column) = AC_INPUTS[plane], PLACES[plane]
    return [
        (side, PLACES[j][0] - row, PLACES[j][1] - column) if j < DIFFERENCE else (j,)
        for j, side in zip(known.plane.tolist(), known.side.tolist(), strict=True)
    ]


def columns(planes: Planes, plane: int, inputs: int) -> Index:
    """The inputs of a shared network that belong to one of its planes.

    planes: that share the network. plane: one of them. inputs: number of inputs of the shared network. Inputs
    after the known values are common to all planes.
    Returns their indices, intp [inputs of the plane].
    """
    every = known_values(planes)
    return np.array([*map(every.__getitem__, _of_plane(plane)), *range(len(every), inputs)], np.intp)
