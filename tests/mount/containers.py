"""Archives of small containers."""

from pathlib import Path

from jrecomp.container import Original, Stored, pack
from jrecomp.errors import JrecompError
from jrecomp.mount.archive import Archive
from jrecomp.options import DEFAULT_LIMITS, Limits


def stored(data: bytes) -> bytes:
    """A container that restores some bytes."""
    return pack(Stored(Original.of(data), 1, data))


def damaged(data: bytes) -> bytes:
    """A container that does not restore anything, but tells the length of the bytes."""
    container = bytearray(stored(data))
    container[-5] ^= 1
    return bytes(container)


class Told:
    """What an archive tells."""

    def __init__(self) -> None:
        self.hidden: list[str] = []
        self.errors: list[tuple[str, JrecompError]] = []

    @property
    def names(self) -> list[str]:
        """Names of the files whose errors were told."""
        return [Path(path).name for path, _ in self.errors]

    def error(self, path: str, error: JrecompError) -> None:
        """For Archive(on_error)."""
        self.errors.append((path, error))


def archive(
    root: Path, told: Told, *, cache: int = 1 << 20, threads: int = 2, limits: Limits = DEFAULT_LIMITS
) -> Archive:
    """An archive that tells everything."""
    return Archive(
        root,
        cache_bytes=cache,
        threads=threads,
        limits=limits,
        on_hidden=told.hidden.append,
        on_error=told.error,
    )
