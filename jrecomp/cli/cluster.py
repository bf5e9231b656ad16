"""The command `jrecomp cluster`."""

import json
import secrets
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from jrecomp.cli import options, report
from jrecomp.cli.options import Reporting
from jrecomp.errors import ExitCode, JrecompError, UsageError, flag, printable
from jrecomp.model import DEFAULT_MODEL, load
from jrecomp.options import Limits

if TYPE_CHECKING:  # they import packages of the extra `ray`
    from jrecomp.cluster.estimate import Estimate
    from jrecomp.cluster.manifest import Row
    from jrecomp.cluster.work import Settings

_EVERY = 5.0
"""Seconds between lines about the progress."""

_DEVICES = ("cpu", "cuda")
_COMMANDS = ("compress", "decompress", "verify")


@click.command("cluster", short_help="Compress, restore or verify folders on a Ray cluster.")
@click.argument("what", type=click.Choice(_COMMANDS))
@click.argument("source", metavar="SRC", type=options.PathName())
@click.argument("target", metavar="[DST]", required=False, type=options.PathName())
@click.option(
    "--address",
    metavar="ADDRESS",
    help="Use the cluster at ADDRESS; by default that of RAY_ADDRESS, or one on this machine.",
)
@click.option(
    "--workers",
    metavar="N",
    type=click.IntRange(0),
    default=0,
    help="Use N workers of one core each; 0, the default, means as many as the cluster has room for.",
)
@click.option(
    "--device",
    type=click.Choice(_DEVICES),
    default=_DEVICES[0],
    show_default=True,
    help="Compute on processor cores, or with an NVIDIA GPU for each worker (cuda).",
)
@click.option(
    "--model",
    metavar="NAME",
    help="For compress: use the model NAME: best for smaller results, fast for speed, or default.",
)
@click.option("-f", "--force", is_flag=True, help="Replace existing files that are not the results.")
@click.option(
    "--manifest",
    metavar="URL",
    type=options.PathName(),
    help="Write the manifest to a new folder in URL. The default is DST/_manifest; for verify, none.",
)
@click.option(
    "--dry-run", is_flag=True, help="Write nothing; print how long it takes, and what it costs and saves."
)
@click.option(
    "--core-hour",
    metavar="USD",
    type=click.FloatRange(0),
    default=0.04,
    show_default=True,
    help="For --dry-run: price of a core for an hour.",
)
@click.option(
    "--gb-month",
    metavar="USD",
    type=click.FloatRange(0),
    default=0.023,
    show_default=True,
    help="For --dry-run: price of a GB of storage for a month.",
)
@options.limits
@options.reporting
def command(
    what: Literal["compress", "decompress", "verify"],
    source: str,
    target: str | None,
    address: str | None,
    workers: int,
    device: Literal["cpu", "cuda"],
    model: str | None,
    force: bool,
    manifest: str | None,
    dry_run: bool,
    core_hour: float,
    gb_month: float,
    limits: Limits,
    reporting: Reporting,
) -> ExitCode:
    """Compress, restore or verify folders on a Ray cluster.

    SRC and DST are folders: local paths that all machines see, or URLs of fsspec, such as s3://bucket/photos.
    `compress` writes containers of the JPEG files of SRC to DST, `decompress` restores the containers of SRC.
    `verify` checks the containers of SRC; with DST, it checks that SRC has a good container of every JPEG
    file of DST. Hidden files are left out.

    Results are verified before they are written, and appear whole or not at all. The same command, given
    again, goes on: results that are there, whole and with the checksum of the source, are kept. A file that
    fails does not stop others. The manifest tells in Parquet files what became of each file: sizes, SHA-256,
    model, version, reason. All machines need the extra `ray` (pip install jrecomp[ray]), and s3fs or gcsfs
    for s3:// and gs://.

    \b
    jrecomp cluster compress s3://photos s3://archive
    jrecomp cluster compress --dry-run photos archive
    jrecomp cluster verify archive photos
    """
    from jrecomp.cluster.work import Settings

    if target is None and what != "verify":
        raise UsageError(f"cluster {what} needs DST, the folder for the results")
    if model and what != "compress":
        raise UsageError("--model is for compress (containers name their models)")
    load(model or DEFAULT_MODEL)
    source, target = _absolute(source), target and _absolute(target)
    if what == "verify" and target:  # the originals are listed
        source, target = target, source
    manifest = manifest or (f"{target}/_manifest" if what != "verify" else None)
    settings = Settings(what, source, target, _new_folder(manifest), model, device, force, limits)
    if dry_run:
        return _dry_run(settings, core_hour, gb_month, reporting)
    return _run(settings, address, workers, reporting)


def _absolute(folder: str) -> str:
    """A folder that workers find, whose working folder is another."""
    return folder if "://" in folder else str(Path(folder).absolute())


def _new_folder(manifest: str | None) -> str | None:
    """The folder of the manifest of one run; their order is that of the runs."""
    run = f"{time.strftime('%Y-%m-%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(2)}"
    return f"{_absolute(manifest).rstrip('/')}/{run}" if manifest else None


@dataclass
class _Totals:
    """What became of all files so far."""

    quiet: bool
    files: int = 0
    statuses: dict[str, int] = field(
        default_factory=lambda: {"written": 0, "kept": 0, "verified": 0, "failed": 0}
    )
    stored: int = 0
    original_bytes: int = 0
    compressed_bytes: int = 0
    code: ExitCode = ExitCode.OK
    started: float = field(default_factory=time.perf_counter)
    told: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.perf_counter() - self.started

    def fail(self, name: str, message: str, code: int) -> None:
        """Count and tell a failure."""
        self.files += 1
        self.statuses["failed"] += 1
        self.code = self.code or ExitCode(code)
        report.tell(f"{name}: {message}")

    def unreadable(self, name: str, error: JrecompError) -> None:
        """Count and tell what could not be listed."""
        self.fail(printable(name), error.named(flag), error.exit_code)

    def add(self, row: "Row") -> None:
        """Count a file, and tell of failures, and of the progress now and then."""
        if row.error is not None:
            self.fail(row.source, row.error, row.exit_code)
        else:
            self.files += 1
            self.statuses[row.status] += 1
            self.stored += row.mode == "stored"
            self.original_bytes += row.original_bytes or 0
            self.compressed_bytes += row.container_bytes or 0
        if not self.quiet and time.perf_counter() - self.told > _EVERY:
            self.told = time.perf_counter()
            report.tell(self.line())

    def line(self) -> str:
        """All in a line."""
        counts = ", ".join(f"{count:,} {status}" for status, count in self.statuses.items() if count)
        sizes = f"{self.original_bytes:,} bytes original, {self.compressed_bytes:,} compressed"
        speed = f"{self.seconds:.1f} s, {self.original_bytes / max(self.seconds, 1e-9) / 1e6:.2f} MB/s"
        return f"{self.files:,} files: {counts or 'nothing done'}; {sizes}, saved {self.saving:.2%}, {speed}"

    @property
    def saving(self) -> float:
        """Part of the original bytes."""
        return 1 - self.compressed_bytes / self.original_bytes if self.original_bytes else 0.0

    def document(self, manifest: str | None) -> dict[str, Any]:
        """All as a JSON document."""
        return {
            "files": self.files,
            **self.statuses,
            "stored": self.stored,
            "original_bytes": self.original_bytes,
            "compressed_bytes": self.compressed_bytes,
            "saving": self.saving,
            "seconds": self.seconds,
            "manifest": manifest,
            "exit_code": int(self.code),
        }


def _run(settings: "Settings", address: str | None, workers: int, reporting: Reporting) -> ExitCode:
    from jrecomp.cluster import runner
    from jrecomp.cluster.storage import Folder

    totals = _Totals(reporting.quiet or reporting.as_json)

    with runner.connected(address):
        pool = runner.pool(workers, settings.device)
        entries = Folder(settings.source).walk(settings.suffixes, totals.unreadable)
        ended = _count(runner.run(settings, entries, pool), totals)
    if not totals.files:
        raise UsageError(f"{settings.source}: contains no {', '.join(settings.suffixes)} files")
    if ended:
        report.tell("stopped, as no space is left; files that are missing in the manifest are left")
    if reporting.as_json:
        click.echo(json.dumps(totals.document(settings.manifest)))
    elif not reporting.quiet:
        click.echo(totals.line())
    return totals.code


def _count(rows: Iterable["Row"], totals: _Totals) -> bool:
    """Count rows; ends and returns true where no space is left."""
    for row in rows:
        totals.add(row)
        if row.exit_code == ExitCode.NO_SPACE:
            totals.code = ExitCode.NO_SPACE
            return True
    return False


def _dry_run(settings: "Settings", core_hour: float, gb_month: float, reporting: Reporting) -> ExitCode:
    from jrecomp.cluster.estimate import Prices, estimate
    from jrecomp.cluster.storage import Folder

    totals = _Totals(quiet=True)

    entries = Folder(settings.source).walk(settings.suffixes, totals.unreadable)
    model = settings.model or DEFAULT_MODEL
    expected = estimate(settings.command, model, entries, Prices(core_hour, gb_month))
    click.echo(json.dumps(asdict(expected)) if reporting.as_json else _expectation(expected))
    return totals.code


def _expectation(expected: "Estimate") -> str:
    text = (
        f"{expected.files:,} files, {expected.bytes:,} bytes: about {expected.core_hours:,.2f} core hours,"
        f" {expected.compute_dollars:,.2f} USD, and {expected.request_dollars:,.2f} USD for requests"
    )
    if expected.months is None:
        return text
    return (
        f"{text}\nsaves about {expected.saved_bytes:,} bytes, {expected.dollars_per_month:,.2f} USD per"
        f" month; paid for after {expected.months:.1f} months"
    )
