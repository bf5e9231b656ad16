"""Coding of slices with a model of planes, for both directions (docs/format/planes.md).

This is the reference implementation, in NumPy. The native engine (jrecomp/native/engine) and the kernels for
GPUs (jrecomp.codec.gpu) give the same bytes.
"""

from collections.abc import Sequence

import numpy as np

from jrecomp.array_types import Index, Int16, Int32, Int64
from jrecomp.codec.coders import SliceCoder
from jrecomp.codec.coefficients import HIGHEST, check_range
from jrecomp.features.ac import AcInputs
from jrecomp.features.dc import Neighbourhood, dc_inputs, last_inputs
from jrecomp.features.reference import Slopes, reference
from jrecomp.features.schedule import checkerboard, pyramid
from jrecomp.features.store import ComponentPlanes
from jrecomp.features.tables import Tables
from jrecomp.model.arrays import component_class
from jrecomp.model.planes import LAST, PlanesModel, references_of


class Walk:
    """Codes a component of a slice, phase by phase, and fills its planes with the values.

    number: index of the component in the frame. planes: of the component, empty. model: predicts. coder: of
    the slice. truth: coefficients, int16 [64, bordered plane], to encode; None to decode.
    """

    def __init__(
        self,
        number: int,
        planes: ComponentPlanes,
        model: PlanesModel,
        coder: SliceCoder,
        truth: Int16 | None,
    ) -> None:
        self._number, self._planes, self._tables = number, planes, model.tables
        self._weights = model.classes[component_class(number)]
        self._coder, self._truth = coder, truth

    def dc(self) -> None:
        """Code DC; raises CorruptContainerError."""
        self._coder.select(self._number)
        self._dc()
        self._planes.finish_dc()

    def rest(self, highest: int = HIGHEST) -> None:
        """Code `last`, and the AC planes in order up to an index; raises CorruptContainerError."""
        planes = self._planes
        self._coder.select(self._number)
        self._last()
        planes.repeat_edge(planes.last)
        slopes = [Slopes(planes, r) for r in planes.references]
        for k in range(1, min(highest, int(planes.last.max(initial=0))) + 1):
            self._ac(k, slopes)
            for slope in slopes:
                slope.learn(k)

    def _dc(self) -> None:
        planes = self._planes
        for phase in pyramid(planes.rows, planes.columns):
            neighbourhood = Neighbourhood(planes, phase)
            x, predicted = dc_inputs(
                planes, neighbourhood, self._weights.linear[0][phase.number], self._tables
            )
            logits = self._weights.networks[0].logits(x)
            truth = self._wanted(0, neighbourhood.blocks)
            residual = None if truth is None else truth - predicted
            known_nonzero = np.zeros(len(predicted), np.bool_)
            values = self._coder.values(0, logits, residual, known_nonzero) + predicted
            self._store(planes.values[0], neighbourhood.blocks, values)

    def _last(self) -> None:
        planes = self._planes
        lasts = None if self._truth is None else last_of(self._truth)
        for phase in pyramid(planes.rows, planes.columns):
            neighbourhood = Neighbourhood(planes, phase)
            logits = self._weights.networks[LAST].logits(last_inputs(planes, neighbourhood, self._tables))
            truth = None if lasts is None else lasts[neighbourhood.blocks]
            self._store(planes.last, neighbourhood.blocks, self._coder.last(logits, truth))

    def _ac(self, k: int, slopes: list[Slopes]) -> None:
        planes = self._planes
        inputs = AcInputs(planes, k, self._tables, slopes)
        for number, mask in enumerate(checkerboard(planes.rows, planes.columns)):
            blocks = planes.blocks[mask]
            blocks = blocks[planes.last[blocks] >= k]
            inputs.start_phase(number)
            if not len(blocks):
                continue
            logits = self._weights.networks[k].logits(inputs.build(blocks, self._weights.linear[k][number]))
            known_nonzero = planes.last[blocks] == k
            values = self._coder.values(k, logits, self._wanted(k, blocks), known_nonzero)
            self._store(planes.values[k], blocks, values)

    def _wanted(self, plane: int, blocks: Index) -> Int64 | None:
        return None if self._truth is None else self._truth[plane, blocks].astype(np.int64)

    def _store(self, plane: Int16, blocks: Index, values: Int64) -> None:
        check_range(values)
        plane[blocks] = values.astype(np.int16)


def last_of(values: Int16) -> Int64:
    """The index of the last non-zero AC coefficient of each block, 0 if there is none.

    values: int16 [64, n]. Returns int64 [n].
    """
    zeros_after = (values[:0:-1] != 0).argmax(0)
    return np.where((values[1:] != 0).any(0), 63 - zeros_after, 0).astype(np.int64)


def refer(number: int, components: Sequence[ComponentPlanes], tables: Tables) -> None:
    """Set the references of a component, from what is known of those before it.

    number: its index in the frame. tables: the model's integer tables.
    """
    planes = components[number]
    sources = [components[0], components[number - 1]][: references_of(component_class(number))]
    found = [reference(source, planes, tables) for source in sources]
    planes.references = [r if r is not None else planes.blank_reference() for r in found]


def bordered(planes: ComponentPlanes, coefficients: Int16) -> Int16:
    """Coefficients, int16 [rows, columns, 64], as bordered planes, int16 [64, bordered plane]."""
    truth = np.zeros((64, planes.size), np.int16)
    truth[:, planes.blocks] = coefficients.transpose(2, 0, 1)
    return truth


def code_slice(
    steps: Sequence[Int32],
    shapes: Sequence[tuple[int, int]],
    model: PlanesModel,
    coder: SliceCoder,
    parts: Sequence[Int16] | None,
    highest: int = HIGHEST,
) -> list[Int16]:
    """Encode or decode all components of a slice.

    steps: for each component the quantization table, int32 [64]. shapes: for each component rows and columns
    in blocks. model: predicts. coder: encodes or decodes values. parts: for each component the coefficients
    to encode, int16 [rows, columns, 64]; None to decode. highest: coefficients of the first component above
    this index, and below HIGHEST the AC coefficients of others, are left 0.
    Returns the coefficients. Raises CorruptContainerError.
    """
    components, walks = [], []
    for number, (quantization, (rows, columns)) in enumerate(zip(steps, shapes, strict=True)):
        planes = ComponentPlanes(quantization.astype(np.int64), rows, columns, [])
        truth = None if parts is None else bordered(planes, parts[number])
        components.append(planes)
        walks.append(Walk(number, planes, model, coder, truth))
    for number, walk in enumerate(walks):
        refer(number, components, model.tables)
        walk.dc()
    count = 0 if highest == 0 else 1 if highest < HIGHEST else len(walks)
    for number, walk in enumerate(walks[:count]):
        refer(number, components, model.tables)
        walk.rest(highest)
    return [planes.coefficients() for planes in components]
