"""SSIMULACRA2, a measure of how alike two pictures look, and its gradient.

Source: J. Sneyers, "SSIMULACRA 2", https://github.com/cloudinary/ssimulacra2, version 2.1, as computed by the
package ssimulacra2 0.3.0 of PyPI. Both pictures are compared in the XYB colours at up to six scales. At each
scale three maps are made of each colour: the error of structure (SSIM), edges that were added, and edges that
were lost. The score is a polynomial of a weighted sum of the mean and the 4-norm of each map.
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from jrecomp.array_types import Float32, Float64, UInt8
from jrecomp.native.metrics import Picture, gradient, sums
from jrecomp.threads import Workers

IDENTICAL = 100.0
"""The score of identical pictures. There is no lowest score; 90 is very high, 50 medium quality."""

SMALLEST_SIDE = 8
"""Pictures with fewer rows or columns are extended by repeating their edges."""

STRIP = 96
"""Number of rows that a thread computes at a time."""

# fmt: off
WEIGHTS = np.array([
    # X
    0.0, 0.0007376606707406586, 0.0,
    0.0, 0.0007793481682867309, 0.0,
    0.0, 0.0004371155730107379, 0.0,
    1.1041726426657346, 0.00066284834129271, 0.00015231632783718752,
    0.0, 0.0016406437456599754, 0.0,
    1.8422455520539298, 11.441172603757666, 0.0,
    0.0007989109436015163, 0.000176816438078653, 0.0,
    1.8787594979546387, 10.94906990605142, 0.0,
    0.0007289346991508072, 0.9677937080626833, 0.0,
    0.00014003424285435884, 0.9981766977854967, 0.00031949755934435053,
    0.0004550992113792063, 0.0, 0.0,
    0.0013648766163243398, 0.0, 0.0,
    # Y
    0.0, 0.0, 0.0,
    7.466890328078848, 0.0, 17.445833984131262,
    0.0006235601634041466, 0.0, 0.0,
    6.683678146179332, 0.00037724407979611296, 1.027889937768264,
    225.20515300849274, 0.0, 0.0,
    19.213238186143016, 0.0011401524586618361, 0.001237755635509985,
    176.39317598450694, 0.0, 0.0,
    24.43300999870476, 0.28520802612117757, 0.0004485436923833408,
    0.0, 0.0, 0.0,
    34.77906344483772, 44.835625328877896, 0.0,
    0.0, 0.0, 0.0,
    0.0, 0.0, 0.0,
    # B - Y
    0.0, 0.0008680556573291698, 0.0,
    0.0, 0.0, 0.0,
    0.0, 0.0005313191874358747, 0.0,
    0.00016533814161379112, 0.0, 0.0,
    0.0, 0.0, 0.0,
    0.0004179171803251336, 0.0017290828234722833, 0.0,
    0.0020827005846636437, 0.0, 0.0,
    8.826982764996862, 23.19243343998926, 0.0,
    95.1080498811086, 0.9863978034400682, 0.9834382792465353,
    0.0012286405048278493, 171.2667255897307, 0.9807858872435379,
    0.0, 0.0, 0.0,
    0.0005130064588990679, 0.0, 0.00010854057858411537,
])
# fmt: on
"""Weights. For each colour and scale, the finest first, those of the means of the three maps, and those of
their 4-norms. With fewer scales the first numbers are used, as the original does.
"""

_LINEAR, _SQUARE, _CUBE = (
    0.9562382616834844 * 2.326765642916932,
    0.9562382616834844**2 * -0.020884521182843837,
    0.9562382616834844**3 * 6.248496625763138e-05,
)
_EXPONENT = 0.6276336467831387


class Scored(NamedTuple):
    """A score, and its gradient by the samples of the picture: float32 [rows, columns, channels]."""

    score: float
    gradient: Float32


class Reference:
    """An original that pictures are compared with.

    pixels: uint8 [rows, columns, 1 or 3], gray or sRGB; it must not change. threads: number of threads; it
    does not change results. Instances may be used by several threads. They take 4 bytes per pixel besides the
    array, and twice that while a picture is compared.
    """

    def __init__(self, pixels: UInt8, threads: int = 1) -> None:
        self._shape = pixels.shape
        self._picture = Picture(_extended(pixels))
        self._threads = threads

    def score(self, pixels: UInt8 | Float32) -> float:
        """The similarity of a picture to the original; 100 if they are equal.

        pixels: of the same shape, uint8 or float32, whose values are clamped to 0 to 255. Raises ValueError
        for other shapes.
        """
        with Workers(self._threads) as workers:
            return _score(_weighted(self._norms(self._opened(pixels), workers)))

    def gradient(self, pixels: UInt8 | Float32) -> Scored:
        """The score, and its gradient by the samples; see score().

        The gradient is 0 for samples outside 0 to 255, and everywhere if the pictures are equal.
        """
        distorted = self._opened(pixels)
        with Workers(self._threads) as workers:
            norms = self._norms(distorted, workers)
            found: Float32 | None = None
            for scale in reversed(range(len(norms))):
                factors = _factors(norms, scale, distorted)
                found = self._gradient_at(scale, distorted, factors, found, workers)
        assert found is not None
        return Scored(_score(_weighted(norms)), _folded(found, self._shape))

    def _opened(self, pixels: UInt8 | Float32) -> Picture:
        if pixels.shape != self._shape:
            raise ValueError(f"pictures of the shapes {self._shape} and {pixels.shape}")
        return Picture(_extended(pixels))

    def _norms(self, distorted: Picture, workers: Workers) -> Float64:
        """The mean and the 4-norm of each map, [scale, channel, map, 2]."""
        means = []
        for scale, (rows, columns) in enumerate(zip(distorted.rows, distorted.columns, strict=True)):
            parts = workers.map(partial(sums, self._picture, distorted, scale), *_strips(rows))
            means.append(np.sum(parts, axis=0) / (rows * columns))
        norms: Float64 = np.array(means)
        norms[..., 1] **= 0.25
        return norms

    def _gradient_at(
        self, scale: int, distorted: Picture, factors: Float64, coarser: Float32 | None, workers: Workers
    ) -> Float32:
        """The gradient at a scale, from that at the next; see jrecomp/native/_metrics.pyi."""
        rows, columns = distorted.rows[scale], distorted.columns[scale]
        out = np.empty((3, rows, columns) if scale else (rows, columns, self._shape[2]), np.float32)
        write = partial(gradient, self._picture, distorted, scale)
        workers.map(partial(write, factors=factors.tolist(), coarser=coarser, out=out), *_strips(rows))
        return out


def ssimulacra2(reference: UInt8, distorted: UInt8, threads: int = 1) -> float:
    """SSIMULACRA2 of a picture: 100 if it equals the reference, and less the more visibly it differs.

    reference, distorted: uint8 [rows, columns, 1 or 3], gray or sRGB. threads: number of threads; it does not
    change the result, and neither does the machine. Raises ValueError for other shapes.

    Scores above 0 are within 0.005 of those of the package, others within a ten-thousandth. But pictures with
    fewer than SMALLEST_SIDE rows or columns are extended, where the package always gives 100.
    """
    return Reference(reference, threads).score(distorted)


def _extended(pixels: UInt8 | Float32) -> UInt8 | Float32:
    missing = [(0, max(SMALLEST_SIDE - side, 0)) for side in pixels.shape[:2]]
    return np.ascontiguousarray(np.pad(pixels, [*missing, (0, 0)], "edge") if np.any(missing) else pixels)


def _folded(gradient: Float32, shape: tuple[int, ...]) -> Float32:
    """The gradient by the samples that _extended() repeated."""
    for axis in (0, 1):
        starts = np.arange(min(shape[axis], gradient.shape[axis]))
        if len(starts) < gradient.shape[axis]:
            gradient = np.add.reduceat(gradient, starts, axis)
    return gradient


def _strips(rows: int) -> tuple[range, list[int]]:
    """First rows of strips, and the rows after them."""
    begins = range(0, rows, STRIP)
    return begins, [min(begin + STRIP, rows) for begin in begins]


def _weights(scales: int) -> Float64:
    """The weights of norms [scale, channel, map, 2]."""
    weights: Float64 = WEIGHTS[: 18 * scales].reshape(3, scales, 2, 3).transpose(1, 0, 3, 2)
    return weights


def _weighted(norms: Float64) -> float:
    return float((_weights(len(norms)) * norms).sum())


def _score(weighted: float) -> float:
    error = _polynomial(weighted)
    return IDENTICAL - 10 * error**_EXPONENT if error > 0 else IDENTICAL


def _polynomial(x: float) -> float:
    return x * (_LINEAR + x * (_SQUARE + x * _CUBE))


def _factors(norms: Float64, scale: int, picture: Picture) -> Float64:
    """Factors of the derivatives of the score by values of the maps at a scale; see _metrics.gradient()."""
    x = _weighted(norms)
    error = _polynomial(x)
    if error <= 0:
        return np.zeros_like(norms[scale])
    slope = _LINEAR + x * (2 * _SQUARE + x * 3 * _CUBE)
    outer = -10 * _EXPONENT * error ** (_EXPONENT - 1) * slope
    factors: Float64 = outer * _weights(len(norms))[scale] / (picture.rows[scale] * picture.columns[scale])
    fourth = norms[scale, ..., 1]
    factors[..., 1] *= np.divide(1, fourth**3, out=np.zeros_like(fourth), where=fourth > 0)
    return factors
