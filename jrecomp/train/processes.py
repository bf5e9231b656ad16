"""Training of networks in several processes, with a log."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

Task = TypeVar("Task")


def run_all(run: Callable[[Task], str], tasks: Sequence[Task], device: str, workers: int, log: Path) -> None:
    """Run tasks; print and log the lines that they return. workers: number of processes on the CPU."""
    with log.open("a") as file:
        for number, line in enumerate(_lines(run, tasks, device, workers), 1):
            print(f"{number}/{len(tasks)} {line}", flush=True)
            file.write(line + "\n")
            file.flush()


def _lines(run: Callable[[Task], str], tasks: Sequence[Task], device: str, workers: int) -> Iterator[str]:
    if device != "cpu":
        yield from map(run, tasks)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(run, tasks)
