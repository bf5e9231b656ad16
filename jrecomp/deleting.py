"""Deletion of a file whose container is on disk, restores it, and was compared with it.

No step loses the file, and the machine may stop between any two of them. decisions/0040-folders.md tells why.
"""

import errno
import os
import signal
import stat
from contextlib import suppress
from pathlib import Path

from jrecomp import files, pipeline, system
from jrecomp.errors import InputError, VerificationError, shortage
from jrecomp.options import Device, Limits

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

_F_SETSIG = 10
"""Linux: chooses the signal that tells of a broken lease."""


def obstacle(source: Path | None, target: Path | None) -> str:
    """Why a file is never deleted for this container, or ""."""
    if source is None or target is None:
        return "a pipe"
    for path in source, target:
        if path.is_symlink():
            return f"{path} is a link"
        if not stat.S_ISREG(files.mode(path)):
            return f"{path} is no regular file"
    return ""


def delete(source: Path, target: Path, *, threads: int, device: Device, limits: Limits) -> None:
    """Delete a file after its container was read from disk, restored and compared with it.

    source: the file. target: its container. threads, device, limits: as for pipeline.verify().

    Raises the errors of pipeline.verify(), and InputError if the file cannot be read, is being written, or
    has changed meanwhile. The file stays then.
    """
    try:
        _delete(source, target, threads, device, limits)
    except OSError as error:
        raise shortage(error) or InputError(f"{source}: {error.strerror or error} (not deleted)") from error


def _delete(source: Path, target: Path, threads: int, device: Device, limits: Limits) -> None:
    files.sync(target)
    container = files.identity(target.stat())
    packed = files.read(target, limits)
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(source, flags), "rb") as file:
        leased = _lease(file.fileno(), source)
        before = files.identity(os.fstat(file.fileno()))
        pipeline.verify(
            packed, files.read_all(file, limits.max_memory), threads=threads, device=device, limits=limits
        )
        if files.identity(target.lstat()) != container:
            raise VerificationError(f"{target}: has changed meanwhile ({source} is not deleted)")
        known = files.identity(source.lstat())
        same = files.identity(os.fstat(file.fileno())) == before == known
        if not same or (leased and not _is_leased(file.fileno())):
            raise _changed(source)
        if not system.WINDOWS:
            source.unlink()
    if system.WINDOWS:
        if files.identity(source.lstat()) != known:
            raise _changed(source)
        source.unlink()


def _changed(source: Path) -> InputError:
    return InputError(f"{source}: has changed meanwhile (not deleted)")


def _lease(descriptor: int, path: Path) -> bool:
    """Keep other programs from writing to a file until it is closed, where the system can do that.

    Who opens it for writing then waits, for 45 seconds by default, after which the lease is lost. Raises
    InputError if it is open for writing, or if the system does not know.
    """
    if fcntl is None or not hasattr(fcntl, "F_SETLEASE"):
        return False
    with suppress(OSError):
        fcntl.fcntl(descriptor, _F_SETSIG, signal.SIGURG)  # which is ignored; the default ends the process
        try:
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError as error:
            if error.errno == errno.EAGAIN:
                raise InputError(f"{path}: is open for writing in another program (not deleted)") from error
            raise
        return True
    return False


def _is_leased(descriptor: int) -> bool:
    return fcntl.fcntl(descriptor, fcntl.F_GETLEASE) == fcntl.F_RDLCK
