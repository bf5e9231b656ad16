"""Packing of files into tasks: several small ones into one, so that a task is worth its overhead."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from jrecomp.cluster.storage import Entry

MOST_BYTES, LEAST_BYTES = 16 << 20, 1 << 20
"""Files are added to a task until it has so many bytes: between one and some twenty seconds of work."""

SHARES = 32
"""So many tasks for each worker, or more, if that makes them no smaller than LEAST_BYTES."""

FILES = 256
"""Largest number of files of a task."""

WINDOW = 200_000
"""Number of files that are planned at once, so that the memory of the driver does not grow with the files."""


@dataclass(frozen=True)
class Task:
    """Files that one worker handles one after the other.

    name: of the part of the manifest, unique in a run. entries: the files.
    """

    name: str
    entries: tuple[Entry, ...]


def windows(entries: Iterable[Entry], workers: int) -> Iterator[list[Task]]:
    """Tasks of neighbouring files, in groups for one pass each.

    entries: may be endless; WINDOW of them are held. workers: how many work at once.
    """
    arriving = iter(entries)
    number = 0
    while window := list(islice(arriving, WINDOW)):
        total = sum(entry.size for entry in window)
        packed = list(_pack(window, min(MOST_BYTES, max(LEAST_BYTES, total // (workers * SHARES)))))
        yield [Task(f"{number + place:08}", group) for place, group in enumerate(packed)]
        number += len(packed)


def _pack(entries: Sequence[Entry], size: int) -> Iterator[tuple[Entry, ...]]:
    held, held_bytes = list[Entry](), 0
    for entry in entries:
        held.append(entry)
        held_bytes += entry.size
        if held_bytes >= size or len(held) == FILES:
            yield tuple(held)
            held, held_bytes = [], 0
    if held:
        yield tuple(held)
