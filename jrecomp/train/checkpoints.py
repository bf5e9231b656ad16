"""Files in the work folder of a training. Files and folders appear there only when they are complete."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from jrecomp.train.export import Layer


@contextmanager
def completed(path: Path) -> Iterator[Path]:
    """A temporary path, which is renamed to `path` if the block ends without an error."""
    partial = path.with_name(f"{path.name}.partial")
    yield partial
    partial.rename(path)


def save_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write arrays by name (.npz)."""
    with completed(path) as partial, partial.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays that save_arrays() wrote."""
    with np.load(path) as arrays:
        return dict(arrays)


def save_layers(path: Path, layers: Sequence[Layer]) -> None:
    """Write the layers of a trained network."""
    save_arrays(path, arrays_of(layers))


def read_layers(path: Path) -> list[Layer]:
    """Read the layers that save_layers() wrote."""
    return layers_of(read_arrays(path))


def arrays_of(layers: Sequence[Layer]) -> dict[str, npt.NDArray[Any]]:
    """Layers as arrays by name: w0 and b0 for the first, and so on."""
    weights: dict[str, npt.NDArray[Any]] = {f"w{i}": weight for i, (weight, _) in enumerate(layers)}
    return weights | {f"b{i}": bias for i, (_, bias) in enumerate(layers)}


def layers_of(arrays: Mapping[str, npt.NDArray[Any]]) -> list[Layer]:
    """The inverse of arrays_of()."""
    count = sum(name.startswith("w") for name in arrays)
    return [(arrays[f"w{i}"], arrays[f"b{i}"]) for i in range(count)]
