"""Measurement of the processor time of whole calls of the command line, most of which is start-up."""

import resource
import subprocess
import sys
import tempfile
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


@dataclass(frozen=True)
class Run:
    """A call; cpu_seconds: processor time of its process, in user and system mode."""

    call: str
    cpu_seconds: float


def measure(path: Path, models: Sequence[str], repeats: int) -> Iterator[Run]:
    """Measure calls without a file, then those of COMMANDS for a file with each model.

    path: a JPEG file. models: names. repeats: number of runs of each call, of which the shortest counts.
    Calls alternate, so that a machine's other work meets all of them alike. Raises CalledProcessError.
    """
    with tempfile.TemporaryDirectory() as folder:
        calls = WITHOUT_FILES | {
            f"jrecomp {command} ({model})": line
            for model in models
            for command, line in _lines(path, Path(folder), model).items()
        }
        shortest = dict.fromkeys(calls, float("inf"))
        for _ in range(repeats):
            for call, line in calls.items():
                shortest[call] = min(shortest[call], cpu_seconds(line))
        yield from (Run(call, seconds) for call, seconds in shortest.items())


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


def cpu_seconds(line: list[str]) -> float:
    """Run a command; returns the processor time that it took. Raises CalledProcessError."""
    before = _of_children()
    subprocess.run(line, check=True, capture_output=True)
    return _of_children() - before


def _of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
