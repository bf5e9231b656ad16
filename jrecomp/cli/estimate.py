"""Dry runs: what a run would do, with sizes and time estimated from a sample of the files."""

import random
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field

import click

from jrecomp.cli import json_lines
from jrecomp.cli.options import Reporting
from jrecomp.errors import ExitCode, JrecompError, printable
from jrecomp.jobs import Job, Stream
from jrecomp.outputs import Output
from jrecomp.work import JobSteps, Work

SAMPLE = 8
"""Number of files in the sample."""

SECONDS = 10.0
"""No further file of the sample is processed after this time."""


@dataclass
class _Count:
    """What was found; sample: some of the files to process, each of them with equal probability."""

    files: int = 0
    input_bytes: int = 0
    existing: int = 0
    failed: int = 0
    sample: list[Job] = field(default_factory=list)

    def add(self, job: Job, chooser: random.Random, anew: bool) -> None:
        if job.problem:
            self.failed += 1
        elif not anew and job.target is not None and job.target.exists():
            self.existing += 1
        elif not job.skipped:
            self.files += 1
            self.input_bytes += job.size
            if len(self.sample) < SAMPLE:
                self.sample.append(job)
            elif (place := chooser.randrange(self.files)) < SAMPLE:
                self.sample[place] = job


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
        if job.problem:
            click.echo(f"jrecomp: {job.problem}", err=True)
        elif reporting.verbose and not reporting.as_json:
            click.echo(printable(f"{job.name} -> {job.target}" if job.target else job.name))
    measured = _measure([job for job in count.sample if job.source], work)
    scale = count.input_bytes / measured.input_bytes if measured.input_bytes else 0.0
    output, seconds = round(measured.output_bytes * scale), measured.seconds * scale / at_once
    if reporting.as_json:
        click.echo(
            json_lines.estimate(
                files=count.files,
                existing=count.existing,
                failed=count.failed,
                input_bytes=count.input_bytes,
                output_bytes=output,
                seconds=seconds,
                sample=measured.files,
            )
        )
    elif not reporting.quiet:
        existing = f", {count.existing:,} outputs exist" if count.existing else ""
        failed = f", {count.failed:,} failed" if count.failed else ""
        click.echo(f"{count.files:,} files, {count.input_bytes / 1e6:,.1f} MB{existing}{failed}")
        if measured.files:
            change = 1 - measured.output_bytes / measured.input_bytes
            compared = f"{abs(change):.1%} {'less' if change >= 0 else 'more'}"
            sizes = f"about {output / 1e6:,.1f} MB afterwards, {compared}, " if output else ""
            click.echo(f"{sizes}in about {_duration(seconds)} (from {measured.files} of the files)")
        if stream.left_out:
            click.echo(f"left out: {stream.left_out}")
    return ExitCode.OK if not count.failed else ExitCode.INPUT


def _measure(sample: list[Job], work: Work) -> _Measured:
    measured, begun = _Measured(), time.perf_counter()
    for job in sample:
        if time.perf_counter() - begun > SECONDS:
            break
        with suppress(JrecompError):  # the run will tell
            started = time.perf_counter()
            output_bytes = _first_output(work(job))
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
