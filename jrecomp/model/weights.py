"""Loading of models from weights files by name or permanent identifier.

weights/manifest.json lists the models as objects {"id", "name", "kind", "file", "sha256"}. A weights file is
read by weights_file. The arrays of each kind of model are specified in docs/format/planes.md,
docs/format/latents.md and docs/format/blocks.md, those of the network that restores pictures in
docs/restoring.md.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np

from jrecomp.digest import sha256
from jrecomp.errors import UnknownModelError, shortage
from jrecomp.model.arrays import Arrays, Model
from jrecomp.model.weights_file import unpack

DEFAULT_MODEL = "default"

"""Name of the model that is used unless another is chosen."""

FALLBACK_MODEL = "fast"
"""Name of the model for files that another one does not make smaller; it learns faster from a file."""

RESTORER = "restorer"
"""Name and kind of the network that restores pictures, which predicts no coefficients."""

KINDS = ("planes", "latents", "blocks")
"""The kinds of models. jrecomp.model has a module for each."""


def build(kind: str, identifier: int, name: str, arrays: Arrays) -> Model:
    """Make a model of one of KINDS; raises ValueError if the arrays do not fit.

    The module of the kind is imported only then, as most calls need one kind.
    """
    model: Model = import_module(f"jrecomp.model.{kind}").build(identifier, name, arrays)
    return model


def folder() -> Path:
    """The folder of the weights: at the top level of a checkout, or inside an installed package."""
    package = Path(__file__).parents[1]
    checkout = package.parent
    return (checkout if (checkout / "pyproject.toml").is_file() else package) / "weights"


def names() -> list[str]:
    """Names of the installed models."""
    return [entry["name"] for entry in entries()]


_LOADING = RLock()


def _after_fork() -> None:
    """Replace the lock in a child process, as the thread that held it exists in the parent only."""
    global _LOADING
    _LOADING = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def load(wanted: str | int = DEFAULT_MODEL) -> Model:
    """Load a model once and keep it.

    wanted: its name or permanent identifier. Raises UnknownModelError if it is not installed or damaged, and
    ShortageError if its file cannot be opened as too many others are open.
    """
    with _LOADING, _readable(wanted):  # otherwise threads could build the same model several times
        return _load(wanted)


@contextmanager
def _readable(wanted: str | int) -> Iterator[None]:
    """Raises the error of load() where a file cannot be read."""
    try:
        yield
    except OSError as error:
        raise shortage(error) or UnknownModelError(f"model {wanted!r} cannot be read: {error}") from error


@cache
def _load(wanted: str | int) -> Model:
    installed = entries()
    for entry in installed:
        if wanted == entry["id"]:
            return _load_entry(entry)
        if wanted == entry["name"]:
            return _load(entry["id"])  # the same object as for the identifier
    known = ", ".join(f"{entry['name']} (id {entry['id']})" for entry in installed) or "none"
    raise UnknownModelError(f"model {wanted!r} is not installed; installed models: {known}")


def entries() -> list[dict[str, Any]]:
    """The entries of the installed models in the manifest."""
    return [entry for entry in _manifest() if entry["kind"] in KINDS]


def _manifest() -> list[dict[str, Any]]:
    manifest = folder() / "manifest.json"
    return json.loads(manifest.read_text())["models"] if manifest.is_file() else []


def _load_entry(entry: dict[str, Any]) -> Model:
    return build(entry["kind"], entry["id"], entry["name"], _read(entry))


def read(name: str) -> dict[str, Any]:
    """The arrays in the weights file of a model or of RESTORER, by its name; raises the errors of load()."""
    with _readable(name):
        for entry in _manifest():
            if entry["name"] == name:
                return _read(entry)
    raise UnknownModelError(f"model {name!r} is not installed")


def _read(entry: dict[str, Any]) -> dict[str, Any]:
    data = np.fromfile(folder() / entry["file"], np.uint8)
    if sha256(data.data).hex() != entry["sha256"]:
        raise UnknownModelError(f"the weights of model {entry['name']!r} are damaged (reinstall jrecomp)")
    return unpack(data)
