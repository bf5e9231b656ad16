"""Files of every ordinary kind, made with Pillow and libjpeg's tools, and blocks for the odd kinds."""

import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from jrecomp.container import pack_reconstruction
from jrecomp.jpeg import read
from jrecomp.jpeg.markers import END, START, segment, segments
from jrecomp.t81 import DAC, DHT, FRAMES, SOF9, SOF10, SOS
from tests.specification.headers import read_headers
from tests.specification.jpeg import write

SEPARATE_SCRIPT = "0;\n1;\n2;\n"
PARTIAL_SCRIPT = "0;\n1,2;\n"
DEEP_SCRIPT = """
0,1,2: 0-0, 0, 2;
0: 1-5, 0, 3; 1: 1-63, 0, 2; 2: 1-63, 0, 2;
0: 6-63, 0, 3;
0: 1-63, 3, 2; 0: 1-63, 2, 1;
0,1,2: 0-0, 2, 1;
1: 1-63, 2, 1; 2: 1-63, 2, 1;
0,1,2: 0-0, 1, 0;
0: 1-63, 1, 0; 1: 1-63, 1, 0; 2: 1-63, 1, 0;
"""


def picture(width: int, height: int, channels: int = 3, seed: int = 1, noise: float = 12) -> Image.Image:
    """Waves and noise, partly flat so that there are empty blocks."""
    rows, columns = np.mgrid[:height, :width]
    waves = [128 + 100 * np.sin(rows / (7 + c) + columns / (11 + 2 * c)) for c in range(channels)]
    random = np.random.default_rng(seed).normal(0, noise, (height, width, channels))
    pixels = (np.stack(waves, 2) + random).clip(0, 255).astype(np.uint8)
    pixels[height // 2 :, : width // 2] = 90
    if channels == 1:
        return Image.fromarray(pixels[:, :, 0])
    return Image.fromarray(pixels, "CMYK" if channels == 4 else "RGB")


def pillow(width: int = 61, height: int = 45, channels: int = 3, **options: Any) -> bytes:
    output = io.BytesIO()
    picture(width, height, channels).save(output, "JPEG", **options)
    return output.getvalue()


def run_tool(tmp_path: Path, tool: str, *arguments: str, source: bytes, script: str | None = None) -> bytes:
    """Standard output of cjpeg or jpegtran; `script` goes to a file for -scans."""
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} (libjpeg-turbo-progs) is not installed")
    if script is not None:
        (tmp_path / "script").write_text(script)
        arguments += ("-scans", str(tmp_path / "script"))
    return subprocess.run([tool, *arguments], input=source, stdout=subprocess.PIPE, check=True).stdout


def cjpeg(
    tmp_path: Path, *arguments: str, size: tuple[int, int] = (61, 45), script: str | None = None
) -> bytes:
    ppm = io.BytesIO()
    picture(*size).save(ppm, "PPM")
    return run_tool(tmp_path, "cjpeg", *arguments, source=ppm.getvalue(), script=script)


def arithmetic(data: bytes, dac: bytes = b"", destinations: int | None = None) -> bytes:
    """A Huffman-coded file with arithmetic coding instead, as tests/specification/ writes it.

    dac: parameters of a DAC segment (T.81 B.2.4.3). destinations: what all scan headers name.
    """
    file = read(data)
    headers = START + (segment(DAC, dac) if dac else b"")
    for code, parameters in segments(file.headers):
        if code == SOS and destinations is not None:
            named = bytearray(parameters)
            named[2 : 2 + 2 * parameters[0] : 2] = bytes([destinations]) * parameters[0]
            parameters = bytes(named)
        if code in FRAMES:
            code = SOF10 if file.frame.progressive else SOF9
        if code != DHT:
            headers += segment(code, parameters)
    coefficients = [array.transpose(2, 0, 1).astype(np.int64) for array in file.coefficients]
    return write(read_headers(headers + END), pack_reconstruction(file.scans), coefficients)


def random_blocks(count: int, seed: int = 0, largest: int = 40) -> list[list[int]]:
    """Blocks in zig-zag order, sparse and some of them empty."""
    random = np.random.default_rng(seed)
    values = random.integers(-largest, largest + 1, (count, 64))
    density = random.choice([0.0, 0.05, 0.3, 0.9], (count, 1))
    blocks = np.where(random.random((count, 64)) < density, values, 0)
    return [[int(v) for v in block] for block in blocks]
