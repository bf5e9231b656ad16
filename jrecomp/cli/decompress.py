"""The command `jrecomp decompress`."""

from functools import partial

import click

from jrecomp import files, work
from jrecomp.cli import lines, options, report
from jrecomp.cli.options import Reporting, Selection
from jrecomp.errors import ExitCode
from jrecomp.jobs import CONTAINER_SUFFIXES, Destination, Wanted
from jrecomp.options import Device, Limits
from jrecomp.sharing import share


@click.command("decompress")
@options.selection
@options.destination
@click.option(
    "--salvage", is_flag=True, help="Restore what is left of damaged files; what is lost is told, and fails."
)
@click.option("-k", "--keep", is_flag=True, help="Keep the .jrc files, which are never deleted.")
@options.dry_run
@options.threads
@options.device
@options.limits
@options.reporting
def command(
    selection: Selection,
    destination: Destination,
    salvage: bool,
    keep: bool,
    dry_run: bool,
    threads: int,
    device: Device,
    limits: Limits,
    reporting: Reporting,
) -> ExitCode:
    """Restore compressed files, from FILE.jrc to FILE.

    A file is written only if its length and checksum are those of the original. In folders, files that end
    in .jrc are restored. Files that are there, with the checksums of their originals, are skipped. If FILE is
    "-", standard input is restored to standard output.

    \b
    jrecomp decompress photo.jpg.jrc
    jrecomp decompress --recursive compressed --output-dir restored
    """
    stream = selection.search(Wanted(CONTAINER_SUFFIXES)).jobs(destination, files.restored_name)
    shares = share(threads, device, stream.first, anew=destination.force)
    decompress = work.salvage if salvage else work.decompress
    steps = partial(
        decompress, threads=shares.threads, device=shares.device, limits=limits, existing=destination.existing
    )
    return report.write(
        stream,
        steps,
        lines.restored,
        reporting,
        destination,
        selection.sources,
        shares=shares,
        dry_run=dry_run,
    )
