"""The command `jrecomp compress`."""

from functools import partial

import click

from jrecomp import files, work
from jrecomp.cli import lines, options, report
from jrecomp.cli.options import Reporting, Selection
from jrecomp.errors import ExitCode, UsageError
from jrecomp.jobs import JPEG_SUFFIXES, Destination, Wanted
from jrecomp.model.weights import DEFAULT_MODEL
from jrecomp.options import Device, Limits
from jrecomp.sharing import share
from jrecomp.work import ChangeOptions


@click.command("compress")
@options.selection
@options.destination
@options.change
@options.model
@click.option(
    "--delete-source",
    is_flag=True,
    help="Delete each file after its container was read back from disk, restored, and compared with it.",
)
@click.option("-k", "--keep", is_flag=True, help="Keep the files, which is the default.")
@options.dry_run
@options.threads
@options.device
@options.limits
@options.reporting
def command(
    selection: Selection,
    destination: Destination,
    change: ChangeOptions,
    model: str | None,
    delete_source: bool,
    keep: bool,
    dry_run: bool,
    threads: int,
    device: Device,
    limits: Limits,
    reporting: Reporting,
) -> ExitCode:
    """Compress JPEG files, from FILE to FILE.jrc.

    Every result is decompressed and compared before it is written. A file that is not a JPEG file, or that
    cannot be compressed, is stored unchanged, and the reason is printed. In folders, files that end in .jpg,
    .jpeg, .jpe, .jfif, .jif, .mpo, .insp or .thm are compressed, except hidden ones. Files whose containers
    are there and whole are skipped, so a run that was interrupted goes on. If FILE is "-", standard input is
    compressed to standard output.

    Without the options marked "Lossy", decompression restores the original file. With one of them, it
    restores a smaller JPEG file that looks similar.

    \b
    jrecomp compress photo.jpg
    jrecomp compress --quality 80 photo.jpg
    jrecomp compress --recursive photos --output-dir compressed
    jrecomp compress -r photos --delete-source
    find photos -name "*.jpg" -print0 | jrecomp compress --files0-from -
    """
    if delete_source:
        _check_deletion(destination, change, keep)
    stream = selection.search(Wanted(JPEG_SUFFIXES)).jobs(destination, files.compressed_name)
    shares = share(threads, device, stream.first, model or DEFAULT_MODEL, passes=2, anew=destination.force)
    steps = partial(
        work.compress,
        change=change,
        model=model,
        threads=shares.threads,
        device=shares.device,
        limits=limits,
        existing=destination.existing,
        delete_source=delete_source,
        on_progress=report.attempts(stream, reporting),
    )
    return report.write(
        stream,
        steps,
        lines.written,
        reporting,
        destination,
        selection.sources,
        shares=shares,
        dry_run=dry_run,
        passes=2,
    )


def _check_deletion(destination: Destination, change: ChangeOptions, keep: bool) -> None:
    """Raises UsageError where --delete-source could lose something."""
    if keep:
        raise UsageError("--delete-source and --keep exclude each other (use only one)")
    if work.is_lossy(change):
        raise UsageError("--delete-source excludes lossy results, which do not restore the files")
    if destination.force or destination.skip_existing:
        raise UsageError("--delete-source excludes --force and --skip-existing, so that no file is lost")
