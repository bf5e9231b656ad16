"""Options that commands share, in bundles. The values of a bundle are passed to a command as one argument."""

import functools
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from jrecomp.batch import CONTAINER_SUFFIXES, JPEG_SUFFIXES, ChangeOptions, Destination, Job, find
from jrecomp.errors import UsageError
from jrecomp.lossy.target import Target, TargetOptions
from jrecomp.options import DEFAULT_LIMITS, DEFAULT_TUNE, DEVICES, TUNES, Limits

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Selection:
    """The inputs that the user named.

    sources: files, folders, and "-" for standard input. recursive: whether to search folders.
    """

    sources: tuple[str, ...]
    recursive: bool

    def find(self, suffixes: tuple[str, ...], excluded: tuple[str, ...] = ()) -> list[tuple[Job, Path]]:
        """Find the inputs, see batch.find()."""
        return find(self.sources, self.recursive, suffixes, excluded)


def _size(text: str) -> int:
    """A number of bytes, such as 500M, 2G or 1GiB; prefixes are powers of 1000, or of 1024 with an "i"."""
    match = re.fullmatch(r"(\d{1,18}(?:\.\d{1,18})?) ?(?:([KMGT])(i?))?B?", text, re.IGNORECASE)
    if not match:
        raise click.BadParameter(f"{text!r} is not a size, such as 500M, 2G or 1GiB.")
    number, prefix, binary = match.groups()
    power = " KMGT".index(prefix.upper()) if prefix else 0
    return int(Decimal(number) * (1024 if binary else 1000) ** power)


class PathName(click.Path):
    """A path, but not an empty one, which a variable of a script gives that is not set."""

    def __init__(self, path_type: type[str] | type[Path] = str) -> None:
        super().__init__(readable=False, path_type=path_type)

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """See click.ParamType; refuses an empty text."""
        if not os.fspath(value):
            self.fail("the path is empty", param, ctx)
        return super().convert(value, param, ctx)


@dataclass(frozen=True)
class Reporting:
    """What to print; quiet: only errors, as_json: one JSON document."""

    quiet: bool
    as_json: bool


def _change(**values: Any) -> ChangeOptions:
    """The options as keyword arguments of pipeline.compress(); raises UsageError if they are invalid."""
    Target.of(**{name: values[name] for name in TargetOptions.__annotations__})
    return cast(ChangeOptions, values)


def _bundle(
    name: str,
    parameters: Iterable[str],
    make: Callable[..., Any],
    *options: Callable[[Command], Command],
) -> Callable[[Command], Command]:
    """A decorator that adds `options` to a command and passes their values as one argument.

    name: of the command's argument. parameters: names of the options' values. make: makes the argument from
    these values.
    """
    names = list(parameters)

    def decorate(function: Command) -> Command:
        @functools.wraps(function)
        def call(**values: Any) -> Any:
            parts = {part: values.pop(part) for part in names}
            return function(**values, **{name: make(**parts)})

        for option in reversed(options):
            call = option(call)
        return call  # type: ignore[return-value]

    return decorate


selection = _bundle(
    "selection",
    Selection.__annotations__,
    Selection,
    click.argument("sources", metavar="FILE...", nargs=-1, required=True, type=PathName()),
    click.option("-r", "--recursive", is_flag=True, help="Search folders, and the folders in them."),
)

destination = _bundle(
    "destination",
    Destination.__annotations__,
    Destination,
    click.option(
        "-o",
        "--output",
        metavar="OUT",
        type=PathName(),
        help='Write the result to OUT, a file or a folder; "-" means standard output.',
    ),
    click.option(
        "--output-dir",
        metavar="DIR",
        type=PathName(Path),
        help="Write results to the folder DIR, with the subfolders of the inputs.",
    ),
    click.option("-f", "--force", is_flag=True, help="Replace existing files."),
)

change = _bundle(
    "change",
    ChangeOptions.__annotations__,
    _change,
    click.option(
        "--quality",
        metavar="Q",
        type=click.FloatRange(0, 100),
        help="Lossy: reduce the quality to Q, from 0 to 100; 100, the default, is lossless.",
    ),
    click.option(
        "--max-bytes",
        metavar="N",
        type=click.IntRange(1),
        help="Lossy: reduce the quality until the result has at most N bytes.",
    ),
    click.option(
        "--bpp",
        metavar="X",
        type=float,
        help="Lossy: reduce the quality until the result has at most X bits per pixel.",
    ),
    click.option(
        "--min-psnr",
        metavar="DB",
        type=float,
        help="Lossy: reduce the quality, but keep a similarity (PSNR) of at least DB decibels.",
    ),
    click.option(
        "--min-ms-ssim",
        metavar="S",
        type=float,
        help="Lossy: reduce the quality, but keep a similarity (MS-SSIM) of at least S; 1 means identical.",
    ),
    click.option(
        "--min-ssimulacra2",
        metavar="S",
        type=float,
        help="Lossy: reduce the quality, but keep a similarity (SSIMULACRA2) of at least S, up to 100.",
    ),
    click.option(
        "--strip",
        is_flag=True,
        help="Remove metadata (camera settings, location, comments); keep orientation and colour profile.",
    ),
    click.option(
        "--strip-trailer",
        is_flag=True,
        help="Remove the bytes after the picture: videos, further pictures, data of editors.",
    ),
    click.option(
        "--tune",
        type=click.Choice(list(TUNES)),
        default=DEFAULT_TUNE,
        show_default=True,
        help="Measure of similarity that lossy results are optimized for.",
    ),
)

reporting = _bundle(
    "reporting",
    Reporting.__annotations__,
    Reporting,
    click.option("-q", "--quiet", is_flag=True, help="Print only errors."),
    click.option("--json", "as_json", is_flag=True, help="Print the report as a JSON document."),
)

limits = _bundle(
    "limits",
    ("max_memory", "max_pixels"),
    Limits,
    click.option(
        "--max-memory",
        metavar="SIZE",
        type=_size,
        default=str(DEFAULT_LIMITS.max_memory),
        help="Use at most SIZE bytes of memory for a file, such as 500M or 2GiB; 4GiB is the default.",
    ),
    click.option(
        "--max-pixels",
        metavar="N",
        type=click.IntRange(0),
        default=DEFAULT_LIMITS.max_pixels,
        help="Model pictures of at most N pixels; 268435456 is the default.",
    ),
)

device = click.option(
    "--device",
    type=click.Choice(DEVICES),
    default="auto",
    show_default=True,
    help="Compute on the CPU or on an NVIDIA GPU (cuda), with equal results; auto selects the CPU.",
)

threads = click.option(
    "--threads",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    help="Use N threads; 0, the default, means one per processor core.",
)

cache_size = click.option(
    "--cache-size",
    metavar="SIZE",
    type=_size,
    default="512M",
    help="Keep at most SIZE bytes of restored files in memory, such as 4G; 512M is the default.",
)


def format_of(destination: Destination, suffixes: Mapping[str, tuple[str, ...]]) -> str:
    """The format that the name of the output means, else the first one.

    suffixes: for each format the endings of file names. Raises UsageError for other endings.
    """
    ending = "" if destination.folder or not destination.output else Path(destination.output).suffix
    if not ending:
        return next(iter(suffixes))
    form = next((name for name, own in suffixes.items() if ending.lower() in own), None)
    if form is None:
        raise UsageError(f"-o {destination.output}: {ending} is not the ending of a format (use --format)")
    return form


def pictures(selection: Selection, excluded: tuple[str, ...] = ()) -> list[tuple[Job, Path]]:
    """Find JPEG files and containers, see batch.find().

    Of a JPEG file and the container of it beside each other in a folder, the JPEG file is taken.
    """
    found = selection.find(JPEG_SUFFIXES + CONTAINER_SUFFIXES, excluded)
    sources = {job.source for job, _ in found}
    return [(job, relative) for job, relative in found if not (job.root and _original(job) in sources)]


def _original(job: Job) -> Path | None:
    """The JPEG file that a container is of, if it has the usual name."""
    if job.source is None or job.source.suffix not in CONTAINER_SUFFIXES:
        return None
    return job.source.with_suffix("")
