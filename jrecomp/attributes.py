"""Attributes of files and folders: owner, permissions, ACLs, extended attributes, times."""

import os
import stat
from contextlib import suppress
from pathlib import Path

ACL = "system.posix_acl_access"
"""The extended attribute that contains the ACL of a file."""

_NOT_COPIED = "security."
"""Prefix of extended attributes that belong to one file: labels, capabilities, signatures of contents."""


def copy(source: Path, status: os.stat_result, target: Path | int) -> None:
    """Give a new file or folder the attributes of another one, as far as the system allows; times excepted.

    source: whose attributes are copied. status: its os.stat(). target: a path or an open file, to which only
    its owner has access so far.

    What the system refuses is left out: only root may give a file to another owner, and not every file system
    has ACLs. A file never becomes setuid, setgid or sticky. If the ACL cannot be copied, the group gets no
    access, as the permissions of the group include those of everybody in the ACL.
    """
    _copy_owner(status, target)
    mode = stat.S_IMODE(status.st_mode) & (0o3777 if stat.S_ISDIR(status.st_mode) else 0o777)
    if not _copy_extended(source, target):
        mode &= ~0o070
    set_permissions(target, mode)


def set_permissions(target: Path | int, mode: int) -> None:
    """Set the permissions of a file or folder if they differ and the system allows it."""
    with suppress(OSError):
        if stat.S_IMODE(os.stat(target).st_mode) != mode:  # noqa: PTH116 -- it may be a descriptor
            os.chmod(target, mode)  # noqa: PTH101


def copy_times(status: os.stat_result, target: Path | int) -> None:
    """Give a file or folder the times in the os.stat() of another one, if the system allows it."""
    with suppress(OSError):
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def has_acl(path: Path) -> bool:
    """Whether a file or folder has an ACL, whose mask its permissions of the group show then."""
    with suppress(OSError):
        return hasattr(os, "listxattr") and ACL in os.listxattr(path, follow_symlinks=False)
    return False


def _copy_owner(status: os.stat_result, target: Path | int) -> None:
    if not hasattr(os, "chown"):  # on Windows
        return
    for owner in (status.st_uid, -1):  # who may not give a file away may still choose among his groups
        with suppress(OSError):
            os.chown(target, owner, status.st_gid)
            return


def _copy_extended(source: Path, target: Path | int) -> bool:
    """Copy extended attributes, ACLs included; whether there was no ACL or it was copied."""
    if not hasattr(os, "listxattr"):  # on macOS and Windows
        return True
    names: list[str] = []
    with suppress(OSError):
        names = [name for name in os.listxattr(source) if not name.startswith(_NOT_COPIED)]
    copied = set()
    for name in names:
        with suppress(OSError):
            os.setxattr(target, name, os.getxattr(source, name))
            copied.add(name)
    return ACL not in names or ACL in copied
