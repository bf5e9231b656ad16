"""The `jrecomp` command: finds subcommands when they are asked for, and turns errors into exit codes."""

import io
import os
import sys
from importlib import import_module
from typing import Any

import click

from jrecomp import __version__
from jrecomp.errors import ExitCode, JrecompError, printable

_COMMANDS = {
    "compress": "jrecomp.cli.compress",
    "decompress": "jrecomp.cli.decompress",
    "shrink": "jrecomp.cli.shrink",
    "verify": "jrecomp.cli.verify",
    "info": "jrecomp.cli.info",
    "bench": "jrecomp.bench.command",
    "train": "jrecomp.train.command",
}
"""Modules of the subcommands, each with a `command`."""


class App(click.Group):
    """A group that imports a subcommand's module on first use and never shows a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all subcommands."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand of a name."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(_COMMANDS[cmd_name]).command
        return command

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run and exit with one of ExitCode."""
        if isinstance(sys.stdout, io.TextIOWrapper):  # names of files need not be text
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            code = super().main(*args, **extra | {"standalone_mode": False})
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except click.Abort:
            code = _fail("interrupted", ExitCode.INTERRUPTED)
        except JrecompError as error:
            code = _fail(str(error), error.exit_code)
        except ModuleNotFoundError as error:
            code = _fail(f"the package {error.name} is not installed (extras: bench, train)", ExitCode.USAGE)
        except OSError as error:  # of what is told: files' own errors were told already
            code = _fail(f"{error.filename or 'standard output'}: {error.strerror or error}", ExitCode.OUTPUT)
        except Exception as error:
            code = _fail(f"unexpected {type(error).__name__}: {error}", ExitCode.INTERNAL)
        sys.exit(int(code or ExitCode.OK))


def _fail(message: str, code: ExitCode) -> ExitCode:
    click.echo(f"jrecomp: {printable(message)}", err=True)
    return code


@click.command(cls=App, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="jrecomp")
def main() -> None:
    """Make JPEG files smaller and restore them bit for bit.

    Exit status: 0 success, 1 internal error, 2 usage, 3 input missing or unreadable, 4 corrupt container,
    5 unknown model, 6 verification failed, 7 output exists or cannot be written, 8 target cannot be met,
    130 interrupted. With several files it is that of the first failure.
    """


def start() -> None:
    """Run the command as a process.

    An interrupted one ends at once, though other threads may still compute: only this one writes files, and
    what it was writing is gone by now.
    """
    try:
        main()
    except SystemExit as end:
        if end.code != ExitCode.INTERRUPTED:
            raise
    except KeyboardInterrupt:  # once more, while the first one was told
        pass
    sys.stderr.flush()
    os._exit(ExitCode.INTERRUPTED)
