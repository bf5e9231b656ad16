"""The command `jrecomp models`."""

import click

from jrecomp.cli import json_lines
from jrecomp.errors import ExitCode
from jrecomp.model import weights


@click.command("models")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each model.")
def command(as_json: bool) -> ExitCode:
    """List the installed models.

    A container names its model by its id, which is permanent. The kind tells how it predicts.

    \b
    jrecomp models
    jrecomp models --json
    """
    for entry in weights.entries():
        name, number, kind = entry["name"], entry["id"], entry["kind"]
        size = (weights.folder() / entry["file"]).stat().st_size
        if as_json:
            click.echo(json_lines.model(name, number, kind, size))
        else:
            default = ", used unless another is chosen" if name == weights.DEFAULT_MODEL else ""
            click.echo(f"{name:<12}id {number:<6}{kind:<10}{size / 1e6:6.2f} MB{default}")
    return ExitCode.OK
