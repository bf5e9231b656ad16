"""One walk over the planes of slices that encodes or decodes, so that the two cannot part.

This is the reference: the native engine (jrecomp/native/engine) computes the same bytes. It runs on NumPy
or torch (jrecomp.features.arrays), and there on several slices of the same shape side by side; what codes
the decisions is on the CPU and works with NumPy.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from itertools import accumulate
from typing import Protocol

import numpy as np

from jrecomp.array_types import Bool, Float32, Index, Int16, Int32, Int64
from jrecomp.codec.coders import SliceCoder, check_range
from jrecomp.features.ac import AcInputs
from jrecomp.features.arrays import to_numpy
from jrecomp.features.dc import Neighbourhood, dc_inputs, last_inputs
from jrecomp.features.reference import Slopes, reference
from jrecomp.features.schedule import checkerboard, pyramid
from jrecomp.features.store import ComponentPlanes
from jrecomp.features.tables import Tables
from jrecomp.model.arrays import component_class
from jrecomp.model.planes import LAST, ClassWeights, PlanesModel, references_of

Sizes = Sequence[int]


class Sink(Protocol):
    """What a walk shows its inputs to and gets values from.

    sizes: how many blocks of a phase are of each slice; they follow one another.
    """

    linear: list[Int64]

    def value(self, plane: int, x: Float32, truth: Int64 | None, known_nonzero: Bool, sizes: Sizes) -> Int64:
        """Values int64 [n] of a coefficient plane; truth where it is known beforehand."""
        ...

    def last(self, x: Float32, truth: Int64 | None, sizes: Sizes) -> Int64:
        """Indices int64 [n] of last non-zero coefficients."""
        ...


class NetworkSink:
    """Codes what a walk shows it with the networks of one component class, each slice with its own coder.

    Where the truth is known, the walk goes on while the coders work on what it showed them last.
    """

    def __init__(self, weights: ClassWeights, coders: Sequence[SliceCoder], workers: Executor) -> None:
        self.linear = weights.linear
        self._networks, self._coders, self._workers = weights.networks, coders, workers
        self._running: list[Future[Int64]] = []
        for coder in coders:
            coder.start_component()

    def value(self, plane: int, x: Float32, truth: Int64 | None, known_nonzero: Bool, sizes: Sizes) -> Int64:
        """Codes a phase of a plane."""
        logits = to_numpy(self._networks[plane].logits(x))

        def code(coder: SliceCoder, part: slice) -> Int64:
            return coder.values(
                plane, logits[:, part], None if truth is None else truth[part], known_nonzero[part]
            )

        return self._code(code, truth, sizes)

    def last(self, x: Float32, truth: Int64 | None, sizes: Sizes) -> Int64:
        """Codes a phase of `last`."""
        logits = to_numpy(self._networks[LAST].logits(x))

        def code(coder: SliceCoder, part: slice) -> Int64:
            return coder.last(logits[:, part], None if truth is None else truth[part])

        return self._code(code, truth, sizes)

    def finish(self) -> Int64:
        """Waits for the coders; the values that they coded last."""
        values = [future.result() for future in self._running]
        self._running = []
        return np.concatenate([np.zeros(0, np.int64), *values])

    def _code(self, code: Callable[[SliceCoder, slice], Int64], truth: Int64 | None, sizes: Sizes) -> Int64:
        self.finish()
        ends = list(accumulate(sizes))
        parts = [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]
        self._running = [self._workers.submit(code, *one) for one in zip(self._coders, parts, strict=True)]
        return self.finish() if truth is None else truth


class Walk:
    """Fills the planes of one component of some slices in coding order.

    truth: int16 [64, bordered plane] to encode (or to learn from), None to decode; NumPy's.
    """

    def __init__(self, planes: ComponentPlanes, tables: Tables, sink: Sink, truth: Int16 | None) -> None:
        self._planes, self._tables, self._sink, self._truth = planes, tables, sink, truth
        self._blocks: Index = to_numpy(planes.blocks)

    def run(self) -> None:
        """Codes DC, `last`, and the AC planes in ascending order."""
        planes = self._planes
        self._dc()
        planes.finish_dc()
        self._last()
        planes.repeat_edge(planes.last)
        slopes = [Slopes(planes, r) for r in planes.references]
        last = to_numpy(planes.last)
        for k in range(1, int(last.max(initial=0)) + 1):
            self._ac(k, slopes, last)
            for slope in slopes:
                slope.learn(k)

    def _wanted(self, plane: int, blocks: Index) -> Int64 | None:
        return None if self._truth is None else self._truth[plane, blocks].astype(np.int64)

    def _store(self, plane: Int16, blocks: Index, values: Int64) -> None:
        check_range(values)
        plane[blocks] = self._planes.xp.asarray(values.astype(np.int16))

    def _dc(self) -> None:
        planes = self._planes
        for phase in pyramid(planes.rows, planes.columns):
            near = Neighbourhood(planes, phase)
            x, prediction = dc_inputs(planes, near, self._sink.linear[0][phase.number], self._tables)
            predicted, truth = to_numpy(prediction), self._wanted(0, to_numpy(near.blocks))
            residual, known_nonzero = (
                None if truth is None else truth - predicted,
                np.zeros(len(predicted), np.bool_),
            )
            values = self._sink.value(0, x, residual, known_nonzero, self._sizes(phase.rows)) + predicted
            self._store(planes.values[0], near.blocks, values)

    def _last(self) -> None:
        planes = self._planes
        lasts = None if self._truth is None else last_of(self._truth)
        for phase in pyramid(planes.rows, planes.columns):
            near = Neighbourhood(planes, phase)
            x = last_inputs(planes, near, self._tables)
            truth = None if lasts is None else lasts[to_numpy(near.blocks)]
            self._store(planes.last, near.blocks, self._sink.last(x, truth, self._sizes(phase.rows)))

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
            places = planes.xp.asarray(blocks)
            x = inputs.build(places, self._sink.linear[k][number])
            known_nonzero, truth = last[blocks] == k, self._wanted(k, blocks)
            values = self._sink.value(k, x, truth, known_nonzero, eligible.sum(1).tolist())
            self._store(planes.values[k], places, values)


def last_of(values: Int16) -> Int64:
    """Index of the last non-zero AC coefficient of planes [64, n], 0 where there is none."""
    found = (values[:0:-1] != 0).argmax(0)
    return np.where((values[1:] != 0).any(0), 63 - found, 0).astype(np.int64)


def new_planes(
    number: int,
    steps: Int32,
    shape: tuple[int, int, int],
    before: Sequence[ComponentPlanes],
    tables: Tables,
) -> ComponentPlanes:
    """Empty planes of a component with its references among the components before it.

    shape: (slices, rows, columns).
    """
    slices, rows, columns = shape
    planes = ComponentPlanes(tables.xp.asarray(steps.astype(np.int64)), rows, columns, [], slices)
    sources = [before[0], before[number - 1]][: references_of(component_class(number))] if number else []
    found = [reference(source, planes, tables) for source in sources]
    planes.references = [r if r is not None else planes.blank_reference() for r in found]
    return planes


def bordered(planes: ComponentPlanes, coefficients: Int16) -> Int16:
    """Coefficients [slices, rows, columns, 64] as bordered planes [64, ...]."""
    truth = np.zeros((64, planes.size), np.int16)
    truth[:, to_numpy(planes.blocks)] = coefficients.transpose(3, 0, 1, 2)
    return truth


def walk_slices(
    steps: Sequence[Int32],
    shapes: Sequence[tuple[int, int, int]],
    model: PlanesModel,
    coders: Sequence[SliceCoder],
    parts: Sequence[Int16] | None,
    workers: Executor,
) -> list[Int16]:
    """Codes all components of some slices, given by steps and (slices, rows, columns) in blocks.

    model: its arrays say whether NumPy or torch computes, and where. parts: coefficients
    [slices, rows, columns, 64] to encode, None to decode. workers: run the coders, one for each slice.
    Returns the coefficients.
    """
    done: list[ComponentPlanes] = []
    for number, (quantization, shape) in enumerate(zip(steps, shapes, strict=True)):
        planes = new_planes(number, quantization, shape, done, model.tables)
        truth = None if parts is None else bordered(planes, parts[number])
        sink = NetworkSink(model.classes[component_class(number)], coders, workers)
        Walk(planes, model.tables, sink, truth).run()
        sink.finish()
        done.append(planes)
    return [planes.coefficients() for planes in done]
