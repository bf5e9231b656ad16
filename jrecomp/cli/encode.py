"""The command `jrecomp encode`."""

import re
from functools import partial
from typing import Any, cast

import click

from jrecomp import encoding, files, work
from jrecomp.cli import lines, options, report
from jrecomp.cli.options import Reporting, Selection
from jrecomp.encoder.effort import DEFAULT, EFFORTS
from jrecomp.encoder.source import SUFFIXES
from jrecomp.encoder.tables import TUNES
from jrecomp.encoding import CHOICES, Colour
from jrecomp.errors import ExitCode
from jrecomp.jobs import Destination, Wanted
from jrecomp.options import Limits
from jrecomp.sharing import share
from jrecomp.targets import Target, TargetOptions


def _colour(context: click.Context, parameter: click.Parameter, text: str | None) -> Colour | None:
    if text is None:
        return None
    known = {"white": "ffffff", "black": "000000", "gray": "808080"}
    match = re.fullmatch(r"#?([0-9a-fA-F]{6})", known.get(text, text))
    if not match:
        raise click.BadParameter(f"{text!r} is not white, black, gray or a colour such as #ffffff.")
    red, green, blue = bytes.fromhex(match[1])
    return red, green, blue


@click.command("encode")
@options.selection
@options.destination
@click.option(
    "--quality",
    metavar="Q",
    type=click.FloatRange(0, 100),
    help="Encode at the quality Q, from 0 to 100; 90 is the default.",
)
@click.option("--max-bytes", metavar="N", type=click.IntRange(1), help="Write at most N bytes.")
@click.option("--bpp", metavar="X", type=float, help="Write at most X bits per pixel.")
@click.option(
    "--min-psnr", metavar="DB", type=float, help="Keep a similarity (PSNR) of at least DB decibels."
)
@click.option(
    "--min-ms-ssim",
    metavar="S",
    type=float,
    help="Keep a similarity (MS-SSIM) of at least S; 1 means identical.",
)
@click.option(
    "--min-ssimulacra2",
    metavar="S",
    type=float,
    help="Keep a similarity (SSIMULACRA2) of at least S, up to 100.",
)
@click.option(
    "--tune",
    type=click.Choice(TUNES),
    default=TUNES[0],
    show_default=True,
    help="Measure of similarity that results are optimized for.",
)
@click.option(
    "--subsampling",
    type=click.Choice(CHOICES),
    default=CHOICES[0],
    show_default=True,
    help="Resolution of colour; auto takes 444, the full one, for pictures with fine coloured details.",
)
@click.option(
    "--effort",
    type=click.Choice(list(EFFORTS)),
    default=DEFAULT,
    show_default=True,
    help="Time to take; more makes smaller files of the same likeness.",
)
@click.option("--sequential", is_flag=True, help="Write sequential scans instead of progressive ones.")
@click.option(
    "--strip",
    is_flag=True,
    help="Remove metadata (camera settings, location, comments); keep orientation and colour profile.",
)
@click.option(
    "--background",
    metavar="COLOUR",
    callback=_colour,
    help="Lay transparent pixels on COLOUR, such as white or #ffffff; without it they are refused.",
)
@click.option(
    "--restored",
    is_flag=True,
    help="Encode for `jrecomp restore`: measure similarities on the picture that it gives.",
)
@options.dry_run
@options.threads
@options.limits
@options.reporting
def command(
    selection: Selection,
    destination: Destination,
    sequential: bool,
    dry_run: bool,
    threads: int,
    limits: Limits,
    reporting: Reporting,
    **choices: Any,
) -> ExitCode:
    """Encode pictures as JPEG files that every viewer opens.

    The result for picture.png is picture.jpg. If the name of the result ends in .jrc, it is a compressed
    JPEG file, which `jrecomp decompress` restores. PNG, TIFF, WebP, BMP, GIF, PPM and other pictures are
    read, gray and in colour, with up to 16 bits per sample. A JPEG file is not decoded: it is made smaller
    as by `jrecomp shrink`.

    The quality is calibrated: every picture gets the likeness (SSIMULACRA2) that libjpeg-turbo gives at that
    number on average, and above 95 more. Sizes are those of the JPEG file; if the output is compressed, it is
    smaller.

    With --restored the file is smaller at the same similarity, as this is that of the picture that `jrecomp
    restore` gives. A compressed result names the method of restoration.

    \b
    jrecomp encode picture.png
    jrecomp encode picture.png -o small.jpg --max-bytes 200000
    jrecomp encode scans --recursive --output-dir web --quality 80
    """
    encode_options = cast(encoding.EncodeOptions, {"progressive": not sequential, **choices})
    Target.of(**{name: value for name, value in choices.items() if name in TargetOptions.__annotations__})
    stream = selection.search(Wanted(tuple(SUFFIXES))).jobs(destination, files.encoded_name)
    shares = share(threads, "cpu", stream.first)
    steps = partial(
        work.encode,
        options=encode_options,
        threads=shares.threads,
        limits=limits,
        existing=destination.existing,
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
    )
