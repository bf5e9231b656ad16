"""Estimates of the sizes of files, from entropies of levels with fitted factors."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from jrecomp import codec
from jrecomp.array_types import Float32
from jrecomp.jpeg.types import JpegFile
from jrecomp.lossy import OperatingPoint, Requantizer, Rule
from jrecomp.lossy.requantize import lambda_of
from jrecomp.model import load as load_model
from jrecomp.train.coefficients import with_levels
from jrecomp.train.lossy.histograms import SmoothHistograms
from jrecomp.train.lossy.objective import BANDS, Objective, numbers_of

MODEL = "fast"
"""The model whose sizes are estimated; those of other models are nearly proportional."""

RIDGE = 0.05
"""Regularization of the factors of bands towards a common factor."""


@dataclass(frozen=True)
class Example:
    """A file for learning, with its histograms."""

    file: JpegFile
    histograms: SmoothHistograms

    @classmethod
    def of(cls, file: JpegFile) -> "Example":
        """The example for a parsed file."""
        return cls(file, SmoothHistograms.of(file))


@dataclass(frozen=True)
class FittedRates:
    """Fitted estimates. factors: float32 [2, bands], as in Objective. scales: float32 [files]."""

    factors: Tensor
    scales: Tensor

    @classmethod
    def fit(cls, examples: Sequence[Example], rule: Rule, lambdas: Sequence[float]) -> "FittedRates":
        """Fit factors by least squares of relative errors, then a scale for each file."""
        sizes = np.array([[real_bits(e.file, rule, lmbda) for lmbda in lambdas] for e in examples])
        entropies = np.stack([[entropies_of(e, rule, lmbda) for lmbda in lambdas] for e in examples])
        rows = (entropies / sizes[..., None]).reshape(-1, entropies.shape[-1])
        common = 1 / rows.sum(1).mean()
        weight = RIDGE * math.sqrt(len(rows)) * np.eye(rows.shape[1])
        system = np.concatenate([rows, weight])
        wanted = np.concatenate([np.ones(len(rows)), common * weight.sum(1)])
        factors = np.linalg.lstsq(system, wanted, rcond=None)[0]
        scales = np.exp(-np.log((rows @ factors).reshape(sizes.shape)).mean(1))
        return cls(
            torch.from_numpy(factors.astype(np.float32)).reshape(2, -1),
            torch.from_numpy(scales.astype(np.float32)),
        )

    def errors(self, examples: Sequence[Example], rule: Rule, lambdas: Sequence[float]) -> list[float]:
        """Relative errors of the estimates, for each lmbda of each example that they were fitted to."""
        return [
            float(scale * (self.factors.numpy().ravel() * entropies_of(e, rule, lmbda)).sum())
            / real_bits(e.file, rule, lmbda)
            - 1
            for e, scale in zip(examples, self.scales, strict=True)
            for lmbda in lambdas
        ]


def entropies_of(example: Example, rule: Rule, lmbda: float) -> Float32:
    """Entropies of levels in bits, float32 [2 * bands], as in Objective."""
    plain = Objective(torch.ones(2, len(BANDS) - 1), torch.ones(2, 64))
    found: Float32 = plain.entropies(example.histograms, numbers_of(rule), lmbda).numpy()
    return found.ravel()


def real_bits(file: JpegFile, rule: Rule, lmbda: float) -> int:
    """Size in bits of the coded slices of a requantized file."""
    new = Requantizer(file, rule).requantized(OperatingPoint.at(quality_of(file, lmbda)))
    changed = with_levels(file, new)
    return 8 * sum(map(len, codec.encode(changed, load_model(MODEL), 1).data))


def quality_of(file: JpegFile, lmbda: float) -> float:
    """The quality with this lmbda, limited to 0 to 100."""
    most, least = lambda_of(file, 0), lambda_of(file, 100)
    return min(max(100 * math.log(lmbda / most) / math.log(least / most), 0.0), 100.0)
