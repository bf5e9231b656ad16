"""Networks trained one beside the other, their integer layers kept in the work folder."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from jrecomp.train.export import Layer

Job = TypeVar("Job")


def run_all(fit_one: Callable[[Job], str], jobs: Sequence[Job], device: str, workers: int, log: Path) -> None:
    """Runs fit_one on each job, prints and logs what it returns. workers: processes, on the CPU only."""
    with log.open("a") as file:
        for number, line in enumerate(_results(fit_one, jobs, device, workers), 1):
            print(f"{number}/{len(jobs)} {line}", flush=True)
            file.write(line + "\n")
            file.flush()


def _results(fit_one: Callable[[Job], str], jobs: Sequence[Job], device: str, workers: int) -> Iterator[str]:
    if device != "cpu":
        yield from map(fit_one, jobs)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(fit_one, jobs)


def save_layers(path: Path, layers: Sequence[Layer]) -> None:
    """Writes a finished network; nobody sees half of it."""
    arrays: dict[str, npt.NDArray[Any]] = {f"w{i}": weight for i, (weight, _) in enumerate(layers)}
    arrays |= {f"b{i}": bias for i, (_, bias) in enumerate(layers)}
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **arrays)  # type: ignore[arg-type]
    partial.rename(path)


def read_layers(path: Path) -> list[Layer]:
    """The layers of save_layers."""
    with np.load(path) as arrays:
        return [(arrays[f"w{i}"], arrays[f"b{i}"]) for i in range(len(arrays) // 2)]
