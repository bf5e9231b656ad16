"""Ray Data does the tasks: a pool of workers, retries, and results as they come."""

import logging
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # which Ray reads while it is imported
os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")

import ray
import ray.data
from ray.data import ActorPoolStrategy, DataContext
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from jrecomp.cluster import manifest
from jrecomp.cluster.journal import Journal
from jrecomp.cluster.manifest import Row
from jrecomp.cluster.storage import Entry
from jrecomp.cluster.tasks import Task, windows
from jrecomp.cluster.work import Settings, Worker
from jrecomp.codec.devices import CUDA
from jrecomp.errors import JrecompError, UsageError

_STARTS = 10
"""A run fails when so many workers in a row died before they were ready."""


@dataclass(frozen=True)
class Pool:
    """The workers of a run; each has a processor core, and a GPU if it computes on one."""

    workers: int
    gpus: int


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """A connection to a cluster.

    address: of the cluster; None takes that of the variable RAY_ADDRESS, one that runs on this machine, or
    else starts one. Raises UsageError if there is no such cluster.
    """
    try:
        ray.init(address, logging_level=logging.ERROR, log_to_driver=False)
    except Exception as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise UsageError(f"no Ray cluster can be used at {address or 'this machine'}: {lines[0]}") from error
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.max_consecutive_actor_init_deaths = _STARTS
    with redirect_stdout(sys.stderr):  # where Ray tells of machines and workers that died
        try:
            yield
        finally:
            ray.shutdown()


def pool(wanted: int, device: str) -> Pool:
    """The workers that the cluster has room for.

    wanted: how many, 0 for all. device: one of options.DEVICES. Raises UsageError if the cluster has no GPU
    for the device.
    """
    resources = ray.cluster_resources()
    gpus = int(resources.get("GPU", 0))
    room = max(1, int(resources.get("CPU", 1)))
    if device == CUDA:
        if not gpus:
            raise UsageError(f"device {CUDA!r} cannot be used: the cluster has no GPU")
        room = min(room, gpus)
    return Pool(wanted or room, int(device == CUDA))


def run(settings: Settings, entries: Iterable[Entry], workers: Pool) -> Iterator[Row]:
    """Handle files on the connected cluster, and yield their rows as they come, one for each file.

    A task whose worker dies is begun again, also on another machine. Raises JrecompError if the cluster
    fails.
    """
    try:
        for tasks in windows(entries, workers.workers):
            count = min(workers.workers, len(tasks))
            items = ray.data.from_items([_item(task) for task in tasks], override_num_blocks=len(tasks))
            done = items.map_batches(
                _Actor,
                fn_constructor_args=(settings, _journal()),
                batch_size=1,
                compute=ActorPoolStrategy(min_size=1, max_size=count, initial_size=count),
                num_cpus=1,
                num_gpus=workers.gpus or None,
            )
            for batch in done.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
                yield from manifest.rows_of(batch)
    except RayError as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise JrecompError(f"the Ray cluster failed: {lines[-1]}") from error


def _journal() -> Any:
    """A journal on this machine, whose end is that of the run; it needs no core."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    options = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1, "scheduling_strategy": here}
    return ray.remote(**options)(Journal).remote()


class _Messages(Journal):
    """The journal of the run, which is in another process."""

    def __init__(self, journal: Any) -> None:
        self._journal = journal

    def begin(self, task: str) -> bool:
        """See Journal."""
        return bool(ray.get(self._journal.begin.remote(task)))

    def at(self, task: str, place: int) -> int:
        """See Journal."""
        return int(ray.get(self._journal.at.remote(task, place)))


class _Actor:
    """A worker as Ray Data has it. A batch is one task, its result a table of rows."""

    def __init__(self, settings: Settings, journal: Any) -> None:
        self._worker = Worker(settings, _Messages(journal))

    def __call__(self, batch: Mapping[str, Any]) -> Any:
        names, sizes = batch["names"][0], batch["sizes"][0]
        entries = [Entry(os.fsdecode(name), int(size)) for name, size in zip(names, sizes, strict=True)]
        return manifest.table(self._worker.do(Task(str(batch["task"][0]), tuple(entries))))


def _item(task: Task) -> dict[str, Any]:
    return {
        "task": task.name,
        "names": [os.fsencode(entry.name) for entry in task.entries],  # which need not be UTF-8
        "sizes": [entry.size for entry in task.entries],
    }
