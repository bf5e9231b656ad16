"""The engine for GPUs: it gathers the slices of all calls in batches.

This module imports torch when it is first used.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from threading import Event, Lock

from jrecomp.array_types import Int16, Int32
from jrecomp.codec.coefficients import HIGHEST
from jrecomp.model.planes import PlanesModel
from jrecomp.threads import Turns, Workers, cancellable, turns, waiting

LANES = 2
"""Batches that are coded at once: the device computes one while threads code the decisions of the other."""

GAP = 8
"""Blocks between rows of blocks on the device, and rows between slices."""

BATCH_PLACES = 1 << 22
"""Largest number of places for blocks in a batch, with gaps. They take about 4 GB of a device's memory."""

FEWEST_PLACES = 1 << 19
"""Slices are divided among lanes only if each has this number of places. For less, one lane is faster."""

ENOUGH_PLACES = 1 << 20
"""A batch of so many places is not much faster than two of them, so it does not wait for more slices."""

ARRIVAL_SECONDS, GATHERING_SECONDS = 0.005, 0.5
"""A lane looks at what waits each time the first has passed, and waits no longer than the second. A batch of
few slices takes almost as long as one of many."""

SWITCH_SECONDS = 0.0005
"""Time after which another thread of Python runs, while a batch is coded. A lane gives up the interpreter in
each of its hundreds of phases, and must not wait for 5 ms to get it back from threads that prepare slices."""


@dataclass
class Item:
    """A slice to code.

    steps: the quantization table of each component. parts: the coefficients of each component, int16 [rows,
    columns, 64], to encode or to decode into. threads: how many may code decisions; a batch takes the largest
    number. data: the bytes to decode, None to encode; then the result. done: is set when the slice is coded.
    error: why it is not.
    """

    steps: Sequence[Int32]
    parts: Sequence[Int16]
    threads: int = 1
    data: bytes | None = None
    done: Event = field(default_factory=Event)
    error: BaseException | None = None

    @property
    def places(self) -> int:
        """Number of places of all components, without gaps between slices."""
        return sum(part.shape[0] * (part.shape[1] + GAP) for part in self.parts)

    @property
    def columns(self) -> int:
        """Largest number of columns of blocks of a component."""
        return max(int(part.shape[1]) for part in self.parts)


@dataclass(frozen=True)
class Kind:
    """What the slices of a batch have in common.

    model: codes them. decode: whether they are decoded. components: how many they have. highest: see
    engines.Engine.decode().
    """

    model: PlanesModel
    decode: bool
    components: int
    highest: int


Code = Callable[[Kind, Sequence[Item]], None]
"""Codes a batch; it sets the error of slices that are damaged, and raises others."""


class Batcher:
    """Gathers the slices of calls from several threads in batches; code: codes a batch."""

    def __init__(self, code: Code) -> None:
        self._code, self._lock = code, Lock()
        self._waiting: list[_Waiting] = []
        self._pool: Workers | None = None
        self._idle = LANES
        self._switch_seconds = 0.0

    def run(self, kind: Kind, items: Sequence[Item]) -> None:
        """Code slices; raises the error of the first one that has one."""
        with waiting():
            cancellable(self._queue)([_Waiting(kind, item, turns()) for item in items])
            for item in items:
                while not item.done.wait(1):
                    pass  # handlers of signals run here
        for item in items:
            if item.error:
                raise item.error

    def _queue(self, items: Sequence["_Waiting"]) -> None:
        with self._lock:
            self._waiting += items
            self._pool = self._pool or Workers(LANES)
        for _ in range(LANES):
            Context().run(
                self._pool.submit, self._serve
            )  # where no call is cancelled: a batch is of many calls

    def _serve(self) -> None:
        """Code batches until no slice waits."""
        try:
            while self._gather() and (batch := self._take()):
                kind, items = batch
                try:
                    self._code(kind, items)
                except BaseException as error:
                    _fail(items, error)
                self._end()
                _finish(items)
        except BaseException as error:  # such as a lack of memory: nobody else may look at what waits
            with self._lock:
                waiting, self._waiting = self._waiting, []
            for each in waiting:
                _fail([each.item], error)
                _finish([each.item])

    def _gather(self) -> bool:
        """Wait for more slices while they can be expected, or other lanes are at work; whether any wait."""
        seen, end = 0, time.monotonic() + GATHERING_SECONDS
        while time.monotonic() < end:
            with self._lock:
                others = self._idle < LANES
                expected = others or any(each.turns and each.turns.busy for each in self._waiting)
                count, places = len(self._waiting), sum(each.item.places for each in self._waiting)
            if count == 0 or places >= ENOUGH_PLACES or (count == seen and not expected):
                return count > 0
            seen = count
            time.sleep(ARRIVAL_SECONDS)
        return True

    def _take(self) -> tuple[Kind, list[Item]] | None:
        """Slices of the kind that most wait of: the share of an idle lane, at most a batch."""
        with self._lock:
            if not self._waiting:
                return None
            places = Counter[Kind]()
            for each in self._waiting:
                places[each.kind] += each.item.places
            kind = max(places, key=places.__getitem__)
            alike = [each.item for each in self._waiting if each.kind == kind]
            ends = _ends(alike)
            limit = min(BATCH_PLACES, max(FEWEST_PLACES, -(-ends[-1] // self._idle)))
            count = max(1, sum(end <= limit for end in ends))
            batch = kind, alike[:count]
            taken = set(map(id, alike[:count]))
            self._waiting = [each for each in self._waiting if id(each.item) not in taken]
            # no memory is asked for from here on: what is no longer here is coded
            if self._idle == LANES:
                self._switch_seconds = sys.getswitchinterval()
                sys.setswitchinterval(min(self._switch_seconds, SWITCH_SECONDS))
            self._idle -= 1
            return batch

    def _end(self) -> None:
        """A batch has ended."""
        with self._lock:
            self._idle += 1
            if self._idle == LANES:
                sys.setswitchinterval(self._switch_seconds)


@dataclass(frozen=True)
class _Waiting:
    """A slice that waits; turns: among which are those of the job that it is of, if any."""

    kind: Kind
    item: Item
    turns: Turns | None


def _fail(items: Sequence[Item], error: BaseException) -> None:
    for item in items:
        item.error = item.error or error


def _finish(items: Sequence[Item]) -> None:
    for item in items:
        with suppress(MemoryError):  # then it is set, but nobody was told; run() looks again
            item.done.set()


def _ends(items: Sequence[Item]) -> list[int]:
    """The number of places of the first slice, of the first two, and so on, with gaps of the widest."""
    places = accumulate(item.places for item in items)
    columns = accumulate((item.columns for item in items), max)
    gaps = [len(items[0].parts) * GAP * (widest + GAP + 1) for widest in columns]
    return [end + number * gap for number, (end, gap) in enumerate(zip(places, gaps, strict=True), 1)]


class GpuEngine:
    """An engine of models of planes; device: name of a device in torch."""

    def __init__(self, device: str) -> None:
        self._batcher = Batcher(partial(_code, device))

    def encode(
        self, model: PlanesModel, steps: Sequence[Int32], slices: Sequence[Sequence[Int16]], threads: int
    ) -> list[bytes]:
        """See engines.Engine."""
        items = [Item(steps, parts, threads) for parts in slices]
        self._batcher.run(Kind(model, False, len(steps), HIGHEST), items)
        return [item.data or b"" for item in items]

    def decode(
        self,
        model: PlanesModel,
        steps: Sequence[Int32],
        slices: Sequence[Sequence[Int16]],
        data: Sequence[bytes],
        threads: int,
        highest: int = HIGHEST,
    ) -> None:
        """See engines.Engine."""
        items = [Item(steps, parts, threads, each) for parts, each in zip(slices, data, strict=True)]
        self._batcher.run(Kind(model, True, len(steps), highest), items)


def _code(device: str, kind: Kind, items: Sequence[Item]) -> None:
    from jrecomp.codec.gpu.batch import code

    code(device, kind, items)


CUDA = GpuEngine("cuda")
"""The engine of the device that PyTorch chooses."""
