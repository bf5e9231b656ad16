"""The command `jrecomp doctor`."""

import json

import click

from jrecomp.doctor import Finding, examine
from jrecomp.errors import ExitCode, flag, printable


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as a JSON document.")
def command(as_json: bool) -> ExitCode:
    """Examine the installation.

    Every model codes a small example on every engine that this machine can run, and the bytes must be those
    of the reference. Also shown are versions, threads, memory, and which optional parts are installed. The
    exit status is that of the first thing that is wrong, 0 if nothing is.

    \b
    jrecomp doctor --json
    """
    findings = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            click.echo(f"{finding.name + ':':24}{printable(_text(finding))}")
    if as_json:
        click.echo(json.dumps([_entry(finding) for finding in findings], indent=2))
    return next((finding.error.exit_code for finding in findings if finding.error), ExitCode.OK)


def _text(finding: Finding) -> str:
    return f"{finding.text}: {finding.error.named(flag)}" if finding.error else finding.text


def _entry(finding: Finding) -> dict[str, str | None]:
    error = finding.error.named(flag) if finding.error else None
    return {"name": finding.name, "text": finding.text, "error": error}
