"""The command `jrecomp verify`."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from jrecomp import files, work
from jrecomp.cli import lines, options, report
from jrecomp.cli.options import Reporting, Selection
from jrecomp.errors import ExitCode, UsageError
from jrecomp.jobs import CONTAINER_SUFFIXES, JPEG_SUFFIXES, Destination, Job, Stream, Wanted, is_folder
from jrecomp.options import Device, Limits
from jrecomp.sharing import share
from jrecomp.work import JobSteps


@click.command("verify")
@options.selection
@click.option(
    "--original",
    metavar="FILE",
    type=options.PathName(Path),
    help="Compare the restored file with the original FILE.",
)
@click.option(
    "--originals",
    metavar="TREE",
    type=options.PathName(),
    help="Check that every JPEG file of the folder TREE has a container in the folder FILE that restores it.",
)
@options.dry_run
@options.threads
@options.device
@options.limits
@options.reporting
def command(
    selection: Selection,
    original: Path | None,
    originals: str | None,
    dry_run: bool,
    threads: int,
    device: Device,
    limits: Limits,
    reporting: Reporting,
) -> ExitCode:
    """Check that .jrc files restore their originals.

    Each file is decompressed in memory, and its checksums are compared. The restored file is also compared
    with its original if that is given, or if it is in the same folder (photo.jpg for photo.jpg.jrc) and the
    compression was lossless. Nothing is written.

    With --originals, every JPEG file of the folder TREE must have a container at the same place in the folder
    FILE that restores it and is flushed to disk; others are listed, and fail. Then the JPEG files can be
    deleted. Hidden files and those that are no JPEG files by name are not checked, but counted as left out.

    \b
    jrecomp verify photo.jpg.jrc
    jrecomp verify archive.jrc --original photo.jpg
    jrecomp verify -r compressed --originals photos
    """
    verify: Callable[..., JobSteps]
    if originals is None:
        stream = selection.search(Wanted(CONTAINER_SUFFIXES)).jobs()
        first, verify = stream.first, partial(work.verify, original=original)
    else:
        if original:
            raise UsageError("--original and --originals exclude each other (use only one)")
        stream = _originals(selection, originals)
        first, verify = partial(_containers, stream), work.verify_original
    if original and stream.at_least(2) > 1:
        raise UsageError("--original names one file, but there are several inputs (verify them one by one)")
    shares = share(threads, device, first)
    steps = partial(verify, threads=shares.threads, device=shares.device, limits=limits)
    return report.run(stream, steps, lines.verified, reporting, shares=shares, dry_run=dry_run)


def _originals(selection: Selection, tree: str) -> Stream:
    """The JPEG files of a folder, with their containers in the selected folder as targets."""
    if len(selection.sources) != 1 or not is_folder(selection.sources[0]) or not selection.recursive:
        raise UsageError("--originals needs -r and one folder of .jrc files")
    destination = Destination(output_dir=Path(selection.sources[0]))
    search = replace(selection, sources=(tree,)).search(Wanted(JPEG_SUFFIXES))
    return search.jobs(destination, files.compressed_name)


def _containers(stream: Stream, count: int) -> list[Job]:
    """The first jobs of _originals(), as of commands that read the containers."""
    return [job._replace(source=job.target, target=None) for job in stream.first(count)]
