"""Many files: which to take, where the results go, and what became of each."""

import os
import stat
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from jrecomp import files, pipeline
from jrecomp.codec import Resources
from jrecomp.codec.devices import CUDA
from jrecomp.errors import ExitCode, InputError, JrecompError, UsageError
from jrecomp.info import Info
from jrecomp.lossy.target import TargetOptions
from jrecomp.model import load
from jrecomp.rate import Note, OnProgress

JPEG_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif")
SHRUNK_SUFFIXES = tuple(f"{files.SHRUNK}{suffix}" for suffix in JPEG_SUFFIXES)
CONTAINER_SUFFIXES = (files.SUFFIX,)

PIPE = "-"

IN_MEMORY = 32 << 20
"""Bytes of inputs that are under way at once, where they are of several files."""


@dataclass(frozen=True)
class Job:
    """One input and, for commands that write, its output; None is standard input or output.

    problem: what already keeps it from being done.
    """

    source: Path | None
    target: Path | None = None
    problem: JrecompError | None = None

    @property
    def name(self) -> str:
        """The input's name for messages."""
        return str(self.source or PIPE)

    @property
    def size(self) -> int:
        """Bytes of the input as far as they are known, at least 1."""
        try:
            return max(1, self.source.stat().st_size) if self.source else 1
        except OSError:
            return 1


@dataclass(frozen=True)
class Outcome:
    """What became of a job: `info` where it went well, `error` where it did not.

    seconds: time taken to read, compute and write, without waiting for other jobs.
    note: what else there is to say.
    """

    job: Job
    seconds: float = 0.0
    info: Info | None = None
    note: str = ""
    error: JrecompError | None = None


Compute = Callable[[], Any]
Steps = Generator[Compute, Any, tuple[Info, str]]
"""Reads, yields what to compute and gets its result, writes, and returns what is told and a note."""

Work = Callable[[Job], Steps]


class ChangeOptions(TargetOptions, total=False):
    """How results shall differ from their sources; see pipeline.compress()."""

    strip: bool
    rule: str


@dataclass(frozen=True)
class Destination:
    """Where outputs go: to one named place, under a folder, or beside the inputs.

    output: a path, "-" for standard output. Only one of output and output_dir may be given.
    """

    output: str | None = None
    output_dir: Path | None = None
    force: bool = False


def find(
    sources: Iterable[str], recursive: bool, suffixes: tuple[str, ...], but: tuple[str, ...] = ()
) -> list[tuple[Job, Path]]:
    """Jobs without targets, each with the input's path below the folder that it was found in.

    Files are taken as they are; folders, where `recursive`, give their files of `suffixes` that do not end in
    one of `but`, and no pipes or devices, which may never end.
    """
    found: list[tuple[Job, Path]] = []
    for source in sources:
        path = Path(source)
        if source == PIPE:
            found.append((Job(None), path))
        elif not stat.S_ISDIR(files.mode(path)):
            found.append((Job(path), Path(path.name)))
        elif recursive:
            found += [(job, (job.source or path).relative_to(path)) for job in _walk(path, suffixes, but)]
        else:
            found.append((Job(path, problem=InputError(f"{path}: is a folder (add --recursive)")), path))
    return found


def _walk(folder: Path, suffixes: tuple[str, ...], but: tuple[str, ...]) -> list[Job]:
    jobs: list[Job] = []

    def unreadable(error: OSError) -> None:
        jobs.append(Job(Path(error.filename), problem=InputError(f"{error.filename}: {error.strerror}")))

    for place, folders, names in os.walk(folder, onerror=unreadable):
        folders.sort()
        taken = [n for n in sorted(names) if n.lower().endswith(suffixes) and not n.lower().endswith(but)]
        paths = [Path(place, name) for name in taken]
        jobs += [Job(path) for path in paths if stat.S_IFMT(files.mode(path)) in (stat.S_IFREG, 0)]
    if not jobs:
        problem = InputError(f"{folder}: holds no {', '.join(suffixes)} files")
        jobs.append(Job(folder, problem=problem))
    return jobs


def plan(
    found: list[tuple[Job, Path]], destination: Destination, rename: Callable[[Path], Path]
) -> list[Job]:
    """Give every job its target; raises UsageError where two would write to the same place.

    rename: from an input's name to its output's; may raise UsageError.
    """
    if destination.output and destination.output_dir:
        raise UsageError("-o and --output-dir exclude each other")
    if destination.output and len(found) > 1:
        raise UsageError("-o names one output, but there are several inputs (use --output-dir)")
    jobs = [_aim(job, below, destination, rename) for job, below in found]
    places = Counter(_place(job) for job in jobs if not job.problem)
    for job in jobs:
        if not job.problem and (count := places[_place(job)]) > 1:
            raise UsageError(f"{count} inputs would be written to {job.target or 'standard output'}")
    return jobs


def _place(job: Job) -> str:
    """Where a job writes, whichever way that is spelled."""
    return os.path.realpath(job.target) if job.target else PIPE


def _aim(job: Job, below: Path, destination: Destination, rename: Callable[[Path], Path]) -> Job:
    if job.problem:
        return job
    try:
        return Job(job.source, _target(job.source, below, destination, rename))
    except UsageError as error:
        return Job(job.source, problem=error)


def _target(
    source: Path | None, below: Path, destination: Destination, rename: Callable[[Path], Path]
) -> Path | None:
    if destination.output:
        return None if destination.output == PIPE else Path(destination.output)
    if source is None:
        if destination.output_dir:
            raise UsageError("standard input has no name to use in --output-dir (use -o)")
        return None
    return rename(destination.output_dir / below if destination.output_dir else source)


def pipes(jobs: Iterable[Job]) -> bool:
    """Whether a planned job writes to standard output."""
    return any(job.target is None and not job.problem for job in jobs)


def share(threads: int, device: str, jobs: int, model: str | None = None) -> tuple[int, int]:
    """How many of some jobs to compute at once, and how many threads each may use.

    threads: altogether, 0 for one per core. model: name of the one that they need, where that is known. A GPU
    takes one job at a time. Raises UsageError and UnknownModelError.
    """
    resources = Resources(threads, device)
    engine = resources.engine(load(model) if model else None)
    at_once = 1 if engine == CUDA else max(1, min(resources.workers, jobs))
    return at_once, resources.workers // at_once


def run(jobs: Iterable[Job], work: Work, at_once: int = 1) -> Iterator[Outcome]:
    """Do jobs, computing some at once; their outcomes come in order, and an error ends one job only.

    All reading and writing is done here, in the caller's thread, and what is left when that is interrupted is
    left alone: nobody waits for it.
    """
    running: deque[_Running] = deque()
    pool = ThreadPoolExecutor(at_once)
    try:
        for job in jobs:
            while running and (running[0].done() or job.size + sum(r.size for r in running) > IN_MEMORY):
                yield running.popleft().finish()
            running.append(_Running(job, work, pool))
        while running:
            yield running.popleft().finish()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class _Running:
    """A job that has been read, and whose computing is under way."""

    def __init__(self, job: Job, work: Work, pool: ThreadPoolExecutor) -> None:
        self._job, self._steps, self.size = job, work(job), job.size
        self._future: Future[tuple[Any, float]] = Future()
        started = time.perf_counter()
        try:
            if job.problem:
                raise job.problem
            self._future = pool.submit(_timed, next(self._steps))
        except Exception as error:
            self._future.set_exception(error)
        self._seconds = time.perf_counter() - started

    def done(self) -> bool:
        """Whether it only has to be finished."""
        return self._future.done()

    def finish(self) -> Outcome:
        """Waits for the result, and writes it."""
        try:
            result, seconds = self._future.result()
            self._seconds += seconds
            started = time.perf_counter()
            self._steps.send(result)
        except StopIteration as done:
            return Outcome(self._job, self._seconds + time.perf_counter() - started, *done.value)
        except JrecompError as error:
            return Outcome(self._job, self._seconds, error=error)
        except Exception as error:
            return Outcome(self._job, self._seconds, error=_unexpected(error))
        raise AssertionError("a job computes once")


def _timed(compute: Compute) -> tuple[Any, float]:
    started = time.perf_counter()
    return compute(), time.perf_counter() - started


def _unexpected(error: Exception) -> JrecompError:
    if isinstance(error, MemoryError):
        return JrecompError("out of memory")
    return JrecompError(f"unexpected {type(error).__name__}: {error}")


def exit_code(outcomes: Iterable[Outcome]) -> ExitCode:
    """The exit code of the first failure."""
    return next((outcome.error.exit_code for outcome in outcomes if outcome.error), ExitCode.OK)


def compress(
    job: Job,
    *,
    change: ChangeOptions,
    model: str | None,
    threads: int,
    device: str,
    force: bool,
    on_progress: OnProgress,
) -> Steps:
    """Compress one file."""
    files.check_target(job.target, job.source, force)
    data = files.read(job.source)
    notes: list[Note] = []
    packed = yield partial(
        pipeline.compress,
        data,
        model=model,
        threads=threads,
        device=device,
        on_progress=on_progress,
        on_note=notes.append,
        **change,
    )
    files.write(job.target, packed, job.source, force)
    return pipeline.inspect(packed), notes[0].text


def shrink(
    job: Job, *, change: ChangeOptions, progressive: bool, force: bool, on_progress: OnProgress
) -> Steps:
    """Make one JPEG file smaller."""
    files.check_target(job.target, job.source, force)
    data = files.read(job.source)
    notes: list[Note] = []
    shrunk = yield partial(
        pipeline.shrink,
        data,
        progressive=progressive,
        on_progress=on_progress,
        on_note=notes.append,
        **change,
    )
    files.write(job.target, shrunk, job.source, force)
    return Info("jpeg", None, len(data), len(shrunk), len(shrunk), quality=notes[0].quality), notes[0].text


def decompress(job: Job, *, threads: int, device: str, force: bool) -> Steps:
    """Restore one file."""
    files.check_target(job.target, job.source, force)
    data = files.read(job.source)
    restored = yield partial(pipeline.decompress, data, threads=threads, device=device)
    files.write(job.target, restored, job.source, force)
    return pipeline.inspect(data), ""


def verify(job: Job, *, original: Path | None, threads: int, device: str) -> Steps:
    """Check one container, also against its original where that is given or lies beside it."""
    data = files.read(job.source)
    if original is None and pipeline.inspect(data).mode != "lossy":  # which restores something else
        original = _beside(job.source)
    expected = files.read(original) if original else None
    yield partial(pipeline.verify, data, expected, threads=threads, device=device)
    info = pipeline.inspect(data)
    note = f"identical to {original}" if original else "checksums match"
    return info, f"{note}, restores a lossy file" if info.mode == "lossy" else note


def inspect(job: Job) -> Steps:
    """Describe one container."""
    info = yield partial(pipeline.inspect, files.read(job.source))
    return info, ""


def _beside(source: Path | None) -> Path | None:
    if source is None or source.suffix != files.SUFFIX:
        return None
    original = files.restored_name(source)
    return original if original.is_file() else None
