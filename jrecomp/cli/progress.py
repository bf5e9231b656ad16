"""Progress of a run: a bar on terminals, lines every few seconds elsewhere, both on standard error."""

import sys
import time
from _thread import LockType, allocate_lock, start_new_thread
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from jrecomp import files
from jrecomp.batch import Activity
from jrecomp.cli.tally import Tally
from jrecomp.errors import JrecompError, printable
from jrecomp.jobs import Job, Stream

if TYPE_CHECKING:
    from tqdm.std import tqdm

REFRESH_SECONDS = 0.2
FIRST_LINE_SECONDS = 1.0
LINE_SECONDS = 5.0
BAR_AFTER_SECONDS = 0.5
"""A file that takes less time has no bar of its own."""

_LARGE = 1 << 20
"""Size in bytes of a file whose own progress is shown."""


def on_terminal() -> bool:
    """Whether standard error is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()


class Progress:
    """Shows how far a run is, from a thread of its own.

    stream: its jobs. tally, activity: kept current by the run. passes: how often each slice of a picture is
    coded.
    """

    def __init__(self, stream: Stream, tally: Tally, activity: Activity, passes: int) -> None:
        self._stream, self._tally, self._activity = stream, tally, activity
        self._passes = passes
        self._several = stream.at_least(2) > 1
        self._known: tuple[int, int] | None = None
        self._expected: tuple[Job | None, int] = None, 0
        self._started = time.monotonic()
        self._ended = Event()
        self._bar: tqdm[Any] | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the progress inside the block."""
        functions: list[Callable[[], None]] = [self._draw if on_terminal() else self._print]
        if self._several and self._stream.sizes:
            functions.append(partial(self._count, self._stream.sizes))
        running: list[LockType] = []
        if self._several or on_terminal():
            with suppress(RuntimeError, MemoryError):  # without a thread there is no progress, but a result
                running += map(_started, functions)
        try:
            yield
        finally:
            self._ended.set()
            for lock in running:
                lock.acquire(timeout=1)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Make room for other lines inside the block."""
        bar = self._bar
        if bar is None:
            yield
            return
        with bar.get_lock():
            bar.clear(nolock=True)
            yield
            bar.refresh(nolock=True)

    def _count(self, sizes: Callable[[], Iterator[int]]) -> None:
        """Count all inputs while the first ones are processed."""
        count = total = 0
        for size in sizes():
            if self._ended.is_set():
                return
            count, total = count + 1, total + size
        self._known = count, total

    def _draw(self) -> None:
        """Draw a bar until the end."""
        if not self._several and self._ended.wait(BAR_AFTER_SECONDS):
            return
        from tqdm.std import tqdm

        tqdm.monitor_interval = 0  # which would be one more thread
        options = {"unit": "B", "unit_scale": True, "leave": False, "dynamic_ncols": True, "file": sys.stderr}
        with tqdm(total=None, bar_format=_UNKNOWN, **options) as bar:
            self._bar = bar
            bar.start_t -= time.monotonic() - self._started
            while not self._ended.wait(REFRESH_SECONDS):
                self._update(bar)
            self._bar = None

    def _update(self, bar: "tqdm[Any]") -> None:
        job = self._activity.current
        known = self._known if self._several else (1, job.size if job else 1)
        if known:
            bar.bar_format = _KNOWN
        bar.n = self._tally.input_bytes + (int(job.size * self._fraction(job)) if job else 0)
        bar.total = max(known[1], bar.n, 1) if known else None
        count = f"{self._tally.files:,} of {known[0]:,}" if known else f"{self._tally.files:,}"
        saved = f"saved {self._tally.saving:.1%}" if self._tally.compressed_bytes else ""
        failed = f"{self._tally.failed:,} failed" if self._tally.failed else ""
        name = _shortened(printable(job.name)) if job else ""
        bar.desc = f"{count} files " if self._several else ""
        bar.postfix = "  ".join(filter(None, [saved, failed, name]))
        bar.refresh()

    def _fraction(self, job: Job) -> float:
        """How much of the oldest job in progress is done; 0 if that is not known."""
        if self._expected[0] is not job:
            self._expected = job, self._passes * _slices(job)
        expected = self._expected[1]
        return min(0.99, self._activity.slices / expected) if expected else 0.0

    def _print(self) -> None:
        """Print a line every few seconds until the end."""
        wait = FIRST_LINE_SECONDS
        while not self._ended.wait(wait):
            wait = LINE_SECONDS
            click.echo(f"jrecomp: {self._line()}", err=True)

    def _line(self) -> str:
        seconds = time.monotonic() - self._started
        done, known = self._tally.input_bytes, self._known
        parts = [f"{self._tally.files:,}{f' of {known[0]:,}' if known else ''} files"]
        parts.append(f"{done / 1e6:,.1f}{f' of {known[1] / 1e6:,.1f}' if known else ''} MB")
        parts.append(f"{done / seconds / 1e6:.2f} MB/s")
        if self._tally.compressed_bytes:
            parts.append(f"saved {self._tally.saving:.1%}")
        if self._tally.failed:
            parts.append(f"{self._tally.failed:,} failed")
        if known and done:
            parts.append(f"{(known[1] - done) * seconds / done:,.0f} s left")
        if job := self._activity.current:
            parts.append(printable(job.name))
        return ", ".join(parts)


def _started(function: Callable[[], None]) -> LockType:
    """Run a function in a thread; gives a lock that is free at its end.

    Thread.start() would wait for ever for a thread that has no memory to begin with.
    """
    lock = allocate_lock()
    lock.acquire()
    start_new_thread(_run, (function, lock))
    return lock


def _run(function: Callable[[], None], lock: LockType) -> None:
    with suppress(*_HARMLESS):
        function()
    lock.release()


_HARMLESS = (JrecompError, OSError, MemoryError, RuntimeError, ImportError)
"""What may happen to the display without an effect on the run."""

_KNOWN = "{desc}{percentage:3.0f}% |{bar:12}| {n_fmt}B/{total_fmt}B {rate_fmt} {remaining} left{postfix}"
_UNKNOWN = "{desc}{n_fmt}B {rate_fmt} {elapsed}{postfix}"


def _shortened(name: str) -> str:
    """The end of a name, which tells more than its folders."""
    return name if len(name) <= 30 else f"…{name[-29:]}"


def _slices(job: Job) -> int:
    """About how many slices the picture of a large file has, 0 if that is not known."""
    if job.source is None or job.size < _LARGE:
        return 0
    from jrecomp import pipeline
    from jrecomp.codec.slices import SLICE_BLOCKS
    from jrecomp.jpeg import first_scan, parse_frame

    with suppress(JrecompError, OSError, MemoryError):
        if job.source.suffix == files.SUFFIX:
            pictures = pipeline.inspect(files.read(job.source)).pictures
            return sum(-(-picture.width * picture.height // (SLICE_BLOCKS * 43)) for picture in pictures)
        with job.source.open("rb") as file:
            headers = file.read(_LARGE)
        frame = parse_frame(headers[: first_scan(headers)])
        blocks = sum(c.block_rows * c.block_columns for c in frame.components)
        return -(-blocks // SLICE_BLOCKS)
    return 0
