"""Everything on the command line is documented, and docs/cli.md says the same."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from jrecomp.cli.app import main
from jrecomp.errors import ExitCode

DOCS = Path(__file__).parents[2] / "docs"


def commands() -> list[tuple[str, Any]]:
    context = click.Context(main)
    return [(name, main.get_command(context, name)) for name in main.list_commands(context)]


@pytest.mark.parametrize(("name", "command"), commands())
def test_nothing_is_undocumented(name: str, command: click.Command) -> None:
    assert command.help, f"{name} has no help"
    assert f"jrecomp {name} " in command.help, f"the help of {name} has no example"
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts[0]} has no help"


def test_exit_codes_are_documented() -> None:
    readme = (DOCS.parent / "README.md").read_text()
    assert main.help is not None
    for code in ExitCode:
        assert re.search(rf"\b{code.value} ", main.help)
        assert f"| {code.value} |" in readme


def test_reference_is_current() -> None:
    generated = subprocess.run(
        [sys.executable, DOCS / "generate_cli.py"], capture_output=True, text=True, check=True
    )
    assert generated.stdout == (DOCS / "cli.md").read_text(), "run `make docs`"
