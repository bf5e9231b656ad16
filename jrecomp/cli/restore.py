"""The command `jrecomp restore`."""

from functools import partial

import click

from jrecomp import files, work
from jrecomp.cli import lines, options, report
from jrecomp.cli.options import Reporting, Selection
from jrecomp.errors import ExitCode
from jrecomp.jobs import Destination
from jrecomp.options import Limits, Method
from jrecomp.restoration import FORMATS, METHODS
from jrecomp.restoring import DEFAULT_METHOD, RestoreOptions
from jrecomp.sharing import share


@click.command("restore")
@options.selection
@options.destination
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    help="Write pictures of this format. By default the name of OUT tells it; without one it is PNG.",
)
@click.option(
    "--bits",
    type=click.Choice(["8", "16"]),
    default=str(RestoreOptions.bits),
    show_default=True,
    help="Bits of a channel; 16 with PNG and TIFF.",
)
@click.option(
    "--method",
    type=click.Choice(list(METHODS)),
    help=f"Method of restoration; by default the one that a .jrc file names, otherwise {DEFAULT_METHOD}.",
)
@click.option(
    "--strength",
    metavar="S",
    type=click.FloatRange(0, 1),
    default=RestoreOptions.strength,
    help="Change ordinary decoding by the share S of the restoration, from 0 to 1, the default.",
)
@options.threads
@options.limits
@options.reporting
def command(
    selection: Selection,
    destination: Destination,
    form: str | None,
    bits: str,
    method: Method | None,
    strength: float,
    threads: int,
    limits: Limits,
    reporting: Reporting,
) -> ExitCode:
    """Decode JPEG files to better pictures than ordinary decoders.

    The result for photo.jpg or photo.jpg.jrc is photo.png. Compressing it again with the quantization tables
    and the sampling of the file gives the DCT coefficients of the file. That is checked on the pixels that
    are written, and the number of coefficients that change is told. ICC profile, Exif and XMP are kept; the
    picture is not rotated. Damaged pictures are decoded without restoration. In folders, JPEG and .jrc files
    are restored. If FILE is "-", standard input is restored to standard output.

    \b
    jrecomp restore photo.jpg
    jrecomp restore photo.jpg.jrc -o photo.tif --bits 16
    """
    form = form or options.format_of(destination, {name: f.suffixes for name, f in FORMATS.items()})
    suffix = FORMATS[form].suffixes[0]
    search = selection.search(options.pictures())
    stream = search.jobs(destination, lambda path: files.picture_name(path, suffix))
    shares = share(threads, "cpu", stream.first)
    steps = partial(
        work.restore,
        form=form,
        options=RestoreOptions(method, int(bits), strength, threads),
        limits=limits,
        existing=destination.existing,
    )
    return report.run(
        stream, steps, lines.picture, reporting, shares=shares, pipes=destination.pipes(selection.sources)
    )
