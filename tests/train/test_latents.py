"""Training of a model with latents on a handful of pictures that the test draws; needs torch."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jrecomp import jpeg
from jrecomp.codec.coders import NumpyCoder
from jrecomp.codec.latents import code_slice
from jrecomp.coding import BitEncoder
from jrecomp.features.latents import GROUPS, dc_of
from jrecomp.features.tables import make
from jrecomp.model import adaptation, latents, weights
from jrecomp.model.latents import LatentsModel
from tests.models import data_folder

torch = pytest.importorskip("torch", reason="training needs torch: pip install jrecomp[train]")
pytest.importorskip("matplotlib", reason="training draws: pip install jrecomp[train]")

from jrecomp.train import export  # noqa: E402
from jrecomp.train.checkpoints import read_layers  # noqa: E402
from jrecomp.train.latents import crops, network, run  # noqa: E402
from jrecomp.train.pictures import Picture  # noqa: E402
from jrecomp.train.settings import Settings  # noqa: E402

HIDDEN = (8, 2)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return data_folder(tmp_path_factory.mktemp("data"), (208, 224))


@pytest.fixture(scope="module")
def picture(data: Path) -> Picture:
    file = (data / "train" / "jpeg" / "a0.jpg").read_bytes()
    return Picture(jpeg.read(file), len(file))


def settings(data: Path, work: Path, steps: int) -> Settings:
    return Settings(data, work, 1, steps, HIDDEN, workers=1)


@dataclass(frozen=True)
class Pair:
    """The same networks in training and in the codec, their weights drawn and multiplied."""

    networks: dict[run.Key, network.Autoencoder]
    model: LatentsModel

    @classmethod
    def drawn(cls, factor: int) -> "Pair":
        torch.manual_seed(5)
        networks = {(c, g): network.Autoencoder(c, g, *HIDDEN) for c in range(3) for g in range(len(GROUPS))}
        for one in networks.values():
            for name, parameter in one.named_parameters():
                parameter.data *= factor if "weight" in name else 1
        arrays = run.assemble(HIDDEN, {key: one.export() for key, one in networks.items()})
        return cls(networks, latents.build(8, "untrained", arrays))


@pytest.fixture(scope="module")
def pair() -> Pair:
    return Pair.drawn(3)  # so that latents are more than 0 and -1


def examples(picture: Picture, component_class: int, group: int) -> crops.Examples:
    found = crops.of_picture(picture, make(), np.random.default_rng(0))
    items = [crop for number, crop in found if number == component_class]
    return crops.examples(crops.joined(items), component_class, group, make())


def tensors(batch: crops.Examples) -> list[Any]:
    return [torch.from_numpy(array).float() for array in batch.arrays()[:-1]]


@pytest.mark.parametrize("component_class", range(3))
@pytest.mark.parametrize("group", range(len(GROUPS)))
def test_training_computes_what_the_codec_computes(
    pair: Pair, picture: Picture, component_class: int, group: int
) -> None:
    batch, engine = examples(picture, component_class, group), pair.model.classes[component_class][group]
    own, known, steps = (x[0].astype(np.float32) for x in (batch.own, batch.known, batch.step_inputs))
    y1, _ = engine.analyse(own)
    given = engine.of_values(y1, known, steps)
    own_t, known_t, _, steps_t, *_ = tensors(batch)
    trained = pair.networks[component_class, group]
    latents = trained.latents(own_t)[0]
    assert np.abs(y1).max() > 0 and np.array_equal(latents.detach().numpy()[0], y1)
    sums = trained.of_values(latents, known_t, steps_t)
    mean, level = (part.detach().numpy()[0] for part in network._parameters(sums))
    assert np.array_equal(mean, given.mean) and np.array_equal(level, given.level)


def test_training_counts_the_coders_bits(picture: Picture, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for what it learns from the file, a slice takes the bits that training makes fewer."""
    pair = Pair.drawn(1)
    monkeypatch.setattr(adaptation.Adaptation, "learn", lambda *_: None)
    bits, parts = 0.0, []
    for group, (start, _) in enumerate(GROUPS):
        batch = examples(picture, 0, group)
        bits += sum(rate[0].item() for rate in pair.networks[0, group](*tensors(batch)))
        parts += list(batch.target[0]) if start else [dc_of(batch.target[0, 0].astype(np.int64))]
        steps = picture.file.frame.components[0].quantization
    part = np.stack(parts, -1).astype(np.int16)
    bits_coder = BitEncoder()
    coder = NumpyCoder(pair.model.tables.sigmoid, bits_coder)
    code_slice([steps], [part.shape[:2]], pair.model, coder, [part])
    assert 8 * len(bits_coder.finish()) == pytest.approx(bits, rel=0.01)


def test_a_short_run_learns_and_repeats(data: Path, tmp_path: Path) -> None:
    longer, shorter = settings(data, tmp_path / "work", 60), settings(data, tmp_path / "work", 1)
    arrays = run.train(longer)
    savings = run.validate(longer, arrays)
    untrained = run.validate(shorter, run.train(shorter))
    assert savings["real files"] > untrained["real files"] + 1
    assert all(not math.isnan(saving) for saving in savings.values())
    next(run._folder(longer).glob("*.npz")).unlink()
    again = run.train(longer)
    assert all((arrays[name] == again[name]).all() for name in arrays)
    export.save(arrays, tmp_path, "tiny", 77, "latents")


def test_saved_models_load(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export.save(dict(pair.model.arrays), tmp_path, "tiny", 77, "latents")
    monkeypatch.setattr(weights, "folder", lambda: tmp_path)
    loaded = weights._load.__wrapped__(77)
    assert isinstance(loaded, LatentsModel) and loaded.name == "tiny"


def test_an_autoencoder_goes_on_where_it_was_cut_off(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "CHECKPOINT", 4)
    whole, cut = settings(data, tmp_path / "whole", 10), settings(data, tmp_path / "cut", 10)
    for one in (whole, cut):
        run._crops(one)
        run._folder(one).mkdir()
    run.Fit(whole, (0, 1)).run()

    class Cut(Exception):
        pass

    original = run.Fit._step

    def step(self: run.Fit, data: Any, number: int) -> None:
        if number == 6:
            raise Cut
        original(self, data, number)

    with monkeypatch.context() as patch:
        patch.setattr(run.Fit, "_step", step)
        with pytest.raises(Cut):
            run.Fit(cut, (0, 1)).run()
    taken: list[int] = []

    def counted(self: run.Fit, data: Any, number: int) -> None:
        taken.append(number)
        original(self, data, number)

    monkeypatch.setattr(run.Fit, "_step", counted)
    run.Fit(cut, (0, 1)).run()
    assert taken == [4, 5, 6, 7, 8, 9]
    layers = [read_layers(run._layers_path(settings, (0, 1))) for settings in (whole, cut)]
    for (w, b), (v, c) in zip(*layers, strict=True):
        assert np.array_equal(w, v) and np.array_equal(b, c)
