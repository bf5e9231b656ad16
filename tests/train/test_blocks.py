"""Training of models of blocks on a handful of pictures that the test draws; needs torch."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jrecomp.codec import blocks as codec
from jrecomp.codec.regression import Regression
from jrecomp.coding import BitEncoder
from jrecomp.jpeg.types import JpegFile
from jrecomp.model import blocks as model
from jrecomp.model import offsets
from jrecomp.model.arrays import CLASSES, component_class
from tests.models import data_folder, random_file

torch = pytest.importorskip("torch", reason="training needs torch: pip install jrecomp[train]")
pytest.importorskip("matplotlib", reason="training draws: pip install jrecomp[train]")

from jrecomp.train import export  # noqa: E402
from jrecomp.train.blocks import linear, run, samples  # noqa: E402
from jrecomp.train.blocks.linear import Linear, Predictions  # noqa: E402
from jrecomp.train.blocks.network import Examples, Network  # noqa: E402
from jrecomp.train.blocks.offsets import start, train  # noqa: E402
from jrecomp.train.pictures import Picture  # noqa: E402
from jrecomp.train.planes.samples import steps_and_blocks  # noqa: E402
from jrecomp.train.settings import Settings  # noqa: E402

FILES = {
    "4:2:0": [(2, 2), (1, 1), (1, 1)],
    "4:4:4": [(1, 1), (1, 1), (1, 1), (1, 1)],
    "odd": [(1, 1), (2, 1), (1, 2)],
}


def settings(data: Path, work: Path, steps: int) -> Settings:
    return Settings(data, work, 1, steps, workers=1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return data_folder(tmp_path_factory.mktemp("data"), (120, 136))


@pytest.fixture(params=FILES)
def file(request: pytest.FixtureRequest) -> JpegFile:
    return random_file(FILES[request.param], 3, 4, spread=9.0)


def drawn_linear(number: int) -> Linear:
    rng = np.random.default_rng(number)
    edge, within, across = (rng.integers(-900, 901, shape) for shape in ((64, 41), (64, 64), 64))
    j, k = np.mgrid[:64, :64]
    known = (j > 0) & ((j < k) | (k == 0))
    return Linear(edge.astype(np.int16), (within * known).astype(np.int16), across.astype(np.int16))


def drawn_network(number: int, factor: float = 1.0) -> Network:
    torch.manual_seed(number)
    network = Network(number == CLASSES - 1)
    for parameter in network.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape)
    for name in ("near", "across_near", "step.weight", "step.bias"):
        network.get_parameter(name).data *= factor
    for curves in (network.near_last, network.energy, network.own_last):
        curves.weight.data *= factor
    return network


def assembled(networks: list[Network]) -> dict[str, Any]:
    arrays: dict[str, Any] = model.make_tables() | start()
    for number, network in enumerate(networks):
        learned = vars(drawn_linear(number)) | network.export()
        arrays |= {f"{name}_{number}": array for name, array in learned.items()}
    return arrays


@pytest.fixture(scope="module")
def networks() -> list[Network]:
    return [drawn_network(number) for number in range(CLASSES)]


@pytest.fixture(scope="module")
def built(networks: list[Network]) -> model.BlocksModel:
    return model.build(8, "untrained", assembled(networks))


def every_block(file: JpegFile, number: int) -> samples.Blocks:
    component = file.frame.components[number]
    return samples.of_component(file, number, np.arange(component.block_rows * component.block_columns))


def examples(file: JpegFile, number: int) -> tuple[samples.Blocks, Predictions, Examples]:
    blocks = every_block(file, number)
    predictions = linear.predict(blocks, drawn_linear(component_class(number)))
    return blocks, predictions, Examples.of(blocks, predictions)


class Recorder(offsets.Decisions):
    """Decisions that remember what they were coded with."""

    seen: list[tuple[Any, ...]]

    def last(self, logits: Any, left: int | None, above: int | None, wanted: int | None) -> int:
        self.seen.append(("last", logits.copy()))
        return super().last(logits, left, above, wanted)

    def value(
        self,
        k: int,
        expected: offsets.Expected,
        scale: int,
        rows: offsets.Rows,
        known_nonzero: bool,
        wanted: int | None,
    ) -> int:
        self.seen.append((k, *expected, scale, wanted))
        return super().value(k, expected, scale, rows, known_nonzero, wanted)


@pytest.fixture
def coded(file: JpegFile, built: model.BlocksModel, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the reference computes for all decisions of a file, in order.

    It is without predictions from innovations. The codec learns them from the file, training lacks them.
    """
    monkeypatch.setattr(Regression, "learn", lambda *_: None)
    monkeypatch.setattr(codec, "Decisions", Recorder)
    monkeypatch.setattr(Recorder, "seen", [], raising=False)
    encode(file, built)
    return Recorder.seen


def encode(file: JpegFile, built: model.BlocksModel) -> bytes:
    bits = BitEncoder()
    steps = [component.quantization for component in file.frame.components]
    shapes = [array.shape[:2] for array in file.coefficients]
    codec.code_slice(steps, shapes, built, bits, file.coefficients)
    return bits.finish()


def test_training_sees_what_the_codec_sees(
    file: JpegFile, coded: list[tuple[Any, ...]], networks: list[Network]
) -> None:
    """Predictions to the integer, logits and scales but for roundings."""
    left = iter(coded)
    for number in range(len(file.coefficients)):
        blocks, predictions, batch = examples(file, number)
        network = networks[component_class(number)]
        with torch.no_grad():
            hidden = network.hidden(batch)
            logits, scales = network.last_logits(hidden).numpy(), network.scales(hidden, batch).numpy()
        for block, last in enumerate(blocks.last):
            name, given = next(left)
            assert name == "last" and np.abs(given - 32 * logits[block]).max() < 10
            for k in (*range(1, last + 1), 0):
                *foreseen, scale, wanted = next(left)
                assert foreseen == [k, predictions.below[block, k], predictions.confidence[block, k]]
                assert wanted == batch.coded[block, k]
                assert abs(scale - 32 * scales[block, k]) < 10
    assert next(left, None) is None


def test_training_counts_the_coders_bits(
    file: JpegFile, built: model.BlocksModel, networks: list[Network], monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for what offsets learn; other bits cost 1 each."""
    monkeypatch.setattr(offsets, "_add", lambda *_: None)
    expected = 0.0
    for number in range(len(file.coefficients)):
        _, _, batch = examples(file, number)
        with torch.no_grad():
            expected += sum(part.item() for part in networks[component_class(number)](batch))
        magnitude = np.abs(batch.coded.numpy().astype(np.float64))
        expected += float(np.maximum(np.frexp(magnitude)[1] - 1, 0).sum())
    assert 8 * len(encode(file, built)) == pytest.approx(expected, rel=0.02)


def test_thermometers_become_tables(networks: list[Network], built: model.BlocksModel) -> None:
    network, arrays = networks[2], built.arrays
    factor = network._factor().detach().numpy()
    for name in ("near", "across_near"):
        increments = network.get_parameter(name).detach().numpy()
        classes = increments.shape[-2]
        for m in range(classes):
            total = 128 * factor * increments[..., : m + 1, :].sum(-2)
            assert np.abs(arrays[f"{name}_2"][..., m, :] - total).max() < 0.51
    later = np.arange(64) > np.arange(1, 64)[:, None]
    later[:, 0] = True
    total = 32 * network.own.detach().numpy().sum(1) * later
    assert np.abs(arrays["own_2"][:, -1] - total).max() < 0.51


def test_large_hidden_units_shrink_into_what_files_may_have() -> None:
    networks = [drawn_network(number, 8.0) for number in range(CLASSES)]
    shrunk = model.build(8, "large", assembled(networks))
    arrays, network = shrunk.classes[0], networks[0]
    factor = network._factor().detach().numpy()
    assert factor.min() < 0.5
    assert np.abs(arrays["bias"] - 128 * factor * network.step.bias.detach().numpy()).max() < 0.51
    products = arrays["scale_weight"] * factor / 1024
    assert np.allclose(products, network.scale.weight.detach().numpy(), atol=1e-3)


def test_least_squares_finds_what_coefficients_follow_from() -> None:
    blocks = every_block(random_file([(1, 1)], 24, 24, spread=40.0), 0)
    blocks.steps = np.ones_like(blocks.steps)
    from_values = 0.5 * blocks.values[:, 28] - 0.25 * blocks.values[:, 12]
    blocks.coefficients[:, 2] = np.rint(from_values - 0.75 * blocks.coefficients[:, 1])
    solved = linear.solve(blocks)
    predicted = linear._sums(blocks, solved, np.flatnonzero(blocks.last >= 2))[:, 2] / 2**14
    truth = blocks.coefficients[blocks.last >= 2, 2]
    assert np.abs(predicted - truth).max() < 0.02 * truth.std()
    assert not solved.within[2, 1] and not solved.across.any()


def test_offsets_are_means_of_what_was_learned(built: model.BlocksModel) -> None:
    pictures = [Picture(random_file(FILES["4:4:4"], 6, 6, seed, 9.0), 1) for seed in range(4)]
    trained = train(built.arrays, pictures, 4)
    engine, states, gains = model.native_engine(built.arrays), [], []
    for picture in pictures:
        engine.learn(steps_and_blocks(picture.file))
        states.append(np.frombuffer(engine.offsets(0)["offset"], np.int32).reshape(-1, 16))
        gains.append(np.frombuffer(engine.offsets(2)["last_factors"], np.int32)[::2])
    mean = (states[2] + states[3]) / 2 / 4096
    assert np.abs(trained["offset_0"] - mean).max() <= 0.5 < np.abs(mean).max()
    assert np.abs(trained["last_gain_2"] - (gains[2] + gains[3]) / 2).max() <= 0.5
    assert set(trained) == set(start())
    assert all((train(built.arrays, [], 0)[name] == array).all() for name, array in start().items())


def test_a_short_run_learns_and_repeats(data: Path, tmp_path: Path) -> None:
    longer, shorter = settings(data, tmp_path / "work", 60), settings(data, tmp_path / "work", 1)
    arrays = run.train(longer)
    savings, without_offsets = run.validate(longer, arrays), run.validate(longer, arrays | start())
    untrained = run.validate(shorter, run.train(shorter) | start())
    assert savings["real files"] > without_offsets["real files"] + 1 > untrained["real files"] + 2
    assert all(not math.isnan(saving) for saving in savings.values())
    run._path(longer, 1).unlink()
    again = run.train(longer)
    assert all((arrays[name] == again[name]).all() for name in arrays)
    export.save(arrays, tmp_path, "tiny", 77, "blocks")
