"""Reports of benchmarks on standard output and in a folder."""

import json
import sys
from pathlib import Path

import click


def command_line() -> list[str]:
    """The command line of this process."""
    return ["jrecomp", *sys.argv[1:]]


def publish(text: str, document: object, output: Path | None) -> None:
    """Prints the report, and writes it and its numbers to the folder `output`."""
    if output:
        # File names may contain bytes that are not text.
        (output / "report.md").write_text(text, "utf-8", "backslashreplace")
        (output / "results.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    click.echo(text, nl=False)
