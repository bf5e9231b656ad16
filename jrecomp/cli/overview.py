"""The command `jrecomp report`."""

from collections.abc import Iterator
from pathlib import Path

import click

from jrecomp import files, outputs
from jrecomp.cli import options, report
from jrecomp.errors import ExitCode, InputError, printable
from jrecomp.jobs import CONTAINER_SUFFIXES, Wanted, find
from jrecomp.options import Limits
from jrecomp.outputs import Output


@click.command("report", short_help="Write a page about a folder of .jrc files.")
@click.argument("folder", metavar="DIR", type=options.PathName(Path))
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    type=options.PathName(Path),
    default="report.html",
    show_default=True,
    help="Write the page to OUT.",
)
@click.option("-f", "--force", is_flag=True, help="Replace an existing file.")
@options.limits
@click.option("-q", "--quiet", is_flag=True, help="Print only errors.")
def command(folder: Path, output: Path, force: bool, limits: Limits, quiet: bool) -> ExitCode:
    """Write a page about the .jrc files of a folder.

    The page is one HTML file that needs nothing else: totals, savings by quality, size, camera, kind and
    model, reasons of stored files, and thumbnails of the pictures that save most and least and that have the
    most pixels. It follows the light or dark style of the system. The .jrc files are inspected as by `info`;
    what cannot be read is listed, and the command fails. The command needs the extra `report`
    (pip install jrecomp[report]).

    \b
    jrecomp report archive
    jrecomp report archive -o archive.html
    """
    from jrecomp.overview.collect import collect
    from jrecomp.overview.page import render

    files.check_target(output, None, force)
    if not folder.is_dir():
        raise InputError(f"{folder}: is no folder")
    summary = collect(_containers(folder), limits, lambda path: None)
    page = render(summary, folder, limits)
    outputs.write(Output(output, page.encode(), None, force))
    for name, reason in summary.failures:
        report.tell(reason if reason.startswith(f"{name}:") else f"{name}: {reason}")
    if not quiet:
        click.echo(printable(f"{output}: {summary.total.files:,} files, {summary.failed:,} failed"))
    return summary.error.exit_code if summary.error else ExitCode.OK


def _containers(folder: Path) -> Iterator[Path]:
    """The containers in a folder; raises InputError for folders that cannot be read."""
    for job, _ in find([str(folder)], True, Wanted(CONTAINER_SUFFIXES)):
        if job.problem:
            raise job.problem
        if job.source and not job.skipped:
            yield job.source
