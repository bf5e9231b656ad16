"""Exceptions, exit codes of the command line, and reasons why files are stored unmodelled.

Exit codes and stored reasons are part of the interface. A number is never given a new meaning.
"""

import errno
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
    NO_SPACE = 9
    HANGUP = 129
    INTERRUPTED = 130
    TERMINATED = 143


def printable(text: str) -> str:
    """The text with line ends and control characters escaped, as file names may contain them."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class JrecompError(Exception):
    """Base class of all exceptions that jrecomp defines; str() gives a message of one line."""

    exit_code: ExitCode = ExitCode.INTERNAL
    ends_run: bool = False
    """Whether other files would fail for the same reason, so that none is tried."""

    def __str__(self) -> str:
        """The message, with control characters escaped."""
        return printable(super().__str__())


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


class StoredReason(IntEnum):
    """Why a file was stored as bytes instead of being modelled; docs/format.md lists the numbers."""

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
    StoredReason.PRECISION: "sample precision other than 8 bits",
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
        self.reason = reason
