"""The report of a command: a line for each file and a summary, or a JSON document; and a progress bar.

Errors and the progress bar are printed to standard error. The report is printed to standard output, or to
standard error if a result is written to standard output.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import click

from jrecomp import batch, rate
from jrecomp.batch import Job, Outcome, Work
from jrecomp.cli.options import Reporting
from jrecomp.errors import ExitCode, flag, printable
from jrecomp.info import Info, JpegInfo, RestoredInfo, ThumbnailInfo

_LISTED = 20
"""Number of pictures besides the first one that details() lists."""

Describe = Callable[[Outcome, Any], str]
"""Formats the outcome of a successful job, whose info is the second argument."""


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
    outcomes: list[Outcome] = []

    def show(outcome: Outcome) -> None:
        if _on_terminal() and not reporting.quiet:
            click.echo("\r\033[K", err=True, nl=False)  # erases the line about an attempt
        if outcome.error:
            tell(_failure(outcome))
        elif outcome.job.skipped and not (reporting.quiet or reporting.as_json):
            tell(f"{printable(outcome.job.name)}: skipped, {outcome.note}")
        elif outcome.info and not (reporting.quiet or reporting.as_json):
            click.echo(describe(outcome, outcome.info), err=pipes)

    _collect(batch.run(jobs, work, at_once), jobs, outcomes, show, reporting.quiet)
    if len(outcomes) < len(jobs):
        tell(f"stopped, {len(jobs) - len(outcomes)} files are left")
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
    """Collect outcomes and print each at once, above a progress bar if there is one."""
    if quiet or len(jobs) < 2 or not _on_terminal():
        for outcome in arriving:
            outcomes.append(outcome)
            show(outcome)
        return
    sizes = [job.size for job in jobs]
    columns = _columns()
    width = max(1, min(36, columns - 36))  # the bar must stay on one line
    with click.progressbar(length=sum(sizes), width=width, show_eta=columns > 50, file=sys.stderr) as bar:
        for outcome, size in zip(arriving, sizes, strict=False):
            outcomes.append(outcome)
            show(outcome)
            bar.label = f"{len(outcomes)} of {len(jobs)}"  # it changes, so that the bar is drawn again
            bar.update(size)


def tell(text: str) -> None:
    """Print a message to standard error. A message that cannot be printed must not stop the work."""
    with suppress(OSError):
        click.echo(f"jrecomp: {text}", err=True)


def _on_terminal() -> bool:
    return sys.stderr.isatty()


def _columns() -> int:
    """Width of the terminal at standard error; 80 if it is unknown."""
    try:
        return os.get_terminal_size(2).columns or 80
    except OSError:
        return 80


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


def picture(outcome: Outcome, info: RestoredInfo) -> str:
    """A line about a restored picture."""
    size = f"{info.width} x {info.height} pixels of {info.bits} bits"
    speed = f"{outcome.seconds:.2f} s, {info.width * info.height / max(outcome.seconds, 1e-9) / 1e6:.2f} MP/s"
    note = f"; {outcome.note}" if outcome.note else ""
    return f"{_names(outcome.job)}: {size}, {speed}{note}"


def thumbnail(outcome: Outcome, info: ThumbnailInfo) -> str:
    """A line about a thumbnail."""
    size = f"{info.width} x {info.height} pixels, {info.picture_bytes:,} bytes"
    return f"{_names(outcome.job)}: {size}, {outcome.seconds:.2f} s"


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
        "image": _image(info.jpeg) if info.jpeg else None,
        "restorer": info.restorer,
        "headers": f"{info.jpeg.header_bytes:,} bytes" if info.jpeg else None,
    }
    lines = [f"  {label:<15}{value}" for label, value in rows.items() if value]
    lines += [f"  {'picture':<15}{_picture(picture)}" for picture in info.pictures[: _LISTED + 1][1:]]
    if len(info.pictures) > _LISTED + 1:
        lines.append(f"  {'':<15}and {len(info.pictures) - _LISTED - 1:,} more")
    return "\n".join([printable(outcome.job.name), *lines])


def _model(info: Info) -> str | None:
    if info.model_id is None:
        return None
    return f"{info.model or 'not installed'} (id {info.model_id})"


def _image(picture: JpegInfo) -> str:
    process = "progressive" if picture.progressive else "sequential"
    if picture.arithmetic:
        process += ", arithmetic coding"
    if picture.precision != 8:
        process += f", {picture.precision} bits"
    components = f"{picture.components} component{'s' * (picture.components > 1)}"
    quality = "no quantization table" if picture.quality is None else f"about quality {picture.quality}"
    return f"{picture.width} x {picture.height}, {components} {picture.sampling}, {process}, {quality}"


def _picture(picture: JpegInfo) -> str:
    return f"{picture.size:,} bytes at {picture.offset:,}: {_image(picture)}"


def _failure(outcome: Outcome) -> str:
    name, text = printable(outcome.job.name), _message(outcome)
    return text if text.startswith(f"{name}:") else f"{name}: {text}"


def _message(outcome: Outcome) -> str:
    return outcome.error.named(flag) if outcome.error else ""


def _totals(outcomes: list[Outcome], seconds: float) -> dict[str, Any]:
    infos = [outcome.info for outcome in outcomes if outcome.info]
    files = [info for info in infos if isinstance(info, Info)]
    pictures = [info for info in infos if isinstance(info, RestoredInfo | ThumbnailInfo)]
    return {
        "files": len(outcomes),
        "failed": sum(outcome.error is not None for outcome in outcomes),
        "skipped": sum(bool(outcome.job.skipped) for outcome in outcomes),
        **(_pictures(pictures) if pictures else _sizes(files)),
        "seconds": seconds,
    }


def _sizes(infos: list[Info]) -> dict[str, Any]:
    original = sum(info.original_bytes for info in infos)
    compressed = sum(info.compressed_bytes for info in infos)
    return {
        "stored": sum(info.mode == "stored" for info in infos),
        "original_bytes": original,
        "compressed_bytes": compressed,
        "saving": 1 - compressed / original if original else 0.0,
    }


def _pictures(infos: list[RestoredInfo | ThumbnailInfo]) -> dict[str, Any]:
    restored = [info for info in infos if isinstance(info, RestoredInfo)]
    changed = {"changed_coefficients": sum(info.changed_coefficients for info in restored)}
    return {
        "original_bytes": sum(info.original_bytes for info in infos),
        "picture_bytes": sum(info.picture_bytes for info in infos),
        "pixels": sum(info.width * info.height for info in infos),
        **(changed if restored else {}),
    }


def _summary(outcomes: list[Outcome], seconds: float) -> str:
    totals = _totals(outcomes, seconds)
    skipped = f", {totals['skipped']} skipped" if totals["skipped"] else ""
    if "pixels" in totals:
        counts = f"{totals['files']} files, {totals['failed']} failed{skipped}"
        speed = f"{totals['pixels'] / max(seconds, 1e-9) / 1e6:.2f} MP/s"
        return f"{counts}: {totals['pixels'] / 1e6:,.2f} megapixels, {seconds:.2f} s, {speed}"
    counts = "{files} files, {stored} stored, {failed} failed".format_map(totals) + skipped
    sizes = "{original_bytes:,} bytes original, {compressed_bytes:,} compressed, saved {saving:.2%}"
    return f"{counts}: {sizes.format_map(totals)}{_speed(totals['original_bytes'], seconds)}"


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
        entry |= asdict(outcome.info)
    if isinstance(outcome.info, Info):
        entry["saving"] = outcome.info.saving
    return entry
