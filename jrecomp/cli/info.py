"""The command `jrecomp info`."""

from functools import partial

import click

from jrecomp import work
from jrecomp.cli import lines, options, report
from jrecomp.cli.options import Reporting, Selection
from jrecomp.errors import ExitCode
from jrecomp.jobs import CONTAINER_SUFFIXES, Wanted
from jrecomp.options import Limits


@click.command("info")
@options.selection
@options.dry_run
@options.limits
@options.reporting
def command(selection: Selection, dry_run: bool, limits: Limits, reporting: Reporting) -> ExitCode:
    """Describe .jrc files.

    The description has the mode, the model, sizes, properties of all pictures, and the reason if the file is
    stored unchanged. The checksum of the .jrc file is checked, but the image is not decoded; the command
    verify does that.

    \b
    jrecomp info photo.jpg.jrc
    jrecomp info --json --recursive compressed
    """
    stream = selection.search(Wanted(CONTAINER_SUFFIXES)).jobs()
    steps = partial(work.inspect, limits=limits)
    return report.run(stream, steps, lines.details, reporting, always=True, dry_run=dry_run)
