"""The report of a run: its progress, a line or a JSON object for each file, failures, and totals.

Errors and the progress are printed to standard error. The report is printed to standard output, or to
standard error if a result is written to standard output.
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext, suppress

import click

from jrecomp import batch, notes
from jrecomp.batch import Activity, Outcome
from jrecomp.cli import json_lines, lines, process
from jrecomp.cli.lines import Describe
from jrecomp.cli.options import Reporting
from jrecomp.cli.progress import Progress, on_terminal
from jrecomp.cli.tally import Tally
from jrecomp.errors import ExitCode
from jrecomp.jobs import Destination, LeftOut, Stream
from jrecomp.sharing import ONE_BY_ONE, Shares
from jrecomp.work import Work


def run(
    stream: Stream,
    work: Work,
    describe: Describe,
    reporting: Reporting,
    *,
    shares: Shares = ONE_BY_ONE,
    pipes: bool = False,
    passes: int = 1,
    always: bool = False,
    dry_run: bool = False,
    anew: bool = True,
) -> ExitCode:
    """Run jobs and print a report, or print only what they would do.

    stream: the jobs. work: as for batch.run(). shares: from sharing.share(). describe: formats the outcome of
    a successful job. reporting: what to print. pipes: whether a result is written to standard output. passes:
    how often the slices of a picture are coded. always: print a line for each file also where there are many.
    dry_run: write nothing. anew: whether inputs whose targets exist are processed, too.

    Returns the exit code of the first failed job, OK if none failed.
    """
    if dry_run:
        from jrecomp.cli import estimate

        return estimate.run(stream, work, reporting, shares.computing, anew=anew)
    report = _Report(stream, describe, reporting, pipes, always)
    activity = Activity()
    progress = Progress(stream, report.tally, activity, passes) if reporting.shows_progress() else None
    jobs = iter(stream)
    with process.told_at_the_end(report.interrupted), progress.shown() if progress else nullcontext():
        for outcome in batch.run(jobs, work, shares.at_once, activity, shares.computing):
            with progress.aside() if progress else nullcontext():
                report.add(outcome)
    left = sum(1 for _ in jobs) + activity.begun - report.tally.files
    report.end(left)
    return report.tally.code


def write(
    stream: Stream,
    work: Work,
    describe: Describe,
    reporting: Reporting,
    destination: Destination,
    sources: Iterable[str],
    *,
    shares: Shares,
    dry_run: bool,
    passes: int = 1,
) -> ExitCode:
    """Run jobs that write outputs, as run() does.

    destination: where outputs are written. sources: what the user named. The others are as for run().
    """
    return run(
        stream,
        work,
        describe,
        reporting,
        shares=shares,
        pipes=destination.pipes(sources),
        passes=passes,
        dry_run=dry_run,
        anew=destination.force,
    )


class _Report:
    """Prints what happens to each file, and the end of the report."""

    def __init__(
        self, stream: Stream, describe: Describe, reporting: Reporting, pipes: bool, always: bool
    ) -> None:
        self.tally = Tally()
        self._several = stream.at_least(2) > 1
        self._left_out: LeftOut = stream.left_out
        self._describe, self._reporting, self._pipes = describe, reporting, pipes
        self._each = reporting.verbose or always or not self._several
        self._started = time.perf_counter()

    def add(self, outcome: Outcome) -> None:
        """Count an outcome and print what there is to say about it."""
        self.tally.add(outcome)
        if self._reporting.as_json:
            click.echo(json_lines.file(outcome), err=self._pipes)
        if outcome.error:
            tell(lines.failure(outcome))
        elif self._reporting.as_json or self._reporting.quiet:
            return
        elif outcome.job.skipped or (outcome.skipped and self._each):
            tell(lines.skipped(outcome))
        elif not self._each:
            return
        elif outcome.info:
            click.echo(self._describe(outcome, outcome.info), err=self._pipes)

    def end(self, left: int) -> None:
        """Print the end of the report; left: number of files that were not tried after an error."""
        if left:
            tell(f"stopped, {left:,} files are left")
        for line in self._ending("stopped" if left else ""):
            click.echo(line, err=self._pipes)

    def interrupted(self) -> None:
        """Print the end of the report after a signal, within its handler."""
        stream = sys.stderr if self._pipes else sys.stdout
        for line in self._ending("interrupted"):
            process.write_at_once(stream, f"{line}\n")

    def _ending(self, ended: str) -> Iterator[str]:
        seconds = time.perf_counter() - self._started
        if self._reporting.as_json:
            yield json_lines.total(self.tally, self._left_out, seconds, ended)
            return
        if self._reporting.quiet or not self._several:
            return
        if self.tally.failures and on_terminal():
            yield self.tally.table()
        yield self.tally.summary(seconds)
        if self._left_out:
            yield f"left out: {self._left_out}"


def tell(text: str) -> None:
    """Print a message to standard error. A message that cannot be printed must not stop the work."""
    with suppress(OSError):
        click.echo(f"jrecomp: {text}", err=True)


def attempts(stream: Stream, reporting: Reporting) -> Callable[[str], None]:
    """A callback that prints attempts at a target. It prints nothing for several files or off terminals."""

    def show(text: str) -> None:
        click.echo(f"\r{text}\033[K", err=True, nl=False)

    single = stream.at_least(2) < 2
    return show if single and reporting.shows_progress() and on_terminal() else notes.ignore
