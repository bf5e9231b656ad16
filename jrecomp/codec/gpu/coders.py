"""Coding of the phases of a batch on CPU threads, and the copies between device and host."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from jrecomp.native.engine import SliceDecoder, SliceEncoder, Team, code_phase
from jrecomp.threads import Task, Workers

Tensor = Any  # torch.Tensor; torch is optional for type checking

SIDE = 2
"""16-bit integers that a value takes in a buffer, before its logits."""

RING = 2
"""Phases of the largest size that an encoder's buffer holds. Most phases are smaller, so it holds many."""


@dataclass(frozen=True)
class _Phase:
    """A phase on its way from the device to the coders.

    component, starts: as for code_phase(). begin, middle, end: first place of its side, of its logits, and
    their end in the buffer. outputs: number of logits of a block.
    """

    component: int
    begin: int
    middle: int
    end: int
    outputs: int
    starts: Sequence[int]


class Coders:
    """The coders of the slices of a batch.

    An encoder's phases wait in a buffer until a thread codes them, while the device computes the next ones.

    coders: of the slices. team: helps to run them. worker: the thread of an encoder. largest: number of
    blocks of the largest phase. outputs: largest number of outputs of a network.
    component: the number of the one whose phases follow.
    """

    component = 0

    def __init__(
        self,
        coders: Sequence[SliceEncoder] | Sequence[SliceDecoder],
        team: Team,
        worker: Workers,
        largest: int,
        outputs: int,
        device: str,
    ) -> None:
        self._coders, self._team, self._worker, self._cuda = coders, team, worker, device != "cpu"
        self.decoding = isinstance(coders[0], SliceDecoder)
        size = (1 if self.decoding else RING) * (_aligned(SIDE * largest) + _aligned(outputs * largest))
        self._on_device = torch.empty(size, dtype=torch.int16, device=device)
        self._on_host = (
            torch.empty(size, dtype=torch.int16, pin_memory=True) if self._cuda else self._on_device
        )
        self._host, self._end = self._on_host.numpy(), 0
        self._waiting: deque[tuple[_Phase, Task[None]]] = deque()

    def begin(self, starts: Sequence[int], outputs: int) -> tuple[Tensor, Tensor]:
        """The side and the logits of the next phase, for kernels to write; arguments as for code_phase()."""
        side, logits = _aligned(SIDE * starts[-1]), outputs * starts[-1]
        begin = self._end if self._end + side + logits <= len(self._host) else 0
        end = begin + side + logits
        while any(other.begin < end and begin < other.end for other, _ in self._waiting):
            self._waiting.popleft()[1].result()
        self._phase = _Phase(self.component, begin, begin + side, end, outputs, starts)
        self._end = _aligned(end)
        return self._on_device[begin:].view(torch.int32), self._on_device[begin + side :]

    def end(self, plane: int) -> None:
        """Code the phase, whose kernels have been launched. A decoder then has the values in the side."""
        phase, copied = self._phase, None
        if self._cuda:
            self._copy(self._on_host, self._on_device, phase.begin, phase.end)
            event: Any = torch.cuda.Event
            copied = event(blocking=not self.decoding)
            copied.record()
        code = partial(self._code, phase, plane, copied)
        if not self.decoding:
            self._waiting.append((phase, self._worker.submit(code)))
            return
        code()
        if self._cuda:
            self._copy(self._on_device, self._on_host, phase.begin, phase.middle)

    def finish(self) -> None:
        """Wait until all phases are coded."""
        while self._waiting:
            self._waiting.popleft()[1].result()

    @staticmethod
    def _copy(target: Tensor, source: Tensor, begin: int, end: int) -> None:
        target[begin:end].copy_(source[begin:end], non_blocking=True)

    def _code(self, phase: _Phase, plane: int, copied: Any) -> None:
        """Code a phase when it has been copied."""
        if copied:
            copied.synchronize()
        values = self._host[phase.begin : phase.middle].view(np.int32)[: phase.starts[-1]]
        logits = self._host[phase.middle : phase.end].reshape(phase.outputs, -1)
        code_phase(self._coders, phase.component, plane, logits, values, phase.starts, self._team)


def _aligned(size: int) -> int:
    """A multiple of 32 bytes."""
    return size + -size % 16
