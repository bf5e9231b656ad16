"""Runs commands in this process."""

import json
from typing import Any

from click.testing import CliRunner, Result

from jrecomp.cli.app import main
from jrecomp.errors import ExitCode


def run(*arguments: str, stdin: bytes = b"", code: ExitCode = ExitCode.OK) -> Result:
    result = CliRunner().invoke(main, arguments, input=stdin)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def document(*arguments: str, code: ExitCode = ExitCode.OK) -> dict[str, Any]:
    """The JSON Lines of a command: the files and the totals."""
    return parsed(run(*arguments, "--json", code=code).stdout)


def estimate(*arguments: str, code: ExitCode = ExitCode.OK) -> dict[str, Any]:
    """The line of a dry run of a command."""
    entry: dict[str, Any] = json.loads(run(*arguments, "--dry-run", "--json", code=code).stdout)
    assert entry.pop("type") == "estimate"
    return entry


def parsed(text: str) -> dict[str, Any]:
    *files, total = map(json.loads, text.splitlines())
    assert [entry["type"] for entry in files] == ["file"] * len(files) and total["type"] == "total"
    return {"files": files, "total": total}
