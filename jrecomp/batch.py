"""Batches of files: finding inputs, planning outputs, and running jobs on several threads."""

import os
import stat
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jrecomp import files, pipeline, temporary
from jrecomp.codec import Resources
from jrecomp.codec.devices import CUDA
from jrecomp.errors import (
    CorruptContainerError,
    ExitCode,
    InputError,
    JrecompError,
    UsageError,
    shortage,
    unexpected,
)
from jrecomp.info import Info, RestoredInfo, ThumbnailInfo
from jrecomp.lossy.target import TargetOptions
from jrecomp.model import load
from jrecomp.options import Device, Limits, Tune
from jrecomp.rate import Note, OnProgress
from jrecomp.threads import Task, Workers

if TYPE_CHECKING:  # they import Pillow and native code that other commands do without
    from jrecomp.encoding import EncodeOptions
    from jrecomp.restoring import RestoreOptions

JPEG_SUFFIXES = files.JPEG_SUFFIXES
SHRUNK_SUFFIXES = tuple(f"{files.SHRUNK}{suffix}" for suffix in JPEG_SUFFIXES)
CONTAINER_SUFFIXES = (files.SUFFIX,)

PIPE = "-"
STANDARD_INPUTS = (PIPE, "/dev/stdin", "/dev/fd/0")
STANDARD_OUTPUTS = (PIPE, "/dev/stdout", "/dev/fd/1")
DESCRIPTORS = Path("/dev/fd")
"""The folder of open files: of what a shell passes as <(command)."""

JOBS_PER_THREAD = 8
"""Jobs at once for each thread if a GPU computes, so that batches of slices are large."""

IN_MEMORY = 32 << 20
"""Largest total size in bytes of the inputs held at once. A larger file is held alone."""


@dataclass(frozen=True)
class Job:
    """One input and its output.

    source: the input, None for standard input. target: the output, None for standard output or for commands
    that write nothing. problem: an error found before the job runs; run() reports it as the outcome.
    skipped: why there is nothing to do, or ""; such a job does not fail. root: the searched folder that the
    input was found in. mirror: makes the folders of the target, if it is in a folder for all outputs.
    """

    source: Path | None
    target: Path | None = None
    problem: JrecompError | None = None
    skipped: str = ""
    root: Path | None = None
    mirror: files.Mirror | None = None

    @property
    def writes(self) -> bool:
        """Whether the job has a target to write to."""
        return not (self.problem or self.skipped)

    @property
    def name(self) -> str:
        """The input's name in messages."""
        return str(self.source or PIPE)

    @property
    def size(self) -> int:
        """Size of the input in bytes, at least 1; 1 if it is unknown."""
        try:
            return max(1, self.source.stat().st_size) if self.source else 1
        except OSError:
            return 1


AnyInfo = Info | RestoredInfo | ThumbnailInfo
"""Properties of the result of a job."""


@dataclass(frozen=True)
class Outcome:
    """The result of a job.

    seconds: time taken to read, compute and write, without waiting for other jobs.
    info: description of the result; None after an error and for skipped jobs. note: a remark for the report,
    or "". error: the error; None after success.
    """

    job: Job
    seconds: float = 0.0
    info: AnyInfo | None = None
    note: str = ""
    error: JrecompError | None = None


Compute = Callable[[], Any]
JobSteps = Generator[Compute, Any, tuple[AnyInfo | None, str]]
"""A job in progress: it reads, yields the computation, receives its result, writes, returns info and note."""

Work = Callable[[Job], JobSteps]
"""Starts a job; the commands below, with their options bound."""


class ChangeOptions(TargetOptions, total=False):
    """Options that change the restored file, as keyword arguments of pipeline.compress()."""

    strip: bool
    strip_trailer: bool
    tune: Tune


@dataclass(frozen=True)
class Destination:
    """Where outputs are written; beside the inputs by default.

    output: path of the only output, "-" for standard output; or a folder, which exists or ends with "/".
    output_dir: folder for all outputs. At most one of the two may be given. force: replace existing outputs.
    """

    output: str | None = None
    output_dir: Path | None = None
    force: bool = False

    @property
    def folder(self) -> Path | None:
        """The folder for all outputs, None if there is none."""
        if self.output and (self.output.endswith(os.sep) or Path(self.output).is_dir()):
            return Path(self.output)
        return self.output_dir


def find(
    sources: Iterable[str], recursive: bool, suffixes: tuple[str, ...], excluded: tuple[str, ...] = ()
) -> list[tuple[Job, Path]]:
    """Find inputs.

    sources: files, folders, and "-" for standard input. recursive: search folders; otherwise a folder gives
    a job with a problem. suffixes: endings of the files to take from folders, in lower case. excluded:
    endings of files to leave out. Only regular files are taken from folders, as pipes may block.

    Returns jobs without targets, each with the input's path relative to the folder that was searched.
    """
    found: list[tuple[Job, Path]] = []
    for source in sources:
        path = Path(source)
        if source in STANDARD_INPUTS:
            found.append((Job(None), path))
        elif not stat.S_ISDIR(files.mode(path)):
            found.append((Job(path), Path(path.name)))
        elif recursive:
            jobs = _walk(path, suffixes, excluded)
            found += [(job, (job.source or path).relative_to(path)) for job in jobs]
        else:
            problem = InputError(f"{path}: is a folder (--recursive searches folders)")
            found.append((Job(path, problem=problem), path))
    return found


def _walk(folder: Path, suffixes: tuple[str, ...], excluded: tuple[str, ...]) -> list[Job]:
    jobs: list[Job] = []

    def unreadable(error: OSError) -> None:
        jobs.append(Job(Path(error.filename), problem=InputError(f"{error.filename}: {error.strerror}")))

    for parent, folders, names in os.walk(folder, onerror=unreadable):
        folders.sort()
        taken = [n for n in sorted(names) if n.lower().endswith(suffixes)]
        paths = [Path(parent, name) for name in taken if not name.lower().endswith(excluded)]
        jobs += [_found(path, folder) for path in paths if stat.S_IFMT(files.mode(path)) in (stat.S_IFREG, 0)]
    if not jobs:
        problem = InputError(f"{folder}: contains no {', '.join(suffixes)} files")
        jobs.append(Job(folder, problem=problem))
    return jobs


def _found(path: Path, root: Path) -> Job:
    return Job(path, skipped="the link leads nowhere" if files.is_broken_link(path) else "", root=root)


def plan(
    found: list[tuple[Job, Path]], destination: Destination, rename: Callable[[Path], Path]
) -> list[Job]:
    """Choose the target of each job.

    found: the result of find(). destination: where to write. rename: gives the output's path for an input's
    path; a UsageError that it raises becomes the job's problem.

    Returns the jobs with their targets. Raises UsageError if two jobs would write to the same file, or if
    `destination` does not suit the inputs.
    """
    if destination.output and destination.output_dir:
        raise UsageError("-o and --output-dir exclude each other (use only one)")
    if destination.output and not destination.folder and len(found) > 1:
        raise UsageError("-o names one output, but there are several inputs (use --output-dir)")
    jobs = [_with_target(job, relative, destination, rename) for job, relative in found]
    if destination.folder:
        mirrors = {job.root: files.Mirror(job.root, destination.folder) for job in jobs if job.root}
        jobs = [replace(job, mirror=mirrors[job.root]) if job.root else job for job in jobs]
    counts = Counter(_real_target(job) for job in jobs if job.writes)
    for job in jobs:
        if job.writes and (count := counts[_real_target(job)]) > 1:
            raise UsageError(f"{count} inputs would be written to {job.target or 'standard output'}")
    return jobs


def _real_target(job: Job) -> str:
    """The target with symbolic links resolved."""
    return os.path.realpath(job.target) if job.target else PIPE


def _with_target(job: Job, relative: Path, destination: Destination, rename: Callable[[Path], Path]) -> Job:
    if not job.writes:
        return job
    try:
        return replace(job, target=_target(job.source, relative, destination, rename))
    except UsageError as error:
        return replace(job, problem=error)


def _target(
    source: Path | None, relative: Path, destination: Destination, rename: Callable[[Path], Path]
) -> Path | None:
    nameless = source is None or source.parent == DESCRIPTORS
    if destination.folder:
        if nameless:
            raise UsageError(f"{source or 'standard input'} has no name (name the output with -o)")
        return rename(destination.folder / relative)
    if destination.output:
        return None if destination.output in STANDARD_OUTPUTS else Path(destination.output)
    return None if nameless or source is None else rename(source)


def pipes(jobs: Iterable[Job]) -> bool:
    """Whether any of the planned jobs writes to standard output."""
    return any(job.target is None and job.writes for job in jobs)


def share(threads: int, device: Device, jobs: int, model: str | None = None) -> tuple[int, int]:
    """Divide threads among jobs.

    threads: total number, 0 for one per core. device: one of options.DEVICES. A GPU computes slices of many
    jobs together, and threads are for all of them. jobs: how many there are. model: name of the model that
    they use, None if it is not known.

    Returns the number of jobs to compute at once and the number of threads for each. Raises UsageError and
    UnknownModelError.
    """
    resources = Resources(threads, device)
    engine = resources.engine(load(model) if model else None)
    if engine == CUDA:
        return max(1, min(JOBS_PER_THREAD * resources.workers, jobs)), resources.workers
    at_once = max(1, min(resources.workers, jobs))
    return at_once, resources.workers // at_once


def run(jobs: Sequence[Job], work: Work, at_once: int = 1) -> Iterator[Outcome]:
    """Run jobs and yield their outcomes in order.

    jobs: with targets chosen by plan(). work: starts a job. at_once: how many jobs are computed at once.

    Reading and writing happen in the caller's thread. An error ends only its own job, unless its `ends_run`
    is true. Then, as after an interrupt, the remaining jobs are cancelled, and running computations are not
    awaited. A computation that ran short of memory is repeated when no other runs. Temporary files that
    killed runs have left beside the targets are removed first.
    """
    for folder in {Path(os.path.realpath(job.target)).parent for job in jobs if job.target and job.writes}:
        temporary.sweep(folder)
    try:
        with closing(_run(jobs, work, at_once)) as outcomes:
            for outcome in outcomes:
                yield outcome
                if outcome.error and outcome.error.ends_run:
                    break
    finally:
        for mirror in {job.mirror for job in jobs if job.mirror}:
            mirror.finish()


def _run(jobs: Sequence[Job], work: Work, at_once: int) -> Generator[Outcome]:
    running: deque[_Running] = deque()
    pool = Workers(at_once)
    try:
        for job in jobs:
            while running and (running[0].done() or job.size + sum(r.size for r in running) > IN_MEMORY):
                yield running.popleft().finish(running)
            running.append(_Running(job, work, pool))
        while running:
            yield running.popleft().finish(running)
        pool.join()
    finally:
        pool.shutdown()


class _Running:
    """A job whose input has been read and whose computation has been submitted."""

    def __init__(self, job: Job, work: Work, pool: Workers) -> None:
        self._job, self._pool, self.size = job, pool, job.size
        self._steps = _skip(job) if job.skipped else work(job)
        self._task: Task[tuple[Any, float]] | None = None
        self._error: Exception | None = None
        started = time.perf_counter()
        try:
            if job.problem:
                raise job.problem
            self._compute = partial(_timed, next(self._steps))
            self._task = pool.submit(self._compute)
        except Exception as error:
            self._error = error
        self._seconds = time.perf_counter() - started

    def done(self) -> bool:
        """Whether the computation has ended."""
        return self._task is None or self._task.done()

    def wait(self) -> None:
        """Waits for the computation."""
        if self._task:
            self._task.wait()

    def finish(self, others: Collection["_Running"]) -> Outcome:
        """Waits for the computation and writes its result; others: the jobs that may run meanwhile."""
        try:
            result, seconds = self._result(others)
            self._seconds += seconds
            started = time.perf_counter()
            if self._job.mirror and self._job.target:
                self._job.mirror.make(self._job.target)
            self._steps.send(result)
        except StopIteration as done:
            return Outcome(self._job, self._seconds + time.perf_counter() - started, *done.value)
        except JrecompError as error:
            return Outcome(self._job, self._seconds, error=error)
        except Exception as error:
            return Outcome(self._job, self._seconds, error=unexpected(error))
        raise AssertionError("a job yields one computation")

    def _result(self, others: Collection["_Running"]) -> tuple[Any, float]:
        if self._task is None:
            assert self._error
            raise self._error
        try:
            return self._task.result()
        except Exception as error:
            if not shortage(error):
                raise
        self._task = None  # which keeps memory
        for other in others:
            other.wait()
        return self._pool.submit(self._compute).result()


def _skip(job: Job) -> JobSteps:
    yield lambda: None
    return None, job.skipped


def _timed(compute: Compute) -> tuple[Any, float]:
    started = time.perf_counter()
    return compute(), time.perf_counter() - started


def exit_code(outcomes: Iterable[Outcome]) -> ExitCode:
    """The exit code of the error that ended the run, otherwise of the first one; OK if none failed."""
    errors = [outcome.error for outcome in outcomes if outcome.error]
    first = next((error for error in errors if error.ends_run), next(iter(errors), None))
    return first.exit_code if first else ExitCode.OK


def compress(
    job: Job,
    *,
    change: ChangeOptions,
    model: str | None,
    threads: int,
    device: Device,
    limits: Limits,
    force: bool,
    on_progress: OnProgress,
) -> JobSteps:
    """Compress one file; the options are those of pipeline.compress() and files.write()."""
    files.check_target(job.target, job.source, force)
    data = files.read(job.source, limits)
    notes: list[Note] = []
    packed = yield partial(
        pipeline.compress,
        data,
        model=model,
        threads=threads,
        device=device,
        limits=limits,
        on_progress=on_progress,
        on_note=notes.append,
        **change,
    )
    files.write(job.target, packed, job.source, force)
    return pipeline.inspect(packed, limits=limits), notes[0].text


def shrink(
    job: Job,
    *,
    change: ChangeOptions,
    progressive: bool,
    threads: int,
    limits: Limits,
    force: bool,
    on_progress: OnProgress,
) -> JobSteps:
    """Shrink one JPEG file; the options are those of pipeline.shrink() and files.write()."""
    files.check_target(job.target, job.source, force)
    data = files.read(job.source, limits)
    notes: list[Note] = []
    shrunk = yield partial(
        pipeline.shrink,
        data,
        progressive=progressive,
        threads=threads,
        limits=limits,
        on_progress=on_progress,
        on_note=notes.append,
        **change,
    )
    files.write(job.target, shrunk, job.source, force)
    return Info("jpeg", None, len(data), len(shrunk), len(shrunk), quality=notes[0].quality), notes[0].text


def encode(
    job: Job,
    *,
    options: "EncodeOptions",
    threads: int,
    limits: Limits,
    force: bool,
    on_progress: OnProgress,
) -> JobSteps:
    """Encode one picture; the options are those of encoding.encode_file() and files.write().

    The result is in a container if the target's name ends in .jrc.
    """
    from jrecomp.encoding import encode_file

    files.check_target(job.target, job.source, force)
    data = files.read(job.source, limits)
    notes: list[Note] = []
    encoded = yield partial(
        encode_file,
        data,
        contained=job.target is not None and job.target.suffix == files.SUFFIX,
        threads=threads,
        limits=limits,
        on_progress=on_progress,
        on_note=notes.append,
        **options,
    )
    files.write(job.target, encoded, job.source, force)
    note = notes[0]
    info = Info(
        "jpeg",
        None,
        len(data),
        len(encoded),
        len(encoded),
        quality=note.quality,
        restorer=note.likeness.restorer if note.likeness else None,
        likeness=note.likeness,
    )
    return info, note.text


def restore(job: Job, *, form: str, options: "RestoreOptions", limits: Limits, force: bool) -> JobSteps:
    """Restore one picture; the options are those of restoring.restored_file() and files.write()."""
    from jrecomp.restoring import restored_file

    files.check_target(job.target, job.source, force)
    data = files.read(job.source, limits)
    picture, info, note = yield partial(restored_file, data, form, options, limits)
    files.write(job.target, picture, job.source, force)
    return info, note


def thumbnail(job: Job, *, form: str, size: int, threads: int, limits: Limits, force: bool) -> JobSteps:
    """Make the thumbnail of one picture; the options are those of thumbnails.thumbnail_file()."""
    from jrecomp.thumbnails import thumbnail_file

    files.check_target(job.target, job.source, force)
    data = files.read(job.source, limits)
    picture, info = yield partial(thumbnail_file, data, form, size, threads, limits)
    files.write(job.target, picture, job.source, force)
    return info, ""


def decompress(job: Job, *, threads: int, device: Device, limits: Limits, force: bool) -> JobSteps:
    """Decompress one container; the options are those of pipeline.decompress() and files.write()."""
    files.check_target(job.target, job.source, force)
    data = files.read(job.source, limits)
    restored = yield partial(pipeline.decompress, data, threads=threads, device=device, limits=limits)
    files.write(job.target, restored, job.source, force)
    return pipeline.inspect(data, limits=limits), ""


def salvage(job: Job, *, threads: int, device: Device, limits: Limits, force: bool) -> JobSteps:
    """Restore what is left of one container; the options are those of decompress().

    Raises CorruptContainerError after writing if something is lost.
    """
    files.check_target(job.target, job.source, force)
    data, notes = files.read(job.source, limits), list[Note]()
    restored = yield partial(
        pipeline.salvage, data, threads=threads, device=device, limits=limits, on_note=notes.append
    )
    files.write(job.target, restored, job.source, force)
    if notes[0].text:
        raise CorruptContainerError(f"damaged, what is left was restored: {notes[0].text}")
    return pipeline.inspect(data, limits=limits), ""


def verify(job: Job, *, original: Path | None, threads: int, device: Device, limits: Limits) -> JobSteps:
    """Verify one container.

    original: file to compare with. Without it, a container that is not lossy is compared with the file of the
    same name without .jrc, if that exists. threads, device, limits: those of pipeline.verify().
    """
    data = files.read(job.source, limits)
    if original is None and pipeline.inspect(data, limits=limits).mode != "lossy":
        original = _beside(job.source)
    expected = files.read(original, limits) if original else None
    yield partial(pipeline.verify, data, expected, threads=threads, device=device, limits=limits)
    info = pipeline.inspect(data, limits=limits)
    note = f"identical to {original}" if original else "checksums match"
    return info, f"{note} (lossy)" if info.mode == "lossy" else note


def inspect(job: Job, *, limits: Limits) -> JobSteps:
    """Describe one container by pipeline.inspect()."""
    info = yield partial(pipeline.inspect, files.read(job.source, limits), limits=limits)
    return info, ""


def _beside(source: Path | None) -> Path | None:
    if source is None or source.suffix != files.SUFFIX:
        return None
    original = files.restored_name(source)
    return original if original.is_file() else None
