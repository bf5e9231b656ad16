"""Containers as file objects, and whole files, from Python."""

import io
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Unpack

from jrecomp import container, files, pipeline, temporary, work
from jrecomp.errors import InputError, JrecompError, LimitError, UsageError, shortage, size
from jrecomp.info import Info
from jrecomp.jobs import Existing, Job
from jrecomp.notes import OnProgress, ignore
from jrecomp.options import DEFAULT_LIMITS, Device, Limits, check_type
from jrecomp.work import ChangeOptions, Work

PathLike = str | os.PathLike[str]

_PIECE = 1 << 20


class RestoredFile(io.BufferedReader):
    """A file in memory, open for reading."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(io.BytesIO(data))
        self._name = name

    @property
    def name(self) -> str:
        """The name of the container that it was restored from."""
        return self._name


def open(source: PathLike | IO[bytes], *, threads: int = 0, limits: Limits = DEFAULT_LIMITS) -> RestoredFile:
    """Open a container for reading, as the file that it restores; other files as they are.

    source: a path; a URL with "://", for which fsspec must be installed; or a binary file, which is read to
    its end. threads, limits: as for pipeline.decompress(). The restored file is held in memory.

    Raises InputError if the source cannot be read, UsageError, and the errors of pipeline.decompress().
    """
    data = read(source, limits)
    if container.is_container(data):
        data = pipeline.decompress(data, threads=threads, limits=limits)
    name = source if isinstance(source, str | os.PathLike) else getattr(source, "name", "")
    return RestoredFile(data, str(name))


def read(source: PathLike | IO[bytes], limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The bytes of a source, see open(); raises InputError, UsageError and LimitError."""
    check_type("limits", limits, Limits)
    if not isinstance(source, str | os.PathLike):
        if not hasattr(source, "read"):
            raise TypeError(f"source must be a path or a binary file, not {type(source).__name__}")
        return _read_stream(source, str(getattr(source, "name", "stream")), limits)
    name = os.fspath(source)
    if "://" not in name:
        return files.read(_path(name), limits)
    try:
        import fsspec
    except ImportError as error:
        raise UsageError("URLs need fsspec (pip install jrecomp[remote])") from error
    try:
        with fsspec.open(name, "rb") as stream:
            return _read_stream(stream, name, limits)
    except (JrecompError, MemoryError):
        raise
    except Exception as error:  # each file system of fsspec has errors of its own
        raise shortage(error) or InputError(f"{name}: {error}") from error


def _read_stream(stream: IO[bytes], name: str, limits: Limits) -> bytes:
    data = io.BytesIO()
    try:
        while piece := stream.read(_PIECE):
            data.write(piece)
            if data.tell() > limits.max_memory:
                raise LimitError(
                    f"has more bytes than the limit of {size(limits.max_memory)} ({{}})", "max_memory"
                )
    except OSError as error:
        raise shortage(error) or InputError(f"{name}: {error.strerror or error}") from error
    return data.getvalue()


def _path(name: PathLike) -> Path:
    """The path of a file; raises InputError for what cannot be one."""
    path = Path(name)
    if "\0" in str(path):
        raise InputError(f"{str(path)!r}: has a zero character")
    if not path.name:
        raise InputError(f"{path}: is a folder")
    return path


def compress_file(
    source: PathLike,
    target: PathLike | None = None,
    *,
    force: bool = False,
    model: str | None = None,
    threads: int = 0,
    device: Device = "auto",
    limits: Limits = DEFAULT_LIMITS,
    on_progress: OnProgress = ignore,
    **change: Unpack[ChangeOptions],
) -> Info:
    """Compress a file as `jrecomp compress` does: the container is complete or absent.

    target: path of the container, which gets the attributes of the file; None adds .jrc to that of the
    source. force: replace an existing target. The other parameters are those of pipeline.compress().

    Returns what pipeline.inspect() tells of the container. Raises the errors of pipeline.compress(),
    InputError if the source cannot be read, and OutputError.
    """
    check_type("limits", limits, Limits)
    steps = partial(
        work.compress,
        change=change,
        model=model,
        threads=threads,
        device=device,
        limits=limits,
        existing=_existing(force),
        on_progress=on_progress,
    )
    return _done(source, target, files.compressed_name, steps)


def decompress_file(
    source: PathLike,
    target: PathLike | None = None,
    *,
    force: bool = False,
    threads: int = 0,
    device: Device = "auto",
    limits: Limits = DEFAULT_LIMITS,
) -> Info:
    """Restore a file as `jrecomp decompress` does, with the attributes of the container.

    target: path of the file; None removes .jrc from that of the source. force: replace an existing target.
    The other parameters are those of pipeline.decompress().

    Returns what pipeline.inspect() tells of the container. Raises the errors of pipeline.decompress(),
    InputError if the source cannot be read, and OutputError.
    """
    check_type("limits", limits, Limits)
    steps = partial(work.decompress, threads=threads, device=device, limits=limits, existing=_existing(force))
    return _done(source, target, files.restored_name, steps)


def _existing(force: bool) -> Existing:
    return Existing.REPLACE if force else Existing.REFUSE


def _done(source: PathLike, target: PathLike | None, rename: Callable[[Path], Path], steps: Work) -> Info:
    path = _path(source)
    job = Job(path, rename(path) if target is None else _path(target))
    temporary.sweep(Path(os.path.realpath(job.target or path)).parent)
    info = work.complete(job, steps).info
    assert isinstance(info, Info)
    return info
