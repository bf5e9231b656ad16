"""The files of a gallery: what appears in a folder, and files that are opened only inside of the archive."""

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

from jrecomp.errors import InputError
from jrecomp.files import JPEG_SUFFIXES, SUFFIX, Identity, identity, without_copies

Parts = tuple[str, ...]
"""Names of folders from the archive on, and of a file at the end; () is the archive."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # a named pipe must not keep a reader


@dataclass(frozen=True)
class Listing:
    """What appears in a folder: the names of folders and pictures, in natural order."""

    folders: list[str]
    pictures: list[str]


@dataclass(frozen=True)
class OpenFile:
    """A regular file of the archive. name: of the file. stream: open for reading. status: its os.fstat()."""

    name: str
    stream: BufferedReader
    status: os.stat_result

    @property
    def identity(self) -> Identity:
        """Identifies the contents."""
        return identity(self.status)


class Library:
    """Lists folders and opens files of an archive. Nothing outside of it is ever opened or told.

    Names that begin with a dot do not appear, nor do links that lead outside. Pictures are files whose names
    end like those of JPEG files and containers; of both beside each other, the JPEG file appears.

    root: the archive; InputError is raised if it is not a folder that can be read. The methods raise OSError.
    """

    def __init__(self, root: Path) -> None:
        try:
            self._root = os.path.realpath(root, strict=True)
            os.close(os.open(self._root, _FOLDER))
        except OSError as error:
            raise InputError(f"{root}: {error.strerror}") from error
        self.name = os.path.basename(self._root) or "/"  # noqa: PTH119 -- a str, as all names here

    def list(self, folder: Parts) -> Listing:
        """What appears in a folder."""
        folders, pictures = list[str](), list[str]()
        descriptor, real = self._opened(folder, _FOLDER)
        try:
            with os.scandir(descriptor) as entries:
                for entry in entries:
                    if not _appears(entry.name) or (
                        entry.is_symlink() and not self._leads_inside(real, entry.name)
                    ):
                        continue
                    if entry.is_dir():
                        folders.append(entry.name)
                    elif is_picture(entry.name) and entry.is_file():
                        pictures.append(entry.name)
        finally:
            os.close(descriptor)
        return Listing(sorted(folders, key=_natural), sorted(without_copies(pictures), key=_natural))

    @contextmanager
    def open(self, file: Parts) -> Iterator[OpenFile]:
        """Open a picture for reading."""
        if not file or not is_picture(file[-1]):
            raise _not_found(file)
        descriptor, _ = self._opened(file, _FILE)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise _not_found(file)
        with os.fdopen(descriptor, "rb") as stream:
            yield OpenFile(file[-1], stream, status)

    def _opened(self, parts: Parts, flags: int) -> tuple[int, str]:
        """Open a folder or file of the archive: its descriptor and its path without links.

        Links are followed by their text, and then no more, so that replacing a folder by a link meanwhile
        does not lead outside.
        """
        if not all(map(_appears, parts)):
            raise _not_found(parts)
        real = os.path.realpath(os.path.join(self._root, *parts), strict=True)  # noqa: PTH118
        if not self._contains(real):
            raise _not_found(parts)
        names = [name for name in real[len(self._root) :].split("/") if name]
        descriptor = os.open(self._root, _FOLDER)
        for number, name in enumerate(names, 1):
            try:
                inner = os.open(name, flags if number == len(names) else _FOLDER, dir_fd=descriptor)
            finally:
                os.close(descriptor)
            descriptor = inner
        return descriptor, real

    def _contains(self, real: str) -> bool:
        return f"{real}/".startswith(f"{self._root.rstrip('/')}/")

    def _leads_inside(self, folder: str, name: str) -> bool:
        with suppress(OSError):
            return self._contains(os.path.realpath(f"{folder}/{name}", strict=True))
        return False


def parts_of(path: bytes) -> Parts:
    """The names in a path of a URL, which "/" separates and in which any byte may be percent-encoded.

    Raises FileNotFoundError if a name cannot be one of a file. A "/" at the end is allowed.
    """
    names = path.removesuffix(b"/").split(b"/") if path not in (b"", b"/") else []
    parts = tuple(os.fsdecode(unquote_to_bytes(name)) for name in names)
    if not all(map(_appears, parts)):
        raise _not_found(parts)
    return parts


def url_of(parts: Parts) -> str:
    """The path in a URL for which parts_of() gives these names."""
    return "/".join(quote_from_bytes(os.fsencode(name)) for name in parts)


def is_picture(name: str) -> bool:
    """Whether a name is that of a JPEG file or a container."""
    return name.endswith(SUFFIX) or name.lower().endswith(JPEG_SUFFIXES)


def _appears(name: str) -> bool:
    return bool(name) and not name.startswith(".") and "/" not in name and "\0" not in name


_NUMBER = re.compile("([0-9]+)")


def _natural(name: str) -> tuple[list[str | int], str]:
    """Sorts 9 before 10, and upper case beside lower case."""
    pieces: list[str | int] = [*_NUMBER.split(name.casefold())]
    pieces[1::2] = map(int, pieces[1::2])
    return pieces, name


def _not_found(parts: Parts) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "/".join(parts))
