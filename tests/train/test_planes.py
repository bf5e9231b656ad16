"""Training of models of planes on a handful of pictures that the tests draw; needs torch (extra `train`)."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jrecomp import codec
from jrecomp.array_types import Bool, Index, Int8
from jrecomp.codec import planes as loop
from jrecomp.errors import UsageError
from jrecomp.features.ac import AcInputs
from jrecomp.features.tables import make
from jrecomp.jpeg.types import JpegFile
from jrecomp.model import planes, symbols, weights
from jrecomp.model.arrays import CLASSES
from jrecomp.model.planes import LAST, PlanesModel
from tests.models import data_folder, random_file

torch = pytest.importorskip("torch", reason="training needs torch: pip install jrecomp[train]")
pytest.importorskip("matplotlib", reason="training draws: pip install jrecomp[train]")

from jrecomp.train import export  # noqa: E402
from jrecomp.train.pictures import Picture  # noqa: E402
from jrecomp.train.planes import decisions, fit, groups, lanes, linear, run, samples, start  # noqa: E402
from jrecomp.train.planes.examples import Examples  # noqa: E402
from jrecomp.train.planes.export import assemble  # noqa: E402
from jrecomp.train.planes.groups import Group  # noqa: E402
from jrecomp.train.planes.network import IntegerNetwork, bits  # noqa: E402
from jrecomp.train.settings import Settings  # noqa: E402

HIDDEN = (16, 8)
GROUPS = [Group(0, (LAST,)), Group(1, (0,)), Group(2, (5,)), *groups.all_groups()[-CLASSES:]]
"""One of each sort, and all that share."""


def drawn_network(group: Group, hidden: tuple[int, int] = HIDDEN) -> IntegerNetwork:
    torch.manual_seed(group.planes[0])
    return IntegerNetwork(group.shapes(hidden))


@pytest.fixture(scope="module")
def drawn() -> dict[Group, IntegerNetwork]:
    """Untrained networks of a whole model."""
    return {group: drawn_network(group) for group in groups.all_groups()}


@pytest.fixture(scope="module")
def built(drawn: dict[Group, IntegerNetwork]) -> PlanesModel:
    """The model of the untrained networks, with random linear predictions."""
    rng = np.random.default_rng(0)
    networks = {
        (group.component_class, plane): group.exported(network.export())
        for group, network in drawn.items()
        for plane in group.planes
    }
    predictions = [
        [rng.integers(-300, 301, planes.linear_shape(p)) for p in range(64)] for _ in range(CLASSES)
    ]
    return planes.build(9, "untrained", assemble(make(), HIDDEN, predictions, networks))


def random_inputs(group: Group, plane: int) -> Int8:
    (_, inputs), *_ = planes.shapes(group.component_class, HIDDEN, plane)
    return np.random.default_rng(plane).integers(-127, 128, (200, inputs)).astype(np.int8)


@pytest.mark.parametrize("group", GROUPS, ids=str)
def test_training_computes_what_the_codec_computes(
    group: Group, drawn: dict[Group, IntegerNetwork], built: PlanesModel
) -> None:
    """The same logits for each plane, though the codec has a network for each and training one for all."""
    for plane in group.planes:
        x = random_inputs(group, plane)
        network = built.classes[group.component_class].networks[plane]
        wanted = network.logits(x.T.astype(np.float32)).T / 64
        with torch.no_grad():
            found = drawn[group](torch.from_numpy(group.inputs_of(plane, x)).float()).numpy()
        assert np.array_equal(found, wanted) and wanted.std() > 0


def test_planes_of_a_group_have_networks_of_their_own_biases(built: PlanesModel) -> None:
    first, second = (built.classes[0].networks[plane].layers for plane in groups.SHARED[0][:2])
    assert not np.array_equal(first[0].bias, second[0].bias)
    assert np.array_equal(first[1].weight, second[1].weight)


def test_every_plane_is_in_one_group() -> None:
    found = [(group.component_class, plane) for group in groups.all_groups() for plane in group.planes]
    assert sorted(found) == [(c, p) for c in range(CLASSES) for p in range(65)]


def test_integers_of_a_network_make_the_network() -> None:
    group = Group(0, (3,))
    network, x = drawn_network(group), torch.from_numpy(random_inputs(group, 3)).float()
    again = IntegerNetwork.of(network.export())
    assert torch.equal(again(x), network(x))
    for (w, b), (v, c) in zip(network.export(), again.export(), strict=True):
        assert np.array_equal(w, v) and np.array_equal(b, c)


@pytest.mark.parametrize("known", [False, True])
def test_the_table_has_the_decisions_of_all_values(known: bool) -> None:
    targets = np.arange(-65535, 65536, 7, dtype=np.int32)
    targets = np.concatenate([targets, np.arange(-3000, 3000, dtype=np.int32)])
    flags = np.full(len(targets), known)
    found = decisions.table(5)[decisions.rows(5, targets, flags)]
    assert np.array_equal(found, decisions.of_values(targets, flags))


def test_the_table_has_the_decisions_of_last() -> None:
    targets = np.arange(64, dtype=np.int32)
    rows = decisions.rows(LAST, targets, np.zeros(64, np.bool_))
    assert np.array_equal(decisions.table(LAST)[rows], decisions.of_last(targets))


def test_training_cost_is_the_coders() -> None:
    rng = np.random.default_rng(2)
    truth = np.rint(rng.laplace(0, 4, 3000)).astype(np.int32)
    known_nonzero = (truth != 0) & (rng.random(3000) < 0.1)
    logits = rng.normal(0, 1, (3000, symbols.VALUE_OUTPUTS)).astype(np.float32)

    class Meter:
        bits = 0.0

        def decide(self, outputs: int | Index | None, rows: Index, truth: Bool | None) -> Bool:
            assert truth is not None
            sign = np.where(truth, 1, -1)
            predicted = outputs is not None and np.max(outputs, initial=0) < symbols.VALUE_OUTPUTS
            logit = logits[rows, outputs].astype(np.float64) if predicted else np.zeros(len(rows))
            self.bits += float(np.logaddexp(0, -sign * logit).sum() / np.log(2))
            return truth

    meter = Meter()
    symbols.code_values(meter, truth.astype(np.int64), known_nonzero)
    lengths = np.floor(np.log2(np.maximum(np.abs(truth), 1))).astype(int) + 1
    raw = np.where(lengths <= 2, 0, np.where(lengths < 7, np.maximum(lengths - 3, 0), lengths - 2)).sum()
    wanted = decisions.of_values(truth, known_nonzero)
    cost = bits(torch.from_numpy(logits), torch.from_numpy(wanted)).item()
    assert cost + raw == pytest.approx(meter.bits, rel=1e-4)


def test_what_training_sees_is_what_the_codec_asks(
    built: PlanesModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The collector gets, for every block, the inputs that the coder's networks get."""
    file: JpegFile = random_file([(2, 1), (1, 1), (1, 1)], 3, 3)
    seen: list[bytes] = []

    class Watch(AcInputs):
        def build(self, *arguments: Any) -> Any:
            x = super().build(*arguments)
            if self._k == 3:
                seen.append(x.T.astype(np.int8).tobytes())
            return x

    monkeypatch.setattr(loop, "AcInputs", Watch)
    codec.encode(file, built, engine="numpy")
    collector = samples.Collector(built.tables, [c.linear for c in built.classes])
    found = collector.of_picture(Picture(file, 1), collector.engine(), 0)
    assert b"".join(seen) == b"".join(s.x.tobytes() for _, plane, s in found if plane == 3)


def examples(group: Group, count: int) -> Examples:
    """Samples whose inputs are correlated with the values."""
    rng, plane = np.random.default_rng(1), group.planes[0]
    target = np.rint(rng.laplace(0, 2, count)).astype(np.int32)
    x = rng.integers(-9, 10, (count, group.shapes(HIDDEN)[0][1])).astype(np.int8)
    x[:, 0] = np.clip(8 * target, -127, 127)
    rows = decisions.rows(plane, target, np.zeros(count, np.bool_))
    return Examples(*map(torch.from_numpy, (x, rows, decisions.table(plane))))


def new_network(group: Group) -> IntegerNetwork:
    torch.manual_seed(7)
    return IntegerNetwork(group.shapes(HIDDEN))


def test_networks_learn_side_by_side() -> None:
    """Each takes its own number of steps."""
    group = Group(0, (2,))
    learned = [examples(group, count) for count in (900, 400)]
    side_by_side = [
        lanes.Lane(new_network(group), some, steps, 64, fit.NEW_RATE)
        for some, steps in zip(learned, (240, 160), strict=True)
    ]
    before = [some.bits(lane.network) for some, lane in zip(learned, side_by_side, strict=True)]
    lanes.train(side_by_side)
    after = [some.bits(lane.network) for some, lane in zip(learned, side_by_side, strict=True)]
    assert [lane.taken for lane in side_by_side] == [240, 160]
    assert all(new < 0.8 * old for new, old in zip(after, before, strict=True))


def test_the_steps_are_the_same_again() -> None:
    def trained() -> list[Any]:
        group = Group(0, (2,))
        lane = lanes.Lane(new_network(group), examples(group, 300), 12, 32, fit.NEW_RATE)
        lanes.train([lane])
        return [array for layer in lane.network.export() for array in layer]

    assert all(np.array_equal(a, b) for a, b in zip(trained(), trained(), strict=True))


@pytest.mark.parametrize("planes", [(2,), (41, 42, 50)], ids=str)
def test_training_begins_with_what_was_exported(planes: tuple[int, ...]) -> None:
    group = Group(1, planes)
    network = new_network(group)
    exported = group.exported(network.export())
    again = IntegerNetwork.of(group.imported(exported))
    assert exported.planes == planes
    first, second = exported, group.exported(again.export())
    for a, b in zip([*first.weights, *first.biases], [*second.weights, *second.biases], strict=True):
        assert np.array_equal(a, b)


def test_some_samples_are_drawn() -> None:
    every = examples(Group(0, (2,)), 100)
    assert every.some(100) is every and len(every.some(30)) == 30


def in_this_process(task: Callable[[Any], str], tasks: list[Any], *others: Any) -> None:
    """In place of run_all; the log is the last argument."""
    with others[-1].open("a") as log:
        log.writelines(task(one) + "\n" for one in tasks)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return data_folder(tmp_path_factory.mktemp("data"), (72, 96))


@pytest.fixture(scope="module")
def settings(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data, tmp_path_factory.mktemp("work"), 1, 20, HIDDEN, batch=512, workers=2)


@pytest.fixture(scope="module")
def arrays(settings: Settings) -> dict[str, Any]:
    """A short training by several processes."""
    return run.train(settings)


def assert_same(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_a_short_run_learns(settings: Settings, arrays: dict[str, Any]) -> None:
    savings = run.validate(settings, arrays)
    assert savings["real files"] > 0 and all(not math.isnan(saving) for saving in savings.values())
    networks = run.networks_folder(settings)
    document = json.loads((networks / "validation.json").read_text())
    assert document["savings"] == savings and (networks / "validation.png").stat().st_size > 1000
    for label, shares in document["shares"].items():
        assert 0.5 < sum(shares.values()) / (100 - savings[label]) < 3  # it leaves adaptation out


def test_a_run_goes_on_and_repeats(
    settings: Settings, arrays: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From any checkpoint, with any number of processes."""
    monkeypatch.setattr(run, "run_all", in_this_process)
    assert_same(run.train(settings), arrays)
    for group in GROUPS[1:4]:
        fit.path(run.networks_folder(settings), group).unlink()
    shutil.rmtree(next(settings.work.glob("samples-*/train/00000")))
    assert_same(run.train(settings), arrays)


def test_a_finished_model_is_saved_under_an_id_of_its_own(arrays: dict[str, Any], tmp_path: Path) -> None:
    assert export.save(arrays, tmp_path, "tiny", 77, "planes").is_file()
    with pytest.raises(UsageError, match="permanent"):
        export.save(arrays, tmp_path, "other", 77, "planes")


@pytest.fixture
def installed(arrays: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a fake installed model."""
    export.save(arrays, tmp_path, "tiny", 77, "planes")
    monkeypatch.setattr(weights, "folder", lambda: tmp_path)
    monkeypatch.setattr(weights, "load", weights._load.__wrapped__)
    monkeypatch.setattr(start, "shipped", start.shipped.__wrapped__)
    monkeypatch.setattr(fit, "shipped", start.shipped)
    return "tiny"


@pytest.mark.usefixtures("arrays")
def test_the_better_networks_are_kept(
    settings: Settings, arrays: dict[str, Any], installed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "run_all", in_this_process)
    asked = Settings(settings.data, settings.work, 1, 24, (4, 4), 512, improve=installed)
    improved = run.train(asked)
    assert improved["hidden"].tolist() == list(HIDDEN)
    unchanged = [name for name in arrays if not name.startswith(("weight", "bias"))]
    assert all(np.array_equal(arrays[name], improved[name]) for name in unchanged)
    folder = next(settings.work.glob("networks-*-tiny"))
    before, after = ([planes.shared_layers(a, c) for c in range(CLASSES)] for a in (arrays, improved))
    verdicts = []
    for group in groups.all_groups():
        trained = fit.Trained.load(folder, group)
        taken, old = (
            next(n for n in networks[group.component_class] if n.planes == group.planes)
            for networks in (after, before)
        )
        expected = trained.network if trained.bits < trained.shipped else old
        assert all(map(np.array_equal, taken.weights + taken.biases, expected.weights + expected.biases))
        verdicts.append(trained.better)
    log = (folder / "log.txt").read_text()
    assert (log.count("replaced"), log.count("kept")) == (sum(verdicts), len(verdicts) - sum(verdicts))
    assert 0 < sum(verdicts) < len(verdicts)


def test_what_the_shipped_model_takes_is_what_it_took(settings: Settings, arrays: dict[str, Any]) -> None:
    """A trained network, split into networks of planes and read back from a weights file, takes the same."""
    folder = run.networks_folder(settings)
    place = next(settings.work.glob("samples-*"))
    (group,) = (g for g in groups.all_groups() if g == Group(0, tuple(groups.SHARED[0])))
    layers = next(n for n in planes.shared_layers(arrays, 0) if n.planes == group.planes)
    total = 0.0
    for plane in group.planes:
        held_out = Examples.read(place / "valid", Group(0, (plane,)))
        if held_out is not None:
            total += held_out.bits(IntegerNetwork.of(layers.of(plane)))
    assert total == pytest.approx(fit.Trained.load(folder, group).bits, rel=1e-5)


def test_a_model_that_shares_in_another_way_is_not_improved(
    settings: Settings, installed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "SHARED", (range(50, 64), range(36, 64), range(36, 64)))
    asked = Settings(settings.data, settings.work, improve=installed)
    with pytest.raises(UsageError, match="shares networks in another way"):
        run.train(asked)


def test_models_of_other_kinds_are_not_improved(settings: Settings) -> None:
    with pytest.raises(UsageError, match="'fast' is not a model of planes"):
        run.train(Settings(settings.data, settings.work, improve="fast"))


def test_predictions_of_dc_fit_what_weights_files_may_have() -> None:
    wild = np.array([5.0, -4.0, 3.0, -3.0])
    bounded = linear._bounded(wild)
    assert bounded.sum() == pytest.approx(1) and np.abs(bounded).sum() <= 3
    assert (np.argsort(bounded) == np.argsort(wild)).all()
    tame = np.array([0.9, -0.4, 0.3, 0.2])
    assert (linear._bounded(tame) == tame).all()
