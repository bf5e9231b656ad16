"""Weights files from trained networks."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Int8, Int32
from jrecomp.errors import UsageError
from jrecomp.model.weights import RESTORER, build
from jrecomp.model.weights_file import pack

Layer = tuple[Int8, Int32]
"""Weight [outputs, inputs] (of a convolution [outputs, inputs, height, width]) and bias [outputs]."""


def joined(layers: Sequence[Layer], component_class: int) -> dict[str, npt.NDArray[Any]]:
    """The arrays of weights and biases of a component class in a weights file."""
    return {
        f"weight_{component_class}": np.concatenate([weight.ravel() for weight, _ in layers]),
        f"bias_{component_class}": np.concatenate([bias for _, bias in layers]),
    }


def check_new(folder: Path, name: str, identifier: int) -> None:
    """Raise UsageError if the weights folder has a model with this name or id."""
    if any(identifier == entry["id"] or name == entry["name"] for entry in _entries(folder)):
        raise UsageError(f"model id {identifier} or name {name!r} is taken: ids are permanent")


def _entries(folder: Path) -> list[dict[str, Any]]:
    manifest = folder / "manifest.json"
    return json.loads(manifest.read_text())["models"] if manifest.is_file() else []


def save(arrays: dict[str, npt.NDArray[Any]], folder: Path, name: str, identifier: int, kind: str) -> Path:
    """Write a weights file and add it to the manifest; kind: one of weights.KINDS."""
    build(kind, identifier, name, arrays)
    check_new(folder, name, identifier)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{identifier}.safetensors"
    digest = _write(path, arrays)
    entry = {"id": identifier, "name": name, "kind": kind, "file": path.name, "sha256": digest}
    _write_manifest(folder, [*_entries(folder), entry])
    return path


def replace_restorer(arrays: dict[str, npt.NDArray[Any]], folder: Path) -> Path:
    """Write the weights file of the restorer in place of that in the manifest."""
    entries = _entries(folder)
    entry = next((entry for entry in entries if entry["name"] == RESTORER), None)
    if entry is None:
        raise UsageError(f"{folder} has no manifest with a restorer")
    path: Path = folder / entry["file"]
    entry["sha256"] = _write(path, arrays)
    _write_manifest(folder, entries)
    return path


def _write(path: Path, arrays: dict[str, npt.NDArray[Any]]) -> str:
    """Write a weights file; returns its SHA-256."""
    data = pack(arrays)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def _write_manifest(folder: Path, entries: list[dict[str, Any]]) -> None:
    (folder / "manifest.json").write_text(json.dumps({"models": entries}, indent=2) + "\n")
