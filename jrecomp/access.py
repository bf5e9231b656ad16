"""Containers as file objects, and whole files, from Python."""

import io
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any, Unpack

from jrecomp import batch, container, files, pipeline
from jrecomp.batch import ChangeOptions, Job, Work
from jrecomp.errors import InputError, JrecompError, UsageError
from jrecomp.info import Info
from jrecomp.options import DEFAULT_LIMITS, Device, Limits
from jrecomp.rate import OnProgress, ignore

PathLike = str | os.PathLike[str]


class RestoredFile(io.BytesIO):
    """A file in memory, open for reading. name: of the container that it was restored from."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name

    def writable(self) -> bool:
        """It is not: changes would be lost."""
        return False

    def write(self, _: Any) -> int:
        """Raises io.UnsupportedOperation."""
        raise io.UnsupportedOperation("not writable")


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
    if not isinstance(source, str | os.PathLike):
        return source.read()
    name = os.fspath(source)
    if "://" not in name:
        return files.read(Path(name), limits)
    try:
        import fsspec
    except ImportError as error:
        raise UsageError("URLs need fsspec (pip install jrecomp[remote])") from error
    try:
        with fsspec.open(name, "rb") as stream:
            data: bytes = stream.read()
            return data
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"{name}: {error}") from error


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
    work = partial(
        batch.compress,
        change=change,
        model=model,
        threads=threads,
        device=device,
        limits=limits,
        force=force,
        on_progress=on_progress,
    )
    return _done(source, target, files.compressed_name, work)


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
    work = partial(batch.decompress, threads=threads, device=device, limits=limits, force=force)
    return _done(source, target, files.restored_name, work)


def _done(source: PathLike, target: PathLike | None, rename: Callable[[Path], Path], work: Work) -> Info:
    path = Path(source)
    job = Job(path, rename(path) if target is None else Path(target))
    (outcome,) = batch.run([job], work)
    if isinstance(outcome.error, JrecompError):
        raise outcome.error
    assert isinstance(outcome.info, Info)
    return outcome.info
