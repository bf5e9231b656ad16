"""Reads whole files and writes them atomically. A path of None means standard input or output."""

import os
import secrets
import stat
import sys
from pathlib import Path
from typing import BinaryIO

from jrecomp.errors import InputError, JrecompError, OutputError, UsageError, shortage

SUFFIX = ".jrc"
SHRUNK = ".shrunk"
"""Inserted before the suffix in the names of shrunk files."""


def compressed_name(path: Path) -> Path:
    """The default output path for compressing `path`: photo.jpg gives photo.jpg.jrc."""
    return path.with_name(path.name + SUFFIX)


def shrunk_name(path: Path) -> Path:
    """The default output path for shrinking `path`: photo.jpg gives photo.shrunk.jpg."""
    return path.with_suffix(f"{SHRUNK}{path.suffix}")


def restored_name(path: Path) -> Path:
    """The default output path for decompressing `path`; raises UsageError if it does not end in .jrc."""
    if path.suffix != SUFFIX:
        raise UsageError(f"{path}: the name does not end in {SUFFIX} (name the output with -o)")
    return path.with_suffix("")


def mode(path: Path) -> int:
    """The st_mode of a path, 0 if stat() fails; reading the path then raises the error."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def read(path: Path | None) -> bytes:
    """All bytes of a file, or of standard input for None; raises InputError."""
    if path is None and sys.stdin is None:
        raise InputError("standard input is closed")
    try:
        return sys.stdin.buffer.read() if path is None else path.read_bytes()
    except OSError as error:
        raise _failure(InputError, path, error) from error


def check_target(target: Path | None, source: Path | None, force: bool) -> None:
    """Check that an output may be written.

    target: the output. source: the input that it is made from, if it is a file. force: allow replacing an
    existing file.

    Raises OutputError if standard output is closed, or if the target exists and `force` is false or it is not
    a regular file. Raises UsageError if the target is a terminal or the source itself.
    """
    if target is None:
        if sys.stdout is None:
            raise OutputError("standard output is closed")
        if sys.stdout.isatty():
            raise UsageError("binary data is not written to a terminal (redirect standard output or use -o)")
        return
    if not os.path.lexists(target):
        return
    if not force:
        raise OutputError(f"{target}: already exists (--force replaces it)")
    if not stat.S_ISREG(mode(target)):
        raise OutputError(f"{target}: exists and is not a regular file (choose another output)")
    if source is not None and mode(source) and source.samefile(target):
        raise UsageError(f"{target}: is the input file (choose another output)")


def write(target: Path | None, data: bytes, source: Path | None, force: bool) -> None:
    """Write an output atomically, or to standard output for a target of None.

    The bytes are written to a temporary file in the same folder, flushed to disk and renamed. After any
    exception, KeyboardInterrupt included, the target is unchanged and the temporary file is removed. Missing
    folders are created.

    target, source, force: as for check_target(). data: the bytes. The output gets the permissions and times
    of the source.

    Raises OutputError, and the errors of check_target().
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
    """Write all bytes; on an unbuffered stream, one call of write() may write only some of them."""
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
        check_target(target, source, force)  # again, as the target may have been created meanwhile
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
    """Redirect standard output to the null device, so that Python's flush at exit does not fail again."""
    descriptor = os.open(os.devnull, os.O_WRONLY)
    os.dup2(descriptor, sys.stdout.fileno())
    os.close(descriptor)


def _failure(kind: type[JrecompError], path: Path | None, error: OSError) -> JrecompError:
    return shortage(error) or kind(f"{path or 'pipe'}: {error.strerror or error}")
