"""Exceptions, exit codes of the command line, and reasons why files are stored unmodelled.

Exit codes and stored reasons are part of the interface. A number is never given a new meaning.
"""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit status of the command line, documented in docs/cli.md."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    INPUT = 3
    CORRUPT = 4
    UNKNOWN_MODEL = 5
    VERIFICATION = 6
    OUTPUT = 7
    TARGET = 8
    SHORTAGE = 9
    LIMIT = 10
    NO_SPACE = 11
    HANGUP = 129
    INTERRUPTED = 130
    TERMINATED = 143


def printable(text: str) -> str:
    """The text with line ends and control characters escaped, as file names may contain them."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def flag(option: str) -> str:
    """An option of a function as the command line spells it: max_bytes is --max-bytes."""
    return f"--{option.replace('_', '-')}"


class JrecompError(Exception):
    """Base class of all exceptions that jrecomp defines; str() gives a message of one line.

    message: the text. options: names of options in Python; the last "{}" of the message stand for them. The
    command line spells them differently, see named().
    """

    exit_code: ExitCode = ExitCode.INTERNAL
    ends_run: bool = False
    """Whether other files would fail for the same reason, so that none is tried."""

    def __init__(self, message: str = "", *options: str) -> None:
        super().__init__(message, *options)
        self.message, self.options = message, options

    def named(self, spell: Callable[[str], str]) -> str:
        """The message, with control characters escaped; spell: gives the name of an option to print."""
        *parts, last = self.message.rsplit("{}", len(self.options))
        return printable("".join(part + spell(o) for part, o in zip(parts, self.options, strict=True)) + last)

    def __str__(self) -> str:
        """The message, with options named as in Python."""
        return self.named(str)


class UsageError(JrecompError):
    """An option or argument is invalid."""

    exit_code = ExitCode.USAGE


class InputError(JrecompError):
    """An input is missing or cannot be read."""

    exit_code = ExitCode.INPUT


class CorruptContainerError(JrecompError):
    """The data is not a .jrc container, is truncated or damaged, or has a newer format version."""

    exit_code = ExitCode.CORRUPT


class UnknownModelError(JrecompError):
    """The requested model or lossy rule is not installed, or its weights file is damaged."""

    exit_code = ExitCode.UNKNOWN_MODEL


class VerificationError(JrecompError):
    """The restored bytes differ from the original."""

    exit_code = ExitCode.VERIFICATION


class OutputError(JrecompError):
    """An output already exists or cannot be written."""

    exit_code = ExitCode.OUTPUT

    @classmethod
    def of(cls, name: object, error: OSError) -> "OutputError":
        """The error for a failure of the system to write to what is called `name`."""
        message = f"{name}: {error.strerror or error}"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return NoSpaceError(message)
        return ReadOnlyError(message) if error.errno == errno.EROFS else OutputError(message)


class NoSpaceError(OutputError):
    """The disk is full, or the quota is exceeded."""

    exit_code = ExitCode.NO_SPACE
    ends_run = True


class ReadOnlyError(OutputError):
    """The file system of an output is read-only."""

    ends_run = True


class TargetError(JrecompError):
    """No lossy result meets the requested target."""

    exit_code = ExitCode.TARGET


class CancelledError(JrecompError):
    """The caller cancelled the call, see threads.cancellation()."""

    exit_code = ExitCode.INTERRUPTED


class ShortageError(JrecompError):
    """The machine lacks memory, threads or open files. It says nothing about the file."""

    exit_code = ExitCode.SHORTAGE


_SHORTAGES = (errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE)
_NO_LOCK = "can't allocate lock"
"""What Python says instead of MemoryError where a lock finds no memory."""

_SHORTAGE_WORDS = ("can't start new thread", "failed to map segment", "annot allocate memory")
"""What Python says where it cannot start a thread, and the linker where it has no memory for a library."""


def shortage(error: BaseException | None) -> ShortageError | None:
    """The shortage of the machine that an exception or one of its causes reports, None for others."""
    while error is not None:
        if isinstance(error, ShortageError):
            return error
        if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and _NO_LOCK in str(error)):
            return ShortageError("out of memory")
        if isinstance(error, OSError) and error.errno in _SHORTAGES:
            return ShortageError(f"the machine is short of resources: {error.strerror}")
        if isinstance(error, RuntimeError | ImportError) and any(w in str(error) for w in _SHORTAGE_WORDS):
            return ShortageError(f"the machine is short of resources: {error}")
        error = error.__cause__ or error.__context__
    return None


def unexpected(error: Exception) -> JrecompError:
    """What to report for an exception that is no JrecompError: a shortage of the machine, or a defect."""
    return shortage(error) or JrecompError(f"unexpected {type(error).__name__}: {error}")


class StoredReason(IntEnum):
    """Why a file was stored as bytes instead of being modelled; docs/format.md lists the numbers.

    ARITHMETIC does not occur any more; the number stays.
    """

    NOT_JPEG = 1
    ARITHMETIC = 2
    PRECISION = 3
    LOSSLESS = 4
    HIERARCHICAL = 5
    MALFORMED = 6
    OUT_OF_RANGE = 7
    TOO_LARGE = 8
    VERIFICATION = 9
    NOT_SMALLER = 10

    @property
    def text(self) -> str:
        """The reason as a phrase for messages."""
        return _REASON_TEXT[self]


_REASON_TEXT = {
    StoredReason.NOT_JPEG: "not a JPEG file",
    StoredReason.ARITHMETIC: "arithmetic-coded JPEG",
    StoredReason.PRECISION: "sample precision other than 8 or 12 bits",
    StoredReason.LOSSLESS: "lossless JPEG",
    StoredReason.HIERARCHICAL: "hierarchical JPEG",
    StoredReason.MALFORMED: "malformed JPEG headers",
    StoredReason.OUT_OF_RANGE: "coefficients out of range",
    StoredReason.TOO_LARGE: "more pixels or work than the limits allow",
    StoredReason.VERIFICATION: "the model did not restore the file exactly",
    StoredReason.NOT_SMALLER: "modelling would not make the file smaller",
}


class UnsupportedJpegError(JrecompError):
    """The JPEG file cannot be modelled; compress() stores such files.

    reason: the number recorded in the container. detail: more about this file, for messages.
    """

    def __init__(self, reason: StoredReason, detail: str = "") -> None:
        super().__init__(f"{reason.text}: {detail}" if detail else reason.text)
        self.args = reason, detail  # which copy and pickle pass to __init__()
        self.reason, self.detail = reason, detail


class LimitError(UnsupportedJpegError):
    """The file takes more memory or work than the limits of the call allow; compress() stores such files.

    message, options: as for JrecompError; the option is the limit.
    """

    exit_code = ExitCode.LIMIT

    def __init__(self, message: str, *options: str) -> None:
        JrecompError.__init__(self, message, *options)
        self.reason, self.detail = StoredReason.TOO_LARGE, ""


@contextmanager
def unsupported_as(kind: type[JrecompError], message: str) -> Iterator[None]:
    """Raises an error of another kind for JPEG files that cannot be modelled, where they cannot be stored.

    Its text is the message and the reason. LimitError stays, as other limits may allow the file.
    """
    try:
        yield
    except LimitError:
        raise
    except UnsupportedJpegError as error:
        raise kind(f"{message}: {error}") from error


def check_memory(needed: int, limit: int) -> None:
    """Raise LimitError if a file needs more bytes of memory than Limits.max_memory."""
    if needed > limit:
        sizes = f"needs about {size(needed)} of memory, more than the limit of {size(limit)}"
        raise LimitError(f"{sizes} ({{}})", "max_memory")


def size(count: int) -> str:
    """A number of bytes for a message, such as "6.8 GB"."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count} bytes"
