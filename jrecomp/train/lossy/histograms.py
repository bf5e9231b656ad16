"""Histograms of magnitudes, from which rate and squared error of a requantized file are estimated."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from jrecomp.array_types import Int16, Int64
from jrecomp.jpeg.types import JpegFile
from jrecomp.lossy.distortion import pixel_weights
from jrecomp.model.arrays import component_class

CONTEXTS = 4
"""Number of classes of blocks, by the number of non-zero coefficients of their neighbours."""


@dataclass(frozen=True)
class SmoothHistograms:
    """The histograms of a file; tensors are float32 unless stated otherwise.

    A frequency is a zig-zag index of a component; there are 64 for each component in turn. There is a row
    for each magnitude that occurs at a frequency (for DC, a magnitude of residuals), and a slot for each
    level that may occur at a frequency.
    frequency: int64 [rows]. magnitude: [rows]. counts: [rows, CONTEXTS]. first: int64 [rows], the slot of
    level 0 of the row's frequency. owner: int64 [slots], the frequency of a slot. source: [frequencies],
    steps of the source. pixels: [frequencies], weights from pixel_weights(). shared: [frequencies], their
    means over components with the same table. kind: int64 [frequencies], 0 for the first component,
    otherwise 1.
    """

    frequency: Tensor
    magnitude: Tensor
    counts: Tensor
    first: Tensor
    owner: Tensor
    source: Tensor
    pixels: Tensor
    shared: Tensor
    kind: Tensor

    @property
    def index(self) -> Tensor:
        """Zig-zag index of each frequency, int64."""
        return torch.arange(len(self.source)) % 64

    @classmethod
    def of(cls, file: JpegFile) -> "SmoothHistograms":
        """The histograms of a file."""
        found = [_component(array) for array in file.coefficients]
        sizes = np.concatenate([[len(counts) for counts in tables] for tables in found])
        tables = [counts for tables in found for counts in tables]
        magnitude = np.concatenate([np.flatnonzero(counts.sum(1)) for counts in tables])
        rows = [np.count_nonzero(counts.sum(1)) for counts in tables]
        frequency = np.repeat(np.arange(len(tables)), rows)
        slots = sizes + 1  # a level may be rounded up
        counted = np.concatenate([counts[counts.sum(1) > 0] for counts in tables])
        steps = [c.steps for c in file.frame.components]
        weights = pixel_weights(file)
        shared = [
            np.mean([w for q, w in zip(steps, weights, strict=True) if np.array_equal(q, own)], 0)
            for own in steps
        ]
        kinds = [np.full(64, component_class(i) > 0, np.int64) for i in range(len(steps))]
        joined = (np.concatenate(steps), np.concatenate(weights), np.concatenate(shared))
        floats = (magnitude, counted, *joined)
        m, c, source, pixels, together = (torch.from_numpy(np.asarray(x, np.float32)) for x in floats)
        return cls(
            torch.from_numpy(frequency),
            m,
            c,
            torch.from_numpy((np.cumsum(slots) - slots)[frequency]),
            torch.from_numpy(np.repeat(np.arange(len(tables)), slots)),
            source,
            pixels,
            together,
            torch.from_numpy(np.concatenate(kinds)),
        )


def _component(coefficients: Int16) -> list[Int64]:
    """For each zig-zag index the counts of magnitudes, int64 [largest + 1, CONTEXTS]."""
    values = np.abs(coefficients.astype(np.int64))
    values[..., 0] = np.abs(_residuals(coefficients[..., 0].astype(np.int64)))
    context = _contexts(np.count_nonzero(coefficients[..., 1:], -1)).ravel()
    return [
        np.bincount(
            values[..., k].ravel() * CONTEXTS + context, minlength=(values[..., k].max() + 1) * CONTEXTS
        ).reshape(-1, CONTEXTS)
        for k in range(64)
    ]


def _residuals(dc: Int64) -> Int64:
    """DC minus the mean of DC of the blocks to the left and above."""
    return dc - (_left(dc) + _left(dc.T).T) // 2


def _left(values: Int64) -> Int64:
    return np.concatenate([values[:, :1], values[:, :-1]], 1)


def _contexts(nonzero: Int64) -> Int64:
    """The class of each block; the classes have about the same size."""
    around = _left(nonzero) + _left(nonzero.T).T
    edges = np.quantile(around, np.arange(1, CONTEXTS) / CONTEXTS)
    return np.searchsorted(edges, around, side="right")
