"""Paths and pipes: reading inputs whole, and writing outputs so that none is ever half there.

A path of None stands for standard input or output.
"""

import os
import secrets
import stat
import sys
from pathlib import Path
from typing import BinaryIO

from jrecomp.errors import InputError, JrecompError, OutputError, UsageError

SUFFIX = ".jrc"
SHRUNK = ".shrunk"
"""Before the suffix of files that were shrunk."""


def compressed_name(path: Path) -> Path:
    """Where `path` is compressed to unless told otherwise."""
    return path.with_name(path.name + SUFFIX)


def shrunk_name(path: Path) -> Path:
    """Where `path` is shrunk to unless told otherwise."""
    return path.with_suffix(f"{SHRUNK}{path.suffix}")


def restored_name(path: Path) -> Path:
    """Where `path` is decompressed to unless told otherwise; raises UsageError without the suffix."""
    if path.suffix != SUFFIX:
        raise UsageError(f"{path}: the name does not end in {SUFFIX}; say with -o what to write")
    return path.with_suffix("")


def mode(path: Path) -> int:
    """Its st_mode; 0 where that cannot be had, and reading it will tell why."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def read(path: Path | None) -> bytes:
    """All bytes of a file or of standard input; raises InputError."""
    if path is None and sys.stdin is None:
        raise InputError("standard input is closed")
    try:
        return sys.stdin.buffer.read() if path is None else path.read_bytes()
    except OSError as error:
        raise _failure(InputError, path, error) from error


def check_target(target: Path | None, source: Path | None, force: bool) -> None:
    """Refuse what must not be written over; raises OutputError or UsageError.

    An existing file is refused unless `force`, anything that is no regular file (a folder, a device) and
    the source itself always, and so is binary data on a terminal.
    """
    if target is None:
        if sys.stdout is None:
            raise OutputError("standard output is closed")
        if sys.stdout.isatty():
            raise UsageError("standard output is a terminal; redirect it or use -o")
        return
    if not os.path.lexists(target):
        return
    if not force:
        raise OutputError(f"{target}: exists already (--force replaces it)")
    if not stat.S_ISREG(mode(target)):
        raise OutputError(f"{target}: exists and is no regular file")
    if source is not None and mode(source) and source.samefile(target):
        raise UsageError(f"{target}: is the input")


def write(target: Path | None, data: bytes, source: Path | None, force: bool) -> None:
    """Write a file beside its place, make it durable, then move it there; or write to standard output.

    The file takes over the permissions and times of `source`; missing folders are made. Whatever stops
    this, Ctrl-C included, leaves the target as it was and no other file behind. Raises OutputError and
    what `check_target` raises.
    """
    try:
        if target is None:
            _write_all(sys.stdout.buffer, data)
        else:
            _replace(target, data, source, force)
    except OSError as error:
        if target is None:
            _drop_stdout()
        raise _failure(OutputError, target, error) from error


def _write_all(stream: BinaryIO, data: bytes) -> None:
    """Write everything; where Python's output is unbuffered, one call may write a part only."""
    left = memoryview(data)
    while left:
        left = left[stream.write(left) :]
    stream.flush()


def _replace(target: Path, data: bytes, source: Path | None, force: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    like = source.stat() if source is not None else None
    temporary = target.with_name(f".jrecomp-{secrets.token_hex(8)}.tmp")
    permissions = stat.S_IMODE(like.st_mode) & 0o777 if like else 0o666
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, permissions), "wb") as file:
            _fill(file, data, like)
        check_target(target, source, force)  # once more: it may have appeared in the meantime
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _fill(file: BinaryIO, data: bytes, like: os.stat_result | None) -> None:
    file.write(data)
    file.flush()
    if like is not None:
        os.fchmod(file.fileno(), stat.S_IMODE(like.st_mode) & 0o777)
        os.utime(file.fileno(), ns=(like.st_atime_ns, like.st_mtime_ns))
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _drop_stdout() -> None:
    """Keep Python from failing again at exit on a pipe that nobody reads."""
    descriptor = os.open(os.devnull, os.O_WRONLY)
    os.dup2(descriptor, sys.stdout.fileno())
    os.close(descriptor)


def _failure(kind: type[JrecompError], path: Path | None, error: OSError) -> JrecompError:
    return kind(f"{path or 'pipe'}: {error.strerror or error}")
