"""The coding loop of the GPU engine: the launches of kernels, in the order of docs/format/planes.md."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from jrecomp.codec.coefficients import HIGHEST
from jrecomp.codec.gpu import kernels
from jrecomp.codec.gpu.coders import Coders
from jrecomp.codec.gpu.planes import PYRAMID, Component, Places, ratios
from jrecomp.codec.gpu.weights import NEAREST, UNITS, ClassOnDevice, ModelOnDevice
from jrecomp.features.reference import SLOPE_PLANES
from jrecomp.features.schedule import PYRAMID_PHASES, SLOTS, pyramid_slots
from jrecomp.features.store import AC_INPUTS
from jrecomp.model.arrays import component_class
from jrecomp.model.planes import LAST, references_of

Tensor = Any  # torch.Tensor; torch is optional for type checking

MOST_INPUTS = 256
"""Inputs of a network at most, padded."""

CHUNK = 8
"""Known values that a program gathers together."""

WIDE = 256
"""Places that a program of a kernel without inputs processes."""


class Reference:
    """Another component at the blocks of this one.

    y: int16 [64, size]. last: int16 [size]. sums: int64 [3, size], of local slopes.
    """

    def __init__(self, target: Component) -> None:
        size, device = target.size, target.device
        self.y = torch.zeros((64, size), dtype=torch.int16, device=device)
        self.last = torch.zeros(size, dtype=torch.int16, device=device)
        self.sums = torch.zeros((3, size), dtype=torch.int64, device=device)


class Scratch:
    """Memory that the phases of a batch use one after the other.

    size: places of the largest component. largest: blocks of the largest phase.
    """

    def __init__(self, size: int, largest: int, device: str) -> None:
        self.pitch = largest + -largest % 128
        self.x = torch.empty((MOST_INPUTS, self.pitch), dtype=torch.int8, device=device)
        self.prediction = torch.empty(largest, dtype=torch.int32, device=device)
        self.energy = torch.empty(size, dtype=torch.int32, device=device)
        self.narrow, self.wide = torch.empty_like(self.energy), torch.empty_like(self.energy)


class Walk:
    """Processes a component of all slices of a batch.

    number: of the component. component: its planes, empty. truth: coefficients to encode, int16 [64, size];
    None to decode. damaged: int32 [slices], set to 1 where a decoded coefficient is out of range.
    """

    def __init__(
        self,
        number: int,
        component: Component,
        model: ModelOnDevice,
        coders: Coders,
        scratch: Scratch,
        truth: Tensor | None,
        damaged: Tensor,
    ) -> None:
        self._number, self._c, self._model = number, component, model
        self._coders, self._scratch, self._damaged = coders, scratch, damaged
        self._class: ClassOnDevice = model.classes[component_class(number)]
        self._encode, self._truth = int(truth is not None), component.values if truth is None else truth
        self._references: list[Reference] = []
        self._lasts = component.last
        if truth is not None:
            self._lasts = torch.empty_like(component.last)
            self._everywhere(kernels.find_last, truth, self._lasts)

    def refer(self, components: Sequence[Component]) -> None:
        """Set the references from what is known of the components before this one."""
        c, m = self._c, self._model
        sources = [components[0], components[self._number - 1]]
        self._references = []
        for source in sources[: references_of(component_class(self._number))]:
            reference, table = Reference(c), ratios(source, c)
            across = torch.empty((64, c.size), dtype=torch.int32, device=c.device)
            self._blocks(
                kernels.refer_across, source.values, source.grids, source.steps, across, table,
                m.matrices, m.zigzag, c.places, c.slices, c.grids, source.size, c.size, times=8,
            )  # fmt: skip
            self._blocks(
                kernels.refer_down, across, reference.y, table, m.matrices, m.zigzag, c.places,
                c.slices, c.size, times=8,
            )  # fmt: skip
            self._blocks(
                kernels.refer_last, source.last, source.grids, reference.last, table, c.places, c.slices,
                c.grids,
            )  # fmt: skip
            self._repeat_edge(reference.y)
            self._repeat_edge(reference.last)
            self._references.append(reference)

    def dc(self) -> None:
        """Process DC."""
        c, m, scratch = self._c, self._model, self._scratch
        y = self._two([reference.y for reference in self._references])
        for phase in range(PYRAMID_PHASES):
            places = c.lists[PYRAMID + phase]

            def inputs(side: Tensor, phase: int = phase, places: Places = places) -> None:
                kernels.dc_inputs[(_programs(places.count, kernels.DC_TILE),)](
                    scratch.x, scratch.pitch, side, scratch.prediction,
                    c.values, self._truth, *y, c.places, c.slices, c.grids, c.steps, m.offsets[phase],
                    self._class.linear, m.log, m.tanh, m.log2, c.size, places.first, places.count,
                    pyramid_slots(phase), phase, self._class.starts[0] + SLOTS * phase,
                    self._encode, REFERENCES=len(self._references), TILE=kernels.DC_TILE,
                )  # fmt: skip

            self._phase(0, c.places, places, inputs, c.values)
        self._repeat_edge(c.values)
        self._blocks(kernels.finish_dc, c.values, c.places, c.slices, c.grids, c.size)

    def rest(self, highest: int = HIGHEST) -> None:
        """Process `last`, and the AC planes up to an index."""
        self._last()
        c = self._c
        self._repeat_edge(c.last)
        for reference in self._references:
            self._blocks(
                kernels.start_slopes, reference.sums, reference.y, c.values, c.steps, c.places, c.slices,
                c.grids, c.size,
            )  # fmt: skip
        blocks, planes = c.coded_planes(highest)
        for k, phases in enumerate(planes, 1):
            self._ac(k, blocks, phases)
            for reference in self._references if k < SLOPE_PLANES else []:
                self._blocks(
                    kernels.learn_slopes, reference.sums, reference.y, c.values, c.steps, c.places, c.slices,
                    c.grids, c.size, plane=k,
                )  # fmt: skip

    def _last(self) -> None:
        c, m, scratch = self._c, self._model, self._scratch
        y = self._two([reference.y for reference in self._references])
        lasts = self._two([reference.last for reference in self._references])
        for phase in range(PYRAMID_PHASES):
            places = c.lists[PYRAMID + phase]

            def inputs(side: Tensor, phase: int = phase, places: Places = places) -> None:
                self._launch(
                    kernels.last_inputs, places.count, scratch.x, scratch.pitch, side, c.last, self._lasts,
                    c.values, *y, *lasts, c.places, c.slices, c.grids, c.steps, m.offsets[phase],
                    m.shown_steps, m.log, c.size, places.first, places.count, pyramid_slots(phase), phase,
                    self._encode, REFERENCES=len(self._references),
                )  # fmt: skip

            self._phase(LAST, c.places, places, inputs, c.last)

    def _ac(self, k: int, blocks: Tensor, phases: Sequence[Places]) -> None:
        c, m, scratch = self._c, self._model, self._scratch
        self._everywhere(
            kernels.energies, scratch.energy, c.values, c.slices, c.steps, m.near, plane=k, nearest=NEAREST[k]
        )
        self._everywhere(kernels.sum_rows, scratch.energy, scratch.narrow, scratch.wide)
        y = self._two([reference.y for reference in self._references])
        lasts = self._two([reference.last for reference in self._references])
        sums = self._two([reference.sums for reference in self._references])
        known = len(AC_INPUTS[k].plane)
        for phase, places in enumerate(phases):

            def inputs(side: Tensor, phase: int = phase, places: Places = places) -> None:
                self._launch(
                    kernels.ac_inputs, places.count, scratch.x, scratch.pitch, side, c.values, self._truth,
                    c.last, *y, *lasts, *sums, scratch.narrow, scratch.wide, blocks, c.slices, c.grids,
                    c.steps, m.known, self._class.linear, m.cross, m.log, m.tanh, m.log2, c.size,
                    places.first, places.count, k, phase, known, self._class.starts[k] + known * phase,
                    max(1, NEAREST[k]), self._encode, REFERENCES=len(self._references), CHUNK=CHUNK,
                )  # fmt: skip

            self._phase(k, blocks, places, inputs, c.values)

    def _phase(
        self, plane: int, blocks: Tensor, places: Places, inputs: Callable[[Tensor], None], values: Tensor
    ) -> None:
        """Launch the kernels of a phase, and code it; values: where they are stored."""
        if not places.count:
            return
        c, network = self._c, self._class.networks[plane]
        side, found = self._coders.begin(places.starts, network.outputs)
        inputs(side)
        kernels.logits[(_programs(places.count, kernels.NETWORK_TILE),)](
            self._scratch.x, self._scratch.pitch, places.count,
            self._class.weights, self._class.biases, found, *network.weights, *network.biases, network.units,
            network.outputs, WIDTH=network.width, SECOND=network.second, UNITS=UNITS,
            TILE=kernels.NETWORK_TILE,
        )  # fmt: skip
        self._coders.end(plane)
        if not self._encode:
            self._launch(
                kernels.store, places.count, values, side, self._scratch.prediction, self._damaged, blocks,
                c.slices, c.size, places.first, places.count, 0 if plane == LAST else plane, int(plane == 0),
            )  # fmt: skip

    def _two(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Two tensors for the arguments of a kernel, of which those of no reference are not read."""
        return [*tensors, self._c.values, self._c.values][:2]

    def _repeat_edge(self, plane: Tensor) -> None:
        self._blocks(kernels.repeat_edge, plane, self._c.places, self._c.slices, self._c.grids)

    def _blocks(self, kernel: Any, *arguments: Any, times: int = 1, **options: Any) -> None:
        """Launch a kernel for all blocks in raster order."""
        count = self._c.count
        kernel[_programs(count, kernels.TILE), times](*arguments, **options, count=count, TILE=kernels.TILE)

    def _everywhere(self, kernel: Any, *arguments: Any, **options: Any) -> None:
        """Launch a kernel for all places."""
        size = self._c.size
        kernel[(_programs(size, WIDE),)](*arguments, **options, size=size, TILE=WIDE)

    def _launch(self, kernel: Any, count: int, *arguments: Any, **options: Any) -> None:
        """Launch a kernel for the blocks of a phase."""
        kernel[(_programs(count, kernels.TILE),)](*arguments, **options, TILE=kernels.TILE)


def _programs(count: int, tile: int) -> int:
    return -(-count // tile)
