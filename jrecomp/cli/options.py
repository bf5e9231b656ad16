"""Options that several commands share, in bundles that reach a command as one argument."""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from jrecomp.batch import ChangeOptions, Destination, Job, find
from jrecomp.lossy.target import Target, TargetOptions
from jrecomp.options import DEVICES, RULES

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Selection:
    """Which inputs to take."""

    sources: tuple[str, ...]
    recursive: bool

    def find(self, suffixes: tuple[str, ...], but: tuple[str, ...] = ()) -> list[tuple[Job, Path]]:
        """The inputs; of folders those with one of `suffixes` and none of `but`."""
        return find(self.sources, self.recursive, suffixes, but)


@dataclass(frozen=True)
class Reporting:
    """What to tell."""

    quiet: bool
    as_json: bool


def _change(**values: Any) -> ChangeOptions:
    """The options; raises UsageError before any work is done."""
    Target.of(**{name: values[name] for name in TargetOptions.__annotations__})
    return cast(ChangeOptions, values)


def _bundle(
    name: str,
    parameters: Iterable[str],
    make: Callable[..., Any],
    *options: Callable[[Command], Command],
) -> Callable[[Command], Command]:
    """A decorator that adds `options` to a command.

    make: gets the values of these `parameters`; its result is the command's argument `name`.
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
    click.argument("sources", metavar="FILE...", nargs=-1, required=True, type=click.Path(readable=False)),
    click.option("-r", "--recursive", is_flag=True, help="Search folders for files to take."),
)

destination = _bundle(
    "destination",
    Destination.__annotations__,
    Destination,
    click.option("-o", "--output", metavar="OUT", help='Write to OUT, "-" for standard output.'),
    click.option(
        "--output-dir",
        metavar="DIR",
        type=click.Path(readable=False, path_type=Path),
        help="Write into DIR, keeping the structure of folders.",
    ),
    click.option("-f", "--force", is_flag=True, help="Replace existing outputs."),
)

change = _bundle(
    "change",
    ChangeOptions.__annotations__,
    _change,
    click.option(
        "--quality",
        metavar="Q",
        type=click.FloatRange(0, 100),
        help="Lossy: quality from 0 to 100; 100 is lossless.",
    ),
    click.option(
        "--max-bytes", metavar="N", type=click.IntRange(1), help="Lossy: result of at most N bytes."
    ),
    click.option("--bpp", metavar="X", type=float, help="Lossy: result of at most X bits per pixel."),
    click.option("--min-psnr", metavar="DB", type=float, help="Lossy: keep at least DB dB PSNR."),
    click.option("--min-ms-ssim", metavar="S", type=float, help="Lossy: keep at least S MS-SSIM (0 to 1)."),
    click.option("--strip", is_flag=True, help="Leave out metadata except orientation and colour profile."),
    click.option(
        "--rule",
        type=click.Choice(RULES),
        default=RULES[0],
        show_default=True,
        help="Metric that lossy results are tuned for.",
    ),
)

reporting = _bundle(
    "reporting",
    Reporting.__annotations__,
    Reporting,
    click.option("-q", "--quiet", is_flag=True, help="Print errors only."),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
)

device = click.option(
    "--device",
    type=click.Choice(DEVICES),
    default="auto",
    show_default=True,
    help="Where to compute; auto takes the fastest device, which is the CPU. The result is the same.",
)

threads = click.option(
    "--threads",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    help="Number of threads; 0, the default, takes one per core.",
)
