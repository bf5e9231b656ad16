"""Options that several commands share, in bundles that reach a command as one argument."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import click

from jrecomp.batch import Change, Destination, Job, find
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


def _bundle(
    name: str, kind: type[Any], *options: Callable[[Command], Command]
) -> Callable[[Command], Command]:
    """A decorator that adds `options` and passes their values as one `kind` named `name`."""

    def decorate(function: Command) -> Command:
        @functools.wraps(function)
        def call(**values: Any) -> Any:
            parts = {field.name: values.pop(field.name) for field in fields(kind)}
            return function(**values, **{name: kind(**parts)})

        for option in reversed(options):
            call = option(call)
        return call  # type: ignore[return-value]

    return decorate


selection = _bundle(
    "selection",
    Selection,
    click.argument("sources", metavar="FILE...", nargs=-1, required=True, type=click.Path(readable=False)),
    click.option("-r", "--recursive", is_flag=True, help="Search folders for files to take."),
)

destination = _bundle(
    "destination",
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
    Change,
    click.option(
        "--quality",
        metavar="Q",
        type=click.FloatRange(0, 100),
        help="Lossy from 0 to 100; 100, the default, is lossless.",
    ),
    click.option(
        "--max-bytes", metavar="N", type=click.IntRange(1), help="Lossy as far as a result of N bytes needs."
    ),
    click.option("--bpp", metavar="X", type=float, help="The same for X bits a pixel."),
    click.option(
        "--min-psnr", metavar="DB", type=float, help="As lossy as leaves DB decibels against the source."
    ),
    click.option(
        "--min-ms-ssim", metavar="S", type=float, help="The same for S of MS-SSIM, which is up to 1."
    ),
    click.option("--strip", is_flag=True, help="Drop metadata; orientation and colour profile stay."),
    click.option(
        "--rule",
        type=click.Choice(RULES),
        default=RULES[0],
        show_default=True,
        help="What lossy results shall be good in.",
    ),
)

reporting = _bundle(
    "reporting",
    Reporting,
    click.option("-q", "--quiet", is_flag=True, help="Print errors only."),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
)

device = click.option(
    "--device",
    type=click.Choice(DEVICES),
    default="auto",
    show_default=True,
    help="Where to compute; auto takes a GPU where torch can use one. The result is the same.",
)

threads = click.option(
    "--threads",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    help="Threads, for files side by side and parts of files; 0, the default, takes one per core.",
)
