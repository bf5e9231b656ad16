"""The codecs of lossless benchmarks.

To add a codec, write a class with the members of Codec and add it to PEERS.
"""

from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from importlib.metadata import version
from typing import Any, Protocol, TypeVar

import jrecomp
from jrecomp.codec import Resources
from jrecomp.model import load
from jrecomp.options import Device

Program = TypeVar("Program")


class Codec(Protocol):
    """A lossless JPEG recompressor; all use one thread, except that jrecomp may use several."""

    name: str
    version: str

    def encode(self, data: bytes) -> bytes:
        """The compressed file; raises Refused if the codec does not support the file."""
        ...

    def decode(self, data: bytes) -> bytes:
        """The restored file; any exception counts as a wrong result."""
        ...


class Refused(Exception):
    """The codec does not support this file."""


class Missing(Exception):
    """The codec is not installed; the message names it and the command that installs it."""


class Jrecomp:
    """jrecomp with one of its models; encoding includes verification."""

    def __init__(self, model: str, threads: int, device: Device) -> None:
        """Raises UnknownModelError and UsageError."""
        self.name = f"jrecomp {model}"
        loaded = load(model)
        resources = Resources(threads, device)
        resources.check(loaded)
        self.version = (
            f"{jrecomp.__version__}, model id {loaded.identifier}, {resources.engine(loaded)} engine"
        )
        self._model = model
        self._workers: dict[str, Any] = {"threads": threads, "device": device}

    def encode(self, data: bytes) -> bytes:
        """The container."""
        return jrecomp.compress(data, model=self._model, **self._workers)

    def decode(self, data: bytes) -> bytes:
        """The restored file."""
        return jrecomp.decompress(data, **self._workers)


class Lepton:
    """Microsoft's Rust port of Lepton, with one partition and thus one thread."""

    name = "Lepton"

    def __init__(self) -> None:
        """Raises Missing."""
        self._library = _library("lepton_jpeg_python", self.name, "lepton_jpeg_python")
        self.version = version("lepton_jpeg_python")

    def encode(self, data: bytes) -> bytes:
        """The .lep file."""
        try:
            return bytes(self._library.compress_bytes(data, {"max_partitions": 1}))
        except Exception as error:
            raise Refused(str(error)) from error

    def decode(self, data: bytes) -> bytes:
        """The restored file."""
        return bytes(self._library.decompress_bytes(data))


class Libjxl:
    """libjxl's lossless transcoding of JPEG files to JPEG XL, at an effort from 1 to 9."""

    def __init__(self, effort: int) -> None:
        """Raises Missing."""
        self.name = f"libjxl effort {effort}"
        self._library = _library("pillow_jxl", "libjxl", "pillow-jxl-plugin")
        self.version = "pillow-jxl-plugin " + version("pillow-jxl-plugin")
        # With 0 threads, the library works on the caller's thread.
        self._encode = self._library.Encoder(mode="RGB", lossless=True, effort=effort, num_threads=0)

    def encode(self, data: bytes) -> bytes:
        """The .jxl file."""
        try:
            return bytes(self._encode(data, 0, 0, jpeg_encode=True))  # width and height are not needed
        except Exception as error:
            raise Refused(str(error)) from error

    def decode(self, data: bytes) -> bytes:
        """The restored file, or pixels if the library cannot restore it."""
        _, _, restored, *_ = self._library.Decoder(num_threads=0)(data)
        return bytes(restored)


PEERS: list[Callable[[], Codec]] = [Lepton, partial(Libjxl, 7), partial(Libjxl, 9)]
"""Functions that make the other codecs; each may raise Missing."""


def available(makers: Iterable[Callable[[], Program]]) -> tuple[list[Program], list[str]]:
    """The programs that are installed, and the messages of those that are missing.

    makers: functions that make them; each may raise Missing.
    """
    found, notes = [], []
    for make in makers:
        try:
            found.append(make())
        except Missing as missing:
            notes.append(str(missing))
    return found, list(dict.fromkeys(notes))


def installed(models: list[str], threads: int, device: Device) -> tuple[list[Codec], list[str]]:
    """The installed codecs, jrecomp first.

    models: names of jrecomp's models. threads, device: of jrecomp, as for pipeline.compress().
    Returns the codecs, and the messages of those that are missing. Raises UnknownModelError and UsageError.
    """
    own: list[Codec] = [Jrecomp(model, threads, device) for model in models]
    peers, notes = available(PEERS)
    return own + peers, notes


def _library(module: str, codec: str, package: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise Missing(f"{codec} (pip install {package})") from error
