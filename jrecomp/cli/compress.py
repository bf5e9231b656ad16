"""The command `jrecomp compress`."""

from functools import partial

import click

from jrecomp import batch, files
from jrecomp.batch import ChangeOptions, Destination
from jrecomp.cli import options, report
from jrecomp.cli.options import Reporting, Selection
from jrecomp.errors import ExitCode
from jrecomp.model.weights import DEFAULT_MODEL
from jrecomp.options import Device, Limits


@click.command("compress")
@options.selection
@options.destination
@options.change
@click.option(
    "--model",
    metavar="NAME",
    help="Use the model NAME: best for smaller results, fast for speed, or default.",
)
@options.threads
@options.device
@options.limits
@options.reporting
def command(
    selection: Selection,
    destination: Destination,
    change: ChangeOptions,
    model: str | None,
    threads: int,
    device: Device,
    limits: Limits,
    reporting: Reporting,
) -> ExitCode:
    """Compress JPEG files, from FILE to FILE.jrc.

    Every result is decompressed and compared before it is written. A file that is not a JPEG file, or that
    cannot be compressed, is stored unchanged, and the reason is printed. In folders, files that end in .jpg,
    .jpeg, .jpe or .jfif are compressed. If FILE is "-", standard input is compressed to standard output.

    Without the options marked "Lossy", decompression restores the original file. With one of them, it
    restores a smaller JPEG file that looks similar.

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
        limits=limits,
        force=destination.force,
        on_progress=report.attempts(jobs, reporting),
    )
    return report.run(jobs, work, report.written, reporting, at_once=at_once, pipes=batch.pipes(jobs))
