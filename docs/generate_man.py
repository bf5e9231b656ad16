"""Writes manual pages and completion scripts from the command line's own help: `make man`."""

import argparse
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from jrecomp import __version__
from jrecomp.cli.app import main

SCRIPTS = {"bash": "bash-completion/completions/jrecomp", "zsh": "zsh/site-functions/_jrecomp"}
SCRIPTS |= {"fish": "fish/vendor_completions.d/jrecomp.fish"}
"""Where shells look for completion scripts in a folder `share`."""


def pages() -> Iterator[tuple[str, str]]:
    """Names and contents of the manual pages: one of the program, and one of each command."""
    root = click.Context(main, info_name="jrecomp")
    names = main.list_commands(root)
    yield "jrecomp.1", page(main, root, [f"jrecomp-{name}" for name in names])
    for name in names:
        command = main.get_command(root, name)
        assert command is not None
        yield f"jrecomp-{name}.1", page(command, click.Context(command, root, name), ["jrecomp"])


def page(command: click.Command, context: click.Context, others: list[str]) -> str:
    """A manual page; others: further ones that it names."""
    title = context.command_path.replace(" ", "-")
    paragraphs = cleandoc(command.help or "").split("\n\n")
    lines = [f'.TH {title.upper()} 1 "" "jrecomp {__version__}" "jrecomp"']
    lines += [".SH NAME", f"{escaped(title)} \\- {escaped(joined(paragraphs[0]))}"]
    usage = " ".join(command.collect_usage_pieces(context))
    lines += [".SH SYNOPSIS", f".B {escaped(context.command_path)}", escaped(usage)]
    lines += [".SH DESCRIPTION", *(line for text in paragraphs[1:] for line in paragraph(text))]
    options = [p for p in command.get_params(context) if isinstance(p, click.Option)]
    records = [record for option in options if (record := option.get_help_record(context))]
    lines += [".SH OPTIONS", *described(records)]
    if isinstance(command, App):
        lines += [".SH COMMANDS", *described(commands(command, context))]
    if variables := [(f"{o.envvar}", f"The value of {o.opts[-1]}.") for o in options if o.envvar]:
        lines += [".SH ENVIRONMENT", *described(variables)]
    lines += [".SH SEE ALSO", ", ".join(f".BR {name} (1)"[4:] for name in map(escaped, others))]
    return "\n".join(lines) + "\n"


App = type(main)


def commands(group: click.Group, context: click.Context) -> list[tuple[str, str]]:
    """Names and first paragraphs of the commands."""
    found = [(name, group.get_command(context, name)) for name in group.list_commands(context)]
    return [(name, joined((c.help or "").split("\n\n")[0])) for name, c in found if c]


def described(records: list[tuple[str, str]]) -> Iterator[str]:
    """A list of terms, with what they mean."""
    for term, text in records:
        yield from (".TP", f".B {escaped(term)}", escaped(joined(text)))


def paragraph(text: str) -> list[str]:
    """A paragraph; one that begins with \\b is shown as it is."""
    if text.startswith("\b\n"):
        return [".PP", ".EX", *map(escaped, text.splitlines()[1:]), ".EE"]
    return [".PP", escaped(joined(text))]


def joined(text: str) -> str:
    """The text in one line."""
    return " ".join(text.split())


def escaped(text: str) -> str:
    """The text with what troff takes for requests and escapes made harmless."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return f"\\&{text}" if text.startswith(".") else text


def write(folder: Path) -> None:
    """Write everything into a folder `share`."""
    for name, text in pages():
        put(folder / "man" / "man1" / name, text)
    for shell, name in SCRIPTS.items():
        kind = get_completion_class(shell)
        assert kind is not None
        script = kind(main, {}, "jrecomp", "_JRECOMP_COMPLETE")
        put(folder / name, script.source_template % script.source_vars())


def put(path: Path, text: str) -> None:
    """Write a file into a folder that may be missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write manual pages and completion scripts.")
    parser.add_argument("folder", type=Path, help="such as build/share or ~/.local/share")
    write(parser.parse_args().folder)
