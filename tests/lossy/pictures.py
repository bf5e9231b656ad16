"""JPEG files for tests of lossy recompression, made without the package."""

from collections.abc import Sequence

import numpy as np

from jrecomp import jpeg
from jrecomp.jpeg.types import JpegFile
from tests.jpeg import builder

LAYOUTS = {
    "gray": [(1, 1)],
    "4:4:4": [(1, 1), (1, 1), (1, 1)],
    "4:2:2": [(2, 1), (1, 1), (1, 1)],
    "4:4:0": [(1, 2), (1, 1), (1, 1)],
    "4:2:0": [(2, 2), (1, 1), (1, 1)],
    "4:1:1": [(4, 1), (1, 1), (1, 1)],
    "four": [(1, 1), (1, 1), (1, 1), (1, 1)],
}


ADOBE_RGB = builder.segment(0xEE, b"Adobe" + bytes([0, 100, 0, 0, 0, 0, 0]))


def flat(
    sampling: Sequence[tuple[int, int]], size: tuple[int, int] = (128, 64), metadata: bytes = b""
) -> bytes:
    """A file of mid-gray; steps are 1 to 64 in zig-zag order."""
    width, height = size
    across, down = max(h for h, _ in sampling), max(v for _, v in sampling)
    mcus = -(-width // (8 * across)) * -(-height // (8 * down))
    bits = builder.Bits()
    for _ in range(mcus * sum(h * v for h, v in sampling)):
        builder.put_sequential(bits, [0] * 64, 0)
    frame = builder.sof(0xC0, width, height, sampling) + builder.sos(range(len(sampling)))
    return builder.SOI + metadata + builder.tables() + frame + bits.data() + builder.EOI


def rebuilt(file: JpegFile, steps: list[np.ndarray], coefficients: list[np.ndarray]) -> bytes:
    return jpeg.write(jpeg.rebuild(file, steps, coefficients, huffman="typical"))
