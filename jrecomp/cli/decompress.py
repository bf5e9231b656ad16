"""The command `jrecomp decompress`."""

from functools import partial

import click

from jrecomp import batch, files
from jrecomp.batch import Destination
from jrecomp.cli import options, report
from jrecomp.cli.options import Reporting, Selection
from jrecomp.errors import ExitCode
from jrecomp.options import Device, Limits


@click.command("decompress")
@options.selection
@options.destination
@click.option(
    "--salvage", is_flag=True, help="Restore what is left of damaged files; what is lost is told, and fails."
)
@options.threads
@options.device
@options.limits
@options.reporting
def command(
    selection: Selection,
    destination: Destination,
    salvage: bool,
    threads: int,
    device: Device,
    limits: Limits,
    reporting: Reporting,
) -> ExitCode:
    """Restore compressed files, from FILE.jrc to FILE.

    A file is written only if its length and checksum are those of the original. In folders, files that end
    in .jrc are restored. If FILE is "-", standard input is restored to standard output.

    \b
    jrecomp decompress photo.jpg.jrc
    jrecomp decompress --recursive compressed --output-dir restored
    """
    jobs = batch.plan(selection.find(batch.CONTAINER_SUFFIXES), destination, files.restored_name)
    at_once, threads = batch.share(threads, device, len(jobs))
    decompress = batch.salvage if salvage else batch.decompress
    work = partial(decompress, threads=threads, device=device, limits=limits, force=destination.force)
    return report.run(jobs, work, report.restored, reporting, at_once=at_once, pipes=batch.pipes(jobs))
