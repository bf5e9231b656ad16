"""From levels to pixels as decoders show them, and gradients the other way."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jrecomp.array_types import Float32, Int16, UInt8
from jrecomp.encoder.coefficients import BAND
from jrecomp.native import _encode
from jrecomp.threads import Workers

_MIXES = ([1.0, 1.0, 1.0], [0.0, -0.344136, 1.772], [1.402, -0.714136, 0.0])
"""How much Y, Cb and Cr count in red, green and blue (ITU-T T.871)."""


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

    def pixels(self, levels: Sequence[Int16], steps: Sequence[Float32], workers: Workers) -> UInt8:
        """The pixels, uint8 [rows, columns, 1 or 3], rounded and clamped.

        levels: of each component, int16 [block rows, block columns, 64] in zig-zag order. steps: float32 [64]
        for each.
        """
        planes = [_samples(*component, workers) for component in zip(levels, steps, strict=True)]
        shown = np.empty((self.rows, self.columns, len(planes)), np.uint8)
        blue, red = planes[1:] or [planes[0], planes[0]]
        workers.map(
            lambda row: _encode.show(planes[0], blue, red, shown[row : row + BAND], row, self.rows),
            range(0, self.rows, BAND),
        )
        return shown

    def gradients(
        self, by_pixels: Float32, shapes: Sequence[tuple[int, ...]], workers: Workers
    ) -> list[Float32]:
        """Gradients by the coefficients of each component.

        by_pixels: gradient by the pixels, float32 [rows, columns, 1 or 3]. shapes: block rows, block columns
        and 64 of each component, whose gradients are float32 of that shape.
        """
        return [self._gradient(by_pixels, number, shape, workers) for number, shape in enumerate(shapes)]

    def _gradient(self, by_pixels: Float32, number: int, shape: tuple[int, ...], workers: Workers) -> Float32:
        down, across = (self.down, self.across) if number else (1, 1)
        mix = _MIXES[number] if by_pixels.shape[2] == 3 else [1.0]
        plane, rows = np.zeros((8 * shape[0], 8 * shape[1]), np.float32), -(-self.rows // down)

        def project(row: int) -> None:
            _encode.project(by_pixels, mix, down, across, plane, row, min(row + BAND, rows))

        workers.map(project, range(0, rows, BAND))
        result = np.empty(shape, np.float32)
        each = BAND // 8
        workers.map(
            lambda row: _encode.transform(plane, result[row : row + each], row), range(0, shape[0], each)
        )
        return result


def _samples(levels: Int16, steps: Float32, workers: Workers) -> Float32:
    rows, columns = levels.shape[:2]
    plane, each = np.empty((8 * rows, 8 * columns), np.float32), BAND // 8
    workers.map(
        lambda row: _encode.untransform(levels[row : row + each], steps, plane[8 * row : 8 * (row + each)]),
        range(0, rows, each),
    )
    return plane
