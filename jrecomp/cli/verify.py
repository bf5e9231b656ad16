"""The command `jrecomp verify`."""

from functools import partial
from pathlib import Path

import click

from jrecomp import batch
from jrecomp.cli import options, report
from jrecomp.cli.options import Reporting, Selection
from jrecomp.errors import ExitCode, UsageError
from jrecomp.options import Device, Limits


@click.command("verify")
@options.selection
@click.option(
    "--original",
    metavar="FILE",
    type=options.PathName(Path),
    help="Compare the restored file with the original FILE.",
)
@options.threads
@options.device
@options.limits
@options.reporting
def command(
    selection: Selection,
    original: Path | None,
    threads: int,
    device: Device,
    limits: Limits,
    reporting: Reporting,
) -> ExitCode:
    """Check that .jrc files restore their originals.

    Each file is decompressed in memory, and its checksums are compared. The restored file is also compared
    with its original if that is given, or if it is in the same folder (photo.jpg for photo.jpg.jrc) and the
    compression was lossless. Nothing is written.

    \b
    jrecomp verify photo.jpg.jrc
    jrecomp verify archive.jrc --original photo.jpg
    """
    found = selection.find(batch.CONTAINER_SUFFIXES)
    if original and len(found) > 1:
        raise UsageError("--original names one file, but there are several inputs (verify them one by one)")
    jobs = [job for job, _ in found]
    at_once, threads = batch.share(threads, device, len(jobs))
    work = partial(batch.verify, original=original, threads=threads, device=device, limits=limits)
    return report.run(jobs, work, report.verified, reporting, at_once=at_once)
