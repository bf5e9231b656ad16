"""Measurement of decoders that restore pictures: PSNR to the picture before compression, and time.

To add a restorer, write a class with the members of Restorer and add it to PEERS.
"""

import io
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

import jrecomp
from jrecomp.array_types import UInt8
from jrecomp.bench import encode, isolated, scaling
from jrecomp.bench.codecs import Missing, Refused, available
from jrecomp.bench.encoders import Jpegli, Libjpeg, Mozjpeg, picture_source
from jrecomp.bench.inputs import SAMPLINGS
from jrecomp.bench.isolated import Speed
from jrecomp.bench.lossy import SECONDS, DecodedByPillow, LossyCodec, Source, find, run, saved
from jrecomp.jobs import JPEG_SUFFIXES
from jrecomp.metrics import luma_psnr, psnr
from jrecomp.restoration import METHODS

QUALITIES = (10, 30, 50, 75, 90, 95)
"""The qualities of JPEG files made from pictures."""

PAIRS = "pairs"
"""The name of the encoder of JPEG files that were given with the picture that they were made from."""


class Restorer(Protocol):
    """A decoder of JPEG files; own: whether it is jrecomp."""

    name: str
    version: str
    own: bool

    def decode(self, jpeg: bytes) -> UInt8:
        """The pixels, uint8 [rows, columns, 3], RGB; raises Refused."""
        ...


class Own:
    """`jrecomp restore` with one of its methods."""

    own = True

    def __init__(self, method: str, threads: int = 1) -> None:
        self.name = f"jrecomp {method}"
        self.version = jrecomp.__version__
        self._options: dict[str, Any] = {"method": method, "threads": threads}

    def decode(self, jpeg: bytes) -> UInt8:
        """The restored pixels."""
        return np.asarray(jrecomp.restore(jpeg, **self._options), np.uint8)


class Djpegli:
    """jpegli's decoder, by ajpegli."""

    name = "djpegli"
    own = False

    def __init__(self) -> None:
        """Raises Missing."""
        if not find_spec("ajpegli"):
            raise Missing("djpegli (pip install ajpegli)")
        self.version = f"ajpegli {version('ajpegli')}"

    def decode(self, jpeg: bytes) -> UInt8:
        """The decoded pixels."""
        return np.asarray(import_module("ajpegli").imdecode(jpeg), np.uint8)


class Jpegqs:
    """jpegqs, JPEG Quant Smooth, at one of its qualities; it writes a JPEG file with steps of 1."""

    own = False

    def __init__(self, quality: int) -> None:
        """Raises Missing."""
        find("jpegqs", "jpegqs")
        self.name = f"jpegqs -q {quality}"
        printed = subprocess.run(["jpegqs"], capture_output=True, text=True, timeout=SECONDS)
        self.version = (printed.stdout + printed.stderr).partition("\n")[0].rpartition(" ")[2]
        self._quality = str(quality)

    def decode(self, jpeg: bytes) -> UInt8:
        """The decoded pixels of the result."""
        return decoded(run(["jpegqs", "-i", "0", "-q", self._quality, "in", "out"], jpeg, "out"))


PEERS: dict[str, Sequence[Callable[[], Restorer]]] = {
    "djpegli": [Djpegli],
    "jpegqs": [partial(Jpegqs, 3), partial(Jpegqs, 5)],
}
"""Functions that make the other restorers, by the value of --peer; each may raise Missing."""


class Shrunk(DecodedByPillow):
    """JPEG files of quality 100 by libjpeg, made smaller by `jrecomp shrink`."""

    own = True
    settings: Sequence[float] = QUALITIES

    def __init__(self, sampling: str) -> None:
        self.name = f"shrink{'' if sampling == '420' else ' ' + ':'.join(sampling)}"
        self.version = jrecomp.__version__
        self._sampling = SAMPLINGS[sampling]

    def encode(self, source: Source, setting: float) -> bytes:
        """The JPEG file."""
        jpeg = saved(source.image, format="JPEG", quality=100, subsampling=self._sampling)
        return jrecomp.shrink(jpeg, quality=setting)


ENCODERS: dict[str, Callable[[str], LossyCodec]] = {
    "libjpeg": lambda sampling: Libjpeg(sampling, progressive=False),
    "mozjpeg": Mozjpeg,
    "jpegli": lambda sampling: Jpegli(sampling=sampling),
    "shrink": Shrunk,
}
"""Functions that make the encoders of JPEG files with a chroma subsampling; each may raise Missing."""


@dataclass(frozen=True)
class Restoration:
    """A restored picture.

    restorer, encoder: names. own: whether the restorer is jrecomp. sampling: of chroma, "" for pairs.
    quality: of the encoder, 0 for pairs. file: name of the picture. luma, rgb: PSNR in dB. plain_luma,
    plain_rgb: that of Pillow's decoder. pixels: their number. seconds: wall-clock time.
    """

    restorer: str
    own: bool
    encoder: str
    sampling: str
    quality: float
    file: str
    luma: float
    rgb: float
    plain_luma: float
    plain_rgb: float
    pixels: int
    seconds: float


@dataclass(frozen=True)
class Case:
    """A JPEG file to be restored, with the picture that it was made from; see Restoration."""

    encoder: str
    sampling: str
    quality: float
    file: str
    original: UInt8
    jpeg: bytes


def restorers(peers: Sequence[str], threads: int) -> tuple[list[Restorer], list[str]]:
    """The restorers that are installed, jrecomp first, and the messages of those that are missing."""
    found: list[Restorer] = [Own(method, threads) for method in METHODS]
    others, notes = available(make for peer in peers for make in PEERS[peer])
    return found + others, notes


def encoders(samplings: Iterable[str]) -> tuple[dict[tuple[str, str], LossyCodec], list[str]]:
    """The encoders that are installed, by name and subsampling, and messages of those that are missing."""
    found, notes = {}, []
    for sampling in samplings:
        for name, make in ENCODERS.items():
            try:
                found[name, sampling] = make(sampling)
            except Missing as missing:
                notes.append(str(missing))
    return found, list(dict.fromkeys(notes))


def cases(
    paths: Sequence[Path], makers: Mapping[tuple[str, str], LossyCodec], qualities: Iterable[float]
) -> Iterator[Case]:
    """The JPEG files of pictures.

    paths: pictures. A JPEG file with the name of a picture is a pair with it, which is then not encoded.
    makers: from encoders(). qualities: of the encoders.
    """
    given = {path.with_suffix(""): path for path in paths if path.suffix.lower() in JPEG_SUFFIXES}
    for path in paths:
        if path in given.values():
            continue
        source = picture_source(path)
        if pair := given.get(path.with_suffix("")):
            yield Case(PAIRS, "", 0, path.name, source.pixels, pair.read_bytes())
            continue
        for quality in qualities:
            for (name, sampling), maker in makers.items():
                yield Case(name, sampling, quality, path.name, source.pixels, maker.encode(source, quality))


def measure(restorers: Sequence[Restorer], cases: Iterable[Case]) -> Iterator[Restoration]:
    """Restore each file with each restorer; what a restorer refuses or equals the picture is left out."""
    for case in cases:
        plain = decoded(case.jpeg)
        plain_luma, plain_rgb = luma_psnr(case.original, plain), psnr(case.original, plain)
        for restorer in restorers:
            started = time.perf_counter()
            try:
                picture = restorer.decode(case.jpeg)
            except Refused:
                continue
            seconds = time.perf_counter() - started
            luma, rgb = luma_psnr(case.original, picture), psnr(case.original, picture)
            if not np.isfinite([luma, plain_luma]).all():
                continue
            yield Restoration(
                *(restorer.name, restorer.own, case.encoder, case.sampling, case.quality, case.file),
                *(luma, rgb, plain_luma, plain_rgb, picture.shape[0] * picture.shape[1], seconds),
            )


def speeds(restorers: Sequence[Restorer], paths: Sequence[Path], repeats: int) -> Iterator[Speed]:
    """Measure the time and memory of each restorer for a mosaic of pictures, each in a process of its own."""
    jpeg = scaling.mosaic(paths, encode.MEGAPIXELS)
    pixels = decoded(jpeg)[..., 0].size
    for restorer in restorers:
        _, seconds, memory = isolated.measure(partial(_decoded_by, restorer), jpeg, repeats)
        yield Speed(restorer.name, scaling.QUALITY, pixels / 1e6, len(jpeg), seconds, memory)


def _decoded_by(restorer: Restorer, source: Source) -> UInt8:
    return restorer.decode(source.data)


def decoded(jpeg: bytes) -> UInt8:
    """The pixels that Pillow decodes, RGB."""
    with Image.open(io.BytesIO(jpeg)) as image:
        return np.asarray(image.convert("RGB"))


class Results:
    """Restorations and speeds; those of several runs are merged, and later ones replace equal ones."""

    def __init__(self, measured: Iterable[Restoration | Speed]) -> None:
        found: dict[tuple[str, str, str, float, str], Restoration] = {}
        self.speeds: list[Speed] = []
        for item in measured:
            if isinstance(item, Speed):
                self.speeds.append(item)
            else:
                found[item.restorer, item.encoder, item.sampling, item.quality, item.file] = item
        self.restorations = list(found.values())
        self.restorers = list(dict.fromkeys(item.restorer for item in self.restorations))


def as_json(results: Results) -> dict[str, Any]:
    """Results as values for JSON, from which from_json() makes them again."""
    return {
        "restorations": list(map(asdict, results.restorations)),
        "speeds": list(map(asdict, results.speeds)),
    }


def from_json(document: Mapping[str, Any]) -> Iterator[Restoration | Speed]:
    """The items of Results from as_json()."""
    yield from (Restoration(**values) for values in document["restorations"])
    yield from (Speed(**values) for values in document["speeds"])
