"""`jrecomp decompress`."""

from functools import partial

import click

from jrecomp import batch, files
from jrecomp.batch import Destination
from jrecomp.cli import options, report
from jrecomp.cli.options import Reporting, Selection
from jrecomp.errors import ExitCode


@click.command("decompress")
@options.selection
@options.destination
@options.threads
@options.device
@options.reporting
def command(
    selection: Selection, destination: Destination, threads: int, device: str, reporting: Reporting
) -> ExitCode:
    """Restore compressed files, FILE.jrc to FILE.

    "-" is standard input and goes to standard output. Nothing is written unless it has the checksum of the
    original. Folders give their .jrc files.

    \b
    jrecomp decompress photo.jpg.jrc
    jrecomp decompress --recursive compressed --output-dir restored
    """
    jobs = batch.plan(selection.find(batch.CONTAINER_SUFFIXES), destination, files.restored_name)
    at_once, threads = batch.share(threads, device, len(jobs))
    work = partial(batch.decompress, threads=threads, device=device, force=destination.force)
    return report.run(jobs, work, report.restored, reporting, at_once=at_once, pipes=batch.pipes(jobs))
