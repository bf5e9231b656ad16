"""A mounted archive as a file system of FUSE, by the package mfusepy."""

import errno
import os
import shutil
import stat
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Concatenate, ParamSpec, TypeVar

from jrecomp import attributes
from jrecomp.errors import InputError, OutputError, UsageError, unexpected
from jrecomp.mount.archive import Archive, OnError, as_os_error

P = ParamSpec("P")
T = TypeVar("T")

_OPTIONS = {
    "foreground": True,
    "fsname": "jrecomp",
    "subtype": "jrecomp",
    "ro": True,
    "nosuid": True,
    "nodev": True,
    "default_permissions": True,  # the system compares permissions and owner with the reader
    "use_ino": True,  # by which programs know hard links, and files that have not changed
    "auto_cache": True,  # the system keeps what was read until size or time change
    "attr_timeout": 0,  # so that a file that was replaced has its new size at once
}
"""Options of the mount, see fuse(8)."""

_THREADS = {"max_threads": 100, "max_idle_threads": 10}
"""Many reads may wait for files that are being restored, and no other request should wait for them."""

_FIRST_WITH_THREADS = 3, 12
"""Version of libfuse that knows these options."""

_BLOCK = 512
"""Unit of st_blocks in bytes."""

_GROUP_AND_OTHERS = 0o077


def check(archive: Path, mountpoint: Path) -> None:
    """Check that an archive may be mounted at a folder.

    Raises UsageError if FUSE or mfusepy is missing, or one of the folders contains the other. Raises
    InputError if the archive is no folder, and OutputError if the mountpoint is none, or is not empty.
    """
    _library()
    for folder, kind in ((archive, InputError), (mountpoint, OutputError)):
        try:
            names = list(folder.iterdir())
        except OSError as error:
            hint = " (fusermount3 -u removes a dead mount)" if error.errno == errno.ENOTCONN else ""
            raise kind(f"{folder}: {error.strerror}{hint}") from error
    inner, outer = sorted((archive.resolve(), mountpoint.resolve()), key=lambda path: -len(path.parts))
    if inner.is_relative_to(outer):
        raise UsageError(f"{mountpoint}: neither ARCHIVE nor MOUNTPOINT may contain the other")
    if names:
        raise OutputError(f"{mountpoint}: is not empty (choose an empty folder)")


def serve(
    archive: Archive,
    mountpoint: Path,
    *,
    allow_other: bool,
    on_ready: Callable[[], None],
    on_error: OnError,
) -> None:
    """Mount an archive and serve it until it is unmounted, or SIGINT, SIGTERM or SIGHUP ends that.

    It runs in the main thread; signals with handlers of Python do not end it. allow_other: let other users
    read, too. on_ready: called when the mountpoint can be read. on_error: is told defects and shortages that
    concern no container.

    Raises OutputError if the system refuses, and the errors of check().
    """
    fuse, filesystem = _library(), Filesystem(archive, allow_other, on_ready, on_error)
    threads = _THREADS if (fuse.fuse_version_major, fuse.fuse_version_minor) >= _FIRST_WITH_THREADS else {}
    options = {"encoding": sys.getfilesystemencoding(), "allow_other": allow_other, **_OPTIONS, **threads}
    try:
        fuse.FUSE(filesystem, str(mountpoint.resolve()), **options)
    except RuntimeError as error:  # also after a signal
        if not filesystem.ready:
            raise OutputError(f"{mountpoint}: cannot be mounted") from error


def _library() -> ModuleType:
    """The package mfusepy, with FUSE behind it; raises UsageError without."""
    try:
        import mfusepy
    except ModuleNotFoundError as error:
        raise UsageError("the package mfusepy is not installed (pip install jrecomp[mount])") from error
    except (OSError, AttributeError, NotImplementedError) as error:
        raise UsageError(f"FUSE is not installed (Debian: apt install fuse3): {error}") from error
    if sys.platform == "linux":
        if not os.access("/dev/fuse", os.R_OK | os.W_OK):
            raise UsageError("FUSE cannot be used: /dev/fuse is missing, or may not be opened")
        if os.geteuid() != 0 and not (shutil.which("fusermount3") or shutil.which("fusermount")):
            raise UsageError("FUSE cannot be used: fusermount3 is missing (Debian: apt install fuse3)")
    module: ModuleType = mfusepy
    return module


def _answering(
    method: Callable[Concatenate["Filesystem", str, P], T],
) -> Callable[Concatenate["Filesystem", str, P], T]:
    """Let a method raise nothing but OSError, whose number the reader gets."""

    @wraps(method)
    def answer(self: "Filesystem", path: str, /, *arguments: P.args, **named: P.kwargs) -> T:
        try:
            return method(self, path, *arguments, **named)
        except OSError as error:
            raise as_os_error(error) from error
        except Exception as error:
            self.on_error(path, unexpected(error))
            raise as_os_error(error) from error

    return answer


class Filesystem:
    """The requests of FUSE, in the form of mfusepy.Operations; all others are refused by the system.

    archive, allow_other, on_ready, on_error: as for serve().
    """

    use_ns = True
    """Times are in nanoseconds."""

    def __init__(
        self, archive: Archive, allow_other: bool, on_ready: Callable[[], None], on_error: OnError
    ) -> None:
        self._archive, self._allow_other = archive, allow_other
        self._on_ready, self.on_error = on_ready, on_error
        self._device = archive.root.stat().st_dev
        self.ready = False

    def init(self, path: str) -> None:
        """The archive is mounted."""
        self.ready = True
        self._on_ready()

    @_answering
    def getattr(self, path: str, handle: int | None = None) -> dict[str, int]:
        """What lstat() tells. An ACL cannot be shown; where there is one, other users have no access."""
        entry = self._archive.find(path, handle)
        status, mode = entry.status, entry.status.st_mode
        if self._allow_other and attributes.has_acl(Path(entry.source)):
            mode &= ~_GROUP_AND_OTHERS
        return {
            "st_mode": mode,
            "st_ino": self._inode(status.st_ino, status.st_dev),
            "st_nlink": status.st_nlink,
            "st_uid": status.st_uid,
            "st_gid": status.st_gid,
            "st_rdev": status.st_rdev,
            "st_size": entry.size,
            "st_blocks": -(-entry.size // _BLOCK) if entry.head else status.st_blocks,
            "st_atime": status.st_atime_ns,
            "st_mtime": status.st_mtime_ns,
            "st_ctime": status.st_ctime_ns,
        }

    def _inode(self, inode: int, device: int) -> int:
        """A number that files of several devices in the archive do not share."""
        return (inode + ((device ^ self._device) << 40)) % (1 << 64)

    @_answering
    def readdir(self, path: str, handle: int) -> list[tuple[str, dict[str, int], int]]:
        """The names in a folder, with the numbers and types of the files."""
        folder = self._archive.find(path).status
        own = {"st_mode": folder.st_mode, "st_ino": self._inode(folder.st_ino, folder.st_dev)}
        found = self._archive.list(path).items()
        return [(".", own, 0), ("..", own, 0)] + [
            (name, {"st_mode": _kind(entry), "st_ino": self._inode(entry.inode(), folder.st_dev)}, 0)
            for name, entry in found
        ]

    @_answering
    def readlink(self, path: str) -> str:
        """Where a link leads to."""
        return self._archive.find(path).target

    @_answering
    def open(self, path: str, flags: int) -> int:
        """Open a file for reading; the system has refused everything else."""
        return self._archive.open(path)

    @_answering
    def read(self, path: str, size: int, offset: int, handle: int) -> bytes:
        """Bytes of an open file."""
        return self._archive.read(handle, size, offset)

    @_answering
    def release(self, path: str, handle: int) -> int:
        """Close a file."""
        self._archive.close(handle)
        return 0

    @_answering
    def statfs(self, path: str) -> dict[str, int]:
        """The space of the file system of the archive."""
        space = os.statvfs(self._archive.root)
        return {name: getattr(space, name) for name in dir(space) if name.startswith("f_")}


def _kind(entry: os.DirEntry[str]) -> int:
    """The type of a file in st_mode; 0 for rare ones, which programs then ask for."""
    if entry.is_symlink():
        return stat.S_IFLNK
    if entry.is_dir():
        return stat.S_IFDIR
    return stat.S_IFREG if entry.is_file() else 0
