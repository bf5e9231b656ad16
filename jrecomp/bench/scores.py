"""Measures of the similarity of pictures, for benchmarks.

To add a measure, write a function that makes it and add it to MEASURES.
"""

import json
import math
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

from jrecomp.array_types import UInt8
from jrecomp.bench.codecs import Missing
from jrecomp.metrics import luma_psnr, ms_ssim, psnr, ssimulacra2

SECONDS = 600
"""Time limit for a program on a pair of pictures."""

Score = Callable[[UInt8, UInt8], float]
"""The similarity of a picture to an original; both are uint8 [rows, columns, 3], RGB."""


@dataclass(frozen=True)
class Measure:
    """A measure of similarity.

    title: for tables. open: makes the function; raises Missing. axis: an increasing function of similarity,
    along which curves are compared. default: whether it is measured without being named.
    """

    title: str
    open: Callable[[], Score]
    axis: Callable[[float], float] = float
    default: bool = True


def _butteraugli() -> Score:
    if not shutil.which("butteraugli"):
        raise Missing("Butteraugli (apt-get install butteraugli)")

    def score(original: UInt8, picture: UInt8) -> float:
        with _files(original, picture) as names:
            return float(_output(["butteraugli", *names]).split()[0])

    return score


def _vmaf() -> Score:
    try:
        program = import_module("imageio_ffmpeg").get_ffmpeg_exe()
    except ImportError as error:
        raise Missing("VMAF (pip install imageio-ffmpeg)") from error
    planes = "[0:v]format=yuv444p[a];[1:v]format=yuv444p[b];[a][b]libvmaf=log_fmt=json:log_path="

    def score(original: UInt8, picture: UInt8) -> float:
        with _files(original, picture) as (first, second):
            log = Path(first).with_name("vmaf.json")
            inputs = [program, "-loglevel", "error", "-i", second, "-i", first]
            _output([*inputs, "-lavfi", f"{planes}{log}", "-f", "null", "-"])
            return float(json.loads(log.read_text())["pooled_metrics"]["vmaf"]["mean"])

    return score


def _stlpips() -> Score:
    """ST-LPIPS with its small network; its package imports three others without using them."""
    for name in ("torchvision", "torchvision.models", "torchsummary", "IPython"):
        if name not in sys.modules:
            stand_in: Any = ModuleType(name)
            stand_in.summary = stand_in.embed = None
            stand_in.models = SimpleNamespace()
            sys.modules[name] = stand_in
    try:
        torch, package = import_module("torch"), import_module("stlpips_pytorch.stlpips")
    except ImportError as error:
        raise Missing("ST-LPIPS (pip install --no-deps stlpips-pytorch; pip install torch)") from error
    network = package.LPIPS(net="alex", variant="shift_tolerant").eval()

    def score(original: UInt8, picture: UInt8) -> float:
        def tensor(pixels: UInt8) -> Any:
            scaled = pixels.astype(np.float32).transpose(2, 0, 1)[None] / 127.5 - 1
            return torch.from_numpy(np.ascontiguousarray(scaled))

        with torch.no_grad():
            return float(network(tensor(original), tensor(picture)).item())

    return score


def _ms_ssim_axis(value: float) -> float:
    """MS-SSIM in dB."""
    return -10 * math.log10(1 - value) if value < 1 else math.inf


MEASURES = {
    "ssimulacra2": Measure("SSIMULACRA2", lambda: ssimulacra2),
    "ms-ssim": Measure("MS-SSIM", lambda: ms_ssim, _ms_ssim_axis),
    "psnr-y": Measure("PSNR-Y", lambda: luma_psnr),
    "psnr": Measure("PSNR-RGB", lambda: psnr),
    "butteraugli": Measure("Butteraugli", _butteraugli, lambda value: -value),
    "vmaf": Measure("VMAF", _vmaf),
    "stlpips": Measure("ST-LPIPS", _stlpips, lambda value: -value, default=False),
}
"""The measures by the value of --measure."""


def opened(names: Iterable[str]) -> tuple[dict[str, Score], list[str]]:
    """The measures that are installed, by name, and the messages of those that are missing."""
    found, notes = {}, []
    for name in names:
        try:
            found[name] = MEASURES[name].open()
        except Missing as missing:
            notes.append(str(missing))
    return found, notes


@contextmanager
def _files(*pictures: UInt8) -> Any:
    """Names of temporary PNG files of pictures."""
    with tempfile.TemporaryDirectory() as folder:
        names = [str(Path(folder, f"{number}.png")) for number in range(len(pictures))]
        for name, pixels in zip(names, pictures, strict=True):
            Image.fromarray(pixels).save(name, compress_level=0)
        yield names


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS).stdout
