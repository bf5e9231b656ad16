"""Lines of the report about a file."""

from collections.abc import Callable
from typing import Any

from jrecomp.batch import Outcome
from jrecomp.cli.tally import message, speed_of
from jrecomp.errors import printable
from jrecomp.info import Info, JpegInfo, RestoredInfo, ThumbnailInfo
from jrecomp.jobs import PIPE, Job

_LISTED = 20
"""Number of pictures besides the first one that details() lists."""

Describe = Callable[[Outcome, Any], str]
"""Formats the outcome of a successful job, whose info is the second argument."""


def written(outcome: Outcome, info: Info) -> str:
    """A line about a file that was compressed or shrunk."""
    sizes = f"{info.original_bytes:,} -> {info.compressed_bytes:,} bytes"
    result = f"stored ({info.stored_reason})" if info.stored_reason else f"saved {info.saving:.2%}"
    if info.quality is not None:
        result += f" at quality {info.quality:.4g}"
    note = f"; {outcome.note}" if outcome.note else ""
    return f"{_names(outcome.job)}: {sizes}, {result}{speed_of(info.original_bytes, outcome.seconds)}{note}"


def restored(outcome: Outcome, info: Info) -> str:
    """A line about a container that was decompressed."""
    sizes = f"{info.compressed_bytes:,} -> {info.restored_bytes:,} bytes"
    return f"{_names(outcome.job)}: {sizes}{speed_of(info.restored_bytes, outcome.seconds)}"


def _names(job: Job) -> str:
    return printable(f"{job.name} -> {job.target or PIPE}")


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
        f"{outcome.job.name}: good, {outcome.note}{speed_of(info.restored_bytes, outcome.seconds)}"
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


def skipped(outcome: Outcome) -> str:
    """A line about a job that had nothing to do."""
    return f"{printable(outcome.job.name)}: skipped, {printable(outcome.note)}"


def failure(outcome: Outcome) -> str:
    """A line about an error."""
    name, text = printable(outcome.job.name), message(outcome)
    return text if text.startswith(f"{name}:") else f"{name}: {text}"
