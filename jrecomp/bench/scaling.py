"""Measurement of time and memory by picture size and threads; every run is a separate process."""

import io
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from jrecomp.codec import Resources

MEGAPIXELS = (0.1, 0.4, 1.6, 6.0, 12.0, 25.0, 50.0, 100.0)
"""Sizes of pictures that are measured on one thread."""

FOR_THREADS = 12.0
"""Megapixels of the picture that is measured on several threads."""

PEAK_UNIT = 1 if sys.platform == "darwin" else 1 << 10
"""Bytes in the unit in which systems tell the peak memory of a process."""

QUALITY = 75
"""JPEG quality of the pictures."""


@dataclass(frozen=True)
class Run:
    """The measurement of a process.

    command: compress or decompress. jpeg_bytes: size of the JPEG file. seconds: wall-clock time. mebibytes:
    peak memory, less that of an idle Python interpreter.
    """

    command: str
    model: str
    megapixels: float
    threads: int
    jpeg_bytes: int
    seconds: float
    mebibytes: float


def canvas(paths: Sequence[Path], megapixels: float) -> Image.Image:
    """An RGB image with an aspect ratio of 4:3 that repeats pictures side by side.

    paths: the pictures. megapixels: size of the result.
    """
    height = max(16, round((megapixels * 1e6 * 3 / 4) ** 0.5))
    image = Image.new("RGB", (round(height * 4 / 3), height))
    x = y = row = number = 0
    while y < image.height:
        with Image.open(paths[number % len(paths)]) as picture:
            image.paste(picture.convert("RGB"), (x, y))
            x, row = x + picture.width, max(row, picture.height)
        if x >= image.width:
            x, y, row = 0, y + row, 0
        number += 1
    return image


def mosaic(paths: Sequence[Path], megapixels: float) -> bytes:
    """canvas() as a JPEG file with 4:2:0 subsampling, encoded by Pillow."""
    out = io.BytesIO()
    canvas(paths, megapixels).save(out, "JPEG", quality=QUALITY, subsampling=2)
    return out.getvalue()


def measure(paths: Sequence[Path], models: Sequence[str], repeats: int) -> Iterator[Run]:
    """Measure models by picture size on one thread, then by threads.

    paths: pictures for mosaic(). models: names. repeats: number of runs; the shortest time and the largest
    memory count.
    """
    base = _process([sys.executable, "-c", "pass"])[1]
    with tempfile.TemporaryDirectory() as folder:
        picture, packed, restored = (Path(folder, name) for name in ("a.jpg", "a.jrc", "b.jpg"))
        for megapixels, threads in _pairs():
            picture.write_bytes(mosaic(paths, megapixels))
            size = picture.stat().st_size
            for model in models:
                for command, source, target in (
                    (["compress", "--model", model], picture, packed),
                    (["decompress"], packed, restored),
                ):
                    line = [sys.executable, "-P", "-m", "jrecomp", *command, "--quiet", "--force"]
                    line += ["--threads", str(threads), str(source), "--output", str(target)]
                    runs = [_process(line) for _ in range(repeats)]
                    memory = max(peak for _, peak in runs) - base
                    yield Run(command[0], model, megapixels, threads, size, min(runs)[0], memory)


def count(models: Sequence[str]) -> int:
    """Number of results of measure()."""
    return 2 * len(models) * len(_pairs())


def _pairs() -> list[tuple[float, int]]:
    """The measured pairs of megapixels and threads."""
    wanted = [(size, 1) for size in MEGAPIXELS] + [(FOR_THREADS, threads) for threads in thread_counts()]
    return list(dict.fromkeys(wanted))


def thread_counts() -> list[int]:
    """The powers of 2 up to the number of cores, and the number of cores."""
    cores = Resources().workers
    return sorted({*(1 << n for n in range(cores.bit_length()) if 1 << n <= cores), cores})


def _process(line: list[str]) -> tuple[float, float]:
    """Runs a command; returns seconds and peak memory in MiB. Raises CalledProcessError."""
    done = subprocess.run([sys.executable, "-c", _STARTER, *line], check=True, capture_output=True, text=True)
    seconds, peak = map(float, done.stdout.split())
    return seconds, peak * PEAK_UNIT / (1 << 20)


_STARTER = """
import resource, subprocess, sys, time
started = time.perf_counter()
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""
"""A small program that starts a command. The reported peak memory of a process includes that of its parent
when it was started, so the parent must be small.
"""
