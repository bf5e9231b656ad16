"""Requantization of a picture by rounds of the gradient of SSIMULACRA2, see encoder.refine."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from jrecomp.array_types import Bool, Float32, Int32, UInt8
from jrecomp.encoder.decoding import Decoder
from jrecomp.encoder.guards import kept
from jrecomp.encoder.levels import Quantizer
from jrecomp.encoder.refine import Refinement, left_alone
from jrecomp.jpeg.metadata import is_rgb
from jrecomp.jpeg.types import JpegFile
from jrecomp.lossy.operating_point import OperatingPoint
from jrecomp.lossy.requantize import Requantized, Requantizer
from jrecomp.metrics import Reference
from jrecomp.threads import Workers

ROUNDS = 2
"""Number of rounds."""


def why_plain(file: JpegFile) -> str:
    """Why a picture cannot be requantized by rounds; "" if it can."""
    components = file.frame.components
    if file.frame.precision != 8:
        return f"samples have {file.frame.precision} bits"
    if len(components) not in (1, 3) or is_rgb(file.headers, [c.identifier for c in components]):
        return "colours are not YCbCr or gray"
    return "" if _factor(file) else "chroma is not of full or half size"


def _factor(file: JpegFile) -> tuple[int, int] | None:
    """How many times chroma is smaller, down and across; None where that is neither 1 nor 2."""
    luma, *chroma = file.frame.components
    found = {(luma.vertical / c.vertical, luma.horizontal / c.horizontal) for c in chroma} or {(1.0, 1.0)}
    down, across = next(iter(found))
    return (int(down), int(across)) if len(found) == 1 and {down, across} <= {1, 2} else None


@dataclass(frozen=True)
class RefinedRequantizer(Requantizer):
    """Requantizes a picture with the steps of Requantizer, and levels that are optimized for SSIMULACRA2.

    file: one for which why_plain() gives "". The reference is the decoded file. workers: `threads` of them.
    """

    workers: Workers
    threads: int

    def requantized(self, point: OperatingPoint) -> Requantized:
        """The requantized picture at an operating point; the mean of its qualities of levels counts."""
        steps, lmbda = self._steps(point.steps), self.lmbda(point.quality)
        quantizers = self._quantizers(steps, lmbda)
        alike = [np.ones((*c.shape[:2], 1), np.float32) for c in self._components]
        refinement = Refinement(
            self._reference,
            self._decoder,
            self._components,
            quantizers,
            self._kept,
            self._alone,
            alike,
            self.workers,
        )
        return Requantized(steps, refinement.run(ROUNDS))

    def _quantizers(self, steps: Sequence[Int32], lmbda: float) -> list[Quantizer]:
        costs = [w * s.astype(np.float64) ** 2 for w, s in zip(self._weights, steps, strict=True)]
        scale = float(costs[0].mean())  # so that the mean importance in luma is 1
        return [
            Quantizer(s.astype(np.float32), lmbda / scale, (cost / scale).astype(np.float32))
            for s, cost in zip(steps, costs, strict=True)
        ]

    @cached_property
    def _factors(self) -> tuple[int, int]:
        return _factor(self.file) or (1, 1)

    @cached_property
    def _decoder(self) -> Decoder:
        return Decoder(self.file.frame.height, self.file.frame.width, *self._factors)

    @cached_property
    def _components(self) -> list[Float32]:
        pairs = zip(self.file.coefficients, self.file.frame.components, strict=True)
        return [np.multiply(levels, c.steps, dtype=np.float32) for levels, c in pairs]

    @cached_property
    def _pixels(self) -> UInt8:
        steps = [c.steps.astype(np.float32) for c in self.file.frame.components]
        return self._decoder.pixels(self.file.coefficients, steps, self.workers)

    @cached_property
    def _reference(self) -> Reference:
        return Reference(self._pixels, self.threads)

    @cached_property
    def _kept(self) -> list[UInt8]:
        return [kept(self._components[0], component) for component in self._components]

    @cached_property
    def _alone(self) -> list[Bool]:
        return left_alone(self._pixels, self._components, self._factors)
