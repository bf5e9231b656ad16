"""Batches of files: running jobs on several threads."""

import os
import time
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from jrecomp import files, temporary
from jrecomp.errors import ExitCode, JrecompError, shortage, unexpected
from jrecomp.jobs import Job
from jrecomp.outputs import Output, Outputs
from jrecomp.threads import Task, Turns, Workers, cancellation
from jrecomp.work import AnyInfo, Compute, Finished, JobSteps, Step, Work

IN_MEMORY = 32 << 20
"""Largest total size in bytes of the inputs held at once. A larger file is held alone."""

TOGETHER = 64
"""Largest number of outputs that are flushed to disk together, after FLUSH_SECONDS at most."""

FLUSH_SECONDS = 0.25


class Outcome(NamedTuple):
    """The result of a job.

    seconds: time taken to read, compute and write, without waiting for other jobs. finished: the result; None
    after an error. error: the error; None after success. size: of the input in bytes, at least 1.
    """

    job: Job
    seconds: float = 0.0
    finished: Finished | None = None
    error: JrecompError | None = None
    size: int = 1

    @property
    def info(self) -> AnyInfo | None:
        """Description of the result; None after an error and for skipped jobs."""
        return self.finished.info if self.finished else None

    @property
    def note(self) -> str:
        """A remark for the report, or ""."""
        return self.finished.note if self.finished else ""

    @property
    def skipped(self) -> bool:
        """Whether there was nothing to do."""
        return self.finished is not None and self.finished.skipped


class Activity:
    """What a run is doing, for a display in another thread.

    current: the oldest job in progress. slices: how many slices of its pictures were coded so far. begun: how
    many jobs have been taken, to begin with each when there is room for it.
    """

    def __init__(self) -> None:
        self._current: _Running | None = None
        self.begun = 0

    @property
    def current(self) -> Job | None:
        """The oldest job in progress, None if there is none."""
        current = self._current
        return current.job if current else None

    @property
    def slices(self) -> int:
        """How many slices of its pictures have been begun."""
        current = self._current
        return current.slices if current else 0

    def show(self, running: "_Running | None") -> None:
        """Set the job."""
        self._current = running


def run(
    jobs: Iterable[Job],
    work: Work,
    at_once: int = 1,
    activity: Activity | None = None,
    computing: int | None = None,
) -> Iterator[Outcome]:
    """Run jobs and yield their outcomes in order.

    jobs: with targets chosen by plan(); each is taken when there is room for it. work: starts a job. at_once:
    how many jobs are in progress at once. activity: is kept current. computing: how many of them compute at
    once, those that wait for a GPU excepted; None for all.

    Reading and writing happen in the caller's thread. An outcome is yielded when its output is on disk;
    several outputs are flushed together. An error ends only its own job, unless its `ends_run` is true. Then,
    as after an interrupt, the remaining jobs are cancelled, and running computations are not awaited. A
    computation that ran short of memory is repeated when no other runs. Temporary files that killed runs have
    left beside the targets are removed first.
    """
    runner = _Runner(work, at_once, activity or Activity(), computing or at_once)
    try:
        with closing(runner.run(iter(jobs))) as outcomes:
            for outcome in outcomes:
                yield outcome
                if outcome.error and outcome.error.ends_run:
                    break
    finally:
        for mirror in runner.mirrors:
            mirror.finish()


class _Runner:
    """Runs jobs, see run(); mirrors: those of the outputs."""

    def __init__(self, work: Work, at_once: int, activity: Activity, computing: int) -> None:
        self.mirrors: set[files.Mirror] = set()
        self._work, self._activity = work, activity
        self._pool, self._turns = Workers(at_once), Turns(computing)
        self._computing: deque[_Running] = deque()
        self._written: list[_Running] = []
        self._since = 0.0
        self._swept: deque[Path] = deque(maxlen=TOGETHER)

    def run(self, jobs: Iterator[Job]) -> Generator[Outcome]:
        """Yield the outcomes."""
        try:
            with Outputs() as outputs:
                for job in jobs:
                    self._activity.begun += 1
                    size = job.size
                    while self._computing and (self._computing[0].done() or self._is_full(size)):
                        yield from self._advance(outputs)
                    self._computing.append(_Running(job, size, self._work, self._pool, self._turns))
                    self._activity.show(self._computing[0])
                while self._computing:
                    yield from self._advance(outputs)
                yield from self._flush(outputs)
            self._pool.join()
        finally:
            self._pool.shutdown()

    def _is_full(self, size: int) -> bool:
        """Whether there is no room for another input of this size."""
        return size + sum(running.size for running in self._computing) > IN_MEMORY

    def _advance(self, outputs: Outputs) -> Iterator[Outcome]:
        """Wait for the oldest job and write its output. What was written before does not wait for long."""
        head = self._computing[0]
        self._activity.show(head)
        if self._written and not head.done():
            head.wait(max(0.0, self._since + FLUSH_SECONDS - time.monotonic()))
            if not head.done():
                yield from self._flush(outputs)
        self._computing.popleft()
        head.compute(self._computing)
        if not self._written:
            self._since = time.monotonic()
        self._written.append(head)
        if head.output:
            self._prepare(head.job)
            head.write(outputs)
        size = sum(running.held for running in self._written)
        late = time.monotonic() > self._since + FLUSH_SECONDS
        if not outputs or len(outputs) >= TOGETHER or size > IN_MEMORY or late:
            yield from self._flush(outputs)

    def _prepare(self, job: Job) -> None:
        if job.mirror:
            self.mirrors.add(job.mirror)
        if job.target:
            target = Path(os.path.realpath(job.target)) if job.target.is_symlink() else job.target
            if target.parent not in self._swept:
                self._swept.append(target.parent)
                temporary.sweep(target.parent)

    def _flush(self, outputs: Outputs) -> Iterator[Outcome]:
        """Complete what was written, in the order of the jobs."""
        outputs.flush()
        written, self._written = self._written, []
        for number, running in enumerate(written):
            running.compute(written[number + 1 :])
            yield running.outcome()


class _Running:
    """A job whose input has been read and whose computation has been submitted.

    output: what is to be written next, if anything. slices: how many were begun. size: of the input in bytes.
    held: size of all that is in memory, about.
    """

    def __init__(self, job: Job, size: int, work: Work, pool: Workers, turns: Turns) -> None:
        self.job, self.size, self.slices = job, size, 0
        self.held = self.size
        self.output: Output | None = None
        self._pool, self._turns = pool, turns
        self._steps = _skip(job) if job.skipped else work(job)
        self._task: Task[tuple[Any, float]] | None = None
        self._outcome: Outcome | None = None
        self._seconds = 0.0
        if job.problem:
            self._fail(job.problem)
        else:
            self._step(lambda: next(self._steps))

    def done(self) -> bool:
        """Whether no computation is in progress."""
        return self._task is None or self._task.done()

    def wait(self, seconds: float | None = None) -> None:
        """Wait for the computation, for so many seconds at most."""
        if self._task:
            self._task.wait(seconds)

    def compute(self, others: Collection["_Running"]) -> None:
        """Wait for the computation and go on with its result; others: the jobs that may run meanwhile."""
        while self._task and not self._outcome:
            try:
                result, seconds = self._result(others)
            except Exception as error:
                self._fail(error)
            else:
                self._seconds += seconds
                self._step(partial(self._steps.send, result))

    def write(self, outputs: Outputs) -> None:
        """Write the output; it is complete after outputs.flush()."""
        output, self.output = self.output, None
        assert output
        self.held = self.size + len(output.data)
        started = time.perf_counter()
        try:
            if self.job.mirror and self.job.target:
                self.job.mirror.make(self.job.target)
            outputs.add(output, self._on_written)
        except Exception as error:
            self._fail(error)
        self._seconds += time.perf_counter() - started

    def outcome(self) -> Outcome:
        """The outcome of a job that has come to its end."""
        if self._outcome is None:
            raise AssertionError("a job writes one output")
        return self._outcome

    def _on_written(self, error: JrecompError | None) -> None:
        if error:
            self._fail(error)
        else:
            self._step(partial(self._steps.send, None))

    def _step(self, resume: Callable[[], Step]) -> None:
        """Let the job go on to its next step or its end."""
        started = time.perf_counter()
        self._task = None
        try:
            step = resume()
            if isinstance(step, Output):
                self.output = step
            else:
                self._compute = partial(self._timed, step)
                self._task = self._pool.submit(self._compute)
        except StopIteration as end:
            seconds = self._seconds + time.perf_counter() - started
            self._outcome = Outcome(self.job, seconds, end.value, size=self.size)
        except Exception as error:
            self._fail(error)
        self._seconds += time.perf_counter() - started

    def _fail(self, error: Exception) -> None:
        self._steps.close()
        known = error if isinstance(error, JrecompError) else unexpected(error)
        self._task, self._outcome = None, Outcome(self.job, self._seconds, error=known, size=self.size)

    def _result(self, others: Collection["_Running"]) -> tuple[Any, float]:
        assert self._task
        try:
            return self._task.result()
        except Exception as error:
            if not shortage(error):
                raise
        self._task = None  # which keeps memory
        for other in others:
            other.wait()
        return self._pool.submit(self._compute).result()

    def _timed(self, compute: Compute) -> tuple[Any, float]:
        with self._turns.turn(), cancellation(self._count):
            started = time.perf_counter()
            return compute(), time.perf_counter() - started

    def _count(self) -> bool:
        self.slices += 1
        return False


def _skip(job: Job) -> JobSteps:
    return Finished(note=job.skipped, skipped=True)
    yield


def exit_code(outcomes: Iterable[Outcome]) -> ExitCode:
    """The exit code of the error that ended the run, otherwise of the first one; OK if none failed."""
    errors = [outcome.error for outcome in outcomes if outcome.error]
    first = next((error for error in errors if error.ends_run), next(iter(errors), None))
    return first.exit_code if first else ExitCode.OK
