"""Measurement of many files at once, and of the time that processor and GPU take."""

import io
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle

from PIL import Image

from jrecomp import pipeline
from jrecomp.codec.devices import CUDA
from jrecomp.errors import JrecompError
from jrecomp.jobs import Job
from jrecomp.options import Device
from jrecomp.sharing import share
from jrecomp.threads import Turns, Workers

MEGAPIXELS = 100.0
"""Files are repeated until they have this number of megapixels."""

WARM_UP = 4
"""Files of an uncounted run, which loads models and compiles kernels."""


@dataclass(frozen=True)
class Run:
    """The measurement of a batch.

    command: compress or decompress. files: how many. jpeg_bytes: sum of their sizes. seconds: wall-clock
    time. cpu_seconds: time of all threads of the process. device_seconds: of kernels and copies on the GPU, 0
    without one.
    """

    command: str
    model: str
    files: int
    megapixels: float
    jpeg_bytes: int
    seconds: float
    cpu_seconds: float
    device_seconds: float


def measure(
    files: Sequence[bytes], models: Sequence[str], repeats: int, threads: int, device: Device
) -> Iterator[Run]:
    """Measure models on a batch of JPEG files; of `repeats` runs, that of the shortest time counts.

    compress includes the check of each result, which decodes it. Files are in memory. Raises JrecompError if
    a file is not restored.
    """
    data = repeated(files)
    pixels = sum(map(_pixels, data)) / 1e6
    for model in models:
        shares = share(threads, device, lambda count: [Job(None)] * min(count, len(data)), model)
        turns = Turns(shares.computing)
        compress = turns.taken(partial(pipeline.compress, model=model, threads=shares.threads, device=device))
        decompress = turns.taken(partial(pipeline.decompress, threads=shares.threads, device=device))
        with Workers(shares.at_once) as pool:
            pool.map(decompress, pool.map(compress, data[:WARM_UP]))
            packed, run = _fastest(partial(pool.map, compress, data), repeats, device)
            yield Run("compress", model, len(data), pixels, sum(map(len, data)), *run)
            restored, run = _fastest(partial(pool.map, decompress, packed), repeats, device)
            yield Run("decompress", model, len(data), pixels, sum(map(len, data)), *run)
        if restored != data:
            raise JrecompError("a file of the batch was not restored")


def repeated(files: Sequence[bytes]) -> list[bytes]:
    """The files, again and again until they have MEGAPIXELS."""
    result, pixels = list[bytes](), 0
    for data in cycle(files):
        if pixels >= 1e6 * MEGAPIXELS and len(result) >= len(files):
            break
        result.append(data)
        pixels += _pixels(data)
    return result


def _pixels(data: bytes) -> int:
    with Image.open(io.BytesIO(data)) as picture:
        return picture.width * picture.height


def _fastest(
    function: Callable[[], list[bytes]], repeats: int, device: Device
) -> tuple[list[bytes], tuple[float, float, float]]:
    """The result of a function; wall-clock time, time of all threads, and time of the device."""
    runs = []
    for _ in range(repeats):
        with _watched(device) as device_seconds:
            started, cpu = time.perf_counter(), time.process_time()
            result = function()
            runs.append([time.perf_counter() - started, time.process_time() - cpu])
        runs[-1] += device_seconds
    seconds, cpu_seconds, on_device = min(runs)
    return result, (seconds, cpu_seconds, on_device)


@contextmanager
def _watched(device: Device) -> Iterator[list[float]]:
    """A list that has the seconds of the device's kernels and copies at the end."""
    seconds: list[float] = []
    if device != CUDA:
        yield seconds
        seconds.append(0.0)
        return
    from torch import profiler

    with profiler.profile(activities=[profiler.ProfilerActivity.CUDA]) as profile:
        yield seconds
    seconds.append(sum(event.self_device_time_total for event in profile.key_averages()) / 1e6)
