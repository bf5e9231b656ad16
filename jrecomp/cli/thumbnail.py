"""The command `jrecomp thumbnail`."""

from functools import partial

import click

from jrecomp import files, work
from jrecomp.cli import lines, options, report
from jrecomp.cli.options import Reporting, Selection
from jrecomp.errors import ExitCode
from jrecomp.jobs import Destination
from jrecomp.options import Limits
from jrecomp.sharing import share
from jrecomp.thumbnails import LARGEST, SIZE, SUFFIXES

_NAMED = ".thumbnail"
"""What the names of thumbnails have before their ending."""

_ENDINGS = tuple(_NAMED + ending for endings in SUFFIXES.values() for ending in endings)
"""Endings of the names of thumbnails, of which no thumbnails are made."""


@click.command("thumbnail")
@options.selection
@options.destination
@click.option(
    "--size",
    type=click.IntRange(1, LARGEST),
    metavar="N",
    default=SIZE,
    show_default=True,
    help="Width and height that thumbnails fit into, in pixels.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(SUFFIXES)),
    help="Write thumbnails of this format. By default the name of OUT tells it; without one it is JPEG.",
)
@options.threads
@options.limits
@options.reporting
def command(
    selection: Selection,
    destination: Destination,
    size: int,
    form: str | None,
    threads: int,
    limits: Limits,
    reporting: Reporting,
) -> ExitCode:
    """Make small versions of JPEG files and containers.

    The result for photo.jpg or photo.jpg.jrc is photo.thumbnail.jpg. Pictures are rotated as Exif data tell,
    and never enlarged. The colour profile is kept. Of containers by the models default and best, no more is
    decoded than the size needs, so small thumbnails are made much faster than the picture. In folders,
    thumbnails are made of JPEG and .jrc files. If FILE is "-", the thumbnail
    of standard input is written to standard output.

    \b
    jrecomp thumbnail photo.jpg.jrc
    jrecomp thumbnail -r library --size 512 --format webp --output-dir thumbnails
    """
    form = form or options.format_of(destination, SUFFIXES)
    suffix = _NAMED + SUFFIXES[form][0]
    search = selection.search(options.pictures(_ENDINGS))
    stream = search.jobs(destination, lambda path: files.picture_name(path, suffix))
    shares = share(threads, "cpu", stream.first)
    steps = partial(
        work.thumbnail,
        form=form,
        size=size,
        threads=shares.threads,
        limits=limits,
        existing=destination.existing,
    )
    return report.run(
        stream, steps, lines.thumbnail, reporting, shares=shares, pipes=destination.pipes(selection.sources)
    )
