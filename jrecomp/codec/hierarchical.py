"""The hierarchical model's way through a slice, encoding or decoding (docs/format/hierarchical.md)."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from jrecomp.errors import CorruptContainerError
from jrecomp.model.adaptation import Adaptation, AdaptiveDecider, Coder
from jrecomp.model.hierarchical import LATENT_LIMIT, Autoencoder, Distributions, HierarchicalModel, class_of
from jrecomp.model.symbols import code_values
from jrecomp.planes.groups import (
    GROUPS,
    dc_of,
    dc_residual,
    group_inputs,
    known_inputs,
    reference_inputs,
    step_inputs,
)
from jrecomp.planes.store import Planes

Int16 = npt.NDArray[np.int16]
Int64 = npt.NDArray[np.int64]
Int8 = npt.NDArray[np.int8]

CHUNK = 1024
"""Values of a plane that are coded together, with what was learned before them."""

VALUE_LIMIT = 32767


class IntegerCoder:
    """Codes integers with given distributions and learns from them."""

    def __init__(self, model: HierarchicalModel, coder: Coder) -> None:
        self._laplace, self._coder = model.laplace, coder
        self._adaptation = Adaptation(model.tables.sigmoid)

    def code(self, given: Distributions, truth: Int64 | None) -> Int64:
        """Integers int64 [channels, rows, columns]; truth: what to encode, None to decode."""
        limited, values = given.limited(), np.empty(given.mean.shape, np.int64)
        for number, (mean, level) in enumerate(zip(limited.mean, limited.level, strict=True)):
            known = None if truth is None else truth[number].ravel()
            values[number] = self._code_plane(mean.ravel(), level.ravel(), known).reshape(mean.shape)
        return values

    def _code_plane(self, mean: Int64, level: Int64, truth: Int64 | None) -> Int64:
        whole = (mean + 8) >> 4
        values = np.empty(len(mean), np.int64)
        for start in range(0, len(mean), CHUNK):
            c = slice(start, start + CHUNK)
            logits = self._laplace.logits(mean[c] - 16 * whole[c], level[c])
            decider = AdaptiveDecider(logits, self._adaptation, self._coder)
            wanted = None if truth is None else truth[c] - whole[c]
            values[c] = whole[c] + code_values(decider, wanted, np.zeros(len(level[c]), np.bool_))
            self._adaptation.refresh()
        self._adaptation.fade()
        return values


class ComponentCoder:
    """Codes one component of a slice.

    planes: tell its steps and size. other: what it sees of the component before it, None for the first.
    """

    def __init__(
        self, model: HierarchicalModel, number: int, planes: Planes, other: Int8 | None, coder: Coder
    ) -> None:
        self._networks, self._tables = model.classes[class_of(number)], model.tables
        self._planes, self._other = planes, other
        self._steps = step_inputs(planes.steps, model.tables).astype(np.float32)
        self._latents, self._dc, self._ac = (IntegerCoder(model, coder) for _ in range(3))

    def run(self, truth: Int64 | None) -> Int64:
        """All groups; coefficients int64 [64, rows, columns] to encode, None to decode, and returned."""
        values = np.zeros((64, self._planes.rows, self._planes.columns), np.int64)
        for group, (start, stop) in enumerate(GROUPS):
            wanted = None if truth is None else truth[start:stop]
            if start:
                values[start:stop] = self._group(group, values, wanted)
            else:
                wanted = None if wanted is None else dc_residual(wanted[0])[None]
                values[0] = dc_of(self._group(group, values, wanted)[0])
            if np.abs(values[start:stop]).max() > VALUE_LIMIT:
                raise CorruptContainerError("a coefficient is out of range")
        return values

    def _group(self, group: int, values: Int64, truth: Int64 | None) -> Int64:
        network, steps = self._networks[group], self._planes.steps
        y1 = self._code_latents(network, truth)
        known = known_inputs(group, values, steps, self._other, self._tables).astype(np.float32)
        given = network.of_values(y1, known, self._steps).in_steps(steps[slice(*GROUPS[group])], self._tables)
        return (self._ac if group else self._dc).code(given, truth)

    def _code_latents(self, network: Autoencoder, truth: Int64 | None) -> Int64:
        """y2, then y1 given y2; returns y1."""
        rows, columns = -(-self._planes.rows // 2), -(-self._planes.columns // 2)
        known: Sequence[Int64 | None] = (None, None)
        if truth is not None:
            known = network.analyse(group_inputs(truth, self._tables).astype(np.float32))
        y2 = self._code_level(network.of_latents_2(self._steps, -(-rows // 2), -(-columns // 2)), known[1])
        return self._code_level(network.of_latents(y2, self._steps, rows, columns), known[0])

    def _code_level(self, given: Distributions, truth: Int64 | None) -> Int64:
        latents = self._latents.code(given, truth)
        if np.abs(latents).max() > LATENT_LIMIT:
            raise CorruptContainerError("a latent is out of range")
        return latents


def code_slice(
    steps: Sequence[npt.NDArray[np.int32]],
    shapes: Sequence[tuple[int, int]],
    model: HierarchicalModel,
    coder: Coder,
    parts: Sequence[Int16] | None,
) -> list[Int16]:
    """Codes all components of a slice, given by quantization steps and (rows, columns) in blocks.

    parts: coefficients [rows, columns, 64] to encode, None to decode. Returns the coefficients.
    """
    done: list[Planes] = []
    for number, (quantization, (rows, columns)) in enumerate(zip(steps, shapes, strict=True)):
        planes = Planes(np.maximum(quantization, 1).astype(np.int64), rows, columns, [])
        other = reference_inputs(done[-1], planes, model.tables) if done else None
        truth = None if parts is None else parts[number].transpose(2, 0, 1).astype(np.int64)
        values = ComponentCoder(model, number, planes, other, coder).run(truth)
        planes.values[:64, planes.blocks] = values
        done.append(planes)
    return [planes.coefficients() for planes in done]
