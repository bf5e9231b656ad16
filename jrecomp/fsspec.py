"""Containers as a compression of fsspec.

`import jrecomp.fsspec`, then fsspec.open("x.jrc", compression="jrecomp"). Files are read and written whole.
With compression="infer", names that end in .jrc are recognized.
"""

import io
from typing import IO, Any

from fsspec.compression import register_compression

import jrecomp
from jrecomp.access import RestoredFile
from jrecomp.errors import UsageError

NAME = "jrecomp"
"""The name of the compression."""


class _Compressing(io.BytesIO):
    """A file in memory, which is compressed to another one when it is closed."""

    def __init__(self, stream: IO[bytes], options: dict[str, Any]) -> None:
        super().__init__()
        self._stream, self._options = stream, options

    def close(self) -> None:
        """Compress what was written."""
        if not self.closed:
            try:
                self._stream.write(jrecomp.compress(self.getvalue(), **self._options))
            finally:
                super().close()


def opened(stream: IO[bytes], mode: str = "rb", **options: Any) -> RestoredFile | _Compressing:
    """The file that a container restores, or a file whose contents are compressed.

    stream: of the container. mode: begins with r, w or x. options: those of jrecomp.compress(), or of
    jrecomp.open(). Raises UsageError for other modes, as nothing can be appended to a container.
    """
    if mode[:1] not in ("r", "w", "x") or "+" in mode:
        raise UsageError(f"containers cannot be opened with the mode {mode!r}")
    return jrecomp.open(stream, **options) if mode[0] == "r" else _Compressing(stream, options)


register_compression(NAME, opened, ["jrc"], force=True)
