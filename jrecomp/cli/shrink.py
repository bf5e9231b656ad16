"""The command `jrecomp shrink`."""

from functools import partial

import click

from jrecomp import batch, files
from jrecomp.batch import ChangeOptions, Destination
from jrecomp.cli import options, report
from jrecomp.cli.options import Reporting, Selection
from jrecomp.errors import ExitCode
from jrecomp.options import Limits


@click.command("shrink")
@options.selection
@options.destination
@options.change
@click.option("--progressive", is_flag=True, help="Write progressive JPEG files where they are smaller.")
@options.threads
@options.limits
@options.reporting
def command(
    selection: Selection,
    destination: Destination,
    change: ChangeOptions,
    progressive: bool,
    threads: int,
    limits: Limits,
    reporting: Reporting,
) -> ExitCode:
    """Make smaller JPEG files that every viewer opens.

    The result for photo.jpg is photo.shrunk.jpg. Without the options marked "Lossy", no pixel changes. Every
    result is read again and compared before it is written. If no result is smaller, or if the file is
    damaged, it is copied. In folders, files that end in .jpg, .jpeg, .jpe or .jfif are shrunk, except those
    that were shrunk before. If FILE is "-", standard input is shrunk to standard output.

    \b
    jrecomp shrink photo.jpg --quality 80
    jrecomp shrink photo.jpg -o small.jpg --max-bytes 200000
    """
    jobs = batch.plan(
        selection.find(batch.JPEG_SUFFIXES, batch.SHRUNK_SUFFIXES), destination, files.shrunk_name
    )
    at_once, threads = batch.share(threads, "cpu", len(jobs))
    work = partial(
        batch.shrink,
        change=change,
        progressive=progressive,
        threads=threads,
        limits=limits,
        force=destination.force,
        on_progress=report.attempts(jobs, reporting),
    )
    return report.run(jobs, work, report.written, reporting, at_once=at_once, pipes=batch.pipes(jobs))
