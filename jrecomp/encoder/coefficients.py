"""From pixels to the real-valued DCT coefficients of the components."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Float32, UInt8
from jrecomp.native import _encode
from jrecomp.threads import Workers

SUBSAMPLINGS = {"444": (1, 1), "422": (2, 1), "420": (2, 2)}
"""Horizontal and vertical sampling factors of luma for each subsampling."""

BAND = 256
"""Rows of pixels that a thread converts at a time, a multiple of 8."""

Pixels = npt.NDArray[np.uint8 | np.uint16]


@dataclass(frozen=True)
class Planes:
    """The components of a picture in full resolution, without quantization.

    luma: float32 [rows, columns], less the level shift of 128. chroma: Cb and Cr in the same shape, none for
    gray pictures. key: K of CMYK pictures, inverted as Adobe's decoders expect it, None for others.
    """

    luma: Float32
    chroma: tuple[Float32, ...] = ()
    key: Float32 | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.luma.shape
        return rows, columns

    @classmethod
    def of(cls, pixels: Pixels, workers: Workers) -> "Planes":
        """The components of pixels.

        pixels: uint8 or uint16 [rows, columns] for gray, [rows, columns, 3] for RGB, [rows, columns, 4] for
        CMYK (0 is no ink).
        """
        scale = 255 / np.iinfo(pixels.dtype).max
        if pixels.ndim == 2:
            return cls(_shifted(pixels, scale))
        luma, *chroma = (np.empty(pixels.shape[:2], np.float32) for _ in range(3))
        bands = [slice(row, row + BAND) for row in range(0, len(pixels), BAND)]
        workers.map(
            lambda band: _encode.convert(pixels[band], luma[band], chroma[0][band], chroma[1][band], scale),
            bands,
        )
        key = _shifted(np.iinfo(pixels.dtype).max - pixels[..., 3], scale) if pixels.shape[2] == 4 else None
        return cls(luma, tuple(chroma), key)

    def components(self, subsampling: str, workers: Workers, averaged: bool = False) -> list[Float32]:
        """The coefficients of each component, float32 [block rows, block columns, 64] in zig-zag order.

        subsampling: a key of SUBSAMPLINGS. averaged: samples of smaller chroma are the means of their pixels,
        which restoration expects, instead of what suits ordinary decoders best. The arrays have the whole
        MCUs of an interleaved scan.
        """
        horizontal, vertical = SUBSAMPLINGS[subsampling] if self.chroma else (1, 1)
        rows, columns = self.size
        mcus = -(-rows // (8 * vertical)), -(-columns // (8 * horizontal))
        chroma = list(self.chroma)
        if horizontal > 1:
            shape = -(-rows // vertical), -(-columns // horizontal)
            halves = [np.empty(shape, np.float32) for _ in chroma]
            workers.map(_average if averaged else _encode.halve, chroma, halves)
            chroma = halves
        planes = [(self.luma, horizontal, vertical), *((plane, 1, 1) for plane in chroma)]
        if self.key is not None:
            planes.append((self.key, horizontal, vertical))
        return [
            _transformed(plane, (mcus[0] * down, mcus[1] * across), workers) for plane, across, down in planes
        ]


def _shifted(samples: npt.NDArray[Any], scale: float) -> Float32:
    return samples.astype(np.float32) * np.float32(scale) - np.float32(128)


def _average(plane: Float32, half: Float32) -> None:
    """Set the samples of a smaller plane to the means of their pixels; the edge of the plane is repeated."""
    down, across = (-(-a // b) for a, b in zip(plane.shape, half.shape, strict=True))
    missing = [(0, b * n - a) for a, b, n in zip(plane.shape, half.shape, (down, across), strict=True)]
    pixels = np.pad(plane, missing, "edge").reshape(half.shape[0], down, half.shape[1], across)
    half[:] = pixels.mean((1, 3))


def _transformed(plane: Float32, blocks: tuple[int, int], workers: Workers) -> Float32:
    result = np.empty((*blocks, 64), np.float32)
    rows = range(0, blocks[0], BAND // 8)
    workers.map(lambda row: _encode.transform(plane, result[row : row + BAND // 8], row), rows)
    return result


def as_decoded(picture: Pixels) -> UInt8:
    """A picture as decoders would give it, uint8 [rows, columns, channels]."""
    values = picture if picture.dtype == np.uint8 else np.rint(picture / np.float32(257))
    return values.astype(np.uint8).reshape(*picture.shape[:2], -1)
