"""The programs that are compared: one class each, the same questions to all."""

from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

import jrecomp


class Codec(Protocol):
    """A lossless JPEG recompressor. `encode` raises Refused for files that it does not take."""

    name: str

    def version(self) -> str:
        """What was measured."""
        ...

    def encode(self, data: bytes) -> bytes:
        """The compressed file."""
        ...

    def decode(self, data: bytes) -> bytes:
        """The file again."""
        ...


class Refused(Exception):
    """The codec does not take this file."""


class Jrecomp:
    """This project; encoding includes verification."""

    name = "jrecomp"

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def version(self) -> str:
        """Version of the package."""
        return jrecomp.__version__

    def encode(self, data: bytes) -> bytes:
        """The finished container."""
        return jrecomp.compress(data, threads=self._threads)

    def decode(self, data: bytes) -> bytes:
        """The file again."""
        return jrecomp.decompress(data, threads=self._threads)


class Lepton:
    """Microsoft's Rust port of Lepton (lepton_jpeg_python) with one partition."""

    name = "Lepton"

    def version(self) -> str:
        """Version of the package."""
        return version("lepton_jpeg_python")

    def encode(self, data: bytes) -> bytes:
        """The .lep bytes."""
        import lepton_jpeg_python

        try:
            return bytes(lepton_jpeg_python.compress_bytes(data, {"max_partitions": 1}))
        except Exception as error:
            raise Refused(str(error)) from error

    def decode(self, data: bytes) -> bytes:
        """The file again."""
        import lepton_jpeg_python

        return bytes(lepton_jpeg_python.decompress_bytes(data))


def installed(threads: int) -> list[Codec]:
    """All codecs that this installation can run, jrecomp first."""
    codecs: list[Codec] = [Jrecomp(threads)]
    try:
        version("lepton_jpeg_python")
        codecs.append(Lepton())
    except PackageNotFoundError:
        pass
    return codecs
