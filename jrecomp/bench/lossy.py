"""The codecs of lossy benchmarks.

To add a codec, write a class with the members of LossyCodec and add it to PEERS.
"""

import io
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image, features

import jrecomp
from jrecomp.array_types import UInt8
from jrecomp.bench.codecs import Lepton, Missing, Refused, available
from jrecomp.codec import Resources
from jrecomp.errors import InputError
from jrecomp.lossy import rule_of
from jrecomp.model import load
from jrecomp.options import DEFAULT_TUNE, TUNES, Device, Tune

SECONDS = 600
"""Time limit for another program on a file."""


@dataclass(frozen=True)
class Source:
    """A file with a picture that codecs compress, JPEG if they keep its coefficients; data: its bytes."""

    data: bytes

    @cached_property
    def image(self) -> Image.Image:
        """The decoded picture. Pillow keeps the file's subsampling with it."""
        image = Image.open(io.BytesIO(self.data))
        image.load()
        return image

    @cached_property
    def pixels(self) -> UInt8:
        """The decoded pixels, uint8 [rows, columns] for grey or [rows, columns, channels]."""
        return np.asarray(self.image)

    @cached_property
    def bitmap(self) -> bytes:
        """The decoded picture as a PNG file, for programs that do not decode JPEG files."""
        return saved(self.image, format="PNG", compress_level=0)


class LossyCodec(Protocol):
    """A lossy codec.

    own: whether it is jrecomp. settings: for encode(), by rising quality.
    """

    name: str
    version: str
    own: bool
    settings: Sequence[float]

    def encode(self, source: Source, setting: float) -> bytes:
        """The compressed file at one of the settings; raises Refused if the codec does not support it."""
        ...

    def decode(self, data: bytes) -> Image.Image:
        """The decoded picture of a compressed file."""
        ...


class DecodedByPillow:
    """Base of codecs whose files Pillow decodes."""

    def decode(self, data: bytes) -> Image.Image:
        """The decoded picture."""
        return Image.open(io.BytesIO(data))


class Container:
    """jrecomp's lossy containers, with one of its models, tuned for one measure."""

    own = True
    settings: Sequence[float] = range(0, 101, 4)

    def __init__(self, model: str, tune: Tune, threads: int, device: Device) -> None:
        """Raises UnknownModelError and UsageError."""
        self.name = f"jrecomp {model}" + ("" if tune == DEFAULT_TUNE else f" {tune}")
        loaded = load(model)
        identifiers = f"model id {loaded.identifier}, rule id {rule_of(tune).identifier}"
        resources = Resources(threads, device)
        resources.check(loaded)
        self.version = f"{jrecomp.__version__}, {identifiers}, {resources.engine(loaded)} engine"
        self._workers: dict[str, Any] = {"threads": threads, "device": device}
        self._options: dict[str, Any] = {"model": model, "tune": tune} | self._workers

    def encode(self, source: Source, setting: float) -> bytes:
        """The container at a quality; 100 is lossless."""
        return jrecomp.compress(source.data, quality=setting, **self._options)

    def decode(self, data: bytes) -> Image.Image:
        """The decoded picture of the restored JPEG file."""
        return Image.open(io.BytesIO(jrecomp.decompress(data, **self._workers)))


class Shrink(DecodedByPillow):
    """JPEG files made by `jrecomp shrink`."""

    own = True
    settings: Sequence[float] = Container.settings

    def __init__(self, progressive: bool) -> None:
        self.name = "jrecomp shrink" + (" progressive" if progressive else "")
        self.version = f"{jrecomp.__version__}, rule id {rule_of(DEFAULT_TUNE).identifier}"
        self._progressive = progressive

    def encode(self, source: Source, setting: float) -> bytes:
        """The JPEG file at a quality; at 100 no pixel changes."""
        try:
            return jrecomp.shrink(source.data, quality=setting, progressive=self._progressive)
        except InputError as error:
            raise Refused(str(error)) from error


class Reencoded(DecodedByPillow):
    """The decoded picture encoded by libjpeg, with the source's subsampling and optimal Huffman tables."""

    name = "libjpeg"
    version = f"libjpeg-turbo {features.version('libjpeg_turbo')} of Pillow"
    own = False
    settings: Sequence[float] = (50, 55, 60, 65, *range(70, 101))

    def encode(self, source: Source, setting: float) -> bytes:
        """The JPEG file."""
        return saved(source.image, format="JPEG", quality=int(setting), subsampling="keep", optimize=True)


class ReencodedLepton:
    """The JPEG files of Reencoded, compressed by Lepton."""

    name = "libjpeg + Lepton"
    own = False
    settings = Reencoded.settings

    def __init__(self) -> None:
        """Raises Missing."""
        self._jpeg, self._lepton = Reencoded(), Lepton()
        self.version = self._lepton.version

    def encode(self, source: Source, setting: float) -> bytes:
        """The .lep file."""
        return self._lepton.encode(self._jpeg.encode(source, setting))

    def decode(self, data: bytes) -> Image.Image:
        """The decoded picture of the restored JPEG file."""
        return self._jpeg.decode(self._lepton.decode(data))


class Jpegoptim(DecodedByPillow):
    """jpegoptim -m, which decodes the file and encodes it again."""

    name = "jpegoptim -m"
    own = False
    settings = Reencoded.settings

    def __init__(self) -> None:
        """Raises Missing."""
        self.version = printed_version("jpegoptim", "jpegoptim")

    def encode(self, source: Source, setting: float) -> bytes:
        """The JPEG file, even if it is larger than the source."""
        return run(["jpegoptim", "-q", "-f", "-s", f"-m{int(setting)}", "in"], source.data, "in")


class Guetzli(DecodedByPillow):
    """Guetzli, which takes a minute per megapixel and supports qualities from 84."""

    name = "guetzli"
    own = False
    settings: Sequence[float] = (84, 88, 92, 96, 100)

    def __init__(self) -> None:
        """Raises Missing."""
        find("guetzli", "guetzli")
        self.version = "version unknown"

    def encode(self, source: Source, setting: float) -> bytes:
        """The JPEG file."""
        return run(["guetzli", "--quality", str(int(setting)), "in", "out"], source.data, "out")


class Cjxl:
    """The decoded picture encoded as JPEG XL; settings are negative Butteraugli distances."""

    name = "cjxl"
    own = False
    HIGH = (
        *(-3, -1.9, -1.4, -1, -0.7, -0.5, -0.35, -0.25, -0.18),
        *(-0.12, -0.08, -0.05, -0.03, -0.02, -0.01),
    )

    def __init__(self, settings: Sequence[float] = HIGH) -> None:
        """Raises Missing."""
        self.settings = settings
        self.version = printed_version("cjxl", "libjxl-tools")
        find("djxl", "libjxl-tools")

    def encode(self, source: Source, setting: float) -> bytes:
        """The .jxl file at effort 7."""
        command = ["cjxl", "in", "out", "-d", f"{-setting:g}", "-e", "7", "--num_threads=0"]
        return run(command, source.bitmap, "out", names={"in": "in.png", "out": "out.jxl"})

    def decode(self, data: bytes) -> Image.Image:
        """The decoded picture, with 8 bits per sample."""
        command = ["djxl", "in", "out", "--num_threads=0"]
        return Image.open(io.BytesIO(run(command, data, "out", names={"in": "in.jxl", "out": "out.png"})))


class Webp(DecodedByPillow):
    """The decoded picture encoded as WebP."""

    name = "WebP"
    own = False
    HIGH = (50, 65, 75, 80, 85, 90, 93, 95, 97, 98, 99, 100)

    def __init__(self, settings: Sequence[float] = HIGH) -> None:
        """Raises Missing."""
        self.settings = settings
        self.version = _feature("webp", "WebP")

    def encode(self, source: Source, setting: float) -> bytes:
        """The .webp file; lossy WebP always has 4:2:0 subsampling."""
        return saved(source.image, format="WEBP", quality=int(setting), method=6)


class Avif(DecodedByPillow):
    """The decoded picture encoded as AVIF; 4:4:4 reaches a higher PSNR than 4:2:0."""

    own = False
    HIGH = (50, 60, 70, 75, 80, 85, 88, 91, 94, 96, 98, 99, 100)

    def __init__(self, subsampling: str, settings: Sequence[float] = HIGH) -> None:
        """Raises Missing."""
        self.settings = settings
        self.name = f"AVIF {subsampling}"
        self.version = _feature("avif", "AVIF")
        self._subsampling = subsampling

    def encode(self, source: Source, setting: float) -> bytes:
        """The .avif file at speed 6."""
        options = {"quality": int(setting), "subsampling": self._subsampling, "speed": 6, "max_threads": 1}
        return saved(source.image, format="AVIF", **options)


PEERS: dict[str, Sequence[Callable[[], LossyCodec]]] = {
    "cjxl": [Cjxl],
    "libjpeg": [Reencoded],
    "lepton": [ReencodedLepton],
    "jpegoptim": [Jpegoptim],
    "webp": [Webp],
    "avif": [lambda: Avif("4:2:0"), lambda: Avif("4:4:4")],
    "guetzli": [Guetzli],
}
"""Functions that make the other codecs, by the value of --peer; each may raise Missing."""


def installed(
    models: Sequence[str], peers: Sequence[str], threads: int, device: Device
) -> tuple[list[LossyCodec], list[str]]:
    """The installed codecs, jrecomp first.

    models: names of jrecomp's models. peers: keys of PEERS. threads, device: of jrecomp, as for
    pipeline.compress().
    Returns the codecs, and the messages of those that are missing. Raises UnknownModelError and UsageError.
    """
    coders: list[LossyCodec] = [Container(model, tune, threads, device) for tune in TUNES for model in models]
    coders += [Shrink(progressive=False), Shrink(progressive=True)]
    others, notes = available(make for peer in peers for make in PEERS[peer])
    return coders + others, notes


def saved(image: Image.Image, **options: Any) -> bytes:
    """The file that Pillow writes with the options of Image.save(); raises Refused."""
    out = io.BytesIO()
    try:
        image.save(out, **options)
    except (OSError, ValueError) as error:
        raise Refused(str(error)) from error
    return out.getvalue()


def run(command: Sequence[str], data: bytes, result: str, names: dict[str, str] | None = None) -> bytes:
    """Runs a program in a temporary folder with the file "in", and returns the bytes of its file `result`.

    names: actual names of the files, for programs that depend on them. Raises Refused.
    """
    names = names or {"in": "in.jpg", "out": "out.jpg"}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, names["in"]).write_bytes(data)
        named = [names.get(word, word) for word in command]
        try:
            subprocess.run(named, cwd=folder, check=True, capture_output=True, timeout=SECONDS)
            return Path(folder, names[result]).read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise Refused(f"{command[0]}: {error}") from error


def find(program: str, package: str) -> None:
    """Raises Missing, with the Debian package, if a program is not installed."""
    if not shutil.which(program):
        raise Missing(f"{program} (apt-get install {package})")


def printed_version(program: str, package: str) -> str:
    """The first two words that a program prints for --version; raises Missing."""
    find(program, package)
    printed = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=SECONDS).stdout
    return " ".join(printed.splitlines()[0].split()[:2])


def _feature(feature: str, name: str) -> str:
    """The versions of a library in Pillow and of Pillow; raises Missing."""
    if not features.check(feature):
        raise Missing(f"{name} (pip install 'pillow>=11.3')")
    return f"{features.version(feature)} of Pillow {version('pillow')}"
