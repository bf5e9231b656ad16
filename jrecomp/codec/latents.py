"""Coding of a slice with a model with latents, for both directions (docs/format/latents.md)."""

from collections.abc import Sequence

import numpy as np

from jrecomp.array_types import Int8, Int16, Int32, Int64
from jrecomp.codec.coders import SliceCoder
from jrecomp.codec.coefficients import check_range
from jrecomp.errors import CorruptContainerError
from jrecomp.features.latents import (
    GROUPS,
    dc_of,
    dc_residual,
    group_inputs,
    known_inputs,
    reference_inputs,
    step_inputs,
)
from jrecomp.features.store import ComponentPlanes
from jrecomp.model.arrays import component_class
from jrecomp.model.latents import LATENT_LIMIT, Autoencoder, Distributions, LatentsModel

LATENT_PLANE = 0
"""Latents are coded like plane 0, so they share the adaptation of DC."""


class ComponentCoder:
    """Codes a component of a slice.

    model: the model. number: index of the component in the frame. planes: provides its steps and size. other:
    result of reference_inputs() for the component before it, None for the first. coder: encodes or decodes.
    """

    def __init__(
        self, model: LatentsModel, number: int, planes: ComponentPlanes, other: Int8 | None, coder: SliceCoder
    ) -> None:
        self._networks, self._tables = model.classes[component_class(number)], model.tables
        self._laplace, self._coder = model.laplace, coder
        self._planes, self._other = planes, other
        self._steps = step_inputs(planes.steps, model.tables).astype(np.float32)
        coder.select(number)

    def run(self, truth: Int64 | None) -> Int64:
        """Code all groups.

        truth: coefficients to encode, int64 [64, rows, columns]; None to decode.
        Returns the coefficients. Raises CorruptContainerError if a value is out of range.
        """
        values = np.zeros((64, self._planes.rows, self._planes.columns), np.int64)
        for group, (start, stop) in enumerate(GROUPS):
            wanted = None if truth is None else truth[start:stop]
            if start:
                values[start:stop] = self._group(group, values, wanted)
            else:
                wanted = None if wanted is None else dc_residual(wanted[0])[None]
                values[0] = dc_of(self._group(group, values, wanted)[0])
            check_range(values[start:stop])
        return values

    def _group(self, group: int, values: Int64, truth: Int64 | None) -> Int64:
        network, steps = self._networks[group], self._planes.steps
        y1 = self._code_latents(network, truth)
        known = known_inputs(group, values, steps, self._other, self._tables).astype(np.float32)
        given = network.of_values(y1, known, self._steps).in_steps(steps[slice(*GROUPS[group])], self._tables)
        return self._code(range(*GROUPS[group]), given, truth)

    def _code_latents(self, network: Autoencoder, truth: Int64 | None) -> Int64:
        """Codes y2, then y1 given y2; returns y1."""
        rows, columns = -(-self._planes.rows // 2), -(-self._planes.columns // 2)
        known: Sequence[Int64 | None] = (None, None)
        if truth is not None:
            known = network.analyse(group_inputs(truth, self._tables).astype(np.float32))
        y2 = self._code_level(network.of_latents_2(self._steps, -(-rows // 2), -(-columns // 2)), known[1])
        return self._code_level(network.of_latents(y2, self._steps, rows, columns), known[0])

    def _code_level(self, given: Distributions, truth: Int64 | None) -> Int64:
        latents = self._code([LATENT_PLANE] * len(given.mean), given, truth)
        if np.abs(latents).max() > LATENT_LIMIT:
            raise CorruptContainerError("damaged container: a latent is out of range")
        return latents

    def _code(self, planes: Sequence[int], given: Distributions, truth: Int64 | None) -> Int64:
        """Codes integers, int64 [channels, rows, columns]; planes: the plane to code each channel like."""
        limited, values = given.limited(), np.empty(given.mean.shape, np.int64)
        for number, plane in enumerate(planes):
            mean, level = limited.mean[number].ravel(), limited.level[number].ravel()
            whole = (mean + 8) >> 4
            logits = self._laplace.logits(mean - 16 * whole, level)
            wanted = None if truth is None else truth[number].ravel() - whole
            coded = self._coder.values(plane, logits, wanted, np.zeros(len(mean), np.bool_))
            values[number] = (coded + whole).reshape(values[number].shape)
        return values


def code_slice(
    steps: Sequence[Int32],
    shapes: Sequence[tuple[int, int]],
    model: LatentsModel,
    coder: SliceCoder,
    parts: Sequence[Int16] | None,
) -> list[Int16]:
    """Encode or decode all components of a slice.

    steps: for each component the quantization table, int32 [64]. shapes: for each component rows and columns
    in blocks. model: the model. coder: encodes or decodes values. parts: for each component the coefficients
    to encode, int16 [rows, columns, 64]; None to decode.
    Returns the coefficients. Raises CorruptContainerError.
    """
    before: ComponentPlanes | None = None
    coefficients = []
    for number, (table, (rows, columns)) in enumerate(zip(steps, shapes, strict=True)):
        planes = ComponentPlanes(table.astype(np.int64), rows, columns, [])
        other = None if before is None else reference_inputs(before, planes, model.tables)
        truth = None if parts is None else parts[number].transpose(2, 0, 1).astype(np.int64)
        values = ComponentCoder(model, number, planes, other, coder).run(truth)
        planes.values[:64, planes.blocks] = values
        coefficients.append(values.transpose(1, 2, 0).astype(np.int16))
        before = planes
    return coefficients
