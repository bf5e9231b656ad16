"""Coding of the phases of a batch on CPU threads, and the copies between device and host."""

from collections import deque
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from jrecomp.array_types import Int16, Int32
from jrecomp.native.engine import SliceDecoder, SliceEncoder, code_phase
from jrecomp.threads import Task, Workers

Tensor = Any  # torch.Tensor; torch is optional for type checking

SIDE = 2
"""16-bit integers that a value takes in a buffer, before its logits."""

BUFFERS = 4
"""Phases that an encoder can be ahead of its coders, and one."""

SHARE = 512
"""Fewest values that are worth a thread."""


class _Buffer:
    """A phase on its way from the device to the coders.

    size: 16-bit integers that it holds. device: where the kernels write.
    """

    def __init__(self, size: int, device: str) -> None:
        cuda = device != "cpu"
        self.on_device = torch.empty(size, dtype=torch.int16, device=device)
        self._on_host = torch.empty(size, dtype=torch.int16, pin_memory=cuda) if cuda else self.on_device
        event: Any = torch.cuda.Event
        self._copied = event() if cuda else None
        self.tasks: list[Task[None]] = []

    def begin(self, plane: int, starts: Sequence[int], outputs: int) -> tuple[Tensor, Tensor]:
        """Parts of the device's buffer for side and logits of a phase."""
        self.plane, self.starts, self.outputs = plane, starts, outputs
        self._side = SIDE * (starts[-1] + -starts[-1] % 8)  # a multiple of 32 bytes
        return self.on_device.view(torch.int32), self.on_device[self._side :]

    def fetch(self) -> None:
        """Start to copy the phase to the host."""
        if self._copied:
            size = self._side + self.outputs * self.starts[-1]
            self._on_host[:size].copy_(self.on_device[:size], non_blocking=True)
            self._copied.record()

    def arrived(self) -> tuple[Int32, Int16]:
        """Wait for the copy; returns values and logits, see code_phase()."""
        if self._copied:
            self._copied.synchronize()
        host, count = self._on_host.numpy(), self.starts[-1]
        end = self._side + self.outputs * count
        return host.view(np.int32)[:count], host[self._side : end].reshape(self.outputs, count)

    def send_back(self) -> None:
        """Start to copy the values to the device."""
        if self._copied:
            size = SIDE * self.starts[-1]
            self.on_device[:size].copy_(self._on_host[:size], non_blocking=True)


class Coders:
    """The coders of the slices of a batch.

    coders: of the slices. workers: threads that run them. largest: number of blocks of the largest phase.
    outputs: largest number of outputs of a network.
    """

    def __init__(
        self,
        coders: Sequence[SliceEncoder] | Sequence[SliceDecoder],
        workers: Workers,
        largest: int,
        outputs: int,
        device: str,
    ) -> None:
        self._coders, self._workers = coders, workers
        self.decoding = isinstance(coders[0], SliceDecoder)
        size = (outputs + SIDE) * (largest + -largest % 8)
        self._free = deque(_Buffer(size, device) for _ in range(1 if self.decoding else BUFFERS))
        self._copying: deque[_Buffer] = deque()
        self._tasks: list[Task[None]] = []
        self._coded: deque[_Buffer] = deque()

    def select(self, component: int) -> None:
        """Code a component from now on."""
        self.finish()
        for coder in self._coders:
            coder.select(component)

    def begin(self, plane: int, starts: Sequence[int], outputs: int) -> tuple[Tensor, Tensor]:
        """The side and the logits of the next phase, for kernels to write; arguments as for code_phase()."""
        while not self._free:
            self._code_next()
        self._current = self._free.popleft()
        return self._current.begin(plane, starts, outputs)

    def end(self) -> None:
        """Code the phase, whose kernels have been launched. A decoder then has the values in the side."""
        self._current.fetch()
        self._copying.append(self._current)
        if self.decoding:
            self.finish()
            self._current.send_back()

    def finish(self) -> None:
        """Wait until all phases are coded."""
        while self._copying:
            self._code_next()
        self._wait()

    def _wait(self) -> None:
        for task in self._tasks:
            task.result()
        self._tasks = []
        self._free.extend(self._coded)
        self._coded.clear()

    def _code_next(self) -> None:
        """Start to code the phase that was launched first, after the one before it."""
        buffer = self._copying.popleft() if self._copying else None
        values_logits = buffer.arrived() if buffer else None
        self._wait()
        if buffer and values_logits:
            values, logits = values_logits
            self._tasks = self._start(buffer.plane, values, logits, buffer.starts)
            self._coded.append(buffer)

    def _start(self, plane: int, values: Int32, logits: Int16, starts: Sequence[int]) -> list[Task[None]]:
        count = starts[-1]
        parts = max(1, min(self._workers.at_once, len(self._coders), count // SHARE))
        cuts = np.searchsorted(starts[:-1], [part * count // parts for part in range(1, parts)])
        bounds = [0, *cuts.tolist(), len(self._coders)]
        return [
            self._workers.submit(
                partial(code_phase, self._coders[a:b], plane, logits, values, starts[a : b + 1])
            )
            for a, b in pairwise(bounds)
            if a < b
        ]
