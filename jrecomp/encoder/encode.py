"""Encoding of one picture at any likeness."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from jrecomp.array_types import Float32, Int16, UInt8
from jrecomp.encoder import masking
from jrecomp.encoder.coefficients import SUBSAMPLINGS, Planes
from jrecomp.encoder.file import jpeg_file
from jrecomp.encoder.guards import kept
from jrecomp.encoder.levels import Quantizer
from jrecomp.encoder.tables import RESTORED, TUNES, Settings, family
from jrecomp.jpeg.metadata import FITTED
from jrecomp.options import Limits
from jrecomp.threads import Workers


@dataclass(frozen=True)
class Options:
    """How files are written.

    tune: the measure that the quantization tables were learned for, one of tables.TUNES. progressive: use
    progressive scans. strip: omit metadata that decoders do not need. limits: bounds on headers and scans.
    restored: files are meant to be restored.
    """

    tune: str
    progressive: bool
    strip: bool
    limits: Limits
    restored: bool = False


@dataclass(frozen=True)
class Encoder:
    """Encodes a picture.

    size: rows and columns. subsampling: a key of SUBSAMPLINGS. components: real-valued coefficients of each
    component, float32 [block rows, block columns, 64]. metadata: marker segments.
    """

    size: tuple[int, int]
    subsampling: str
    components: Sequence[Float32]
    metadata: bytes
    options: Options
    workers: Workers

    @classmethod
    def of(
        cls, planes: Planes, subsampling: str, metadata: bytes, options: Options, workers: Workers
    ) -> "Encoder":
        """The encoder of a picture with a subsampling."""
        components = planes.components(subsampling, workers, options.restored)
        return cls(planes.size, subsampling, components, metadata, options, workers)

    @cached_property
    def kept(self) -> list[UInt8]:
        """See guards.kept()."""
        return self.workers.map(lambda c: kept(self.components[0], c), self.components)

    @cached_property
    def weights(self) -> list[Float32]:
        """The weights of squared errors in each block, see masking.weights(); alike for other tunes."""
        sizes = [(c.shape[0], c.shape[1]) for c in self.components]
        if self.options.tune != TUNES[0]:
            return [np.ones((*size, 1), np.float32) for size in sizes]
        return self.workers.map(lambda size: masking.weights(self.components[0], size), sizes)

    def file(self, likeness: float) -> bytes:
        """The JPEG file with the settings for a likeness, see tables.Family."""
        settings = self.settings(likeness)
        return self.written(settings, self.levels(settings))

    def settings(self, likeness: float) -> Settings:
        """The learned settings for a likeness."""
        tune, restored = self.options.tune, self.options.restored
        if restored and tune == "psnr":
            return family(RESTORED, self.subsampling).at(likeness)
        settings = family(tune, self.subsampling).at(likeness)
        return settings.to_restore() if restored else settings

    def levels(self, settings: Settings) -> list[Int16]:
        """The levels of all components by rate and error."""
        return [
            Quantizer(settings.steps[kind].astype(np.float32), settings.lambdas[kind])(
                component, weight, guard, self.workers
            )
            for kind, component, weight, guard in zip(
                self.kinds, self.components, self.weights, self.kept, strict=True
            )
        ]

    def written(self, settings: Settings, levels: Sequence[Int16]) -> bytes:
        """The JPEG file of levels."""
        factors = [SUBSAMPLINGS[self.subsampling] if kind == 0 else (1, 1) for kind in self.kinds]
        return jpeg_file(
            self.size,
            factors if len(factors) > 1 else [(1, 1)],
            [settings.steps[kind] for kind in self.kinds],
            [self._chroma_table if kind else 0 for kind in self.kinds],
            levels,
            self.metadata,
            progressive=self.options.progressive,
            strip=self.options.strip,
            limits=self.options.limits,
        )

    @property
    def _chroma_table(self) -> int:
        """The number of the quantization table of chroma."""
        averaged = self.options.restored or SUBSAMPLINGS[self.subsampling] == (1, 1)
        return 1 if averaged else FITTED

    @property
    def kinds(self) -> list[int]:
        """For each component 0 for the settings of luma, 1 for those of chroma."""
        return [0, 1, 1, 0][: len(self.components)]
