"""Everything that can go wrong, with a stable number for each.

Exit codes and stored reasons are part of the interface: a number is never reused.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit status of the command line."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    INPUT = 3
    CORRUPT = 4
    UNKNOWN_MODEL = 5
    VERIFICATION = 6
    OUTPUT = 7
    TARGET = 8
    INTERRUPTED = 130


def printable(text: str) -> str:
    """The text in one line; what names of files may hold besides (line ends, control characters) escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class JrecompError(Exception):
    """Base of every error that jrecomp raises on purpose; str() is one line for a person."""

    exit_code: ExitCode = ExitCode.INTERNAL

    def __str__(self) -> str:
        """The message, whatever the names in it."""
        return printable(super().__str__())


class UsageError(JrecompError):
    """An option or argument makes no sense."""

    exit_code = ExitCode.USAGE


class InputError(JrecompError):
    """An input is missing or cannot be read."""

    exit_code = ExitCode.INPUT


class CorruptContainerError(JrecompError):
    """The container is no .jrc, truncated, damaged, or of a newer format version."""

    exit_code = ExitCode.CORRUPT


class UnknownModelError(JrecompError):
    """The container needs a model that this installation does not have."""

    exit_code = ExitCode.UNKNOWN_MODEL


class VerificationError(JrecompError):
    """Restored bytes differ from the original."""

    exit_code = ExitCode.VERIFICATION


class OutputError(JrecompError):
    """An output exists already or cannot be written."""

    exit_code = ExitCode.OUTPUT


class TargetError(JrecompError):
    """No lossy result can be what was asked for."""

    exit_code = ExitCode.TARGET


class StoredReason(IntEnum):
    """Why a file was stored as bytes instead of being modelled (one byte in the container)."""

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
        """The reason in words."""
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
    """A file that the JPEG core does not model; the pipeline stores it instead."""

    def __init__(self, reason: StoredReason, detail: str = "") -> None:
        super().__init__(f"{reason.text}: {detail}" if detail else reason.text)
        self.reason = reason
