"""The arrays of a weights file from the trained networks of a model of planes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Int64
from jrecomp.features.tables import Tables
from jrecomp.model.arrays import CLASSES
from jrecomp.model.planes import NETWORKS, shapes
from jrecomp.model.sharing import SharedLayers

Linear = list[list[Int64]]
"""The weights of the linear predictions by component class and plane, each [phases, inputs]."""

Networks = Mapping[tuple[int, int], SharedLayers]
"""The network of each component class and plane; planes that share a network have the same object."""


def assemble(
    tables: Tables, hidden: tuple[int, int], linear: Linear, networks: Networks
) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a weights file; missing networks have weights of 0."""
    arrays: dict[str, npt.NDArray[Any]] = tables._asdict()
    arrays["hidden"] = np.array(hidden, np.int32)
    for number in range(CLASSES):
        of_planes = [networks.get((number, p)) or _zero(number, hidden, p) for p in range(NETWORKS)]
        different = list({network.planes: network for network in of_planes}.values())
        numbers = {network.planes: place for place, network in enumerate(different)}
        arrays[f"network_{number}"] = np.array([numbers[n.planes] for n in of_planes], np.uint8)
        arrays[f"weight_{number}"] = np.concatenate([w.ravel() for n in different for w in n.weights])
        arrays[f"bias_{number}"] = np.concatenate([b.ravel() for n in different for b in n.biases])
        arrays[f"linear_{number}"] = np.concatenate([w.ravel() for w in linear[number]]).astype(np.int16)
    return arrays


def _zero(number: int, hidden: tuple[int, int], plane: int) -> SharedLayers:
    layout = shapes(number, hidden, plane)
    first, *others = (np.zeros(outputs, np.int32) for outputs, _ in layout)
    return SharedLayers((plane,), [np.zeros(shape, np.int8) for shape in layout], [first[None], *others])
