"""Coding of slices with a model of planes, for both directions (docs/format/planes.md).

This is the reference implementation, in NumPy. The native engine (jrecomp/native/engine) and the kernels for
GPUs (jrecomp.codec.gpu) give the same bytes.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from typing import Protocol

import numpy as np

from jrecomp.array_types import Bool, Float32, Index, Int16, Int32, Int64
from jrecomp.codec.coders import SliceCoder, check_range
from jrecomp.features.ac import AcInputs
from jrecomp.features.dc import Neighbourhood, dc_inputs, last_inputs
from jrecomp.features.reference import Slopes, reference
from jrecomp.features.schedule import checkerboard, pyramid
from jrecomp.features.store import ComponentPlanes
from jrecomp.features.tables import Tables
from jrecomp.model.arrays import component_class
from jrecomp.model.planes import LAST, ClassWeights, PlanesModel, references_of
from jrecomp.threads import Task, Workers

HIGHEST = 63
"""The highest index of a coefficient."""

Sizes = Sequence[int]
"""Number of blocks of each slice in a phase. The blocks of a slice follow those of the slice before it."""


class Sink(Protocol):
    """Receives the inputs of each phase from a Walk, and returns the values.

    linear: weights of the linear predictions of planes 0 to 63, each int64 [phases, inputs].
    """

    linear: list[Int64]

    def value(self, plane: int, x: Float32, truth: Int64 | None, known_nonzero: Bool, sizes: Sizes) -> Int64:
        """The values of a phase of a coefficient plane, int64 [n].

        x: inputs of the network, float32 [inputs, n]. truth: the values, int64 [n]; None to decode.
        known_nonzero: bool [n], where 0 is impossible.
        """
        ...

    def last(self, x: Float32, truth: Int64 | None, sizes: Sizes) -> Int64:
        """The indices of last non-zero AC coefficients in a phase, int64 [n]; arguments as for value()."""
        ...


class NetworkSink:
    """Codes values of a component with the networks of its class, and a coder for each slice.

    number: index of the component in the frame. weights: of its class. coders: one for each slice. workers:
    threads that run the coders. When encoding, the coders run while the next inputs are computed.
    """

    def __init__(
        self, number: int, weights: ClassWeights, coders: Sequence[SliceCoder], workers: Workers
    ) -> None:
        self.linear = weights.linear
        self._number, self._networks = number, weights.networks
        self._coders, self._workers = coders, workers
        self._running: list[Task[Int64]] = []

    def value(self, plane: int, x: Float32, truth: Int64 | None, known_nonzero: Bool, sizes: Sizes) -> Int64:
        """See Sink."""
        logits = self._networks[plane].logits(x)

        def code(coder: SliceCoder, part: slice) -> Int64:
            coder.select(self._number)
            return coder.values(
                plane, logits[:, part], None if truth is None else truth[part], known_nonzero[part]
            )

        return self._code(code, truth, sizes)

    def last(self, x: Float32, truth: Int64 | None, sizes: Sizes) -> Int64:
        """See Sink."""
        logits = self._networks[LAST].logits(x)

        def code(coder: SliceCoder, part: slice) -> Int64:
            coder.select(self._number)
            return coder.last(logits[:, part], None if truth is None else truth[part])

        return self._code(code, truth, sizes)

    def finish(self) -> Int64:
        """Wait for the coders; returns the values of the last phase."""
        values = [task.result() for task in self._running]
        self._running = []
        return np.concatenate([np.zeros(0, np.int64), *values])

    def _code(self, code: Callable[[SliceCoder, slice], Int64], truth: Int64 | None, sizes: Sizes) -> Int64:
        self.finish()
        ends = list(accumulate(sizes))
        parts = [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]
        pairs = zip(self._coders, parts, strict=True)
        self._running = [self._workers.submit(partial(code, coder, part)) for coder, part in pairs]
        return self.finish() if truth is None else truth


class Walk:
    """Computes the inputs of all phases of a component in coding order, and fills its planes with the values.

    planes: of the component, empty. tables: the model's integer tables. sink: codes the values.
    truth: coefficients, int16 [64, bordered plane], to encode; None to decode.
    """

    def __init__(self, planes: ComponentPlanes, tables: Tables, sink: Sink, truth: Int16 | None) -> None:
        self._planes, self._tables, self._sink, self._truth = planes, tables, sink, truth
        self._blocks: Index = planes.blocks

    def dc(self) -> None:
        """Process DC; raises CorruptContainerError."""
        self._dc()
        self._planes.finish_dc()

    def rest(self, highest: int = HIGHEST) -> None:
        """Process `last`, and the AC planes in order up to an index; raises CorruptContainerError."""
        planes = self._planes
        self._last()
        planes.repeat_edge(planes.last)
        slopes = [Slopes(planes, r) for r in planes.references]
        last = planes.last
        for k in range(1, min(highest, int(last.max(initial=0))) + 1):
            self._ac(k, slopes, last)
            for slope in slopes:
                slope.learn(k)

    def _wanted(self, plane: int, blocks: Index) -> Int64 | None:
        return None if self._truth is None else self._truth[plane, blocks].astype(np.int64)

    def _store(self, plane: Int16, blocks: Index, values: Int64) -> None:
        check_range(values)
        plane[blocks] = values.astype(np.int16)

    def _dc(self) -> None:
        planes = self._planes
        for phase in pyramid(planes.rows, planes.columns):
            neighbourhood = Neighbourhood(planes, phase)
            weights = self._sink.linear[0][phase.number]
            x, predicted = dc_inputs(planes, neighbourhood, weights, self._tables)
            truth = self._wanted(0, neighbourhood.blocks)
            residual = None if truth is None else truth - predicted
            known_nonzero = np.zeros(len(predicted), np.bool_)
            values = self._sink.value(0, x, residual, known_nonzero, self._sizes(phase.rows)) + predicted
            self._store(planes.values[0], neighbourhood.blocks, values)

    def _last(self) -> None:
        planes = self._planes
        lasts = None if self._truth is None else last_of(self._truth)
        for phase in pyramid(planes.rows, planes.columns):
            neighbourhood = Neighbourhood(planes, phase)
            x = last_inputs(planes, neighbourhood, self._tables)
            truth = None if lasts is None else lasts[neighbourhood.blocks]
            values = self._sink.last(x, truth, self._sizes(phase.rows))
            self._store(planes.last, neighbourhood.blocks, values)

    def _sizes(self, rows: Index) -> Sizes:
        return [len(rows)] * self._planes.slices

    def _ac(self, k: int, slopes: list[Slopes], last: Int16) -> None:
        planes = self._planes
        inputs = AcInputs(planes, k, self._tables, slopes)
        for number, mask in enumerate(checkerboard(planes.rows, planes.columns)):
            phase = self._blocks[:, mask]
            eligible = last[phase] >= k
            blocks = phase[eligible]
            inputs.start_phase(number)
            if not len(blocks):
                continue
            x = inputs.build(blocks, self._sink.linear[k][number])
            known_nonzero, truth = last[blocks] == k, self._wanted(k, blocks)
            values = self._sink.value(k, x, truth, known_nonzero, eligible.sum(1).tolist())
            self._store(planes.values[k], blocks, values)


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
    """Coefficients, int16 [slices, rows, columns, 64], as bordered planes, int16 [64, bordered plane]."""
    truth = np.zeros((64, planes.size), np.int16)
    truth[:, planes.blocks] = coefficients.transpose(3, 0, 1, 2)
    return truth


def walk_slices(
    steps: Sequence[Int32],
    shapes: Sequence[tuple[int, int, int]],
    model: PlanesModel,
    coders: Sequence[SliceCoder],
    parts: Sequence[Int16] | None,
    workers: Workers,
    highest: int = HIGHEST,
) -> list[Int16]:
    """Encode or decode all components of slices of the same shape.

    steps: for each component the quantization table, int32 [64]. shapes: for each component (slices, rows,
    columns) in blocks. model: predicts. coders: one for each slice. parts: for each component what to
    encode, int16 [slices, rows, columns, 64]; None to decode. workers: threads that run the coders. highest:
    coefficients of the first component above this index, and below HIGHEST the AC coefficients of others, are
    left 0.
    Returns the coefficients. Raises CorruptContainerError.
    """
    components, walks = [], []
    for number, (quantization, (slices, rows, columns)) in enumerate(zip(steps, shapes, strict=True)):
        planes = ComponentPlanes(quantization.astype(np.int64), rows, columns, [], slices)
        truth = None if parts is None else bordered(planes, parts[number])
        sink = NetworkSink(number, model.classes[component_class(number)], coders, workers)
        components.append(planes)
        walks.append((Walk(planes, model.tables, sink, truth), sink))
    for number, (walk, sink) in enumerate(walks):
        refer(number, components, model.tables)
        walk.dc()
        sink.finish()
    count = 0 if highest == 0 else 1 if highest < HIGHEST else len(walks)
    for number, (walk, sink) in enumerate(walks[:count]):
        refer(number, components, model.tables)
        walk.rest(highest)
        sink.finish()
    return [planes.coefficients() for planes in components]
