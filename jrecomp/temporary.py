"""Temporary files, which become outputs by being renamed when they are complete.

A run that is killed leaves its temporary file behind. The next run that writes to the same folder removes it.
It must not remove one that is still being written. So the writer holds a lock (flock), which ends with the
process, and the name begins with an identifier of the boot. Within one boot the lock is decisive. A file of
another boot may belong to another machine, whose locks are not always seen, and has to be a day old. Windows
has neither such locks nor identifiers, so there every file has to be a day old.
"""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

from jrecomp import system

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

NAME = re.compile(r"\.jrecomp-([0-9a-f]{8})-[0-9a-f]{16}\.tmp")
"""Names of temporary files; the group is the boot, see boot()."""

UNKNOWN_BOOT = "0" * 8

DAY = 24 * 60 * 60
"""Seconds without a change after which a file whose lock proves nothing counts as left behind."""

_unfinished: set[Path] = set()


@cache
def boot() -> str:
    """Eight hexadecimal digits that differ between machines and between boots; UNKNOWN_BOOT if unknown."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    except OSError:
        return UNKNOWN_BOOT


@contextmanager
def create(folder: Path, permissions: int) -> Iterator[tuple[Path, BinaryIO]]:
    """Create a temporary file, open for writing, and remove it afterwards unless it was renamed.

    folder: where. permissions: of the new file, less those that the umask takes away. Gives the path and the
    open file. The file must stay open until it is renamed, as the lock ends with it; on Windows, it must be
    closed before. Raises OSError.
    """
    path, descriptor = _open(folder, permissions)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield path, file
    finally:
        path.unlink(missing_ok=True)
        _unfinished.discard(path)


def _open(folder: Path, permissions: int) -> tuple[Path, int]:
    """Create a temporary file and lock it, again if it was swept before it was locked."""
    while True:
        path = folder / f".jrecomp-{boot()}-{os.urandom(8).hex()}.tmp"
        _unfinished.add(path)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, permissions)
        if _lock(descriptor) is not False and os.path.lexists(path):
            return path, descriptor
        os.close(descriptor)
        _unfinished.discard(path)


def remove_unfinished() -> None:
    """Remove the temporary files that this process is writing, before it ends without further notice."""
    for path in list(_unfinished):
        with suppress(OSError):
            path.unlink()


def sweep(folder: Path) -> None:
    """Remove temporary files that killed runs have left in a folder; what cannot be removed stays."""
    with suppress(OSError), os.scandir(folder) as entries:
        found = [e.path for e in entries if NAME.fullmatch(e.name) and e.is_file(follow_symlinks=False)]
        for path in found:
            with suppress(OSError):
                _remove_if_left(Path(path))


def _remove_if_left(path: Path) -> None:
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, os.O_RDONLY | flags)
    try:
        unlocked = _lock(descriptor)
        name = NAME.fullmatch(path.name)
        same_boot = name is not None and name[1] == boot() != UNKNOWN_BOOT
        old = time.time() - os.fstat(descriptor).st_ctime > DAY
        left = (unlocked and same_boot) or (unlocked is not False and old)
        if left and not system.WINDOWS:
            path.unlink()
    finally:
        os.close(descriptor)
    if left and system.WINDOWS:
        path.unlink()


def _lock(descriptor: int) -> bool | None:
    """Lock a file until it is closed; False if another process has locked it, None without locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
