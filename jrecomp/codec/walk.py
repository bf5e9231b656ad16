"""One walk over the planes of a slice that encodes or decodes, so that the two cannot part.

This is the reference: the native engine (jrecomp/native/engine) computes the same bytes.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from jrecomp.errors import CorruptContainerError
from jrecomp.model.adaptation import Adaptation, AdaptiveDecider, Coder
from jrecomp.model.symbols import ALL_OUTPUTS, code_last, code_values
from jrecomp.model.weights import CLASSES, LAST, ClassWeights, Model, references_of
from jrecomp.planes.ac import AcInputs
from jrecomp.planes.dc import Neighbourhood, dc_inputs, last_inputs
from jrecomp.planes.reference import Slopes, reference
from jrecomp.planes.schedule import checkerboard, pyramid
from jrecomp.planes.store import Planes
from jrecomp.planes.tables import Tables

Int16 = npt.NDArray[np.int16]
Int64 = npt.NDArray[np.int64]
Index = npt.NDArray[np.intp]
Features = npt.NDArray[np.float32]

CHUNK = 128
"""Blocks whose decisions are coded together, with what was learned before them."""


class Sink(Protocol):
    """What a walk shows its inputs to and gets values from."""

    linear: list[Int64]

    def value(self, plane: int, x: Features, truth: Int64 | None, sure: npt.NDArray[np.bool_]) -> Int64:
        """Values int64 [n] of a coefficient plane; truth where it is known beforehand."""
        ...

    def last(self, x: Features, truth: Int64 | None) -> Int64:
        """Indices int64 [n] of last non-zero coefficients."""
        ...

    def end_plane(self) -> None:
        """Told after each AC plane."""
        ...


class NetworkSink:
    """Codes what a walk shows it with the networks of one component class."""

    def __init__(self, weights: ClassWeights, tables: Tables, coder: Coder) -> None:
        self.linear = weights.linear
        self._networks, self._coder = weights.networks, coder
        self._dc = Adaptation(tables.sigmoid)
        self._ac = Adaptation(tables.sigmoid)
        self._last = Adaptation(tables.sigmoid)

    def value(self, plane: int, x: Features, truth: Int64 | None, sure: npt.NDArray[np.bool_]) -> Int64:
        """Codes a chunk of a plane."""
        adaptation = self._ac if plane else self._dc
        values = code_values(self._decider(plane, x, adaptation), truth, sure)
        adaptation.refresh()
        return values

    def last(self, x: Features, truth: Int64 | None) -> Int64:
        """Codes a chunk of `last`."""
        values = code_last(self._decider(LAST, x, self._last), truth, x.shape[1])
        self._last.refresh()
        return values

    def end_plane(self) -> None:
        """What was learned of an AC plane weighs less in the next."""
        self._ac.fade()

    def _decider(self, network: int, x: Features, adaptation: Adaptation) -> AdaptiveDecider:
        logits = np.zeros((ALL_OUTPUTS, x.shape[1]), np.int16)
        predicted = self._networks[network].logits(x)
        logits[: len(predicted)] = predicted
        return AdaptiveDecider(logits, adaptation, self._coder)


def _chunks(items: Index) -> Iterator[Index]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


class Walk:
    """Fills the planes of one component of one slice in coding order.

    truth: int16 [64, bordered grid] to encode (or to learn from), None to decode.
    """

    def __init__(self, planes: Planes, tables: Tables, sink: Sink, truth: Int16 | None) -> None:
        self._planes, self._tables, self._sink, self._truth = planes, tables, sink, truth

    def run(self) -> None:
        """Codes DC, `last`, and the AC planes in ascending order."""
        self._dc()
        self._planes.finish_dc()
        self._last()
        self._planes.repeat_edge(self._planes.last)
        slopes = [Slopes(self._planes, r) for r in self._planes.references]
        for k in range(1, int(self._planes.last.max(initial=0)) + 1):
            self._ac(k, slopes)
            for slope in slopes:
                slope.learn(k)
            self._sink.end_plane()

    def _wanted(self, plane: int, blocks: Index) -> Int64 | None:
        return None if self._truth is None else self._truth[plane, blocks].astype(np.int64)

    def _store(self, plane: Int16, blocks: Index, values: Int64) -> None:
        if len(values) and np.abs(values).max() > 32767:
            raise CorruptContainerError("a coefficient is out of range")
        plane[blocks] = values

    def _dc(self) -> None:
        planes = self._planes
        for phase in pyramid(planes.rows, planes.columns):
            near = Neighbourhood(planes, phase)
            x, predicted = dc_inputs(planes, near, self._sink.linear[0][phase.number], self._tables)
            truth = self._wanted(0, near.blocks)
            values = np.empty(len(near.blocks), np.int64)
            for c in _chunks(np.arange(len(near.blocks))):
                wanted = None if truth is None else truth[c] - predicted[c]
                values[c] = self._sink.value(0, x[:, c], wanted, np.zeros(len(c), np.bool_)) + predicted[c]
            self._store(planes.values[0], near.blocks, values)

    def _last(self) -> None:
        planes = self._planes
        truth = None if self._truth is None else last_of(self._truth)
        for phase in pyramid(planes.rows, planes.columns):
            near = Neighbourhood(planes, phase)
            x = last_inputs(planes, near, self._tables)
            values = np.empty(len(near.blocks), np.int64)
            for c in _chunks(np.arange(len(near.blocks))):
                values[c] = self._sink.last(x[:, c], None if truth is None else truth[near.blocks[c]])
            planes.last[near.blocks] = values

    def _ac(self, k: int, slopes: list[Slopes]) -> None:
        planes = self._planes
        inputs = AcInputs(planes, k, self._tables, slopes)
        for number, mask in enumerate(checkerboard(planes.rows, planes.columns)):
            blocks = planes.blocks[mask]
            blocks = blocks[planes.last[blocks] >= k]
            inputs.start_phase(number)
            values = np.empty(len(blocks), np.int64)
            for c in _chunks(np.arange(len(blocks))):
                chunk = blocks[c]
                x = inputs.build(chunk, self._sink.linear[k][number])
                values[c] = self._sink.value(k, x, self._wanted(k, chunk), planes.last[chunk] == k)
            self._store(planes.values[k], blocks, values)


def last_of(values: Int16) -> Int64:
    """Index of the last non-zero AC coefficient of planes [64, n], 0 where there is none."""
    found = (values[:0:-1] != 0).argmax(0)
    return np.where((values[1:] != 0).any(0), 63 - found, 0).astype(np.int64)


def component_class(number: int) -> int:
    """The class of the component at this place in the frame header."""
    return min(number, CLASSES - 1)


def new_planes(
    number: int,
    steps: npt.NDArray[np.int32],
    rows: int,
    columns: int,
    before: Sequence[Planes],
    tables: Tables,
) -> Planes:
    """Empty planes of a component with its references among the components before it."""
    planes = Planes(np.maximum(steps, 1).astype(np.int64), rows, columns, [])
    sources = [before[0], before[number - 1]][: references_of(component_class(number))] if number else []
    found = [reference(source, planes, tables) for source in sources]
    planes.references = [r if r is not None else planes.blank_reference() for r in found]
    return planes


def bordered(planes: Planes, coefficients: Int16) -> Int16:
    """Coefficients [rows, columns, 64] as planes [64, bordered grid]."""
    truth = np.zeros((64, planes.height * planes.width), np.int16)
    truth[:, planes.blocks] = coefficients.transpose(2, 0, 1)
    return truth


def walk_slice(
    steps: Sequence[npt.NDArray[np.int32]],
    shapes: Sequence[tuple[int, int]],
    model: Model,
    coder: Coder,
    parts: Sequence[Int16] | None,
) -> list[Int16]:
    """Codes all components of a slice, given by quantization steps and (rows, columns) in blocks.

    parts: coefficients [rows, columns, 64] to encode, None to decode. Returns the coefficients.
    """
    done: list[Planes] = []
    for number, (quantization, (rows, columns)) in enumerate(zip(steps, shapes, strict=True)):
        planes = new_planes(number, quantization, rows, columns, done, model.tables)
        truth = None if parts is None else bordered(planes, parts[number])
        sink = NetworkSink(model.classes[component_class(number)], model.tables, coder)
        Walk(planes, model.tables, sink, truth).run()
        done.append(planes)
    return [planes.coefficients() for planes in done]
