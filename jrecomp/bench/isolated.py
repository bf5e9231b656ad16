"""Time and memory of work in a process of its own."""

import multiprocessing
import resource
import time
from collections.abc import Callable, Sized
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from jrecomp.bench import scaling
from jrecomp.bench.lossy import Source
from jrecomp.bench.report import table


@dataclass(frozen=True)
class Speed:
    """Time and memory of a program for a large picture.

    coder: name of the program. at: setting. megapixels: of the picture. size: of the compressed file.
    seconds: wall-clock time, the fastest of the repeats. mebibytes: growth of the peak memory of the process,
    or the peak of the program that it starts.
    """

    coder: str
    at: float
    megapixels: float
    size: int
    seconds: float
    mebibytes: float


def measure(work: Callable[[Source], Sized], data: bytes, repeats: int) -> tuple[int, float, float]:
    """Length of the result, seconds, and memory in MiB of work on a picture that is decoded before.

    work, data: sent to the process. repeats: number of runs.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_measured, work, data, repeats).result()


def _measured(work: Callable[[Source], Sized], data: bytes, repeats: int) -> tuple[int, float, float]:
    source = Source(data)
    source.pixels  # noqa: B018 - decodes the picture
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        length = len(work(source))
        seconds.append(time.perf_counter() - started)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return length, min(seconds), max(grown, children) * scaling.PEAK_UNIT / (1 << 20)


def speeds(measured: list[Speed]) -> list[str]:
    """A section of Markdown; empty if nothing was measured."""
    if not measured:
        return []
    rows = [
        [
            *(speed.coder, f"{speed.at:g}", f"{speed.size:,}", f"{speed.seconds:.2f}"),
            *(f"{speed.megapixels / speed.seconds:.2f}", f"{speed.mebibytes:.0f}"),
        ]
        for speed in measured
    ]
    text = f"A mosaic of {measured[0].megapixels:.1f} megapixels; MiB: growth of the peak memory.\n"
    header = ["program", "setting", "bytes", "seconds", "MP/s", "MiB"]
    return ["## Time and memory\n", text, table(header, rows)]
