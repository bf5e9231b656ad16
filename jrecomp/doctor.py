"""Examines an installation: its models, its engines, and whether these compute what the format says."""

import importlib.metadata
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from jrecomp import __version__
from jrecomp.codec import Resources
from jrecomp.codec.devices import CUDA, missing_for_cuda
from jrecomp.codec.engines import DEFAULT_ENGINE, Slice, Steps, decode_slices, encode_slices
from jrecomp.errors import JrecompError, VerificationError, size, unexpected
from jrecomp.model import Model, blocks, load, planes, weights
from jrecomp.model.blocks import BlocksModel
from jrecomp.model.planes import PlanesModel
from jrecomp.native import engine, metrics, restoration
from jrecomp.native.builds import runnable
from jrecomp.options import DEFAULT_LIMITS

_PARTS = {
    "mount": "mfusepy",
    "serve": "starlette",
    "report": "matplotlib",
    "remote": "fsspec",
    "ray": "ray",
    "gpu": "torch",
}
"""The optional parts of the package that users choose, each with a module that it needs."""


@dataclass(frozen=True)
class Finding:
    """What was examined and what was found; error: what is wrong with it, None if nothing is."""

    name: str
    text: str
    error: JrecompError | None = None


def examine() -> Iterator[Finding]:
    """Examine the installation, which takes about a second.

    Every model codes a small slice on every engine that this machine can run. The bytes must be those of the
    reference in NumPy, and decoding must give the slice back. Nothing is read or written but the package.
    """
    yield Finding("jrecomp", f"{__version__} in {weights.folder().parent}")
    yield Finding("Python", f"{platform.python_version()} ({platform.python_implementation()})")
    yield Finding("system", f"{platform.system()} {platform.release()}, {platform.machine()}")
    yield Finding("NumPy", np.__version__)
    yield Finding("threads", str(Resources().workers))
    yield Finding("memory", _memory())
    for name, module in (("engine", engine), ("restoration", restoration), ("metrics", metrics)):
        yield Finding(f"builds of {name}", ", ".join(_build(form) for form in runnable(module.FORMS)))
    for name in weights.names():
        yield _checked(f"model {name}", partial(_examined, name))
    yield _checked(f"network {weights.RESTORER}", lambda: f"{len(weights.read(weights.RESTORER))} arrays")
    yield Finding("GPU", missing_for_cuda() or "can be used (--device cuda)")
    for part, module_name in _PARTS.items():
        yield Finding(f"part {part}", _part(part, module_name))


def _checked(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, check())
    except JrecompError as error:
        return Finding(name, "fails", error)
    except Exception as error:  # a fault of the installation, which is what is looked for
        return Finding(name, "fails", unexpected(error))


def _examined(name: str) -> str:
    """What a model is and where it is exact; raises VerificationError, and the errors of weights.load()."""
    model = load(name)
    steps, parts = _example()
    reference = "numpy" if isinstance(model, PlanesModel | BlocksModel) else DEFAULT_ENGINE
    (expected,) = encode_slices(model, reference, steps, [parts], 1)
    engines = [DEFAULT_ENGINE]
    if isinstance(model, PlanesModel) and missing_for_cuda() is None:
        engines.append(CUDA)
    for each in engines:
        decoded = [np.zeros_like(part) for part in parts]
        decode_slices(model, each, steps, [decoded], [expected], 1)
        restored = all(map(np.array_equal, decoded, parts))
        _require(restored and encode_slices(model, each, steps, [parts], 1)[0] == expected, each)
    builds = list(_builds(model))
    for form, native in builds:
        components = [(table.tolist(), part) for table, part in zip(steps, parts, strict=True)]
        _require(native.encode(components) == expected, _build(form))
    exact = [_build(form) for form, _ in builds] or ["NumPy"]
    return f"id {model.identifier}, exact: {', '.join([*exact, *engines[1:]])}"


def _builds(model: Model) -> Iterator[tuple[str, Any]]:
    """The native engines of a model in all builds that this machine can run."""
    if isinstance(model, PlanesModel | BlocksModel):
        kind, name = (planes, "Engine") if isinstance(model, PlanesModel) else (blocks, "BlocksEngine")
        for form in runnable(engine.FORMS):
            made = getattr(import_module(f"jrecomp.native.{form}"), name)
            yield form, kind.native_engine(model.arrays, made)


def _require(exact: bool, name: str) -> None:
    if not exact:
        raise VerificationError(f"the engine {name} computes other bytes than the reference (do not use it)")


def _example() -> tuple[Steps, Slice]:
    """A slice of three components, the first with twice as many rows and columns."""
    random = np.random.default_rng(1)
    steps = [np.arange(3, 67, dtype=np.int32) // (1 + number) + 1 for number in range(3)]
    parts = []
    for rows, columns in ((4, 6), (2, 3), (2, 3)):
        noise = random.laplace(0, 1, (rows, columns, 64)) * 24 / np.arange(1, 65)
        parts.append(noise.round().astype(np.int16))
    return steps, parts


def _build(form: str) -> str:
    """The instructions that a build is made for: those of _engine_avx2 are avx2."""
    return form[1:].partition("_")[2] or "any processor"


def _memory() -> str:
    """The physical memory, and how much of it a file may take."""
    limit = f"{size(DEFAULT_LIMITS.max_memory)} a file unless --max-memory is given"
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return limit
    return f"{size(total)}; {limit}"


def _part(part: str, module: str) -> str:
    if find_spec(module) is None:
        return f"not installed (pip install jrecomp[{part}])"
    if part == "mount" and not (shutil.which("fusermount3") or platform.system() != "Linux"):
        return "fusermount3 is missing (install fuse3)"
    return f"{module} {importlib.metadata.version(module)}"
