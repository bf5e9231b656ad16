"""The command `jrecomp shrink`."""

from functools import partial

import click

from jrecomp import files, work
from jrecomp.cli import lines, options, report
from jrecomp.cli.options import Reporting, Selection
from jrecomp.errors import ExitCode
from jrecomp.jobs import JPEG_SUFFIXES, SHRUNK_SUFFIXES, Destination, Existing, Wanted
from jrecomp.options import Limits
from jrecomp.sharing import share
from jrecomp.work import ChangeOptions


@click.command("shrink")
@options.selection
@options.destination
@options.change
@click.option("--progressive", is_flag=True, help="Write progressive JPEG files where they are smaller.")
@options.dry_run
@options.threads
@options.limits
@options.reporting
def command(
    selection: Selection,
    destination: Destination,
    change: ChangeOptions,
    progressive: bool,
    dry_run: bool,
    threads: int,
    limits: Limits,
    reporting: Reporting,
) -> ExitCode:
    """Make smaller JPEG files that every viewer opens.

    The result for photo.jpg is photo.shrunk.jpg. Without the options marked "Lossy", no pixel changes. Every
    result is read again and compared before it is written. If no result is smaller, or if the file is
    damaged, it is copied. In folders, JPEG files are shrunk, except hidden ones and those that were shrunk
    before. A result that has the time of its input is taken for done, and skipped. If FILE is "-", standard
    input is shrunk to standard output.

    \b
    jrecomp shrink photo.jpg --quality 80
    jrecomp shrink photo.jpg -o small.jpg --max-bytes 200000
    """
    search = selection.search(Wanted(JPEG_SUFFIXES, SHRUNK_SUFFIXES))
    stream = search.jobs(destination, files.shrunk_name)
    shares = share(threads, "cpu", stream.first)
    steps = partial(
        work.shrink,
        change=change,
        progressive=progressive,
        threads=shares.threads,
        limits=limits,
        existing=destination.existing,
        on_progress=report.attempts(stream, reporting),
    )
    if dry_run:
        from jrecomp.cli import estimate

        return estimate.run(stream, partial(steps, existing=Existing.REPLACE), reporting, shares.at_once)
    return report.run(
        stream, steps, lines.written, reporting, shares=shares, pipes=destination.pipes(selection.sources)
    )
