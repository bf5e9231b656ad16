"""Folders on any file system of fsspec: listing, reading, and writing of whole files at once."""

import os
import random
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from jrecomp import outputs, temporary
from jrecomp.errors import InputError, JrecompError, LimitError, OutputError, UsageError, shortage, size
from jrecomp.jobs import SYSTEM_FOLDERS
from jrecomp.outputs import Output

T = TypeVar("T")

_DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds to wait before what failed is tried again, about."""

_FINAL = (
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
    JrecompError,
    MemoryError,
    NotImplementedError,
    TypeError,
    ValueError,
)
"""Errors that waiting does not change."""

_ATOMIC = {"s3", "s3a", "gs", "gcs", "memory"}
"""Protocols whose files appear whole, and with mode="create" only where there is none yet."""


@dataclass(frozen=True)
class Entry:
    """A file: its name below the folder with "/" between parts, and its size in bytes."""

    name: str
    size: int


def patiently(action: Callable[[], T]) -> T:
    """The result of an action on a storage, which is repeated after errors that may pass."""
    for delay in _DELAYS:
        try:
            return action()
        except _FINAL:
            raise
        except Exception as error:  # each file system of fsspec has errors of its own
            if isinstance(error, OSError) and _tells_full_disk(error):
                raise
        time.sleep(delay * random.uniform(0.5, 1))
    return action()


def _tells_full_disk(error: OSError) -> bool:
    return OutputError.of("", error).ends_run


class Folder:
    """A folder, which need not exist.

    url: a local path, or a URL of fsspec such as s3://bucket/folder. Raises UsageError if there is no file
    system for it.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/") or url
        try:
            self._files, root = url_to_fs(url, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise UsageError(f"{url}: {error}") from error
        self._root = root.rstrip("/")
        protocols = self._files.protocol
        self._protocols = {protocols} if isinstance(protocols, str) else set(protocols)

    @property
    def is_local(self) -> bool:
        """Whether the files are those of this machine."""
        return isinstance(self._files, LocalFileSystem)

    def path(self, name: str) -> str:
        """The path of a file in its file system."""
        return f"{self._root}/{name}"

    def join(self, name: str) -> str:
        """The URL of a folder in this folder."""
        return f"{self.url}/{name}"

    def walk(
        self, suffixes: tuple[str, ...], on_error: Callable[[str, JrecompError], None]
    ) -> Iterator[Entry]:
        """The files whose names end so, folder by folder, in the order of their names.

        suffixes: in lower case. Hidden files and folders are left out. Links to files are followed, others
        are not. on_error: is told the names of folders in this folder that cannot be listed, with the errors.
        Raises InputError if this folder itself cannot be listed.
        """
        folders = [self._root]
        while folders:
            folder = folders.pop()
            inner = folder.removeprefix(self._root).strip("/")
            try:
                found = self._list(folder)
            except JrecompError as error:
                if not inner:
                    raise
                on_error(inner, error)
                continue
            folders += sorted(
                (info["name"] for _, info in found if info["type"] == "directory"), reverse=True
            )
            for name, info in found:
                if name.lower().endswith(suffixes) and _is_file(info):
                    yield Entry(f"{inner}/{name}" if inner else name, info["size"])

    def _list(self, folder: str) -> list[tuple[str, dict[str, Any]]]:
        """Names and descriptions of what a folder has, in order, without what is hidden."""
        infos = self._told(folder, lambda: self._files.ls(folder, detail=True))
        if [info["name"].rstrip("/") for info in infos] == [folder] and infos[0]["type"] == "file":
            raise InputError(f"{folder}: is not a folder")
        named = [(info["name"].rstrip("/").rpartition("/")[2], info) for info in infos]
        return sorted(
            ((name, info) for name, info in named if not _is_left_out(name) and not _is_itself(info, folder)),
            key=lambda pair: pair[0],
        )

    def _told(self, name: str, action: Callable[[], T]) -> T:
        """The result of patiently(), with InputError and ShortageError in place of other errors."""
        try:
            return patiently(action)
        except (JrecompError, MemoryError):
            raise
        except Exception as error:
            text = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise shortage(error) or InputError(f"{name}: {text}") from error

    def read(self, entry: Entry, limit: int) -> bytes:
        """The bytes of a file that walk() found.

        Raises InputError, also if the file has another size by now, and LimitError for more bytes than the
        limit.
        """
        if entry.size > limit:
            raise LimitError(f"has more bytes than the limit of {size(limit)} ({{}})", "max_memory")
        path = self.path(entry.name)

        def action() -> bytes:
            data = self._beginning(path, entry.size + 1)
            if len(data) != entry.size:
                raise OSError(f"does not have the {entry.size:,} bytes that the folder tells")
            return data

        return self._told(entry.name, action)

    def existing(self, name: str, count: int) -> bytes | None:
        """The first bytes of a file, at most `count`; None if there is no file. Raises InputError."""
        path = self.path(name)

        def action() -> bytes | None:
            try:
                return self._beginning(path, count)
            except FileNotFoundError:
                return None

        return self._told(name, action)

    def _beginning(self, path: str, count: int) -> bytes:
        """The first bytes of a file, by one request."""
        try:
            data: bytes = self._files.cat_file(path, start=0, end=count)
        except FileNotFoundError:
            raise
        except Exception:  # object stores refuse ranges of empty files
            if self._files.size(path) != 0:
                raise
            data = b""
        return data

    def write(self, name: str, data: bytes, replace: bool, like: "tuple[Folder, str] | None" = None) -> None:
        """Write a file, which appears whole or not at all, and compare what the storage then has.

        replace: whether a file of this name may be replaced. like: a folder and the name of a file in it
        whose times and permissions the new file gets, if both are local.

        Raises FileExistsError, OutputError, and NoSpaceError.
        """
        try:
            patiently(lambda: self._write(name, data, replace, like))
        except (FileExistsError, JrecompError, MemoryError):
            raise
        except Exception as error:
            known = error if isinstance(error, OSError) else OSError(str(error) or type(error).__name__)
            raise shortage(error) or OutputError.of(name, known) from error

    def _write(self, name: str, data: bytes, replace: bool, like: "tuple[Folder, str] | None") -> None:
        path = self.path(name)
        if self.is_local:
            source = Path(like[0].path(like[1])) if like and like[0].is_local else None
            _write_local(Path(path), data, replace, source)
            return
        if self._protocols & _ATOMIC:
            self._put(path, data, replace)
        else:
            self._rename(path, data, replace)
        if self._files.cat_file(path) != data:
            raise OSError("the storage does not have the bytes that were written")

    def _put(self, path: str, data: bytes, replace: bool) -> None:
        try:
            self._files.pipe_file(path, data, mode="overwrite" if replace else "create")
        except OSError as error:
            if not replace and self._files.exists(path):  # also of this call, whose answer was lost
                raise FileExistsError(path) from error
            raise

    def _rename(self, path: str, data: bytes, replace: bool) -> None:
        """Write beside the file and rename."""
        if not replace and self._files.exists(path):
            raise FileExistsError(path)
        parent = path.rpartition("/")[0]
        beside = f"{parent}/.jrecomp-{secrets.token_hex(8)}.tmp"  # without characters that mv() expands
        self._files.makedirs(parent, exist_ok=True)
        try:
            self._files.pipe_file(beside, data)
            self._files.mv(beside, path)
        except BaseException:
            with suppress(Exception):
                self._files.rm_file(beside)
            raise


def _write_local(path: Path, data: bytes, replace: bool, source: Path | None) -> None:
    if not replace and os.path.lexists(path):
        raise FileExistsError(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path.parent)
    outputs.write(Output(path, data, source, force=True))


@cache
def _sweep(folder: Path) -> None:
    """Remove, once in a process, temporary files that killed workers left."""
    temporary.sweep(folder)


def _is_left_out(name: str) -> bool:
    return name.startswith(".") or name in SYSTEM_FOLDERS


def _is_itself(info: dict[str, Any], folder: str) -> bool:
    """Whether an object stands for a folder of an object store."""
    return bool(info["name"].rstrip("/") == folder.rstrip("/"))


def _is_file(info: dict[str, Any]) -> bool:
    return info["type"] == "file" or (bool(info.get("islink")) and Path(info["name"]).is_file())
