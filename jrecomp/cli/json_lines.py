"""The report as JSON Lines: an object for each file as soon as it is done, and one with totals.

docs/folders.md describes them.
"""

import base64
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from jrecomp import __version__
from jrecomp.batch import Outcome
from jrecomp.cli.tally import Tally, message
from jrecomp.info import Info
from jrecomp.jobs import LeftOut

_NOT_OPTIONS = ("sources", "as_json", "quiet", "verbose")


def file(outcome: Outcome) -> str:
    """The line about a file."""
    status = "failed" if outcome.error else "skipped" if outcome.skipped else "done"
    entry: dict[str, Any] = {"type": "file", **_named("path", outcome.job.name), "status": status}
    entry |= {"seconds": outcome.seconds, "version": __version__, "options": _options()}
    if outcome.error:
        return _line(entry | {"error": message(outcome), "exit_code": int(outcome.error.exit_code)})
    if outcome.job.target:
        entry |= _named("target", outcome.job.target)
    if finished := outcome.finished:
        entry |= {"note": finished.note} if finished.note else {}
        entry |= {"sha256": finished.sha256} if finished.sha256 else {}
        entry |= {"deleted": True} if finished.deleted else {}
    if outcome.info:
        entry |= asdict(outcome.info)
    if isinstance(outcome.info, Info):
        entry["saving"] = outcome.info.saving
    return _line(entry)


def total(tally: Tally, left_out: LeftOut, seconds: float, ended: str) -> str:
    """The last line; ended: "" for a complete run, otherwise what ended it."""
    entry = {"type": "total", **tally.document(seconds), "left_out": asdict(left_out)}
    return _line(entry | {"exit_code": int(tally.code), "ended": ended})


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=True)


def _named(key: str, path: str | Path) -> dict[str, str]:
    """A path as text, and its bytes in Base64 where they are not UTF-8."""
    raw = os.fsencode(path)
    try:
        return {key: raw.decode()}
    except UnicodeDecodeError:
        return {
            key: raw.decode(errors="backslashreplace"),
            f"{key}_bytes": base64.b64encode(raw).decode(),
        }


def _options() -> dict[str, Any]:
    """The options that were given on the command line or in the environment."""
    context = click.get_current_context(silent=True)
    if context is None:
        return {}
    given = {
        name: value
        for name, value in context.params.items()
        if name not in _NOT_OPTIONS
        and context.get_parameter_source(name)
        in (click.core.ParameterSource.COMMANDLINE, click.core.ParameterSource.ENVIRONMENT)
    }
    return json.loads(json.dumps(given, default=str))  # type: ignore[no-any-return]


def estimate(**values: float) -> str:
    """The line about a dry run."""
    return _line({"type": "estimate", **values})


def model(name: str, number: int, kind: str, size: int) -> str:
    """The line about an installed model; size: of its file in bytes."""
    return _line({"type": "model", "model": name, "model_id": number, "kind": kind, "file_bytes": size})
