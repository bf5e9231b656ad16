"""The command as a process: standard streams, signals, and its end."""

import _thread
import gc
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import IO

from jrecomp import system, temporary
from jrecomp.errors import ExitCode, UsageError

_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")
"""Signals that end the command in good order; not all systems have all of them."""

_ERASE = b"\r\033[K"
"""Erases the line of a progress bar."""

_tell: Callable[[], None] | None = None


def start() -> None:
    """Run the command as a process. It does not wait for threads that compute what is no longer wanted."""
    gc.disable()  # until the command begins, as nothing of what is imported before is garbage
    _replace_closed_streams()
    _handle_signals()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # those of Pillow about damaged metadata
    from jrecomp.cli.app import main  # after the signals are handled, as it takes a while

    try:
        main()
    except SystemExit as end:
        if _thread._count() == 0:
            raise
        os._exit(int(end.code or 0))
    except MemoryError:  # another one, while the first was reported
        os.write(2, b"jrecomp: out of memory\n")
        os._exit(ExitCode.SHORTAGE)


def _replace_closed_streams() -> None:
    """Open the null device for standard streams that are closed, before an output gets their numbers.

    Otherwise messages of libraries would be written into that output. Messages of the command go nowhere.
    """
    with suppress(OSError):  # where all descriptors are in use, none is closed
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(descriptor)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w")


def _handle_signals() -> None:
    """End by the signals that end other commands, too. Those that the parent ignores stay ignored (nohup)."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for number in _ending():
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _end)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=reset_signals)  # a child has no output and says nothing


def require_posix(command: str) -> None:
    """Raises UsageError on Windows, for commands that open folders and files inside of them."""
    if system.WINDOWS:
        raise UsageError(f"jrecomp {command} does not work on Windows")


def _ending() -> list[signal.Signals]:
    return [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]


def reset_signals() -> None:
    """Let signals do what the system does with them, for children and for commands that C code ends."""
    for number in _ending():
        if signal.getsignal(number) is _end:
            signal.signal(number, signal.SIG_DFL)


def unwind_on_interrupt() -> None:
    """Let Ctrl-C raise KeyboardInterrupt, for commands that have more to tidy up than an output."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def ended_by(end: Callable[[], None]) -> Iterator[None]:
    """Let a signal call a function that ends the command in good order; a second one ends it at once.

    A reader that closes its connection does not end the command.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        restore()
        end()

    def restore() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    handlers = {n: signal.getsignal(n) for n in _ending() if signal.getsignal(n) != signal.SIG_IGN}
    for number in handlers:
        signal.signal(number, handle)
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        yield
    finally:
        restore()


@contextmanager
def told_at_the_end(tell: Callable[[], None]) -> Iterator[None]:
    """Let a function print what was done when a signal ends the command inside the block.

    It is called between any two steps of the command, and must not wait for locks.
    """
    global _tell
    before, _tell = _tell, tell
    try:
        yield
    finally:
        _tell = before


def write_at_once(stream: IO[str], text: str) -> None:
    """Write to a standard stream in a handler of a signal, which may have come while it was written to."""
    with suppress(RuntimeError):  # it was
        stream.flush()
    os.write(stream.fileno(), text.encode(errors="backslashreplace"))


def _end(number: int, frame: FrameType | None) -> None:
    """Remove unfinished outputs, say so and what was done, and end with 128 + the number of the signal.

    No exception is raised, as some callbacks of Python would swallow it. A second signal ends the process at
    once, for example while nobody reads the message.
    """
    reset_signals()
    temporary.remove_unfinished()
    with suppress(OSError):
        os.write(2, (_ERASE if os.isatty(2) else b"") + b"jrecomp: interrupted\n")
    with suppress(OSError, ValueError, AttributeError):  # streams may be closed
        if _tell:
            _tell()
    os._exit(128 + number)
