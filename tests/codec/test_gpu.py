"""The engine for GPUs: its kernels in Triton's interpreter, and its batches."""

import itertools
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from threading import Barrier, Event
from types import SimpleNamespace

import numpy as np
import pytest

from jrecomp.codec.devices import missing_for_cuda
from jrecomp.codec.engines import ENGINES, Slice, Steps
from jrecomp.codec.gpu import engine
from jrecomp.codec.gpu.engine import Batcher, GpuEngine, Item, Kind
from jrecomp.errors import CancelledError, CorruptContainerError, UsageError
from jrecomp.model import planes
from jrecomp.model.planes import PlanesModel
from jrecomp.model.symbols import VALUE_OUTPUTS
from jrecomp.native.engine import SliceDecoder, SliceEncoder, Team, code_phase
from jrecomp.threads import Turns, Workers, cancellation
from tests.models import random_arrays, random_file

ABSENT = [name for name in ("torch", "triton") if not find_spec(name)]
SKIPPED = f"{' and '.join(ABSENT)} not installed" if ABSENT else "the GPU runs the kernels in other tests"
interpreted = pytest.mark.skipif(bool(ABSENT) or not missing_for_cuda(), reason=SKIPPED)
"""Tests of kernels in the interpreter (see conftest.py)."""

NUMPY = ENGINES["planes"]["numpy"]


def slice_of(
    sampling: list[tuple[int, int]], shape: tuple[int, int], highest: int, seed: int = 0
) -> tuple[Steps, Slice]:
    """A slice without coefficients above an index, so that it has few phases."""
    file = random_file(sampling, *shape, seed=seed, spread=4.0)
    for array in file.coefficients:
        array[..., highest + 1 :] = 0
    return [c.steps for c in file.frame.components], file.coefficients


def check(model: PlanesModel, steps: Steps, slices: Sequence[Slice]) -> None:
    """The kernels give the bytes of the reference, and decode them."""
    kernels = GpuEngine("cpu")
    expected = NUMPY.encode(model, steps, slices, 1)
    assert kernels.encode(model, steps, slices, 1) == expected
    decoded = [[np.full_like(part, 7) for part in parts] for parts in slices]
    kernels.decode(model, steps, decoded, expected, 1)
    for parts, found in zip(slices, decoded, strict=True):
        assert all((a == b).all() for a, b in zip(parts, found, strict=True))


@interpreted
@pytest.mark.slow
@pytest.mark.parametrize(
    "sampling", [[(2, 2), (1, 1), (1, 2)], [(4, 1), (1, 1), (1, 1), (2, 1)], [(3, 2), (2, 1)]], ids=str
)
def test_classes_and_references(sampling: list[tuple[int, int]]) -> None:
    """Every class of components, references that are resampled or do not fit, components of one block."""
    model = planes.build(9, "random", random_arrays(1, (70, 40)))
    steps, parts = slice_of(sampling, (1, 1), 3)
    check(model, steps, [parts])


@interpreted
@pytest.mark.slow
def test_all_planes(random_model: PlanesModel) -> None:
    """Also with a reference, and slopes that are learned from its planes."""
    steps, parts = slice_of([(1, 1)] * 2, (3, 2), 63)
    for part in parts:
        part[0, 0, 63] = 1
    check(random_model, steps, [parts])


@interpreted
@pytest.mark.slow
def test_extremes(random_model: PlanesModel) -> None:
    """The interpreter also checks that no sum overflows."""
    rng = np.random.default_rng(4)
    parts = [rng.choice([-32767, 0, 32767], (3, 3, 64)).astype(np.int16) for _ in range(2)]
    for part in parts:
        part[..., 19:] = 0
    check(random_model, [rng.choice([1, 65535], 64).astype(np.int32) for _ in parts], [parts])


@interpreted
@pytest.mark.slow
def test_slices_of_different_sizes(random_model: PlanesModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Side by side in one batch; the blocks of one are not taken for neighbours of another."""
    monkeypatch.setattr(engine, "LANES", 1)
    steps, large = slice_of([(2, 1), (1, 1)], (12, 9), 2)
    small = slice_of([(2, 1), (1, 1)], (1, 1), 2, seed=5)[1]
    check(random_model, steps, [large, small, [part[:3] for part in large]])


@interpreted
@pytest.mark.slow
def test_damage_of_one_slice(random_model: PlanesModel) -> None:
    """The others of its batch are decoded."""
    steps, parts = slice_of([(1, 1)], (2, 2), 2)
    data = NUMPY.encode(random_model, steps, [parts], 1)[0]
    found = [np.zeros_like(parts[0])]
    items = [Item(steps, [np.zeros_like(parts[0])], 1, b"\xff" * 40), Item(steps, found, 1, data)]
    with pytest.raises(CorruptContainerError, match="damaged container"):
        GpuEngine("cpu")._batcher.run(Kind(random_model, True, 1, 63), items)
    assert items[1].error is None and (found[0] == parts[0]).all()


@interpreted
def test_a_full_device_is_a_lack_of_memory(
    random_model: PlanesModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not reported as a file that cannot be modelled."""
    import torch

    from jrecomp.codec.gpu import batch

    def fail(*arguments: object) -> None:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(batch, "Coders", fail)
    steps, parts = slice_of([(1, 1)], (1, 1), 0)
    with pytest.raises(MemoryError):
        GpuEngine("cpu").encode(random_model, steps, [parts], 1)


def test_a_model_that_is_too_wide_is_refused() -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    from jrecomp.codec.gpu.weights import ModelOnDevice

    with pytest.raises(UsageError, match="256 units"):
        ModelOnDevice(planes.build(9, "wide", random_arrays(1, (1, 257))), "cpu")


@pytest.mark.parametrize("highest", [63, 4])
def test_blocks_of_the_phases_of_ac_planes(highest: int) -> None:
    """Slice by slice in raster order, those with a `last` of at least k."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from jrecomp.codec.gpu.planes import RASTER, Component

    shapes = [(5, 7), (1, 1), (4, 9)]
    component = Component(np.ones((3, 64), np.int32), shapes, "cpu")
    inside = component.places[: component.lists[RASTER].count].long()
    component.last[inside] = torch.from_numpy(np.random.default_rng(0).integers(0, 12, len(inside), np.int16))
    places, planes = component.coded_planes(highest)
    assert len(planes) == min(highest, 11)
    for k, phases in enumerate(planes, 1):
        for parity, phase in enumerate(phases):
            expected, starts = [], [0]
            for (rows, columns), (base, _, _, pitch) in zip(shapes, component.grids.tolist(), strict=True):
                grid = [(y, x) for y in range(rows) for x in range(columns) if (x + y) % 2 == parity]
                blocks = [base + y * pitch + x for y, x in grid]
                expected += [block for block in blocks if component.last[block] >= k]
                starts.append(len(expected))
            assert places[phase.first : phase.first + phase.count].tolist() == expected
            assert phase.starts == starts


def test_coders_of_a_team() -> None:
    """Helpers change nothing, also while two callers share them, nor does the damage of one slice."""
    sigmoid = planes.build(9, "random", random_arrays(1, (1, 1))).arrays["sigmoid"]
    rng = np.random.default_rng(3)
    starts = [0, 700, 700, 4000, 4100, 9000]
    logits = rng.integers(-767, 768, (VALUE_OUTPUTS, starts[-1]), np.int16)
    truth = rng.integers(-40, 41, starts[-1], np.int32)
    team = Team(3)

    def encoded(team: Team) -> list[bytes]:
        coders = [SliceEncoder(sigmoid) for _ in starts[1:]]
        for component, plane in ((0, 0), (1, 0), (1, 5), (0, 7)):
            code_phase(coders, component, plane, logits, 2 * truth, starts, team)
        return [coder.finish() for coder in coders]

    expected = encoded(Team(0))
    with Workers(2) as pool:
        assert pool.map(encoded, [team] * 20) == [expected] * 20
    expected[2] = b"\xff" * 40
    decoders = [SliceDecoder(sigmoid, data) for data in expected]
    for component, plane in ((0, 0), (1, 0), (1, 5), (0, 7)):
        found = np.zeros_like(truth)
        code_phase(decoders, component, plane, logits, found, starts, team)
        assert (np.delete(found, np.s_[700:4000]) == np.delete(truth, np.s_[700:4000])).all()
    assert [decoder.damaged for decoder in decoders] == [False, False, True, False, False]


BLOCKS = [np.zeros((4, 5, 64), np.int16)]
STEPS = [np.ones(64, np.int32)]


def test_places_of_slices_are_those_of_the_device() -> None:
    """Also where slices of different widths make the gaps larger."""
    pytest.importorskip("torch", reason="torch is not installed")
    from jrecomp.codec.gpu.planes import Component

    shapes = [(1, 1), (4, 30), (2, 3)]
    items = [Item(STEPS, [np.zeros((*shape, 64), np.int16)]) for shape in shapes]
    for count, end in enumerate(engine._ends(items), 1):
        size = Component(np.ones((count, 64), np.int32), shapes[:count], "cpu").size
        widest = max(columns for _, columns in shapes[:count])
        assert size == end + engine.GAP * (widest + engine.GAP + 1)  # and the gap before the first one


class Recorder:
    """Codes nothing; remembers the batches, and raises MemoryError for those with the bytes b"bad"."""

    def __init__(self) -> None:
        self.batches: list[tuple[Kind, list[bytes | None]]] = []

    def __call__(self, kind: Kind, items: Sequence[Item]) -> None:
        self.batches.append((kind, [item.data for item in items]))
        if any(item.data == b"bad" for item in items):
            raise MemoryError("full")


def items_of(*data: bytes) -> list[Item]:
    return [Item(STEPS, BLOCKS, data=each) for each in data]


@pytest.mark.parametrize(
    ("lanes", "fewest", "most", "sizes"),
    [(1, 0, 656, [4]), (2, 0, 656, [2, 2]), (2, 656, 656, [4]), (1, 0, 655, [1, 3]), (1, 0, 1, [1, 1, 1, 1])],
)
def test_slices_are_divided_among_lanes(
    random_model: PlanesModel,
    monkeypatch: pytest.MonkeyPatch,
    lanes: int,
    fewest: int,
    most: int,
    sizes: list[int],
) -> None:
    """If each lane gets enough of them, and no more than a batch takes."""
    for name, value in (("LANES", lanes), ("FEWEST_PLACES", fewest), ("BATCH_PLACES", most)):
        monkeypatch.setattr(engine, name, value)
    together, found = Barrier(min(lanes, len(sizes))), list[int]()

    def code(kind: Kind, items: Sequence[Item]) -> None:
        found.append(len(items))
        together.wait(60)

    Batcher(code).run(Kind(random_model, True, 1, 63), items_of(b"a", b"b", b"c", b"d"))
    assert sorted(found) == sizes


def test_slices_of_several_calls_are_one_batch(
    random_model: PlanesModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a batch is coded, other calls wait. Then all of them that are alike are coded at once."""
    monkeypatch.setattr(engine, "LANES", 1)
    begun, release, batches = Event(), Event(), list[tuple[bool, set[bytes | None]]]()

    def code(kind: Kind, items: Sequence[Item]) -> None:
        batches.append((kind.decode, {item.data for item in items}))
        begun.set()
        assert release.wait(60)

    batcher = Batcher(code)
    with Workers(4) as pool:
        run = partial(batcher.run, Kind(random_model, True, 1, 63))
        tasks = [pool.submit(partial(run, items_of(b"first")))]
        assert begun.wait(60)
        tasks += [pool.submit(partial(run, items_of(name))) for name in (b"second", b"third")]
        other = Kind(random_model, False, 1, 63)
        tasks.append(pool.submit(partial(batcher.run, other, items_of(b"other"))))
        while len(batcher._waiting) < 3:
            pass
        release.set()
        for task in tasks:
            task.result()
    assert batches[0] == (True, {b"first"})
    assert sorted(batches[1:]) == [(False, {b"other"}), (True, {b"second", b"third"})]


def test_slices_that_arrive_one_after_the_other_are_one_batch(
    random_model: PlanesModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lane that is idle waits until no more arrive."""
    monkeypatch.setattr(engine, "LANES", 1)
    recorder, kind = Recorder(), Kind(random_model, True, 1, 63)
    batcher, sleeps = Batcher(recorder), list[float]()

    def arrive(seconds: float) -> None:
        sleeps.append(seconds)
        if len(sleeps) < 3:
            batcher._waiting.append(engine._Waiting(kind, items_of(b"later")[0], None))

    monkeypatch.setattr(engine, "time", SimpleNamespace(sleep=arrive, monotonic=lambda: 0.0))
    batcher.run(kind, items_of(b"first"))
    assert [data for _, data in recorder.batches] == [[b"first", b"later", b"later"]]


def test_a_lane_waits_for_jobs_that_still_prepare_slices(random_model: PlanesModel) -> None:
    recorder, kind, turns = Recorder(), Kind(random_model, True, 1, 63), Turns(2)
    batcher, prepared = Batcher(recorder), Event()

    def job(data: bytes) -> None:
        assert data == b"quick" or prepared.wait(60)
        batcher.run(kind, items_of(data))

    with Workers(2) as pool:
        tasks = [pool.submit(partial(turns.taken(job), data)) for data in (b"quick", b"slow")]
        while not batcher._waiting:
            pass
        time.sleep(4 * engine.ARRIVAL_SECONDS)
        assert not recorder.batches
        prepared.set()
        for task in tasks:
            task.result()
    assert [data for _, data in recorder.batches] == [[b"quick", b"slow"]]


def test_a_lane_does_not_wait_for_ever(random_model: PlanesModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that computes for long may never code slices."""
    monkeypatch.setattr(engine, "GATHERING_SECONDS", 0.01)
    recorder, turns = Recorder(), Turns(2)
    turns.take()
    with turns.turn():
        Batcher(recorder).run(Kind(random_model, True, 1, 63), items_of(b"a"))
    assert [data for _, data in recorder.batches] == [[b"a"]]


def test_the_kind_that_most_wait_of_comes_first(
    random_model: PlanesModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LANES", 1)
    recorder, decode = Recorder(), Kind(random_model, True, 1, 63)
    batcher, encode = Batcher(recorder), replace(decode, decode=False)
    batcher._waiting = [engine._Waiting(encode, items_of(b"e")[0], None)]
    batcher.run(decode, items_of(b"d", b"d"))
    while len(recorder.batches) < 2:
        pass
    assert [data for _, data in recorder.batches] == [[b"d", b"d"], [b"e"]]


def test_threads_change_often_only_while_a_batch_is_coded(random_model: PlanesModel) -> None:
    before, during = sys.getswitchinterval(), list[float]()
    batcher = Batcher(lambda kind, items: during.append(sys.getswitchinterval()))
    batcher.run(Kind(random_model, True, 1, 63), items_of(b"a"))
    assert during == [pytest.approx(engine.SWITCH_SECONDS)] and before > during[0]
    assert sys.getswitchinterval() == before


def test_an_error_of_a_batch_reaches_its_calls(random_model: PlanesModel) -> None:
    """And no others, also later."""
    batcher, kind = Batcher(Recorder()), Kind(random_model, True, 1, 63)
    with pytest.raises(MemoryError, match="full"):
        batcher.run(kind, items_of(b"bad"))
    batcher.run(kind, items_of(b"good"))


@pytest.mark.parametrize("name", ["_gather", "_take"])
def test_an_error_while_slices_wait_reaches_their_calls(
    random_model: PlanesModel, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Otherwise they would wait for ever. Later calls are coded."""
    monkeypatch.setattr(engine, "LANES", 1)
    batcher, kind, interval = Batcher(Recorder()), Kind(random_model, True, 1, 63), sys.getswitchinterval()

    def fail(batcher: Batcher) -> None:
        raise MemoryError("none is left")

    with monkeypatch.context() as patch, pytest.raises(MemoryError, match="none is left"):
        patch.setattr(Batcher, name, fail)
        batcher.run(kind, items_of(b"a", b"b"))
    batcher.run(kind, items_of(b"good"))
    assert batcher._idle == 1 and sys.getswitchinterval() == interval


def test_many_jobs_with_errors_and_cancellations(
    random_model: PlanesModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them ends, with its own result, and afterwards all turns and lanes are free."""
    for name, value in (("BATCH_PLACES", 4000), ("FEWEST_PLACES", 600), ("GATHERING_SECONDS", 0.01)):
        monkeypatch.setattr(engine, name, value)
    rng, ends = random.Random(1), engine._ends

    def code(kind: Kind, items: Sequence[Item]) -> None:
        if rng.random() < 0.1:
            raise MemoryError("full")
        for item in items:
            item.data = bytes([kind.decode]) + (item.data or b"")

    def scarce(items: Sequence[Item]) -> list[int]:
        if rng.random() < 0.05:
            raise MemoryError("none is left")
        return ends(items)

    monkeypatch.setattr(engine, "_ends", scarce)
    batcher, turns = Batcher(code), Turns(3)

    def run(name: bytes) -> None:
        kind, items = Kind(random_model, name[0] % 2 == 0, 1, 63), items_of(name, name[::-1])
        batcher.run(kind, items)
        assert [item.data for item in items] == [
            bytes([kind.decode]) + name,
            bytes([kind.decode]) + name[::-1],
        ]

    def job(number: int) -> None:
        questions = rng.randrange(4) if number % 5 == 0 else sys.maxsize
        asked = itertools.count()
        with turns.turn(), cancellation(lambda: next(asked) >= questions), Workers(number % 3) as threads:
            threads.map(run, [bytes([number, n]) for n in range(3)])

    ended = Counter[str]()
    with Workers(20) as pool:
        for task in [pool.submit(partial(job, number)) for number in range(250)]:
            try:
                task.result()
                ended["done"] += 1
            except (MemoryError, CancelledError) as error:
                ended[type(error).__name__] += 1
    assert ended.total() == 250 and ended.keys() == {"done", "MemoryError", "CancelledError"}
    assert (turns._busy, turns._free.qsize(), batcher._idle) == (0, 3, engine.LANES)


def test_a_call_that_is_cancelled_while_its_slices_wait_ends(random_model: PlanesModel) -> None:
    """Their batch may have slices of other calls."""
    answers = iter([False])
    recorder = Recorder()
    with cancellation(lambda: next(answers, True)):
        Batcher(recorder).run(Kind(random_model, True, 1, 63), items_of(b"a"))
    assert len(recorder.batches) == 1


def test_a_cancelled_call_codes_nothing(random_model: PlanesModel) -> None:
    recorder = Recorder()
    with cancellation(lambda: True), pytest.raises(CancelledError):
        Batcher(recorder).run(Kind(random_model, True, 1, 63), items_of(b"a"))
    assert not recorder.batches
