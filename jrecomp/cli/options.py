"""Options that commands share, in bundles. The values of a bundle are passed to a command as one argument."""

import functools
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import click

from jrecomp import files
from jrecomp.errors import UsageError
from jrecomp.jobs import (
    CONTAINER_SUFFIXES,
    JPEG_SUFFIXES,
    PIPE,
    Destination,
    Found,
    Job,
    LeftOut,
    Stream,
    Wanted,
    find,
    is_folder,
    plan,
    shares_names,
)
from jrecomp.options import DEFAULT_LIMITS, DEFAULT_TUNE, DEVICES, TUNES, Limits
from jrecomp.targets import Target, TargetOptions
from jrecomp.work import ChangeOptions

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Selection:
    """The inputs that the user named.

    sources: files, folders, and "-" for standard input. recursive: whether to search folders. exclude,
    hidden: see jobs.Wanted. files_from, files0_from: lists of files, "-" for standard input, with a path in
    each line or before each zero byte.
    """

    sources: tuple[str, ...]
    recursive: bool
    exclude: tuple[str, ...]
    hidden: bool
    files_from: str | None
    files0_from: str | None

    def __post_init__(self) -> None:
        lists = [self.files_from, self.files0_from]
        given = bool(self.sources) + sum(name is not None for name in lists)
        if not given:
            raise UsageError("no files are given (name FILE..., or a list with --files-from)")
        if given > 1:
            raise UsageError("FILE..., --files-from and --files0-from exclude each other (use only one)")

    @property
    def listed(self) -> bool:
        """Whether the inputs come from a list."""
        return not self.sources

    def search(self, wanted: Wanted) -> "Search":
        """Begin to find inputs; wanted: without exclude and hidden."""
        return Search(self, wanted._replace(patterns=self.exclude, hidden=self.hidden))

    def names(self) -> Iterable[str]:
        """The named files and folders, or those of the list; raises InputError."""
        if self.files0_from is not None:
            return files.listed(None if self.files0_from == PIPE else Path(self.files0_from), b"\0")
        if self.files_from is not None:
            return files.listed(None if self.files_from == PIPE else Path(self.files_from), b"\n")
        return self.sources


class Search:
    """A search for inputs; left_out: what it has left out so far.

    selection: what the user named. wanted: which files of folders are taken.
    """

    def __init__(self, selection: Selection, wanted: Wanted) -> None:
        self._selection, self._wanted = selection, wanted
        self.left_out = LeftOut()

    def jobs(
        self, destination: Destination | None = None, rename: Callable[[Path], Path] | None = None
    ) -> Stream:
        """The jobs with targets as jobs.plan() chooses them, without targets if no destination is given."""
        found = self._found(self.left_out)
        if destination is None or rename is None:
            jobs: Iterator[Job] = (job for job, _ in found)
        else:
            jobs = plan(found, destination, rename)
        chosen = self._selection
        once = PIPE in (chosen.files_from, chosen.files0_from)
        return Stream(jobs, None if once else self._sizes, self.left_out)

    def _sizes(self) -> Iterator[int]:
        return (job.size for job, _ in self._found(LeftOut()))

    def _found(self, left_out: LeftOut) -> Iterable[Found]:
        """What is found; a list if all inputs are known."""
        chosen = self._selection
        whole = chosen.listed or shares_names(chosen.sources)
        found = find(
            chosen.names(), chosen.recursive, self._wanted, left_out, whole=whole, literal=chosen.listed
        )
        known = not chosen.listed and not any(is_folder(source) for source in chosen.sources)
        return list(found) if known else found


def _size(text: str) -> int:
    """A number of bytes, such as 500M, 2G or 1GiB; prefixes are powers of 1000, or of 1024 with an "i"."""
    match = re.fullmatch(r"(\d{1,18})(?:\.(\d{1,18}))? ?(?:([KMGT])(i?))?B?", text, re.IGNORECASE)
    if not match:
        raise click.BadParameter(f"{text!r} is not a size, such as 500M, 2G or 1GiB.")
    whole, decimals, prefix, binary = match.groups("")
    power = " KMGT".index(prefix.upper()) if prefix else 0
    size: int = int(whole + decimals) * (1024 if binary else 1000) ** power // 10 ** len(decimals)
    return size


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


class Reporting(NamedTuple):
    """What to print; quiet: only errors, verbose: a line for each file, as_json: JSON Lines."""

    quiet: bool
    verbose: bool
    as_json: bool

    def shows_progress(self) -> bool:
        """Whether progress is printed."""
        return not self.quiet and (not self.as_json or sys.stderr.isatty())


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
    click.argument("sources", metavar="FILE...", nargs=-1, type=PathName()),
    click.option("-r", "--recursive", is_flag=True, help="Search folders, and the folders in them."),
    click.option(
        "--exclude",
        metavar="PATTERN",
        multiple=True,
        help="In folders, leave out what has this name, or with a / this path, such as '*_small.jpg', raw or "
        "2019/raw; may be repeated.",
    ),
    click.option(
        "--hidden",
        is_flag=True,
        help="In folders, take hidden files and the folders @eaDir of disk stations, too.",
    ),
    click.option(
        "--files-from",
        metavar="LIST",
        type=PathName(),
        help='Take the files whose paths are the lines of the file LIST; "-" means standard input.',
    ),
    click.option(
        "--files0-from",
        metavar="LIST",
        type=PathName(),
        help="The same, with a zero byte after each path, as `find -print0` writes them.",
    ),
)


def _destination(stdout: bool, **values: Any) -> Destination:
    if stdout and (values["output"] or values["output_dir"]):
        raise UsageError("-c, -o and --output-dir exclude each other (use only one)")
    return Destination(**values | ({"output": PIPE} if stdout else {}))


destination = _bundle(
    "destination",
    ("stdout", *Destination.__annotations__),
    _destination,
    click.option(
        "-o",
        "--output",
        metavar="OUT",
        type=PathName(),
        help='Write the result to OUT, a file or a folder; "-" means standard output.',
    ),
    click.option("-c", "--stdout", is_flag=True, help="Write the result to standard output, as -o - does."),
    click.option(
        "--output-dir",
        metavar="DIR",
        type=PathName(Path),
        help="Write results to the folder DIR, with the subfolders of the input, or with whole paths if "
        "several inputs could have the same names.",
    ),
    click.option("-f", "--force", is_flag=True, help="Replace existing files."),
    click.option(
        "--skip-existing",
        is_flag=True,
        help="Skip inputs whose outputs exist, whatever these are; without it, those that are done.",
    ),
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
    click.option("-v", "--verbose", is_flag=True, help="Print a line for each file, also if there are many."),
    click.option(
        "--json", "as_json", is_flag=True, help="Print a JSON object for each file, and one with totals."
    ),
)

limits = _bundle(
    "limits",
    ("max_memory", "max_pixels"),
    Limits,
    click.option(
        "--max-memory",
        metavar="SIZE",
        type=_size,
        envvar="JRECOMP_MAX_MEMORY",
        show_envvar=True,
        default=str(DEFAULT_LIMITS.max_memory),
        help="Use at most SIZE bytes of memory for a file, such as 500M or 2GiB; 4GiB is the default.",
    ),
    click.option(
        "--max-pixels",
        metavar="N",
        type=click.IntRange(0),
        envvar="JRECOMP_MAX_PIXELS",
        show_envvar=True,
        default=DEFAULT_LIMITS.max_pixels,
        help="Model pictures of at most N pixels; 268435456 is the default.",
    ),
)

device = click.option(
    "--device",
    type=click.Choice(DEVICES),
    envvar="JRECOMP_DEVICE",
    show_envvar=True,
    default="auto",
    show_default=True,
    help="Compute on the CPU or on an NVIDIA GPU (cuda), with equal results; auto selects what is faster.",
)

_model_names = click.option(
    "--model",
    metavar="NAME",
    envvar="JRECOMP_MODEL",
    show_envvar=True,
    shell_complete=lambda context, parameter, incomplete: _models(incomplete),
    help="Use the model NAME: best for smaller results, fast for speed, or default.",
)


def _models(incomplete: str) -> list[str]:
    from jrecomp.model.weights import names

    return [name for name in names() if name.startswith(incomplete)]


def model(function: Command) -> Command:
    """Adds the options that choose a model."""
    for name, text in (("fast", "larger results in less time"), ("best", "smaller results in more time")):
        function = click.option(
            f"--{name}", "model", flag_value=name, help=f"The same as --model {name}: {text}."
        )(function)
    return _model_names(function)


dry_run = click.option(
    "--dry-run",
    is_flag=True,
    help="Write nothing. Count the files, and estimate the time and sizes of results from a sample of them.",
)

threads = click.option(
    "-j",
    "--threads",
    metavar="N",
    type=click.IntRange(min=0),
    envvar="JRECOMP_THREADS",
    show_envvar=True,
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


def pictures(excluded: tuple[str, ...] = ()) -> Wanted:
    """JPEG files and containers; of those beside each other that are of the same file, the JPEG file."""
    return Wanted(JPEG_SUFFIXES + CONTAINER_SUFFIXES, excluded, choose=files.without_copies)
