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
    parsed: dict[str, Any] = json.loads(run(*arguments, "--json", code=code).stdout)
    return parsed
