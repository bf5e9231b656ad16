"""Dry runs: what a run would do, with sizes and time estimated from a sample of the files."""

import random
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field

import click

from jrecomp import batch, files
from jrecomp.batch import Outcome
from jrecomp.cli import json_lines, lines, report
from jrecomp.cli.options import Reporting
from jrecomp.errors import ExitCode, JrecompError, printable, unexpected
from jrecomp.jobs import Job, Stream
from jrecomp.outputs import Output
from jrecomp.work import JobSteps, Work

SAMPLE = 8
"""Number of files in the sample."""

SECONDS = 10.0
"""No further file of the sample is processed after this time."""


@dataclass
class _Count:
    """What was found; sample: some of the files to process, each of them with equal probability.

    failed: the outcomes of those that fail.
    """

    files: int = 0
    input_bytes: int = 0
    existing: int = 0
    failed: list[Outcome] = field(default_factory=list)
    sample: list[Job] = field(default_factory=list)

    def add(self, job: Job, chooser: random.Random, anew: bool) -> None:
        problem = job.problem
        if job.source and job.writes:
            problem = files.unreadable(job.source)
        if problem:
            self.fail(job, problem)
        elif not anew and job.target is not None and files.mode(job.target):
            self.existing += 1
        elif not job.skipped:
            self.files += 1
            self.input_bytes += job.size
            if len(self.sample) < SAMPLE:
                self.sample.append(job)
            elif (place := chooser.randrange(self.files)) < SAMPLE:
                self.sample[place] = job

    def fail(self, job: Job, error: JrecompError) -> None:
        """Count and tell an error of a job."""
        outcome = Outcome(job, error=error)
        self.failed.append(outcome)
        report.tell(lines.failure(outcome))

    def fail_in_sample(self, job: Job, error: JrecompError) -> None:
        """The same for a job that has been counted as one to process."""
        self.files -= 1
        self.input_bytes -= job.size
        self.fail(job, error)


@dataclass
class _Measured:
    """Totals of the sample; output_bytes: 0 if nothing would be written."""

    files: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    seconds: float = 0.0


def run(stream: Stream, work: Work, reporting: Reporting, at_once: int, *, anew: bool) -> ExitCode:
    """Print what a run would do.

    stream, at_once: of the run. work: its steps, which are done for the sample, but not beyond the first
    output. anew: whether the run processes inputs whose targets exist, too.
    """
    count, chooser = _Count(), random.Random(0)
    for job in stream:
        count.add(job, chooser, anew)
        if reporting.verbose and not (reporting.as_json or job.problem):
            click.echo(printable(f"{job.name} -> {job.target}" if job.target else job.name))
    measured = _measure(count, work)
    scale = count.input_bytes / measured.input_bytes if measured.input_bytes else 0.0
    output, seconds = round(measured.output_bytes * scale), measured.seconds * scale / at_once
    if reporting.as_json:
        click.echo(
            json_lines.estimate(
                files=count.files,
                existing=count.existing,
                failed=len(count.failed),
                input_bytes=count.input_bytes,
                output_bytes=output,
                seconds=seconds,
                sample=measured.files,
            )
        )
    elif not reporting.quiet:
        existing = f", {count.existing:,} outputs exist" if count.existing else ""
        failed = f", {len(count.failed):,} failed" if count.failed else ""
        click.echo(f"{count.files:,} files, {count.input_bytes / 1e6:,.1f} MB{existing}{failed}")
        if measured.files:
            change = 1 - measured.output_bytes / measured.input_bytes
            compared = f"{abs(change):.1%} {'less' if change >= 0 else 'more'}"
            sizes = f"about {output / 1e6:,.1f} MB afterwards, {compared}, " if output else ""
            click.echo(f"{sizes}in about {_duration(seconds)} (from {measured.files} of the files)")
        if stream.left_out:
            click.echo(f"left out: {stream.left_out}")
    return batch.exit_code(count.failed)


def _measure(count: _Count, work: Work) -> _Measured:
    """Do the jobs of the sample, apart from those of pipes, which can be read only once."""
    measured, begun = _Measured(), time.perf_counter()
    for job in filter(lambda job: files.is_file(job.source), count.sample):
        if time.perf_counter() - begun > SECONDS:
            break
        started = time.perf_counter()
        try:
            output_bytes = _first_output(work(job))
        except Exception as error:
            count.fail_in_sample(job, error if isinstance(error, JrecompError) else unexpected(error))
            continue
        measured.seconds += time.perf_counter() - started
        measured.files += 1
        measured.input_bytes += job.size
        measured.output_bytes += output_bytes
    return measured


def _first_output(steps: JobSteps) -> int:
    """Do a job up to its first output; returns the size of that in bytes, 0 if there is none."""
    with closing(steps), suppress(StopIteration):
        step = next(steps)
        while not isinstance(step, Output):
            step = steps.send(step())
        return len(step.data)
    return 0


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
