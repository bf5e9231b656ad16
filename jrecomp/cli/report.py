"""The report of a command: a line for each file and a summary, or a JSON document; and a progress bar.

Errors and the progress bar are printed to standard error. The report is printed to standard output, or to
standard error if a result is written to standard output.
"""

import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import click

from jrecomp import batch, rate
from jrecomp.batch import Job, Outcome, Work
from jrecomp.cli.options import Reporting
from jrecomp.errors import ExitCode, flag, printable
from jrecomp.info import Info

Describe = Callable[[Outcome, Info], str]
"""Formats the outcome of a successful job."""


def run(
    jobs: list[Job],
    work: Work,
    describe: Describe,
    reporting: Reporting,
    *,
    at_once: int = 1,
    pipes: bool = False,
) -> ExitCode:
    """Run jobs and print a report.

    jobs, work, at_once: as for batch.run(). describe: formats the outcome of a successful job. reporting:
    what to print. pipes: whether a result is written to standard output.
    Returns the exit code of the first failed job, OK if none failed.
    """
    started = time.perf_counter()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # handled like Ctrl-C
    outcomes: list[Outcome] = []

    def show(outcome: Outcome) -> None:
        if _on_terminal() and not reporting.quiet:
            click.echo("\r\033[K", err=True, nl=False)  # erases the line about an attempt
        if outcome.error:
            click.echo(f"jrecomp: {_failure(outcome)}", err=True)
        elif outcome.info and not (reporting.quiet or reporting.as_json):
            click.echo(describe(outcome, outcome.info), err=pipes)

    _collect(batch.run(jobs, work, at_once), jobs, outcomes, show, reporting.quiet)
    seconds = time.perf_counter() - started
    if reporting.as_json:
        click.echo(json.dumps(_document(outcomes, seconds), indent=2), err=pipes)
    elif len(outcomes) > 1 and not reporting.quiet:
        click.echo(_summary(outcomes, seconds), err=pipes)
    return batch.exit_code(outcomes)


def _collect(
    arriving: Iterator[Outcome],
    jobs: list[Job],
    outcomes: list[Outcome],
    show: Callable[[Outcome], None],
    quiet: bool,
) -> None:
    """Collect outcomes and print each at once, or all at the end if there is a progress bar."""
    if quiet or len(jobs) < 2 or not _on_terminal():
        for outcome in arriving:
            outcomes.append(outcome)
            show(outcome)
        return
    sizes = [job.size for job in jobs]
    try:
        with click.progressbar(length=sum(sizes), file=sys.stderr) as bar:
            for outcome, size in zip(arriving, sizes, strict=True):
                outcomes.append(outcome)
                bar.update(size)
    finally:
        for outcome in outcomes:
            show(outcome)


def _on_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()  # it is None where it is closed


def attempts(jobs: list[Job], reporting: Reporting) -> Callable[[str], None]:
    """A callback that prints attempts at a target. It prints nothing for several files or off terminals."""

    def show(text: str) -> None:
        click.echo(f"\r{text}\033[K", err=True, nl=False)

    return show if len(jobs) == 1 and not reporting.quiet and _on_terminal() else rate.ignore


def written(outcome: Outcome, info: Info) -> str:
    """A line about a file that was compressed or shrunk."""
    sizes = f"{info.original_bytes:,} -> {info.compressed_bytes:,} bytes"
    result = f"stored ({info.stored_reason})" if info.stored_reason else f"saved {info.saving:.2%}"
    if info.quality is not None:
        result += f" at quality {info.quality:.4g}"
    note = f"; {outcome.note}" if outcome.note else ""
    return f"{_names(outcome.job)}: {sizes}, {result}{_speed(info.original_bytes, outcome.seconds)}{note}"


def restored(outcome: Outcome, info: Info) -> str:
    """A line about a container that was decompressed."""
    sizes = f"{info.compressed_bytes:,} -> {info.restored_bytes:,} bytes"
    return f"{_names(outcome.job)}: {sizes}{_speed(info.restored_bytes, outcome.seconds)}"


def _names(job: Job) -> str:
    return printable(f"{job.name} -> {job.target or batch.PIPE}")


def verified(outcome: Outcome, info: Info) -> str:
    """A line about a container that was verified."""
    return printable(
        f"{outcome.job.name}: good, {outcome.note}{_speed(info.restored_bytes, outcome.seconds)}"
    )


def details(outcome: Outcome, info: Info) -> str:
    """Several lines that describe a container."""
    rows = {
        "mode": f"{info.mode}, format version {info.format_version}",
        "quality": None if info.quality is None else f"{info.quality:g} of 100",
        "stored because": info.stored_reason,
        "model": _model(info),
        "original": f"{info.original_bytes:,} bytes",
        "restores": f"{info.restored_bytes:,} bytes" if info.mode == "lossy" else None,
        "compressed": f"{info.compressed_bytes:,} bytes, saved {info.saving:.2%}",
        "image": _image(info),
        "headers": f"{info.jpeg.header_bytes:,} bytes" if info.jpeg else None,
    }
    lines = [f"  {label:<15}{value}" for label, value in rows.items() if value]
    return "\n".join([printable(outcome.job.name), *lines])


def _model(info: Info) -> str | None:
    if info.model_id is None:
        return None
    return f"{info.model or 'not installed'} (id {info.model_id})"


def _image(info: Info) -> str | None:
    if info.jpeg is None:
        return None
    process = "progressive" if info.jpeg.progressive else "sequential"
    components = f"{info.jpeg.components} component{'s' * (info.jpeg.components > 1)}"
    return (
        f"{info.jpeg.width} x {info.jpeg.height}, {components} {info.jpeg.sampling}, {process}, "
        f"about quality {info.jpeg.quality}"
    )


def _failure(outcome: Outcome) -> str:
    name, text = printable(outcome.job.name), _message(outcome)
    return text if text.startswith(f"{name}:") else f"{name}: {text}"


def _message(outcome: Outcome) -> str:
    return outcome.error.named(flag) if outcome.error else ""


def _totals(outcomes: list[Outcome], seconds: float) -> dict[str, Any]:
    infos = [outcome.info for outcome in outcomes if outcome.info]
    original = sum(info.original_bytes for info in infos)
    compressed = sum(info.compressed_bytes for info in infos)
    return {
        "files": len(outcomes),
        "failed": len(outcomes) - len(infos),
        "stored": sum(info.mode == "stored" for info in infos),
        "original_bytes": original,
        "compressed_bytes": compressed,
        "saving": 1 - compressed / original if original else 0.0,
        "seconds": seconds,
    }


def _summary(outcomes: list[Outcome], seconds: float) -> str:
    totals = _totals(outcomes, seconds)
    return (
        "{files} files, {stored} stored, {failed} failed: {original_bytes:,} bytes original, "
        "{compressed_bytes:,} compressed, saved {saving:.2%}".format_map(totals)
    ) + _speed(totals["original_bytes"], seconds)


def _speed(original_bytes: int, seconds: float) -> str:
    return f", {seconds:.2f} s, {original_bytes / max(seconds, 1e-9) / 1e6:.2f} MB/s"


def _document(outcomes: list[Outcome], seconds: float) -> dict[str, Any]:
    return {"files": [_entry(outcome) for outcome in outcomes], "total": _totals(outcomes, seconds)}


def _entry(outcome: Outcome) -> dict[str, Any]:
    entry: dict[str, Any] = {"source": outcome.job.name, "seconds": outcome.seconds}
    if outcome.error:
        return entry | {"error": _message(outcome), "exit_code": int(outcome.error.exit_code)}
    if outcome.job.target:
        entry["target"] = str(outcome.job.target)
    if outcome.note:
        entry["note"] = outcome.note
    if outcome.info:
        entry |= asdict(outcome.info) | {"saving": outcome.info.saving}
    return entry
