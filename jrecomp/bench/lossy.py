"""The programs whose lossy results are compared: one class each, the same questions to all.

To add one, write a class with the members of LossyCodec and name it in PEERS.
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
from jrecomp.bench.codecs import Lepton, Missing, Refused
from jrecomp.codec import Resources
from jrecomp.errors import InputError
from jrecomp.lossy import load_rule
from jrecomp.model import load
from jrecomp.options import RULES

SECONDS = 600
"""That another program may take for a file."""


@dataclass(frozen=True)
class Source:
    """A JPEG file, as the coders get it."""

    jpeg: bytes

    @cached_property
    def image(self) -> Image.Image:
        """Decoded; still knows that it was a JPEG file, and its subsampling."""
        image = Image.open(io.BytesIO(self.jpeg))
        image.load()
        return image

    @cached_property
    def pixels(self) -> UInt8:
        """uint8 [rows, columns] and channels where there are several."""
        return np.asarray(self.image)

    @cached_property
    def bitmap(self) -> bytes:
        """The picture for programs that take no JPEG files."""
        return _saved(self.image, format="PNG", compress_level=0)


class LossyCodec(Protocol):
    """Makes files of a JPEG file at settings; own: whether it is this project."""

    name: str
    version: str
    own: bool
    settings: Sequence[float]

    def encode(self, source: Source, setting: float) -> bytes:
        """A file; settings grow with quality. Raises Refused."""
        ...

    def decode(self, data: bytes) -> Image.Image:
        """The picture of a file that `encode` made."""
        ...


class _Decoded:
    """What Pillow decodes."""

    def decode(self, data: bytes) -> Image.Image:
        """The picture."""
        return Image.open(io.BytesIO(data))


class Container:
    """This project's containers with one of its models, by one of its rules."""

    own = True
    settings: Sequence[float] = range(0, 101, 4)

    def __init__(self, model: str, rule: str, threads: int, device: str) -> None:
        """Raises UnknownModelError and UsageError."""
        self.name = f"jrecomp {model}" + ("" if rule == RULES[0] else f" {rule}")
        loaded = load(model)
        identifiers = f"model id {loaded.identifier}, rule id {load_rule(rule).identifier}"
        self.version = (
            f"{jrecomp.__version__}, {identifiers}, {Resources(threads, device).engine(loaded)} engine"
        )
        self._work: dict[str, Any] = {"threads": threads, "device": device}
        self._how: dict[str, Any] = {"model": model, "rule": rule} | self._work

    def encode(self, source: Source, setting: float) -> bytes:
        """The finished container, lossless at 100."""
        return jrecomp.compress(source.jpeg, quality=setting, **self._how)

    def decode(self, data: bytes) -> Image.Image:
        """The restored JPEG file's picture."""
        return Image.open(io.BytesIO(jrecomp.decompress(data, **self._work)))


class Shrink(_Decoded):
    """This project's smaller JPEG files."""

    own = True
    settings: Sequence[float] = Container.settings

    def __init__(self, progressive: bool) -> None:
        self.name = "jrecomp shrink" + (" progressive" if progressive else "")
        self.version = f"{jrecomp.__version__}, rule id {load_rule(RULES[0]).identifier}"
        self._progressive = progressive

    def encode(self, source: Source, setting: float) -> bytes:
        """A JPEG file, with the same pixels at 100."""
        try:
            return jrecomp.shrink(source.jpeg, quality=setting, progressive=self._progressive)
        except InputError as error:
            raise Refused(str(error)) from error


class Reencoded(_Decoded):
    """libjpeg on the decoded picture, with the source's subsampling and optimal Huffman tables."""

    name = "libjpeg"
    version = f"libjpeg-turbo {features.version('libjpeg_turbo')} of Pillow"
    own = False
    settings: Sequence[float] = (50, 55, 60, 65, *range(70, 101))

    def encode(self, source: Source, setting: float) -> bytes:
        """A JPEG file."""
        return _saved(source.image, format="JPEG", quality=int(setting), subsampling="keep", optimize=True)


class ReencodedLepton:
    """The files of Reencoded, compressed by Lepton."""

    name = "libjpeg + Lepton"
    own = False
    settings = Reencoded.settings

    def __init__(self) -> None:
        """Raises Missing."""
        self._jpeg, self._lepton = Reencoded(), Lepton()
        self.version = self._lepton.version

    def encode(self, source: Source, setting: float) -> bytes:
        """A .lep file."""
        return self._lepton.encode(self._jpeg.encode(source, setting))

    def decode(self, data: bytes) -> Image.Image:
        """The restored JPEG file's picture."""
        return self._jpeg.decode(self._lepton.decode(data))


class Jpegoptim(_Decoded):
    """jpegoptim -m: decodes the file and encodes it again."""

    name = "jpegoptim -m"
    own = False
    settings = Reencoded.settings

    def __init__(self) -> None:
        """Raises Missing."""
        self.version = _version("jpegoptim", "jpegoptim")

    def encode(self, source: Source, setting: float) -> bytes:
        """A JPEG file; also where it is larger than the source."""
        return _run(["jpegoptim", "-q", "-f", "-s", f"-m{int(setting)}", "in"], source.jpeg, "in")


class Guetzli(_Decoded):
    """Guetzli, which takes a minute for a megapixel, and no quality below 84."""

    name = "guetzli"
    own = False
    settings: Sequence[float] = (84, 88, 92, 96, 100)

    def __init__(self) -> None:
        """Raises Missing."""
        _find("guetzli", "guetzli")
        self.version = "does not tell its version"

    def encode(self, source: Source, setting: float) -> bytes:
        """A JPEG file."""
        return _run(["guetzli", "--quality", str(int(setting)), "in", "out"], source.jpeg, "out")


class Cjxl:
    """JPEG XL of the decoded picture; settings are negative distances."""

    name = "cjxl"
    own = False
    settings: Sequence[float] = (
        *(-3, -1.9, -1.4, -1, -0.7, -0.5, -0.35, -0.25, -0.18),
        *(-0.12, -0.08, -0.05, -0.03, -0.02, -0.01),
    )

    def __init__(self) -> None:
        """Raises Missing."""
        self.version = _version("cjxl", "libjxl-tools")
        _find("djxl", "libjxl-tools")

    def encode(self, source: Source, setting: float) -> bytes:
        """A .jxl file at effort 7."""
        line = ["cjxl", "in", "out", "-d", f"{-setting:g}", "-e", "7", "--num_threads=0"]
        return _run(line, source.bitmap, "out", names={"in": "in.png", "out": "out.jxl"})

    def decode(self, data: bytes) -> Image.Image:
        """The picture, of 8 bits a sample."""
        line = ["djxl", "in", "out", "--num_threads=0"]
        return Image.open(io.BytesIO(_run(line, data, "out", names={"in": "in.jxl", "out": "out.png"})))


class Webp(_Decoded):
    """WebP of the decoded picture."""

    name = "WebP"
    own = False
    settings: Sequence[float] = (50, 65, 75, 80, 85, 90, 93, 95, 97, 98, 99, 100)

    def __init__(self) -> None:
        """Raises Missing."""
        self.version = _feature("webp", "WebP")

    def encode(self, source: Source, setting: float) -> bytes:
        """A .webp file, 4:2:0 as all lossy ones."""
        return _saved(source.image, format="WEBP", quality=int(setting), method=6)


class Avif(_Decoded):
    """AVIF of the decoded picture; 4:4:4 reaches a higher PSNR than 4:2:0."""

    own = False
    settings: Sequence[float] = (50, 60, 70, 75, 80, 85, 88, 91, 94, 96, 98, 99, 100)

    def __init__(self, subsampling: str) -> None:
        """Raises Missing."""
        self.name = f"AVIF {subsampling}"
        self.version = _feature("avif", "AVIF")
        self._subsampling = subsampling

    def encode(self, source: Source, setting: float) -> bytes:
        """An .avif file at speed 6."""
        how = {"quality": int(setting), "subsampling": self._subsampling, "speed": 6, "max_threads": 1}
        return _saved(source.image, format="AVIF", **how)


PEERS: dict[str, Sequence[Callable[[], LossyCodec]]] = {
    "cjxl": [Cjxl],
    "libjpeg": [Reencoded],
    "lepton": [ReencodedLepton],
    "jpegoptim": [Jpegoptim],
    "webp": [Webp],
    "avif": [lambda: Avif("4:2:0"), lambda: Avif("4:4:4")],
    "guetzli": [Guetzli],
}
"""What makes the other coders, by the name to ask for them; each may raise Missing."""


def installed(
    models: Sequence[str], peers: Sequence[str], threads: int, device: str
) -> tuple[list[LossyCodec], list[str]]:
    """The coders that can run here, jrecomp first, and notes on those that cannot.

    models: names of jrecomp's models. peers: keys of PEERS. threads, device: of jrecomp, as in its functions.
    Raises UnknownModelError and UsageError.
    """
    coders: list[LossyCodec] = [Container(model, rule, threads, device) for rule in RULES for model in models]
    coders += [Shrink(progressive=False), Shrink(progressive=True)]
    notes = []
    for peer in peers:
        for make in PEERS[peer]:
            try:
                coders.append(make())
            except Missing as missing:
                notes.append(str(missing))
    return coders, list(dict.fromkeys(notes))


def _saved(image: Image.Image, **how: Any) -> bytes:
    out = io.BytesIO()
    try:
        image.save(out, **how)
    except (OSError, ValueError) as error:
        raise Refused(str(error)) from error
    return out.getvalue()


def _run(line: Sequence[str], data: bytes, result: str, names: dict[str, str] | None = None) -> bytes:
    """Runs a program in a folder of its own with a file "in", and returns its file `result`.

    names: what the files are really called, for programs that go by that. Raises Refused.
    """
    names = names or {"in": "in.jpg", "out": "out.jpg"}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, names["in"]).write_bytes(data)
        command = [names.get(word, word) for word in line]
        try:
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=SECONDS)
            return Path(folder, names[result]).read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise Refused(f"{line[0]}: {error}") from error


def _find(program: str, package: str) -> None:
    if not shutil.which(program):
        raise Missing(f"{program} (apt-get install {package})")


def _version(program: str, package: str) -> str:
    """The first line of what a program tells; raises Missing."""
    _find(program, package)
    told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=SECONDS).stdout
    return " ".join(told.splitlines()[0].split()[:2])


def _feature(feature: str, name: str) -> str:
    """The version of a library that Pillow has, and Pillow's; raises Missing."""
    if not features.check(feature):
        raise Missing(f"{name} (pip install 'pillow>=11.3')")
    return f"{features.version(feature)} of Pillow {version('pillow')}"
