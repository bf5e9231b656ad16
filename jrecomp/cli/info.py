"""The command `jrecomp info`."""

from functools import partial

import click

from jrecomp import batch
from jrecomp.cli import options, report
from jrecomp.cli.options import Reporting, Selection
from jrecomp.errors import ExitCode
from jrecomp.options import Limits


@click.command("info")
@options.selection
@options.limits
@options.reporting
def command(selection: Selection, limits: Limits, reporting: Reporting) -> ExitCode:
    """Describe .jrc files.

    The description has the mode, the model, sizes, properties of all pictures, and the reason if the file is
    stored unchanged. The checksum of the .jrc file is checked, but the image is not decoded; the command
    verify does that.

    \b
    jrecomp info photo.jpg.jrc
    jrecomp info --json --recursive compressed
    """
    jobs = [job for job, _ in selection.find(batch.CONTAINER_SUFFIXES)]
    return report.run(jobs, partial(batch.inspect, limits=limits), report.details, reporting)
