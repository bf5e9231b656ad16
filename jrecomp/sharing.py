"""How the threads and the device of a machine are shared among the jobs of a run."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from jrecomp import files, pipeline
from jrecomp.codec import Resources
from jrecomp.codec.devices import CUDA, Amount, is_gpu_faster
from jrecomp.errors import JrecompError
from jrecomp.jobs import Job
from jrecomp.model import load
from jrecomp.options import Device

GPU_JOBS = 400
"""Jobs in progress at once if a GPU computes, so that batches of slices are large."""

GPU_COMPUTING = 4
"""Jobs that compute at once if a GPU computes. More would take the interpreter from each other, and from the
threads that launch the GPU's work."""

FORESEEN = 4000
"""So many jobs are looked at before a run begins, to find out whether a GPU would be faster."""


@dataclass(frozen=True)
class Shares:
    """How the threads of a run are divided among its jobs.

    at_once: how many jobs are in progress at once. threads: number of threads for each. device: what computes
    their slices. computing: how many jobs compute at once, those that wait for a GPU excepted; at most all.
    """

    at_once: int = 1
    threads: int = 1
    device: Device = "cpu"
    computing: int = 1


ONE_BY_ONE = Shares()

First = Callable[[int], Sequence[Job]]
"""Gives the first jobs of a run, as many as asked for if there are as many, as Stream.first()."""


def share(
    threads: int,
    device: Device,
    first: First,
    model: str | None = None,
    passes: int = 1,
    anew: bool = False,
) -> Shares:
    """Choose the device, and divide threads among jobs.

    threads: total number, 0 for one per core. device: one of options.DEVICES; `auto` is the GPU where that is
    faster for all jobs together. A GPU computes slices of many jobs at once, and threads are for all of them.
    model: name of the model that the jobs use; None if their inputs are containers, which name it. passes:
    how often slices are coded, 2 to encode and verify. anew: whether outputs that exist are written again.

    Raises UsageError and UnknownModelError.
    """
    resources = Resources(threads, device)
    if model:
        resources.check(load(model))
    workers = resources.workers
    if device == CUDA or (
        device == "auto" and is_gpu_faster(lambda: _amount(first(FORESEEN), model, passes, anew), workers)
    ):
        return Shares(max(1, len(first(GPU_JOBS))), workers, CUDA, min(workers, GPU_COMPUTING))
    at_once = max(1, len(first(workers)))
    return Shares(at_once, workers // at_once, "cpu", at_once)


def _amount(jobs: Sequence[Job], model: str | None, passes: int, anew: bool) -> Amount:
    """What jobs have to do; model, passes, anew: as for share()."""
    to_do = [job for job in jobs if job.writes and (anew or not files.is_file(job.target))]
    size, name = float(sum(job.size for job in to_do)), model
    if name is None:
        name, ratio = _first_container(to_do)
        size *= ratio
    return Amount(name, len(to_do), round(size), passes)


def _first_container(jobs: Sequence[Job]) -> tuple[str, float]:
    """The model of the first container, "" if it has none, and how many times as large its JPEG file is."""
    first = next((job.source for job in jobs if files.is_file(job.source)), None)  # pipes are read only once
    with suppress(JrecompError, MemoryError):
        if first:
            info = pipeline.inspect(files.read(first))
            return info.model or "", info.restored_bytes / info.compressed_bytes
    return "", 1.0
