"""How much time an encoding may take, and the encoding of one picture with an effort at any likeness."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from jrecomp.array_types import Bool, UInt8
from jrecomp.encoder.coefficients import SUBSAMPLINGS, Pixels, Planes, as_decoded
from jrecomp.encoder.decoding import Decoder
from jrecomp.encoder.encode import Encoder, Options
from jrecomp.encoder.levels import Quantizer
from jrecomp.encoder.refine import Refinement, left_alone
from jrecomp.encoder.tables import Settings
from jrecomp.metrics import Reference
from jrecomp.options import Effort
from jrecomp.threads import Workers

EFFORTS = {"fast": 0, "default": 2, "best": 10}
"""For each effort the number of rounds of the metric's gradient, see refine."""

DEFAULT: Effort = "default"

FOLLOWED = ("ssimulacra2", "ms-ssim")
"""The tunes whose results get better by rounds; others have the same result with every effort."""


def rounds_apply(picture: Pixels, tune: str) -> bool:
    """Whether efforts differ: not for CMYK pictures, which the metric does not know, nor for every tune."""
    return tune in FOLLOWED and picture.shape[2:] != (4,)


def files_of(
    picture: Pixels,
    subsampling: str,
    metadata: bytes,
    options: Options,
    rounds: int,
    threads: int,
    workers: Workers,
) -> Callable[[float], bytes]:
    """The JPEG files of a picture as a function of the likeness.

    subsampling: a key of SUBSAMPLINGS. metadata: marker segments. rounds: a value of EFFORTS. threads: those
    of `workers`.
    """
    encoder = Encoder.of(Planes.of(picture, workers), subsampling, metadata, options, workers)
    if not rounds:
        return encoder.file
    return _Optimizer(encoder, as_decoded(picture), rounds, threads).file


@dataclass(frozen=True)
class _Optimizer:
    """Encodes one picture with rounds. pixels: uint8 [rows, columns, 1 or 3]."""

    encoder: Encoder
    pixels: UInt8
    rounds: int
    threads: int

    def file(self, likeness: float) -> bytes:
        """The JPEG file with the settings for a likeness; its own likeness is a little higher."""
        settings = self.encoder.settings(likeness)
        return self.encoder.written(settings, self._refinement(settings).run(self.rounds))

    def _refinement(self, settings: Settings) -> Refinement:
        encoder = self.encoder
        quantizers = [
            Quantizer(settings.steps[kind].astype(np.float32), settings.lambdas[kind])
            for kind in encoder.kinds
        ]
        decoder = Decoder(*encoder.size, *self._factors)
        return Refinement(
            self._reference,
            decoder,
            encoder.components,
            quantizers,
            encoder.kept,
            self._alone,
            encoder.weights,
            encoder.workers,
        )

    @property
    def _factors(self) -> tuple[int, int]:
        """How many times chroma is smaller, down and across."""
        across, down = SUBSAMPLINGS[self.encoder.subsampling]
        return (down, across) if len(self.encoder.components) > 1 else (1, 1)

    @cached_property
    def _reference(self) -> Reference:
        return Reference(self.pixels, self.threads)

    @cached_property
    def _alone(self) -> list[Bool]:
        return left_alone(self.pixels, self.encoder.components, self._factors)
