"""The learned family of quantization tables: what to quantize with for a quality, a subsampling and a tune.

weights/encode.json holds the family. `jrecomp train encode` learns it.
"""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from jrecomp.array_types import Float64, Int32
from jrecomp.model.weights import folder
from jrecomp.options import Tune

TUNES: tuple[Tune, ...] = ("ssimulacra2", "ms-ssim", "psnr")
"""Measures that the tables were learned for. The first is the default."""

RESTORED = "restored"
"""Name of the tables for PSNR after restoration."""

RESTORED_EASE, RESTORED_CHROMA = 0.3, 0.75
"""Factors to lambdas and to steps of chroma of other tunes for files that are meant to be restored.

Restoration makes up better for coarse steps of luma than for missing levels (decision 33).
"""

LARGEST_STEP = 255
"""Largest quantization step of baseline files."""


@dataclass(frozen=True)
class Settings:
    """How the components of a picture are quantized.

    steps: quantization tables of luma and of chroma, int32 [64] in zig-zag order. lambdas: for luma and
    chroma the squared error, in steps, that equals one bit.
    """

    steps: tuple[Int32, Int32]
    lambdas: tuple[float, float]

    def to_restore(self) -> "Settings":
        """The settings for files that are meant to be restored."""
        luma, chroma = self.steps
        finer = np.rint(RESTORED_CHROMA * chroma).clip(1).astype(np.int32)
        return Settings((luma, finer), (RESTORED_EASE * self.lambdas[0], RESTORED_EASE * self.lambdas[1]))


@dataclass(frozen=True)
class Family:
    """The settings of a tune and a subsampling as functions of the likeness.

    Logarithms of steps and lambdas are polynomials of a strength.

    strengths, likeness: float64 [points], rising: strengths with the mean SSIMULACRA2 of training pictures.
    learned: float64 [2], the range of strengths beyond which polynomials go on along their tangents.
    steps: float64 [degree + 1, 2, 64], the coefficients of the polynomials, the constants first; of luma and
    of chroma. lambdas: float64 [degree + 1, 2].
    """

    strengths: Float64
    likeness: Float64
    learned: Float64
    steps: Float64
    lambdas: Float64

    def at(self, likeness: float) -> Settings:
        """The settings that give a likeness on average."""
        return self.of_strength(_interpolated(likeness, self.likeness, self.strengths))

    def of_strength(self, strength: float) -> Settings:
        """The settings of a strength."""
        logs, lambdas = self.logarithms(strength)
        luma, chroma = np.clip(np.rint(np.exp(logs)), 1, LARGEST_STEP).astype(np.int32)
        return Settings((luma, chroma), (float(np.exp(lambdas[0])), float(np.exp(lambdas[1]))))

    def logarithms(self, strength: float) -> tuple[Float64, Float64]:
        """The logarithms of the steps of luma and chroma, float64 [2, 64], and of lambdas, float64 [2]."""
        return self._polynomial(self.steps, strength), self._polynomial(self.lambdas, strength)

    def _polynomial(self, coefficients: Float64, strength: float) -> Float64:
        inside = float(np.clip(strength, *self.learned))
        powers = inside ** np.arange(len(coefficients))
        slopes = np.arange(1, len(coefficients)) * powers[:-1]
        value = np.tensordot(powers, coefficients, 1)
        result: Float64 = value + (strength - inside) * np.tensordot(slopes, coefficients[1:], 1)
        return result


def _interpolated(x: float, known: Float64, values: Float64) -> float:
    """Linear interpolation, and extrapolation along the first and the last piece."""
    below = int(np.clip(np.searchsorted(known, x) - 1, 0, len(known) - 2))
    share = (x - known[below]) / (known[below + 1] - known[below])
    return float(values[below] + share * (values[below + 1] - values[below]))


def family(tune: str, subsampling: str) -> Family:
    """The learned settings; tune: one of TUNES, or RESTORED. subsampling: "444", "422" or "420"."""
    return families()[tune, subsampling]


def likeness_of(quality: float) -> float:
    """The SSIMULACRA2 that a quality, 0 to 100, means: up to 95 the mean of libjpeg-turbo's 4:2:0 files."""
    return float(np.interp(quality, *_qualities()))


def quality_of(likeness: float) -> float:
    """The inverse of likeness_of()."""
    qualities, likenesses = _qualities()
    return float(np.interp(likeness, likenesses, qualities))


@cache
def content() -> dict[str, Any]:
    """The content of weights/encode.json."""
    found: dict[str, Any] = json.loads((folder() / "encode.json").read_text())
    return found


@cache
def families() -> dict[tuple[str, str], Family]:
    """All installed families, by tune and subsampling."""

    def array(values: npt.ArrayLike) -> Float64:
        return np.array(values, np.float64)

    return {
        (entry["tune"], entry["subsampling"]): Family(
            *(array(entry[name]) for name in ("strengths", "likeness", "learned", "steps", "lambdas"))
        )
        for entry in content()["families"]
    }


def _qualities() -> tuple[list[float], list[float]]:
    points = content()["qualities"]
    return [point[0] for point in points], [point[1] for point in points]
