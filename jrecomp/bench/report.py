"""The reports of lossless and scaling benchmarks, as Markdown and as JSON."""

import os
import platform
import shlex
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from jrecomp.bench import batches as batching
from jrecomp.bench.codecs import Lepton
from jrecomp.bench.inputs import Encoding
from jrecomp.bench.measure import Measurement, RoundTrip, Total
from jrecomp.bench.scaling import Run

if TYPE_CHECKING:  # it needs a module that Windows lacks
    from jrecomp.bench import start_up as starting

Key = TypeVar("Key")

WORSE = 0.5
"""Percentage points of saving by which jrecomp must be behind Lepton for a file to be listed."""

WORST = 10
"""Smallest number of listed files, if there are as many."""


@dataclass(frozen=True)
class Setup:
    """The circumstances of a benchmark.

    command: the command line. codecs: version of each codec. missing: codecs that are not installed. repeats:
    runs of each measurement. threads: of jrecomp, 0 for one per core. cpu, cores: of the machine. date: in
    ISO format. packages: version of each package.
    """

    command: list[str]
    codecs: dict[str, str]
    missing: list[str]
    repeats: int
    threads: int
    cpu: str
    cores: int
    date: str
    packages: dict[str, str]


class Named(Protocol):
    """A codec with a name and a version."""

    name: str
    version: str


def setup(
    command: list[str], codecs: Sequence[Named], missing: list[str], repeats: int, threads: int
) -> Setup:
    """The Setup of a benchmark on this machine; the arguments are those of Setup."""
    return Setup(
        command=command,
        codecs={codec.name: codec.version for codec in codecs},
        missing=missing,
        repeats=repeats,
        threads=threads,
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        date=datetime.now(UTC).date().isoformat(),
        packages={"Python": platform.python_version(), "Pillow": version("pillow")},
    )


def merged(command: list[str], setups: Sequence[Mapping[str, Any]]) -> Setup:
    """The Setup of the common report of earlier benchmarks.

    command: of this report. setups: the values of the fields of Setup. Circumstances are those of the last;
    codecs and dates are all of them. Raises KeyError and TypeError for other values.
    """
    codecs = {name: number for values in setups for name, number in values["codecs"].items()}
    missing = [note for values in setups for note in values["missing"]]
    dates = ", ".join(dict.fromkeys(values["date"] for values in setups))
    values = dict(setups[-1]) | {"command": command, "codecs": codecs, "date": dates}
    return Setup(**values | {"missing": list(dict.fromkeys(missing))})


class Results:
    """All measurements of a benchmark, with sums by codec and set.

    A set of files is identified by the pictures' setting, or None for JPEG files.
    """

    def __init__(self, measurements: Iterable[Measurement]) -> None:
        self.measurements = list(measurements)
        self.codecs = list(dict.fromkeys(m.codec for m in self.measurements))
        self.sets = list(dict.fromkeys(m.setting for m in self.measurements))
        self.totals = _add_up(self.measurements, lambda m: m.codec)
        self.by_set = _add_up(self.measurements, lambda m: (m.codec, m.setting))

    def files(self, codec: str) -> dict[str, Measurement]:
        """The measurements of a codec on JPEG files, by path."""
        return {m.file: m for m in self.measurements if m.codec == codec and m.setting is None}


def _add_up(measurements: Iterable[Measurement], key: Callable[[Measurement], Key]) -> dict[Key, Total]:
    groups: dict[Key, list[Measurement]] = {}
    for measurement in measurements:
        groups.setdefault(key(measurement), []).append(measurement)
    return {name: Total.of(group) for name, group in groups.items()}


def as_json(setup: Setup, results: Results) -> dict[str, Any]:
    """All results as values for JSON: setup, totals by codec, totals by codec and set, and every file."""
    return {
        "setup": asdict(setup),
        "totals": [{"codec": codec} | _plain(total) for codec, total in results.totals.items()],
        "sets": [
            {"codec": codec, "setting": setting and asdict(setting)} | _plain(total)
            for (codec, setting), total in results.by_set.items()
        ],
        "files": [asdict(m) | {"saving": m.saving} for m in results.measurements],
    }


def _plain(total: Total) -> dict[str, Any]:
    speeds = {"encode_speed": total.encode_speed, "decode_speed": total.decode_speed}
    return asdict(total) | {"saving": total.saving} | speeds


def markdown(setup: Setup, results: Results) -> str:
    """The report: setup, totals, results by set, and the files on which jrecomp is behind Lepton."""
    parts = [
        _head(setup),
        "## Totals\n",
        _totals(results),
        "## By set\n",
        _by_set("saving %", results, lambda total: f"{total.saving:.2f}"),
        _by_set("refused / wrong", results, lambda t: f"{t.refused} / {t.wrong} of {t.count}"),
        _by_set("MB/s encode / decode", results, _speeds),
        *_reasons(results),
        *_bits_per_sub_pixel(results),
        *_behind(results),
    ]
    return "\n".join(parts)


def scaling(setup: Setup, runs: Iterable[Run]) -> str:
    """The report of a scaling benchmark."""
    lines = [
        *origin("Scaling", setup),
        "",
        "JPEG files have quality 75 and 4:2:0 subsampling. Every run is a separate process. Seconds are its",
        "wall-clock time. Memory is its peak, less that of an idle Python interpreter.",
        f"Of {setup.repeats} runs, the shortest time and the largest memory count.",
        "",
    ]
    header = ["model", "command", "megapixels", "threads", "MB", "seconds", "MB/s", "MiB"]
    rows = [
        [
            run.model,
            run.command,
            f"{run.megapixels:g}",
            str(run.threads),
            f"{run.jpeg_bytes / 1e6:.3f}",
            f"{run.seconds:.2f}",
            f"{run.jpeg_bytes / 1e6 / run.seconds:.2f}",
            f"{run.mebibytes:.0f}",
        ]
        for run in runs
    ]
    return "\n".join([*lines, table(header, rows)])


def batches(setup: Setup, runs: Iterable[batching.Run]) -> str:
    """The report of a benchmark of batches."""
    lines = [
        *origin("Batches", setup),
        "",
        "JPEG files in memory are compressed and restored at the same time. Compression includes the check",
        "of each result, which decodes it. CPU seconds are those of all threads, device seconds those of",
        f"kernels and copies on the GPU. Of {setup.repeats} runs, the shortest counts.",
        "",
    ]
    header = ["model", "command", "files", "megapixels", "MB", "seconds", "MB/s", "megapixels/s"]
    header += ["CPU seconds", "device seconds"]
    rows = [
        [
            run.model,
            run.command,
            str(run.files),
            f"{run.megapixels:.1f}",
            f"{run.jpeg_bytes / 1e6:.2f}",
            f"{run.seconds:.2f}",
            f"{run.jpeg_bytes / 1e6 / run.seconds:.2f}",
            f"{run.megapixels / run.seconds:.1f}",
            f"{run.cpu_seconds:.2f}",
            f"{run.device_seconds:.2f}",
        ]
        for run in runs
    ]
    return "\n".join([*lines, table(header, rows)])


def start_up(setup: Setup, size: int, runs: "Iterable[starting.Run]") -> str:
    """The report of a benchmark of start-up; size: bytes of the JPEG file."""
    lines = [
        *origin("Start-up", setup),
        "",
        f"Every call is a process, for a JPEG file of {size:,} bytes. Milliseconds are its processor time,",
        "in user and system mode, and its elapsed time. Those of a call for copies are divided by",
        f"their number. Calls alternate; of {setup.repeats} runs of each, the shortest time counts.",
        "",
    ]
    rows = [[run.call, f"{1000 * run.cpu_seconds:.0f}", f"{1000 * run.seconds:.0f}"] for run in runs]
    return "\n".join([*lines, table(["call", "processor, ms", "elapsed, ms"], rows)])


def origin(title: str, setup: Setup) -> list[str]:
    """The first lines of a report: title, command, date, machine and versions."""
    command = textwrap.shorten(shlex.join(setup.command), 400, placeholder=" ...")
    packages = ", ".join(f"{name} {number}" for name, number in setup.packages.items())
    return [
        f"# {title}",
        "",
        f"- command: `{command}`",
        f"- date: {setup.date}",
        f"- machine: {setup.cpu}, {setup.cores} cores",
        f"- versions: {packages}",
        *(f"- {name}: {number}" for name, number in setup.codecs.items()),
        *(f"- not measured: {note}" for note in setup.missing),
    ]


def _head(setup: Setup) -> str:
    threads = setup.threads or "one per core"
    lines = [
        *origin("Benchmark", setup),
        "",
        "Savings are reductions of file size. A file that is refused, or that is not restored bit for bit,",
        "counts with its full size. Speeds are MB of JPEG files per second of wall-clock time, over restored",
        "files, including those that jrecomp stores unmodelled.",
        f"Of {setup.repeats} runs the fastest counts. Threads of jrecomp: {threads}; of the others: 1.",
        "Encoding by jrecomp includes restoring and comparing.",
        "",
    ]
    return "\n".join(lines)


def _totals(results: Results) -> str:
    header = [
        "codec",
        "saving %",
        "refused",
        "wrong",
        "files",
        "MB before",
        "MB after",
        "MB/s encode / decode",
    ]
    rows = [
        [
            codec,
            f"{total.saving:.2f}",
            str(total.refused),
            str(total.wrong),
            str(total.count),
            f"{total.before / 1e6:.3f}",
            f"{total.after / 1e6:.3f}",
            _speeds(total),
        ]
        for codec, total in results.totals.items()
    ]
    return table(header, rows)


def _by_set(title: str, results: Results, cell: Callable[[Total], str]) -> str:
    rows = [[codec, *(cell(results.by_set[codec, s]) for s in results.sets)] for codec in results.codecs]
    return table([title, *map(set_name, results.sets)], rows)


def _reasons(results: Results) -> list[str]:
    """A table of the reasons why files were refused or wrong."""
    failures = [m for m in results.measurements if m.outcome is not RoundTrip.RESTORED]
    counts = Counter((m.codec, str(m.outcome), short(m.reason)) for m in failures)
    rows = [[*key, str(count)] for key, count in counts.most_common()]
    return [table(["codec", "outcome", "reason", "files"], rows)] if rows else []


def short(reason: str) -> str:
    """The text in one line, shortened to fit a cell of a table."""
    return textwrap.shorten(reason.replace("|", "/"), 80, placeholder=" ...")


def _bits_per_sub_pixel(results: Results) -> list[str]:
    """A table of compressed bits per sub-pixel, width times height times 3, at 4:4:4."""
    sets = [s for s in results.sets if s and s.sampling == "444"]
    if not sets:
        return []
    jpeg = [results.by_set[results.codecs[0], s] for s in sets]
    rows = [["JPEG", *(f"{8 * total.before / total.sub_pixels:.3f}" for total in jpeg)]]
    for codec in results.codecs:
        totals = [results.by_set[codec, s] for s in sets]
        rows.append([codec, *(f"{8 * total.after / total.sub_pixels:.3f}" for total in totals)])
    return ["## Bits per sub-pixel\n", table(["4:4:4", *(f"q{s.quality}" for s in sets)], rows)]


def _behind(results: Results) -> list[str]:
    """For each of jrecomp's models, the files on which it is behind Lepton."""
    lepton = results.files(Lepton.name)
    own = [codec for codec in results.codecs if codec.startswith("jrecomp ")]
    return [_behind_lepton(codec, results.files(codec), lepton) for codec in own if lepton]


def _behind_lepton(codec: str, own: dict[str, Measurement], lepton: dict[str, Measurement]) -> str:
    gains = {file: own[file].saving - lepton[file].saving for file in own}
    order = sorted(gains, key=lambda file: gains[file])
    worse = sum(gain < -WORSE for gain in gains.values())
    rows = [
        [f"`{file}`", _cell(own[file]), _cell(lepton[file]), f"{gains[file]:+.2f}"]
        for file in order[: max(worse, WORST)]
    ]
    text = (
        f"More than {WORSE} percentage points behind on {worse} of {len(own)} files. The worst come first.\n"
    )
    files = table(["file", codec, "Lepton", "points"], rows)
    return "\n".join([f"## {codec} against Lepton\n", text, files])


def _cell(measurement: Measurement) -> str:
    outcome = "" if measurement.outcome is RoundTrip.RESTORED else f" ({measurement.outcome})"
    return f"{measurement.saving:.2f}{outcome}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def set_name(setting: Encoding | None) -> str:
    """The name of a set in tables."""
    return f"{':'.join(setting.sampling)} q{setting.quality}" if setting else "files"


def _speeds(total: Total) -> str:
    return " / ".join(f"{s:.2f}" if s else "-" for s in (total.encode_speed, total.decode_speed))


def _cpu() -> str:
    """The model of the processor on Linux, otherwise its architecture."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
