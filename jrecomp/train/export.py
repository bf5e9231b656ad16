"""From trained networks to a weights file."""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Int8, Int32, Int64
from jrecomp.features.tables import Tables
from jrecomp.model.arrays import CLASSES
from jrecomp.model.planes import LAST, shapes
from jrecomp.model.weights import BUILDERS

Layer = tuple[Int8, Int32]
"""Weight [outputs, inputs] (of a convolution [outputs, inputs, height, width]) and bias [outputs]."""

Linear = list[list[Int64]]
"""Per component class and plane the weights of the linear prediction [phases, inputs]."""


def assemble(
    tables: Tables,
    hidden: tuple[int, int],
    linear: Linear,
    networks: Mapping[tuple[int, int], list[Layer]],
) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a weights file; networks that are missing are all zero."""
    arrays: dict[str, npt.NDArray[Any]] = {f.name: getattr(tables, f.name) for f in fields(Tables)}
    arrays["hidden"] = np.array(hidden, np.int32)
    for number in range(CLASSES):
        layers: list[Layer] = []
        for plane in range(LAST + 1):
            layers += networks.get((number, plane)) or _zero(number, hidden, plane)
        arrays |= joined(layers, number)
        arrays[f"linear_{number}"] = np.concatenate([w.ravel() for w in linear[number]]).astype(np.int16)
    return arrays


def joined(layers: Sequence[Layer], component_class: int) -> dict[str, npt.NDArray[Any]]:
    """Weights and biases of all networks of a component class as a weights file has them."""
    return {
        f"weight_{component_class}": np.concatenate([weight.ravel() for weight, _ in layers]),
        f"bias_{component_class}": np.concatenate([bias for _, bias in layers]),
    }


def _zero(number: int, hidden: tuple[int, int], plane: int) -> list[Layer]:
    layout = shapes(number, hidden, plane)
    return [(np.zeros(shape, np.int8), np.zeros(shape[0], np.int32)) for shape in layout]


def save(
    arrays: dict[str, npt.NDArray[Any]], folder: Path, name: str, identifier: int, kind: str = "planes"
) -> Path:
    """Writes a weights file and its entry in the manifest; an id that is taken is refused.

    kind: of weights.BUILDERS.
    """
    BUILDERS[kind](identifier, name, arrays)
    manifest = folder / "manifest.json"
    entries = json.loads(manifest.read_text())["models"] if manifest.is_file() else []
    if any(identifier == entry["id"] or name == entry["name"] for entry in entries):
        raise ValueError(f"model id {identifier} or name {name!r} is taken: ids are permanent")
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    path = folder / f"{name}-{identifier}.npz"
    path.write_bytes(buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    entry = {"id": identifier, "name": name, "kind": kind, "file": path.name, "sha256": digest}
    entries.append(entry)
    manifest.write_text(json.dumps({"models": entries}, indent=2) + "\n")
    return path
