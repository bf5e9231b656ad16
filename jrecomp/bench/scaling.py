"""How time and memory grow with a picture and with threads: every run is a process of its own."""

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
FOR_THREADS = 12.0
"""Megapixels of the picture that threads are compared on."""

QUALITY = 75


@dataclass(frozen=True)
class Run:
    """One process: seconds of wall clock, and peak memory beyond that of an interpreter that does nothing."""

    command: str
    model: str
    megapixels: float
    threads: int
    jpeg_bytes: int
    seconds: float
    mebibytes: float


def mosaic(paths: Sequence[Path], megapixels: float) -> bytes:
    """A JPEG file (4:2:0, of Pillow) of pictures side by side, again and again, 4 to 3."""
    height = max(16, round((megapixels * 1e6 * 3 / 4) ** 0.5))
    canvas = Image.new("RGB", (round(height * 4 / 3), height))
    x = y = row = number = 0
    while y < canvas.height:
        with Image.open(paths[number % len(paths)]) as picture:
            canvas.paste(picture.convert("RGB"), (x, y))
            x, row = x + picture.width, max(row, picture.height)
        if x >= canvas.width:
            x, y, row = 0, y + row, 0
        number += 1
    out = io.BytesIO()
    canvas.save(out, "JPEG", quality=QUALITY, subsampling=2)
    return out.getvalue()


def measure(paths: Sequence[Path], models: Sequence[str], repeats: int) -> Iterator[Run]:
    """Runs by size on one thread, then by threads; of `repeats` the fastest counts."""
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
                    line = [sys.executable, "-m", "jrecomp", *command, "--quiet", "--force"]
                    line += ["--threads", str(threads), str(source), "--output", str(target)]
                    found = [_process(line) for _ in range(repeats)]
                    memory = max(peak for _, peak in found) - base
                    yield Run(command[0], model, megapixels, threads, size, min(found)[0], memory)


def count(models: Sequence[str]) -> int:
    """How many runs `measure` tells of."""
    return 2 * len(models) * len(_pairs())


def _pairs() -> list[tuple[float, int]]:
    """Megapixels and threads."""
    wanted = [(size, 1) for size in MEGAPIXELS] + [(FOR_THREADS, threads) for threads in thread_counts()]
    return list(dict.fromkeys(wanted))


def thread_counts() -> list[int]:
    """1, 2, 4 and so on, and the number of cores."""
    cores = Resources().workers
    return sorted({*(1 << n for n in range(cores.bit_length()) if 1 << n <= cores), cores})


def _process(line: list[str]) -> tuple[float, float]:
    """Seconds of a command and its peak memory in MiB; raises CalledProcessError."""
    found = subprocess.run(
        [sys.executable, "-c", _STARTER, *line], check=True, capture_output=True, text=True
    )
    seconds, peak = map(float, found.stdout.split())
    return seconds, peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


_STARTER = """
import resource, subprocess, sys, time
started = time.perf_counter()
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""
"""Starts a command. The peak that is told of a process includes its parent's size: a small one is needed."""
