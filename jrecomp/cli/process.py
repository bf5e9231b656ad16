"""The command as a process: standard streams, signals, and its end."""

import os
import signal
import sys
import threading
from contextlib import suppress
from functools import partial
from types import FrameType

from jrecomp import temporary

_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")
"""Signals that end the command in good order; not all systems have all of them."""

_SHOW_CURSOR = b"\n\033[?25h"
"""Goes to the line after a progress bar, which hides the cursor."""


def start() -> None:
    """Run the command as a process. It does not wait for threads that compute what is no longer wanted."""
    _replace_closed_streams()
    _handle_signals()
    from jrecomp.cli.app import main  # after the signals are handled, as it takes a while

    try:
        main()
    except SystemExit as end:
        if threading.active_count() == 1:
            raise
        os._exit(int(end.code or 0))


def _replace_closed_streams() -> None:
    """Open the null device for standard streams that are closed, before an output gets their numbers.

    Otherwise messages of libraries would be written into that output. Messages of the command go nowhere.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w")


def _handle_signals() -> None:
    """End by the signals that end other commands, too. Those that the parent ignores stay ignored (nohup)."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for number in (getattr(signal, name) for name in _ENDING if hasattr(signal, name)):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, partial(_end, owner=os.getpid()))


def _end(number: int, frame: FrameType | None, *, owner: int) -> None:
    """Remove the unfinished output, say so, and end with 128 + the number of the signal.

    No exception is raised, as some callbacks of Python would swallow it. A process that was forked by the
    command has written nothing and says nothing.
    """
    if os.getpid() == owner:
        temporary.remove_unfinished()
        with suppress(OSError):
            os.write(2, (_SHOW_CURSOR if os.isatty(2) else b"") + b"jrecomp: interrupted\n")
    os._exit(128 + number)
