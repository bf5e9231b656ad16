"""Models of planes: a small network predicts each coefficient plane (docs/format/planes.md).

Networks have the numbers of the planes that they predict: 0 for DC, 1 to 63 for AC, and LAST for `last`, the
index of the last non-zero AC coefficient. In weights files AC planes may share networks. When a model is
built from a file, each plane gets a network of its own.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Int64
from jrecomp.features import ac, dc
from jrecomp.features.schedule import PYRAMID_PHASES, SLOTS
from jrecomp.features.store import AC_INPUTS, cross, nearest_known
from jrecomp.features.tables import Tables
from jrecomp.model.arrays import CLASSES, Arrays, Model
from jrecomp.model.network import Layer, Network, split
from jrecomp.model.sharing import Planes, SharedLayers, groups_of, known_values
from jrecomp.model.symbols import LAST_OUTPUTS, VALUE_OUTPUTS
from jrecomp.native.engine import Engine

LAST = 64
"""Number of the network that predicts `last`."""

NETWORKS = LAST + 1
"""Number of networks of a component class."""

_OF_CLASS = ("network", "weight", "bias", "linear")
"""Names of the arrays of each class in weights files."""

Shape = tuple[int, int]
"""(outputs, inputs) of a layer."""


def references_of(component_class: int) -> int:
    """Largest number of references of the components of a class."""
    return component_class


def shapes(component_class: int, hidden: tuple[int, int], plane: int) -> list[Shape]:
    """Shapes of the three layers of a plane's network; hidden: widths of the hidden layers."""
    references = references_of(component_class)
    if plane == LAST:
        inputs, outputs = dc.last_width(references), LAST_OUTPUTS
    elif plane == 0:
        inputs, outputs = dc.dc_width(references), VALUE_OUTPUTS
    else:
        inputs, outputs = ac.width(plane, references), VALUE_OUTPUTS
    return [(hidden[0], inputs), (hidden[1], hidden[0]), (outputs, hidden[1])]


def linear_shape(plane: int) -> tuple[int, int]:
    """(phases, inputs) of the weights of a plane's linear predictions."""
    return (PYRAMID_PHASES, SLOTS) if plane == 0 else (2, len(AC_INPUTS[plane].plane))


class ClassWeights(NamedTuple):
    """The weights of a component class.

    networks: of planes 0 to 63 and LAST. linear: of the linear predictions of planes 0 to 63, each int64
    [phases, inputs].
    """

    networks: list[Network]
    linear: list[Int64]


class PlanesModel(Model):
    """A model of planes. A native engine requires NumPy arrays."""

    kind = "planes"

    @cached_property
    def unshared(self) -> Arrays:
        """The arrays with a network for each plane, for engines that are not native; raises ValueError."""
        return without_sharing(self.arrays)

    @cached_property
    def classes(self) -> list[ClassWeights]:
        """The weights of each component class for the NumPy engine; raises ValueError."""
        return [_class_weights(self.unshared, c) for c in range(CLASSES)]

    @cached_property
    def engine(self) -> Engine:
        """The native engine with these weights; raises ValueError."""
        return native_engine(self.arrays)


def build(identifier: int, name: str, arrays: Arrays) -> PlanesModel:
    """Make a model from the arrays of a weights file; raises ValueError if sizes or sums do not fit."""
    model = PlanesModel(identifier, name, arrays)
    assert model.engine is not None
    return model


def shared_layers(arrays: Arrays, number: int) -> list[SharedLayers]:
    """The networks of a component class, as they are shared in a weights file; raises ValueError.

    arrays: of the weights file. number: the component class.
    """
    hidden = (int(arrays["hidden"][0]), int(arrays["hidden"][1]))
    numbers = arrays[f"network_{number}"].tolist()
    if len(numbers) != NETWORKS:
        raise ValueError("the weights do not fit: not every plane has a network")
    groups = groups_of(numbers)
    layouts = [shared_shapes(number, hidden, planes) for planes in groups]
    weights = split(arrays[f"weight_{number}"], [shape for layout in layouts for shape in layout])
    biases = split(
        arrays[f"bias_{number}"],
        [s for planes, layout in zip(groups, layouts, strict=True) for s in _bias_shapes(planes, layout)],
    )
    return [
        SharedLayers(planes, weights[3 * n : 3 * n + 3], biases[3 * n : 3 * n + 3])
        for n, planes in enumerate(groups)
    ]


def shared_shapes(component_class: int, hidden: tuple[int, int], planes: Planes) -> list[Shape]:
    """Shapes of the three layers of a network that planes share."""
    (outputs, inputs), *others = shapes(component_class, hidden, planes[0])
    if len(planes) > 1:
        inputs += len(known_values(planes)) - len(AC_INPUTS[planes[0]].plane)
    return [(outputs, inputs), *others]


def _bias_shapes(planes: Planes, layout: Sequence[Shape]) -> list[tuple[int, ...]]:
    first, *others = (outputs for outputs, _ in layout)
    return [(len(planes), first), *((outputs,) for outputs in others)]


def without_sharing(arrays: Arrays) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a weights file with shared networks copied to each of their planes; raises ValueError."""
    result = {name: array for name, array in arrays.items() if not name.startswith("network_")}
    for number in range(CLASSES):
        networks = shared_layers(arrays, number)
        owner = {plane: network for network in networks for plane in network.planes}
        layers = [layer for plane in range(NETWORKS) for layer in owner[plane].of(plane)]
        result[f"weight_{number}"] = np.concatenate([weight.ravel() for weight, _ in layers])
        result[f"bias_{number}"] = np.concatenate([bias for _, bias in layers])
    return result


def native_engine(arrays: Arrays, form: type[Engine] = Engine) -> Engine:
    """The native engine for a model.

    arrays: of a weights file. form: the class of the engine in a build of jrecomp.native.engine. Raises
    ValueError if sizes or sums do not fit.
    """
    engine = form(selections=_selections(), **{name: arrays[name] for name in Tables._fields})
    first, second = arrays["hidden"].tolist()
    for c in range(CLASSES):
        networks, weights, biases, linear = (arrays[f"{name}_{c}"] for name in _OF_CLASS)
        engine.add_class(c, first, second, networks, weights, biases, linear)
    return engine


def _class_weights(arrays: Arrays, number: int) -> ClassWeights:
    hidden = (int(arrays["hidden"][0]), int(arrays["hidden"][1]))
    layers = [shape for plane in range(NETWORKS) for shape in shapes(number, hidden, plane)]
    weights = split(arrays[f"weight_{number}"].astype(np.float32), list(layers))
    biases = split(arrays[f"bias_{number}"].astype(np.float32), [(outputs, 1) for outputs, _ in layers])
    pairs = [Layer(weight, bias) for weight, bias in zip(weights, biases, strict=True)]
    networks = [Network(pairs[3 * plane : 3 * plane + 3]) for plane in range(NETWORKS)]
    linear = split(arrays[f"linear_{number}"].astype(np.int64), [linear_shape(p) for p in range(64)])
    return ClassWeights(networks, linear)


def _selections() -> list[tuple[list[int], list[int], list[int], tuple[int, int, int, int, int]]]:
    return [
        (inputs.plane.tolist(), inputs.side.tolist(), nearest_known(k, ac.ENERGY_PLANES), cross(k))
        for k, inputs in enumerate(AC_INPUTS)
    ]
