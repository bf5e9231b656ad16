"""`jrecomp info`."""

import click

from jrecomp import batch
from jrecomp.cli import options, report
from jrecomp.cli.options import Reporting, Selection
from jrecomp.errors import ExitCode


@click.command("info")
@options.selection
@options.reporting
def command(selection: Selection, reporting: Reporting) -> ExitCode:
    """Describe .jrc files.

    Mode, model, sizes, properties of the image, and why a file is stored. Contents are not decoded (verify
    does that), but damage is found.

    \b
    jrecomp info photo.jpg.jrc
    jrecomp info --json --recursive compressed
    """
    jobs = [job for job, _ in selection.find(batch.CONTAINER_SUFFIXES)]
    return report.run(jobs, batch.inspect, report.details, reporting)
