"""The paths of a mounted archive: what appears in it, under which names, and with which sizes."""

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jrecomp.container import HEAD_BYTES, is_container, restored_length
from jrecomp.errors import CorruptContainerError, shortage
from jrecomp.files import SUFFIX, Identity, identity

_READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""A link or a named pipe may take the place of a file at any time."""

_MOST_HEADS = 1 << 18
"""How many heads are remembered; they take about 100 MB."""

_MOST_LINKS = 40
"""How many links to links are followed, as by Linux."""


@dataclass(frozen=True)
class Head:
    """What the first bytes of a container tell.

    length: of the restored file in bytes, 0 if it is not known. problem: why it is not known.
    """

    length: int = 0
    problem: CorruptContainerError | None = None


@dataclass(frozen=True)
class Entry:
    """A file, folder or link of the archive, as it appears.

    source: its path. status: its os.lstat(). head: of a container, None for everything else. target: where a
    link leads to, as it appears; "" for everything else. renamed: whether it appears without the suffix of
    containers.
    """

    source: str
    status: os.stat_result
    head: Head | None = None
    target: str = ""
    renamed: bool = False

    @property
    def size(self) -> int:
        """The size in bytes that it appears with."""
        if self.target:
            return len(os.fsencode(self.target))
        return self.head.length if self.head else self.status.st_size

    @property
    def identity(self) -> Identity:
        """Identifies the contents."""
        return identity(self.status)


class Tree:
    """Finds what appears in a mounted archive. Nothing is decoded, and any number of threads may use it.

    `x.jpg.jrc` appears as `x.jpg` if it is a container, or a link that leads to one by relative paths inside
    the archive. It does not appear if `x.jpg` exists, too. Everything else appears as it is, also files that
    have the suffix but are no containers.

    root: the archive. on_hidden: called with the path of the first container that is found not to appear.

    The paths that methods get begin with "/", which is the archive. All methods raise OSError.
    """

    def __init__(self, root: Path, on_hidden: Callable[[str], None]) -> None:
        self._root = str(root.resolve()).rstrip("/")
        self._on_hidden: Callable[[str], None] | None = on_hidden
        self._heads: dict[Identity, Head | None] = {}

    def find(self, path: str) -> Entry:
        """What appears at a path."""
        source = self._root + path
        with suppress(FileNotFoundError):
            entry = self._entry(source)
            if not entry.renamed:
                return entry
        with suppress(FileNotFoundError):
            entry = self._entry(source + SUFFIX)
            if entry.renamed:
                return entry
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), source)

    def list(self, path: str) -> dict[str, os.DirEntry[str]]:
        """What appears in a folder: the names, each with the entry of the archive."""
        folder = f"{self._root}{path}".rstrip("/")
        with os.scandir(f"{folder}/") as entries:
            found = {entry.name: entry for entry in entries}
        containers = [name for name in found if _has_suffix(name) and self._is_renamed(f"{folder}/{name}")]
        restored = {name.removesuffix(SUFFIX): found.pop(name) for name in containers}
        if (twice := found.keys() & restored) and self._on_hidden:
            on_hidden, self._on_hidden = self._on_hidden, None
            on_hidden(f"{folder}/{min(twice)}{SUFFIX}")
        return restored | found

    def open(self, path: str) -> tuple[int, Entry]:
        """Open a file for reading: its descriptor, which the caller closes, and what it is now."""
        expected = self.find(path)
        descriptor, entry = self._opened(expected.source)
        if entry.renamed != expected.renamed:
            os.close(descriptor)
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), expected.source)
        return descriptor, entry

    def _entry(self, source: str, links: int = 0) -> Entry:
        """What is at a path of the archive; links: how many led to it."""
        try:
            status = os.lstat(source)
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:  # with the suffix
                raise
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), source) from error
        if stat.S_ISLNK(status.st_mode):
            return self._link(source, status, links)
        if not _has_suffix(source) or not stat.S_ISREG(status.st_mode):
            return Entry(source, status)
        with suppress(KeyError):
            return _file(source, status, self._heads[identity(status)])
        try:
            descriptor, entry = self._opened(source)
        except PermissionError:  # nobody can tell what it is
            return Entry(source, status)
        os.close(descriptor)
        return entry

    def _opened(self, source: str) -> tuple[int, Entry]:
        """Open a regular file: its descriptor, and what it is."""
        descriptor = os.open(source, _READING)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), source)
            if not _has_suffix(source):
                return descriptor, Entry(source, status)
            if len(self._heads) >= _MOST_HEADS:
                self._heads.clear()
            head = self._heads[identity(status)] = _read_head(descriptor)
            return descriptor, _file(source, status, head)
        except BaseException:
            os.close(descriptor)
            raise

    def _is_renamed(self, source: str, links: int = 0) -> bool:
        """Whether a file or link appears without the suffix; not if the system does not tell what it is."""
        try:
            return self._entry(source, links).renamed
        except OSError as error:
            if shortage(error):
                raise
            return False

    def _link(self, source: str, status: os.stat_result, links: int) -> Entry:
        """What a link is; it leads to what the link's target appears as."""
        target = os.readlink(source)  # noqa: PTH115 -- a Path would change the text
        if not self._leads_to_container(source, target, links):
            return Entry(source, status, target=target)
        return Entry(source, status, target=target.removesuffix(SUFFIX), renamed=_has_suffix(source))

    def _leads_to_container(self, source: str, target: str, links: int) -> bool:
        """Whether a link leads to a container of the archive, by a relative path."""
        if target.startswith("/") or not _has_suffix(target) or links == _MOST_LINKS:
            return False
        goal = f"{_folder(source)}/{target}"
        folder = os.path.realpath(_folder(goal))
        return f"{folder}/".startswith(f"{self._root}/") and self._is_renamed(goal, links + 1)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _has_suffix(path: str) -> bool:
    """Whether a name ends in the suffix of containers, with something before it."""
    return path.endswith(SUFFIX) and not f"/{path}".endswith(f"/{SUFFIX}")


def _file(source: str, status: os.stat_result, head: Head | None) -> Entry:
    return Entry(source, status, head, renamed=head is not None)


def _read_head(descriptor: int) -> Head | None:
    data = os.pread(descriptor, HEAD_BYTES, 0)
    if not is_container(data):
        return None
    try:
        return Head(restored_length(data))
    except CorruptContainerError as error:
        return Head(problem=error)
