"""Shrinkage of DCT coefficients at all 64 shifts of the grid of blocks.

A coefficient of a shifted block, a window, is multiplied by a gain that depends on its magnitude and on the
content of the window. The inverse transforms are averaged, smooth windows with the highest weights. The idea
is from Nosratinia, "Enhancement of JPEG-compressed images by re-application of JPEG", 2001, who quantizes at
each shift.
"""

from dataclasses import dataclass

import numpy as np

from jrecomp.array_types import Int16, Int32, Int64
from jrecomp.native.restoration import shrink
from jrecomp.restoration.transform import CONSTANT_BITS, LARGEST_SAMPLE, analysed, composed, lanes

GAIN_BITS = 8
"""Gains are in units of 2^-GAIN_BITS."""

SAMPLE = (LARGEST_SAMPLE + 1) >> 1
"""Bound on the samples that go in: the range of valid ones."""

BORDER = 8
"""Rows and columns around the samples that are needed."""

CLASSES = np.digitize(np.add.outer(np.arange(8), np.arange(8)), [2, 4])
"""The class of each coefficient, [8, 8]: 0, 1 or 2 where the sum of its frequencies is 1, 2 to 3, or more."""


@dataclass(frozen=True)
class Shrinkage:
    """Gains of coefficients and weights of windows.

    A coefficient is large if its magnitude is at least half of its step. The content of a window is the
    number of its large AC coefficients. The level of a coefficient is 0 to 3 where its magnitude is below a
    quarter of its step, below half of it, below the step, or more. The gain of DC is 1.

    gains: int32 [64 contents, 3 classes, 4 levels], 0 to 384 in units of 2^-GAIN_BITS. weights: int32 [64
    contents], 1 to 64.
    """

    gains: Int32
    weights: Int32

    def applied(self, padded: Int16, radius: Int32) -> Int16:
        """The samples after shrinkage, int16 [rows, columns].

        padded: int16 [rows + 2 BORDER, columns + 2 BORDER] within SAMPLE. radius: half of the steps, [8, 8].
        """
        out = np.empty((padded.shape[0] - 2 * BORDER, padded.shape[1] - 2 * BORDER), np.int16)
        shrink(self.gains, self.weights, radius.reshape(64), padded, out)
        return out

    def reference(self, padded: Int16, radius: Int32) -> Int16:
        """The same as applied(), one shift after the other."""
        sums, weights = np.zeros(padded.shape, np.int64), np.zeros(padded.shape, np.int64)
        for down, across in np.ndindex(8, 8):
            rows, columns = (padded.shape[0] - down) // 8 * 8, (padded.shape[1] - across) // 8 * 8
            place = slice(down, down + rows), slice(across, across + columns)
            parts = padded[place].reshape(rows // 8, 8, columns // 8, 8).swapaxes(1, 2)
            windows, weight = self._windows(parts.astype(np.int32), radius)
            sums[place] += (windows * weight[..., None, None]).swapaxes(1, 2).reshape(rows, columns)
            weights[place] += weight.repeat(8, 0).repeat(8, 1)
        inner = slice(BORDER, -BORDER), slice(BORDER, -BORDER)
        unit = weights[inner] << (CONSTANT_BITS + 2)
        means = (sums[inner] + unit // 2) // unit
        samples: Int16 = means.clip(-LARGEST_SAMPLE, LARGEST_SAMPLE).astype(np.int16)
        return samples

    def _windows(self, samples: Int32, radius: Int32) -> tuple[Int64, Int32]:
        """Samples of windows after shrinkage, in units of 2^-(CONSTANT_BITS + 2), and weights."""
        columns = np.stack(analysed(lanes(samples, -2), CONSTANT_BITS, CONSTANT_BITS + 2), -2)
        found = np.stack(analysed(lanes(columns, -1), CONSTANT_BITS, CONSTANT_BITS + 1), -1)
        sizes = np.abs(found)
        large = sizes >= radius
        content = large.sum((-2, -1)) - large[..., 0, 0]
        levels = (sizes >= radius >> 1).astype(np.intp) + large + (sizes >= 2 * radius)
        gains = self.gains[content[..., None, None], CLASSES, levels]
        gains[..., 0, 0] = 1 << GAIN_BITS
        shrunk = (found * gains + (1 << GAIN_BITS >> 1)) >> GAIN_BITS
        rows = np.stack(composed(lanes(shrunk, -1), CONSTANT_BITS, CONSTANT_BITS + 1), -1)
        return np.stack(composed(lanes(rows.astype(np.int64), -2), CONSTANT_BITS, 0), -2), self.weights[
            content
        ]


_CONTENTS = (0, 1, 2, 3, 5, 8, 13, 21, 34)
"""The smallest content of each row of the tables."""

_GAINS = (
    ((134,  38, 256, 256), (  1,  46, 256, 256), (  0,   0, 256, 256)),
    ((223, 218, 152, 234), ( 74, 102, 208, 265), (  7,  48, 141, 281)),
    ((228, 230, 235, 248), (138, 145, 247, 283), ( 19,  89, 206, 270)),
    ((235, 234, 254, 260), (200, 191, 255, 283), ( 28, 192, 301, 295)),
    ((243, 241, 249, 255), (233, 225, 267, 257), ( 39, 191, 337, 254)),
    ((250, 250, 249, 256), (249, 241, 234, 259), ( 36, 207, 348, 261)),
    ((255, 255, 257, 256), (257, 256, 247, 256), ( 42, 215, 324, 261)),
    ((259, 259, 254, 256), (256, 256, 256, 255), ( 50, 154, 284, 258)),
    ((254, 254, 256, 256), (250, 250, 256, 256), (174, 154, 254, 257)),
)  # fmt: skip
"""By row, class and level."""

_WEIGHTS = (64, 24, 16, 10, 8, 5, 3, 3, 2)

_ROWS = np.searchsorted(_CONTENTS, np.arange(64), "right") - 1

LEARNED = Shrinkage(np.array(_GAINS, np.int32)[_ROWS], np.array(_WEIGHTS, np.int32)[_ROWS])
"""Gains with the smallest squared error in relation to that of plain decoding, over the luminance of training
pictures of qualities from 8 to 96; weights by the inverse of the squared error of windows (decision 28).
"""
