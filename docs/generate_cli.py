"""Prints docs/cli.md from the command line's own help: `make docs`."""

import click

from jrecomp.cli.app import main

_INTRODUCTION = """\
# The `jrecomp` command

Generated from `--help` by `make docs`; a test keeps it current. The same from Python: [python.md](python.md).
"""


def reference() -> str:
    """The whole page."""
    root = click.Context(main, info_name="jrecomp", terminal_width=100, **main.context_settings)
    sections = [_section("jrecomp", main.get_help(root))]
    for name in main.list_commands(root):
        command = main.get_command(root, name)
        assert command is not None
        sections.append(_section(f"jrecomp {name}", command.get_help(click.Context(command, root, name))))
    return "\n".join([_INTRODUCTION, *sections])


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n```text\n{text}\n```\n"


if __name__ == "__main__":
    print(reference(), end="")
