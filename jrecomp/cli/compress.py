"""`jrecomp compress`."""

from functools import partial

import click

from jrecomp import batch, files
from jrecomp.batch import ChangeOptions, Destination
from jrecomp.cli import options, report
from jrecomp.cli.options import Reporting, Selection
from jrecomp.errors import ExitCode
from jrecomp.model.weights import DEFAULT_MODEL


@click.command("compress")
@options.selection
@options.destination
@options.change
@click.option("--model", metavar="NAME", help="Predict with this model instead of the default.")
@options.threads
@options.device
@options.reporting
def command(
    selection: Selection,
    destination: Destination,
    change: ChangeOptions,
    model: str | None,
    threads: int,
    device: str,
    reporting: Reporting,
) -> ExitCode:
    """Compress JPEG files, FILE to FILE.jrc.

    "-" is standard input and goes to standard output. Every result is decompressed and compared before it
    is written. What is no JPEG file, or one that cannot be modelled, is stored as it is, and the reason
    is told. Folders give their .jpg, .jpeg, .jpe and .jfif files. With --quality or a target the
    JPEG file that is restored is another, smaller one.

    \b
    jrecomp compress photo.jpg
    jrecomp compress --quality 80 photo.jpg
    jrecomp compress --recursive photos --output-dir compressed
    """
    jobs = batch.plan(selection.find(batch.JPEG_SUFFIXES), destination, files.compressed_name)
    at_once, threads = batch.share(threads, device, len(jobs), model or DEFAULT_MODEL)
    work = partial(
        batch.compress,
        change=change,
        model=model,
        threads=threads,
        device=device,
        force=destination.force,
        on_progress=report.attempts(jobs, reporting),
    )
    return report.run(jobs, work, report.written, reporting, at_once=at_once, pipes=batch.pipes(jobs))
