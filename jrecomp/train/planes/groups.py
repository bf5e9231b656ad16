"""Groups of planes that share a network, and the inputs of shared networks in training."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jrecomp.array_types import Int8
from jrecomp.model.arrays import CLASSES
from jrecomp.model.planes import LAST, NETWORKS, Shape, shared_shapes
from jrecomp.model.sharing import Planes, SharedLayers, columns
from jrecomp.train.export import Layer

SHARED = (range(40, 64), range(36, 64), range(36, 64))
"""The planes of each component class that share a network, as they have few samples."""

MARK = 64
"""In training, a shared network has an input for each plane: MARK in samples of the plane, otherwise 0."""


class Group(NamedTuple):
    """A component class and the planes of a network, most often one."""

    component_class: int
    planes: Planes

    @property
    def name(self) -> str:
        """Name for files."""
        return f"{self.component_class}-{self.planes[0]:02}"

    def __str__(self) -> str:
        first, last = self.planes[0], self.planes[-1]
        planes = f"plane {first}" if first == last else f"planes {first} to {last}"
        return f"class {self.component_class}, {'last' if first == LAST else planes}"

    def shapes(self, hidden: tuple[int, int]) -> list[Shape]:
        """(outputs, inputs) of the three layers in training, with the inputs for planes."""
        (outputs, inputs), *others = shared_shapes(self.component_class, hidden, self.planes)
        return [(outputs, inputs + self._marks), *others]

    @property
    def _marks(self) -> int:
        return len(self.planes) if len(self.planes) > 1 else 0

    def inputs_of(self, plane: int, x: Int8) -> Int8:
        """Inputs for the network in training; x: inputs of the plane, int8 [n, inputs of the plane]."""
        if not self._marks:
            return x
        (_, inputs), *_ = shared_shapes(self.component_class, (1, 1), self.planes)
        wide = np.zeros((len(x), inputs + self._marks), np.int8)
        wide[:, columns(self.planes, plane, inputs)] = x
        wide[:, inputs + self.planes.index(plane)] = MARK
        return wide

    def exported(self, layers: Sequence[Layer]) -> SharedLayers:
        """Trained layers in the form of weights files: weights of the inputs for planes become biases."""
        weights, biases = map(list, zip(*layers, strict=True))
        if self._marks:
            weights[0], marks = np.split(weights[0], [-self._marks], axis=1)
            biases[0] = (biases[0] + MARK * marks.T.astype(np.int32)).astype(np.int32)
        else:
            biases[0] = biases[0][None]
        return SharedLayers(self.planes, weights, biases)

    def imported(self, network: SharedLayers) -> list[Layer]:
        """The inverse of exported(): layers to begin a training with."""
        first, *others = network.biases
        if not self._marks:
            return list(zip(network.weights, [first[0], *others], strict=True))
        middle = first[0] + MARK * np.rint((first.max(0) + first.min(0) - 2 * first[0]) / (2 * MARK))
        marks = (first - middle).T / MARK
        weights = [np.concatenate([network.weights[0], marks], 1), *network.weights[1:]]
        return list(zip(weights, [middle, *others], strict=True))


def all_groups() -> list[Group]:
    """The groups of a model: single planes, those with the most bits first, then shared networks."""
    alone = [LAST, *range(NETWORKS - 1)]
    groups = [Group(c, (p,)) for p in alone for c in range(CLASSES) if p not in SHARED[c]]
    return groups + [Group(c, tuple(SHARED[c])) for c in range(CLASSES)]
