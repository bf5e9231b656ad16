"""The `jrecomp` command: imports subcommands on use, and converts errors to messages and exit codes."""

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
    "report": "jrecomp.cli.overview",
    "mount": "jrecomp.cli.mount",
    "serve": "jrecomp.cli.serve",
    "cluster": "jrecomp.cli.cluster",
    "doctor": "jrecomp.cli.doctor",
    "bench": "jrecomp.bench.command",
    "train": "jrecomp.train.command",
}
"""The module of each subcommand, which defines `command`."""

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
        return command

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command and exit with an ExitCode."""
        if isinstance(sys.stdout, io.TextIOWrapper):  # file names may contain bytes that are not text
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            code = super().main(*args, **extra | {"standalone_mode": False})
        except click.ClickException as error:
            with suppress(OSError):  # there may be no room for the message either
                error.show()
            code = error.exit_code
        except click.Abort:
            code = _fail("interrupted", ExitCode.INTERRUPTED)
        except Exception as error:
            code = _failure(error)
        sys.exit(int(code or ExitCode.OK))


def _failure(error: Exception) -> ExitCode:
    """Prints a line about an exception, and returns its exit code."""
    if known := error if isinstance(error, JrecompError) else shortage(error):
        return _fail(known.named(flag), known.exit_code)
    if isinstance(error, ModuleNotFoundError):
        extras = _EXTRAS.get(error.name or "", "bench,train")
        message = f"the package {error.name} is not installed (pip install 'jrecomp[{extras}]')"
        return _fail(message, ExitCode.USAGE)
    if isinstance(error, OSError):  # while printing; errors of files are outcomes of their jobs
        failure = OutputError.of(error.filename or "standard output", error)
        return _fail(str(failure), failure.exit_code)
    return _fail(f"unexpected {type(error).__name__}: {error}", ExitCode.INTERNAL)


def _fail(message: str, code: ExitCode) -> ExitCode:
    with suppress(OSError):
        click.echo(f"jrecomp: {printable(message)}", err=True)
    return code


@click.command(cls=App, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="jrecomp")
def main() -> None:
    """Compress JPEG files to smaller .jrc files, and restore them bit for bit.

    The commands exit with 0 after success, 1 after an internal error, 2 for wrong usage, 3 if an input is
    missing or unreadable, 4 if a .jrc file is damaged, 5 if its model is not installed, 6 if verification
    failed, 7 if an output exists or cannot be written, 8 if a target cannot be met, 9 if the machine lacks
    memory, threads or open files, 10 if a file exceeds --max-memory or --max-pixels, and 11 if no space is
    left on the disk, which ends the command at once. With several files, the first failure determines the
    exit status. A signal ends the command with 128 and its number: 129 after SIGHUP, 130 after Ctrl-C, and
    143 after SIGTERM.
    """
