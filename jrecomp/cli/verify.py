"""`jrecomp verify`."""

from functools import partial
from pathlib import Path

import click

from jrecomp import batch
from jrecomp.cli import options, report
from jrecomp.cli.options import Reporting, Selection
from jrecomp.errors import ExitCode, UsageError


@click.command("verify")
@options.selection
@click.option(
    "--original",
    metavar="FILE",
    type=click.Path(readable=False, path_type=Path),
    help="Compare with this original file.",
)
@options.threads
@options.device
@options.reporting
def command(
    selection: Selection, original: Path | None, threads: int, device: str, reporting: Reporting
) -> ExitCode:
    """Check that .jrc files restore their originals.

    Nothing is written. Each file is decompressed and its checksums are compared. Where the original lies
    beside it (photo.jpg beside photo.jpg.jrc) or is given, the restored bytes are compared with it too;
    with what lies beside it only where the container is not lossy.

    \b
    jrecomp verify photo.jpg.jrc
    jrecomp verify archive.jrc --original photo.jpg
    """
    found = selection.find(batch.CONTAINER_SUFFIXES)
    if original and len(found) > 1:
        raise UsageError("--original names one file, but there are several inputs")
    jobs = [job for job, _ in found]
    at_once, threads = batch.share(threads, device, len(jobs))
    work = partial(batch.verify, original=original, threads=threads, device=device)
    return report.run(jobs, work, report.verified, reporting, at_once=at_once)
