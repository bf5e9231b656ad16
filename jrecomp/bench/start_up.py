"""Measurement of whole calls of the command line for a small file, most of which is start-up."""

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

JRECOMP = [sys.executable, "-P", "-m", "jrecomp"]

_IMPORTS = "import os; os.environ['OPENBLAS_NUM_THREADS'] = '1'; import numpy, click"
"""With as many threads of OpenBLAS as the command line has."""

WITHOUT_FILES = {
    "python": [sys.executable, "-c", "pass"],
    "python, with imports of NumPy and Click": [sys.executable, "-c", _IMPORTS],
    "jrecomp --version": [*JRECOMP, "--version"],
}
"""Calls that read no file, by what the report calls them."""

COMMANDS = ("compress", "decompress", "verify", "info")

COPIES = 100
"""Number of files of the call for many."""


@dataclass(frozen=True)
class Run:
    """A call for a number of files, 1 for calls without any.

    cpu_seconds, seconds: processor time of its process, in user and system mode, and elapsed time; both for
        each file.
    """

    call: str
    files: int
    cpu_seconds: float
    seconds: float


def measure(path: Path, models: Sequence[str], repeats: int) -> Iterator[Run]:
    """Measure calls without a file; with each model, those of COMMANDS for a file, and one for copies of it.

    path: a JPEG file. models: names. repeats: number of runs of each call, of which the shortest counts.
    Calls alternate, so that a machine's other work meets all of them alike. Raises CalledProcessError.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copies = _copies(path, folder / "copies")
        calls = {call: (line, 1) for call, line in WITHOUT_FILES.items()}
        for model in models:
            for command, line in _lines(path, folder, model).items():
                calls[f"jrecomp {command} ({model})"] = line, 1
            options = ["--model", model, "--quiet", "--force", "--output-dir", str(folder / model)]
            line = [*JRECOMP, "compress", *options, *copies]
            calls[f"jrecomp compress ({model}), {COPIES} files, each"] = line, COPIES
        runs = dict[str, list[tuple[float, float]]]()
        for _ in range(repeats):
            for call, (line, _) in calls.items():
                runs.setdefault(call, []).append(measured(line))
        for call, (_, files) in calls.items():
            cpu, elapsed = (min(values) / files for values in zip(*runs[call], strict=True))
            yield Run(call, files, cpu, elapsed)


def _copies(path: Path, folder: Path) -> list[str]:
    folder.mkdir()
    return [str(shutil.copyfile(path, folder / f"{number}.jpg")) for number in range(COPIES)]


def _lines(path: Path, folder: Path, model: str) -> dict[str, list[str]]:
    """The command lines of COMMANDS for a JPEG file. Each uses the results of those before it."""
    packed, restored = str(folder / f"{model}.jrc"), str(folder / "restored.jpg")
    rest = {
        "compress": ["--model", model, "--quiet", "--force", str(path), "--output", packed],
        "decompress": ["--quiet", "--force", packed, "--output", restored],
        "verify": ["--quiet", packed],
        "info": [packed],
    }
    return {command: [*JRECOMP, command, *rest[command]] for command in COMMANDS}


def measured(line: list[str]) -> tuple[float, float]:
    """Run a command; returns its processor time and its elapsed time. Raises CalledProcessError."""
    cpu, started = _of_children(), time.perf_counter()
    subprocess.run(line, check=True, capture_output=True)
    return _of_children() - cpu, time.perf_counter() - started


def _of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
