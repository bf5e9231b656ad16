"""What a worker does with the files of a task, without Ray."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from jrecomp import container, files, pipeline
from jrecomp.cluster.journal import Journal
from jrecomp.cluster.manifest import Manifest, Row, Status, names
from jrecomp.cluster.storage import Entry, Folder
from jrecomp.cluster.tasks import Task
from jrecomp.container import Original
from jrecomp.digest import sha256
from jrecomp.errors import (
    CorruptContainerError,
    InputError,
    JrecompError,
    LimitError,
    OutputError,
    ShortageError,
    VerificationError,
    flag,
    unexpected,
)
from jrecomp.model import DEFAULT_MODEL, load
from jrecomp.options import DEFAULT_LIMITS, Device, Limits

Command = Literal["compress", "decompress", "verify"]


@dataclass(frozen=True)
class Settings:
    """What to do with all files.

    command: see docs/scale.md. source: URL of the folder of the files; for `verify` with originals that of
        the originals, for which containers are looked for in `target`.
    target: URL of the folder of the results; None for `verify` without originals. manifest: URL of the folder
        of the manifest of this run, or None. model: name, or None for the default one. device: one of
        options.DEVICES. force: replace files that exist and are others. limits: on each file.
    """

    command: Command
    source: str
    target: str | None
    manifest: str | None
    model: str | None = None
    device: Device = "cpu"
    force: bool = False
    limits: Limits = DEFAULT_LIMITS

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Endings of the names of the files to take, in lower case."""
        if self.command == "compress" or self.compares:
            return files.JPEG_SUFFIXES
        return (files.SUFFIX,)

    @property
    def compares(self) -> bool:
        """Whether containers are compared with originals."""
        return self.command == "verify" and self.target is not None


Fields = dict[str, Any]
"""Some fields of a row."""

_LARGER = 1000
"""Containers are larger than their files by fewer bytes."""

DEATHS = 3
"""A file is left out after so many workers died at it, beside the first, of which only the task is known."""

_DIED = f"{DEATHS} workers that handled the file died, perhaps of too little memory"


class Worker:
    """Handles tasks, one after the other, with one thread. The model is loaded once.

    journal: of the run.
    """

    def __init__(self, settings: Settings, journal: Journal) -> None:
        self._settings, self._journal = settings, journal
        self._source = Folder(settings.source)
        self._target = Folder(settings.target) if settings.target else self._source
        self._manifest = Manifest(settings.manifest)
        self._handle: Callable[[Entry], tuple[Status, Fields]] = {
            "compress": self._compress,
            "decompress": self._decompress,
            "verify": self._compare if settings.compares else self._verify,
        }[settings.command]
        if settings.command == "compress":
            load(settings.model or DEFAULT_MODEL)

    def do(self, task: Task) -> list[Row]:
        """Handle the files of a task and write a part of the manifest. What a part tells is not repeated.

        Raises the errors of the journal only.
        """
        try:
            if rows := self._manifest.part(task.name):
                return rows
        except Exception as error:
            return _without_manifest(task, error)
        again = self._journal.begin(task.name)
        rows = [self._row(task, place, again) for place in range(len(task.entries))]
        try:
            self._manifest.write(task.name, rows)
        except Exception as error:
            return _without_manifest(task, error)
        return rows

    def _row(self, task: Task, place: int, again: bool) -> Row:
        """What became of a file. Whatever it is, it fails alone.

        again: whether an earlier worker died while it did the task.
        """
        started, entry = time.perf_counter(), task.entries[place]
        if again and self._journal.at(task.name, place) >= DEATHS:
            return _failed(entry, _failure(ShortageError(_DIED)))
        name, raw = names(entry.name)
        target = names(self._renamed(entry.name))[0] if self._settings.command != "verify" else None
        row = Row(name, raw, target, "failed")
        try:
            status, fields = self._handle(entry)
            row = replace(row, status=status, **fields)
        except Exception as error:
            row = replace(row, **_failure(error))
        return replace(row, seconds=time.perf_counter() - started)

    def _renamed(self, name: str) -> str:
        if self._settings.command == "decompress":
            return name.removesuffix(name[-len(files.SUFFIX) :])
        return name + files.SUFFIX

    def _compress(self, entry: Entry) -> tuple[Status, Fields]:
        settings = self._settings
        data = self._read(entry)

        def packed() -> bytes:
            return pipeline.compress(
                data, model=settings.model, threads=1, device=settings.device, limits=settings.limits
            )

        longest = len(data) + _LARGER
        status, result = self._put(
            entry.name, packed, longest, lambda there: self._holds(there, Original.of(data))
        )
        return status, self._fields(result, data)

    def _decompress(self, entry: Entry) -> tuple[Status, Fields]:
        data = self._read(entry)
        wanted = container.unpack(data, self._settings.limits, brief=True).original
        status, result = self._put(
            entry.name,
            lambda: self._restored(data),
            wanted.length,
            lambda there: Original.of(there) == wanted,
        )
        return status, self._fields(data, result)

    def _verify(self, entry: Entry) -> tuple[Status, Fields]:
        data = self._read(entry)
        return "verified", self._fields(data, self._restored(data))

    def _compare(self, entry: Entry) -> tuple[Status, Fields]:
        original, name = self._read(entry), entry.name + files.SUFFIX
        data = self._target.existing(name, len(original) + _LARGER + 1)
        if data is None:
            raise InputError(f"{name}: there is no such container")
        if self._restored(data) != original:
            raise VerificationError("the restored bytes differ from the original")
        return "verified", self._fields(data, original)

    def _read(self, entry: Entry) -> bytes:
        return self._source.read(entry, self._settings.limits.max_memory)

    def _restored(self, data: bytes) -> bytes:
        return pipeline.decompress(
            data, threads=1, device=self._settings.device, limits=self._settings.limits
        )

    def _put(
        self, name: str, make: Callable[[], bytes], longest: int, is_wanted: Callable[[bytes], bool]
    ) -> tuple[Status, bytes]:
        """Write a result unless it is there.

        name: of the source. make: computes the result. longest: largest size in bytes that it may have.
        is_wanted: whether bytes are such a result. Returns "written" or "kept" with the bytes that are there
        now. Raises OutputError if something else is there.
        """
        target, force = self._renamed(name), self._settings.force
        there = self._target.existing(target, longest + 1)
        if there is None or (force and not is_wanted(there)):
            result = make()
            try:
                self._target.write(target, result, force, (self._source, name))
                return "written", result
            except FileExistsError:  # another worker has written it meanwhile
                there = self._target.existing(target, longest + 1)
        if there is None or not is_wanted(there):
            raise OutputError(f"{target}: exists and is another file (--force replaces it)")
        return "kept", there

    def _holds(self, data: bytes, original: Original) -> bool:
        """Whether bytes are a container, whole by its checksum, that restores a file."""
        try:
            return container.unpack(data, self._settings.limits, brief=True).original == original
        except (CorruptContainerError, LimitError):
            return False

    def _fields(self, data: bytes, original: bytes) -> Fields:
        """What a manifest tells of a container and its original."""
        info = pipeline.inspect(data, limits=self._settings.limits)
        return {
            "original_bytes": len(original),
            "original_sha256": sha256(original).hex(),
            "container_bytes": len(data),
            "container_sha256": sha256(data).hex(),
            "mode": info.mode,
            "model": info.model,
            "model_id": info.model_id,
            "stored_reason": info.stored_reason,
        }


def _without_manifest(task: Task, error: Exception) -> list[Row]:
    text = _failure(error, "its manifest cannot be kept: ")
    return [_failed(entry, text) for entry in task.entries]


def _failure(error: Exception, prefix: str = "") -> Fields:
    """The fields of a row for a file that failed."""
    known = error if isinstance(error, JrecompError) else unexpected(error)
    return {"error": prefix + known.named(flag), "exit_code": int(known.exit_code)}


def _failed(entry: Entry, fields: Fields) -> Row:
    """The row of a file that failed; fields: those of _failure()."""
    return Row(*names(entry.name), None, "failed", **fields)
