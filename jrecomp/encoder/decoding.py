"""From dequantized coefficients to pixels as decoders show them, and gradients the other way."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jrecomp.array_types import Float32, UInt8
from jrecomp.t81 import COLUMN, ROW

_RGB = np.array([[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]], np.float32)
"""Red, green and blue of Y, Cb and Cr (ITU-T T.871)."""


def _basis() -> Float32:
    """The inverse DCT (T.81 A.3.3): coefficients in zig-zag order to samples row by row, [64, 64]."""
    place = (2 * np.arange(8) + 1) * np.pi / 16
    waves = np.cos(np.arange(8)[:, None] * place) / 2
    waves[0] /= np.sqrt(2)
    products = np.einsum("ky,kx->kyx", waves[list(ROW)], waves[list(COLUMN)])
    basis: Float32 = products.reshape(64, 64).astype(np.float32)
    return basis


BASIS = _basis()


@dataclass(frozen=True)
class Decoder:
    """Decodes pictures of one size: gray, or YCbCr with chroma of full or half size.

    rows, columns: of the picture. down, across: how many times chroma is smaller, 1 or 2. Smaller chroma is
    enlarged with the triangle filter of libjpeg.
    """

    rows: int
    columns: int
    down: int
    across: int

    def pixels(self, coefficients: Sequence[Float32]) -> Float32:
        """The pixels, float32 [rows, columns, 1 or 3], neither rounded nor clamped.

        coefficients: dequantized, of each component, float32 [block rows, block columns, 64] in zig-zag
        order.
        """
        planes = [_samples(c) for c in coefficients]
        luma = planes[0][: self.rows, : self.columns]
        if len(planes) == 1:
            return luma[..., None] + np.float32(128)
        rows, columns = -(-self.rows // self.down), -(-self.columns // self.across)
        chroma = [self._enlarged(plane[:rows, :columns]) for plane in planes[1:]]
        shown: Float32 = np.stack([luma + np.float32(128), *chroma], -1) @ _RGB.T
        return shown

    def gradients(self, by_pixels: Float32, coefficients: Sequence[Float32]) -> list[Float32]:
        """Gradients by the coefficients, shaped as these.

        by_pixels: gradient by the pixels, float32 [rows, columns, 1 or 3].
        """
        planes = list(np.moveaxis(by_pixels @ _RGB if len(coefficients) == 3 else by_pixels, -1, 0))
        planes[1:] = [self._reduced(plane) for plane in planes[1:]]
        return [_transformed(p, c.shape) for p, c in zip(planes, coefficients, strict=True)]

    def _enlarged(self, plane: Float32) -> Float32:
        for axis, factor, size in ((0, self.down, self.rows), (1, self.across, self.columns)):
            if factor == 2:
                plane = np.moveaxis(_doubled(np.moveaxis(plane, axis, 0))[:size], 0, axis)
        return plane

    def _reduced(self, gradient: Float32) -> Float32:
        """The transpose of _enlarged()."""
        for axis, factor in ((0, self.down), (1, self.across)):
            if factor == 2:
                gradient = np.moveaxis(_undoubled(np.moveaxis(gradient, axis, 0)), 0, axis)
        return gradient


def shown(pixels: Float32) -> UInt8:
    """Pixels as decoders round and clamp them."""
    return np.rint(np.clip(pixels, 0, 255)).astype(np.uint8)


def _samples(coefficients: Float32) -> Float32:
    rows, columns = coefficients.shape[:2]
    blocks = (coefficients.reshape(-1, 64) @ BASIS).reshape(rows, columns, 8, 8)
    samples: Float32 = blocks.swapaxes(1, 2).reshape(8 * rows, 8 * columns)
    return samples


def _transformed(plane: Float32, shape: tuple[int, ...]) -> Float32:
    """The DCT of a plane, which is filled up with zeros to blocks of the shape."""
    whole = np.zeros((8 * shape[0], 8 * shape[1]), np.float32)
    whole[: plane.shape[0], : plane.shape[1]] = plane
    blocks = whole.reshape(shape[0], 8, shape[1], 8).swapaxes(1, 2).reshape(-1, 64)
    coefficients: Float32 = (blocks @ BASIS.T).reshape(shape)
    return coefficients


def _doubled(plane: Float32) -> Float32:
    """Twice as many rows: three quarters of the nearer and one of the other."""
    near, quarter = plane * np.float32(0.75), plane * np.float32(0.25)
    out = np.repeat(near, 2, 0)
    out[2::2] += quarter[:-1]
    out[0] += quarter[0]
    out[1:-1:2] += quarter[1:]
    out[-1] += quarter[-1]
    return out


def _undoubled(gradient: Float32) -> Float32:
    """The transpose of _doubled(); a missing last row is zeros."""
    if len(gradient) % 2:
        gradient = np.concatenate([gradient, np.zeros_like(gradient[:1])])
    upper, lower = gradient[::2], gradient[1::2]
    out: Float32 = (upper + lower) * np.float32(0.75)
    out[:-1] += upper[1:] * np.float32(0.25)
    out[0] += upper[0] * np.float32(0.25)
    out[1:] += lower[:-1] * np.float32(0.25)
    out[-1] += lower[-1] * np.float32(0.25)
    return out
