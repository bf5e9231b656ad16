"""The `jrecomp` command: imports subcommands on use, and converts errors to messages and exit codes."""

import gc
import io
import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

import click

from jrecomp import __version__
from jrecomp.errors import ExitCode, JrecompError, OutputError, flag, printable, shortage

_COMMANDS = {
    "compress": "jrecomp.cli.compress",
    "decompress": "jrecomp.cli.decompress",
    "shrink": "jrecomp.cli.shrink",
    "encode": "jrecomp.cli.encode",
    "restore": "jrecomp.cli.restore",
    "thumbnail": "jrecomp.cli.thumbnail",
    "verify": "jrecomp.cli.verify",
    "info": "jrecomp.cli.info",
    "models": "jrecomp.cli.models",
    "report": "jrecomp.cli.overview",
    "mount": "jrecomp.cli.mount",
    "serve": "jrecomp.cli.serve",
    "cluster": "jrecomp.cli.cluster",
    "doctor": "jrecomp.cli.doctor",
    "bench": "jrecomp.bench.command",
    "train": "jrecomp.train.command",
}
"""The module of each subcommand, which defines `command`."""

_DEVELOPMENT = ("bench", "train")
"""Commands for those who develop jrecomp or its models."""

_LETTERS = {"-d": "decompress", "--decompress": "decompress", "-t": "verify", "--test": "verify"}
"""Commands that gzip and zstd spell as options."""

_EXTRAS = {
    "ray": "ray",
    "pyarrow": "ray",
    "fsspec": "ray",
    "matplotlib": "report,bench,train",
    "jinja2": "report,serve",
    "starlette": "serve",
    "uvicorn": "serve",
}
"""Extras that bring packages; others are those of bench and train."""


class App(click.Group):
    """A group of subcommands that imports their modules on first use and prints errors without traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all subcommands."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand with a name, None if there is none."""
        if cmd_name not in _COMMANDS:
            return None
        module = _COMMANDS[cmd_name]
        if module.startswith("jrecomp.cli"):  # which use one thread of OpenBLAS; without any it raises SIGINT
            os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        command: click.Command = import_module(module).command
        if not gc.isenabled():  # see process.start()
            gc.freeze()  # what was imported, which stays
            gc.enable()
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See click.Command; options that stand for commands are replaced by them."""
        if args and args[0] in _LETTERS:
            args[0] = _LETTERS[args[0]]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """See click.Group; suggests commands of similar names, and how to compress a file."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            if os.path.lexists(args[0]):
                ctx.fail(f"{error.message} It is a file: jrecomp compress FILE, jrecomp decompress FILE, ...")
            from difflib import get_close_matches

            similar = get_close_matches(args[0], _COMMANDS)
            raise click.NoSuchCommand(args[0], possibilities=similar, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See click.Group; whole sentences, and apart what development needs."""
        for title, wanted in (("Commands", False), ("For development", True)):
            names = [name for name in _COMMANDS if (name in _DEVELOPMENT) is wanted]
            with formatter.section(title):
                formatter.write_dl([(name, self._sentence(ctx, name)) for name in names])

    def _sentence(self, ctx: click.Context, name: str) -> str:
        """The first paragraph of the help of a command."""
        command = self.get_command(ctx, name)
        assert command is not None and command.help is not None
        return " ".join(command.help.split("\n\n")[0].split())

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command and exit with an ExitCode."""
        if isinstance(sys.stdout, io.TextIOWrapper):  # file names may contain bytes that are not text
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            code = super().main(*args, **extra | {"standalone_mode": False})
        except click.ClickException as error:
            with suppress(OSError):  # there may be no room for the message either
                if _wants_json(args, extra):
                    _print_json(error.format_message(), error.exit_code)
                error.show()
            code = error.exit_code
        except click.Abort:
            code = _fail("interrupted", ExitCode.INTERRUPTED)
        except Exception as error:
            code = _failure(error, _wants_json(args, extra))
        sys.exit(int(code or ExitCode.OK))


def _wants_json(args: tuple[Any, ...], extra: dict[str, Any]) -> bool:
    """Whether --json is among the arguments of the command, which may be wrong otherwise."""
    given = args[0] if args else extra.get("args")
    return "--json" in (sys.argv[1:] if given is None else given)


def _failure(error: Exception, as_json: bool) -> ExitCode:
    """Prints a line about an exception, and a JSON object if asked for; returns its exit code."""
    message, code = _told(error)
    if as_json:
        with suppress(OSError):
            _print_json(message, code)
    return _fail(message, code)


def _print_json(message: str, code: int) -> None:
    from jrecomp.cli.messages import error_line

    click.echo(error_line(message, code))


def _told(error: Exception) -> tuple[str, ExitCode]:
    """What to say about an exception, and its exit code."""
    if known := error if isinstance(error, JrecompError) else shortage(error):
        return known.named(flag), known.exit_code
    if isinstance(error, ModuleNotFoundError):
        if error.name in sys.stdlib_module_names:
            return f"Python has no module {error.name} on this system", ExitCode.USAGE
        extras = _EXTRAS.get(error.name or "", "bench,train")
        message = f"the package {error.name} is not installed (pip install 'jrecomp[{extras}]')"
        return message, ExitCode.USAGE
    if isinstance(error, OSError):  # while printing; errors of files are outcomes of their jobs
        failure = OutputError.of(error.filename or "standard output", error)
        return str(failure), failure.exit_code
    return f"unexpected {type(error).__name__}: {error}", ExitCode.INTERNAL


def _fail(message: str, code: ExitCode) -> ExitCode:
    with suppress(OSError):
        click.echo(f"jrecomp: {printable(message)}", err=True)
    return code


@click.command(cls=App, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="jrecomp")
def main() -> None:
    """Compress JPEG files to smaller .jrc files, and restore them bit for bit.

    As with gzip and zstd, `jrecomp -d` stands for `jrecomp decompress`, and `jrecomp -t` for `jrecomp
    verify`.

    The commands exit with 0 after success, 1 after an internal error, 2 for wrong usage, 3 if an input is
    missing or unreadable, 4 if a .jrc file is damaged, 5 if its model is not installed, 6 if verification
    failed, 7 if an output exists or cannot be written, 8 if a target cannot be met, 9 if the machine lacks
    memory, threads or open files, 10 if a file exceeds --max-memory or --max-pixels, and 11 if no space is
    left on the disk, which ends the command at once. With several files, the first failure determines the
    exit status. A signal ends the command with 128 and its number: 129 after SIGHUP, 130 after Ctrl-C, and
    143 after SIGTERM.
    """
