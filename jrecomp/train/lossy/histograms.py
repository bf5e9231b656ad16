"""What rate and squared error of a requantized file follow from: how often each magnitude occurs."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from jrecomp.array_types import Int16, Int64
from jrecomp.jpeg.types import JpegFile
from jrecomp.lossy.distortion import pixel_weights
from jrecomp.model.arrays import component_class

CONTEXTS = 4
"""Classes of blocks, by how busy their neighbours are."""


@dataclass(frozen=True)
class SmoothHistograms:
    """One file's, float32 unless said otherwise.

    Frequencies: 64 for each component, one component after the other. Rows: the magnitudes that occur, in all
    frequencies; of DC the magnitudes of residuals. Slots: the levels that may occur, in all frequencies.

    frequency: int64 [rows]. magnitude: [rows]. counts: [rows, CONTEXTS]. first: int64 [rows], the slot for
    level 0 of a row's frequency. owner: int64 [slots], the frequency of each. source: [frequencies], steps.
    pixels: [frequencies], errors that count. shared: the same, the mean over components with the same table.
    kind: int64 [frequencies], 0 for the first component, else 1.
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
        """Those of a file."""
        found = [_component(array) for array in file.coefficients]
        sizes = np.concatenate([[len(counts) for counts in tables] for tables in found])
        tables = [counts for tables in found for counts in tables]
        magnitude = np.concatenate([np.flatnonzero(counts.sum(1)) for counts in tables])
        rows = [np.count_nonzero(counts.sum(1)) for counts in tables]
        frequency = np.repeat(np.arange(len(tables)), rows)
        slots = sizes + 1  # rounding may add one to the largest
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
    """For each index how often each magnitude occurs, int64 [largest + 1, CONTEXTS]."""
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
    """DC less the mean of the blocks on the left and above."""
    return dc - (_left(dc) + _left(dc.T).T) // 2


def _left(values: Int64) -> Int64:
    return np.concatenate([values[:, :1], values[:, :-1]], 1)


def _contexts(busy: Int64) -> Int64:
    """The class of each block, about as many blocks in each."""
    around = _left(busy) + _left(busy.T).T
    edges = np.quantile(around, np.arange(1, CONTEXTS) / CONTEXTS)
    return np.searchsorted(edges, around, side="right")
