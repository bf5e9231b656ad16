"""Weights files: one model each, found by a permanent id and checked by SHA-256.

weights/manifest.json lists {"id", "name", "kind", "file", "sha256"}. A file is an .npz of `tables` (by name),
`hidden` (the two widths), and per component class c: `linear_c` (int16, all linear predictions in
order), `weight_c` (int8, all layers of all planes in order) and `bias_c` (int32 likewise). That is the kind
"planes", Model here; the others are "hierarchical" (jrecomp.model.hierarchical) and "blocks"
(jrecomp.model.blocks).
"""

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache, cached_property
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
import numpy.typing as npt

from jrecomp.errors import UnknownModelError
from jrecomp.model import blocks, hierarchical
from jrecomp.model.arrays import CLASSES, WeightsFile
from jrecomp.model.blocks import BlocksModel
from jrecomp.model.hierarchical import HierarchicalModel
from jrecomp.model.network import Layer, Network, split
from jrecomp.model.symbols import LAST_OUTPUTS, VALUE_OUTPUTS
from jrecomp.native.engine import Engine
from jrecomp.planes import ac, dc
from jrecomp.planes.arrays import namespace
from jrecomp.planes.schedule import PYRAMID_PHASES, SLOTS
from jrecomp.planes.store import AC_INPUTS, cross, nearest_known
from jrecomp.planes.tables import Tables

LAST = 64
"""Number of the network that predicts `last`, after those of the 64 planes."""

DEFAULT_MODEL = "default"


def references_of(component_class: int) -> int:
    """How many other components a class sees at most."""
    return component_class


def shapes(component_class: int, hidden: tuple[int, int], plane: int) -> list[tuple[int, int]]:
    """(outputs, inputs) of the three layers of a plane's network."""
    references = references_of(component_class)
    if plane == LAST:
        inputs, outputs = dc.last_width(references), LAST_OUTPUTS
    elif plane == 0:
        inputs, outputs = dc.dc_width(references), VALUE_OUTPUTS
    else:
        inputs, outputs = ac.width(plane, references), VALUE_OUTPUTS
    return [(hidden[0], inputs), (hidden[1], hidden[0]), (outputs, hidden[1])]


def linear_shape(plane: int) -> tuple[int, int]:
    """(phases, inputs) of a plane's linear predictions."""
    return (PYRAMID_PHASES, SLOTS) if plane == 0 else (2, len(AC_INPUTS[plane].plane))


@dataclass(frozen=True)
class ClassWeights:
    """networks: of planes 0 to 63 and LAST. linear: per plane int64 [phases, inputs]."""

    networks: list[Network]
    linear: list[npt.NDArray[np.int64]]


class Model(WeightsFile):
    """Everything that predicts, of the kind of planes; only NumPy's arrays have an engine."""

    @cached_property
    def classes(self) -> list[ClassWeights]:
        """The weights of each component class for the NumPy and torch engines; raises ValueError."""
        return [_class_weights(self.arrays, c) for c in range(CLASSES)]

    @cached_property
    def engine(self) -> Engine:
        """The native engine with these weights; raises ValueError."""
        return native_engine(self.arrays)


def native_engine(arrays: Mapping[str, npt.NDArray[Any]], form: type[Engine] = Engine) -> Engine:
    """The native engine, in a form of jrecomp.native.engine, with the arrays of a weights file."""
    engine = form(selections=_selections(), **{field.name: arrays[field.name] for field in fields(Tables)})
    first, second = arrays["hidden"].tolist()
    for c in range(CLASSES):
        engine.add_class(c, first, second, arrays[f"weight_{c}"], arrays[f"bias_{c}"], arrays[f"linear_{c}"])
    return engine


def _class_weights(arrays: Mapping[str, npt.NDArray[Any]], number: int) -> ClassWeights:
    xp = namespace(arrays["hidden"])
    hidden = (int(arrays["hidden"][0]), int(arrays["hidden"][1]))
    layers = [shape for plane in range(LAST + 1) for shape in shapes(number, hidden, plane)]
    weights = split(xp.astype(arrays[f"weight_{number}"], xp.float32), list(layers))
    biases = split(xp.astype(arrays[f"bias_{number}"], xp.float32), [(outputs, 1) for outputs, _ in layers])
    pairs = [Layer(weight, bias) for weight, bias in zip(weights, biases, strict=True)]
    networks = [Network(pairs[3 * plane : 3 * plane + 3]) for plane in range(LAST + 1)]
    linear = split(xp.astype(arrays[f"linear_{number}"], xp.int64), [linear_shape(p) for p in range(64)])
    return ClassWeights(networks, linear)


def build(identifier: int, name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> Model:
    """A model from the arrays of a weights file, checked; raises ValueError where they do not fit."""
    model = Model(identifier, name, arrays)
    assert model.engine is not None
    return model


AnyModel = Model | HierarchicalModel | BlocksModel

BUILDERS: dict[str, Callable[[int, str, Mapping[str, npt.NDArray[Any]]], AnyModel]] = {
    "planes": build,
    "hierarchical": hierarchical.build,
    "blocks": blocks.build,
}
"""What makes a model of a file's arrays, by kind."""


def _selections() -> list[tuple[list[int], list[int], list[int], tuple[int, int, int, int, int]]]:
    return [
        (inputs.plane.tolist(), inputs.side.tolist(), nearest_known(k, ac.ENERGY_PLANES), cross(k))
        for k, inputs in enumerate(AC_INPUTS)
    ]


def folder() -> Path:
    """Where weights lie: at the top level of a checkout, inside the package where it is installed."""
    package = Path(__file__).parents[1]
    checkout = package.parent
    return (checkout if (checkout / "pyproject.toml").is_file() else package) / "weights"


def names() -> list[str]:
    """Names of the installed models."""
    return [entry["name"] for entry in _entries()]


_LOADING = RLock()


def load(wanted: str | int = DEFAULT_MODEL) -> AnyModel:
    """The model of a name or a permanent id; raises UnknownModelError."""
    with _LOADING:  # several threads that ask at once shall not each build it
        return _load(wanted)


@cache
def _load(wanted: str | int) -> AnyModel:
    entries = _entries()
    for entry in entries:
        if wanted == entry["id"]:
            return _load_entry(entry)
        if wanted == entry["name"]:
            return _load(entry["id"])  # one model, whichever way it is asked for
    known = ", ".join(f"{entry['name']} (id {entry['id']})" for entry in entries) or "none"
    raise UnknownModelError(f"model {wanted!r} is not installed; installed models: {known}")


def _entries() -> list[dict[str, Any]]:
    manifest = folder() / "manifest.json"
    return json.loads(manifest.read_text())["models"] if manifest.is_file() else []


def _load_entry(entry: dict[str, Any]) -> AnyModel:
    data = (folder() / entry["file"]).read_bytes()
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise UnknownModelError(f"weights of model {entry['name']!r} are damaged")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return BUILDERS[entry["kind"]](entry["id"], entry["name"], dict(arrays))
