"""Training of the restorer, on pictures that the tests draw; needs torch."""

import hashlib
import io
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from jrecomp import jpeg
from jrecomp.model import weights
from jrecomp.model.weights_file import unpack
from jrecomp.restoration import network as integer
from tests.models import data_folder

torch = pytest.importorskip("torch", reason="training needs torch: pip install jrecomp[train]")

from jrecomp.train import command as train_command  # noqa: E402
from jrecomp.train.command import RESTORER_EXAMPLES, command  # noqa: E402
from jrecomp.train.drawings import draw  # noqa: E402
from jrecomp.train.restore import pictures, run, store  # noqa: E402
from jrecomp.train.restore.codec import Codec  # noqa: E402
from jrecomp.train.restore.examples import (  # noqa: E402
    SAMPLINGS,
    Example,
    Pixels,
    Tables,
    example,
    examples,
    quality_tables,
    saved,
)
from jrecomp.train.restore.network import Network  # noqa: E402

TABLES: Tables = np.full((1, 2, 64), 16, np.float32)

_PHASES = np.arange(8)[:, None] * np.arange(1, 16, 2) * np.pi / 16
DCT = np.cos(_PHASES) * np.where(np.arange(8) == 0, np.sqrt(1 / 8), 0.5)[:, None]
"""The transform of eight samples (T.81 A.3.3)."""


def drawing(number: int) -> Pixels:
    return np.asarray(draw(number).convert("RGB"))[:128, :160]


def coarse(sampling: str, quality: int = 30) -> Example:
    file = jpeg.read(saved(drawing(1), sampling, quality_tables(quality)))
    return example(file, drawing(1), sampling)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two examples of every sampling."""
    path = tmp_path_factory.mktemp("examples")
    made = {name: coarse("4:4:4" if name in ("4:4:0", "gray") else name) for name in SAMPLINGS}
    for number in range(2):
        store.write(path, number, [e._replace(sampling=name) for name, e in made.items()])
    return path


def settings(folder: Path, work: Path, seconds: float = 0.0) -> run.Settings:
    return run.Settings(folder, work, [drawing(0)], seconds, batch=16, side=64, width=8, pairs=1)


def test_examples_are_what_files_decode_to() -> None:
    found = coarse("4:2:0", 75)
    restored, decoded, original = found.planes / 32
    assert np.array_equal(found.steps[[0, 1, 1]], found.steps)
    assert np.array_equal(found.steps[:2], quality_tables(75))
    image = Image.open(io.BytesIO(saved(drawing(1), "4:2:0", quality_tables(75))))
    image.draft("L", image.size)
    luma = np.asarray(image) - 128.0
    assert np.abs(decoded[0].clip(-128, 127) - luma).max() < 2
    assert np.abs(original[0] - (np.asarray(Image.fromarray(drawing(1)).convert("L")) - 128.0)).max() < 1
    assert np.square(restored - original).mean() < np.square(decoded - original).mean()


def test_examples_are_the_same_for_the_same_seed() -> None:
    source = [drawing(number)[:128, :128] for number in range(24)]
    first, second, other = (list(examples(source, TABLES, seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(a.planes, b.planes) for a, b in zip(first, second, strict=True))
    assert not all(np.array_equal(a.planes, b.planes) for a, b in zip(first, other, strict=True))
    assert len({e.sampling for e in first}) > 3
    assert len({tuple(e.steps[0]) for e in first}) > 12
    for made in first:
        assert made.planes.shape == (3, 3, 112, 112)
        assert made.sampling != "gray" or not made.planes[:, 1:].any()
        assert np.square(made.planes[0] - 1.0 * made.planes[2]).mean() < 1e5


def test_crops_are_parts_of_examples_in_their_samplings(folder: Path) -> None:
    crops = store.Crops.read(folder, 64, torch.device("cpu"))
    batch = crops.take(16)
    whole = torch.from_numpy(coarse("4:4:4").planes / np.float32(32))
    for group in store.groups(16):
        for number in range(group.first, group.last):
            assert torch.equal(batch.steps[number], torch.from_numpy(coarse("4:4:4").steps).float())
            if group.factors == (1, 1):
                assert is_part(batch.original[number, 0], whole[2, 0])
    assert [g.last for g in store.groups(100)] == [50, 70, 82, 88, 100]
    assert sum(len(table) for table in crops.tables) == 10


def is_part(crop: Any, plane: Any) -> bool:
    turned = [crop, crop.flip(0), crop.flip(1), crop.flip(0, 1)]
    places = [(y, x) for y in range(0, 65, 16) for x in range(0, 97, 16)]
    return any(torch.equal(t, plane[y : y + 64, x : x + 64]) for t in turned for y, x in places)


@pytest.mark.parametrize("sampling", ["4:2:0", "4:2:2", "gray"])
def test_corrections_stay_in_cells(sampling: str) -> None:
    made = coarse(sampling)
    group = store.Group(0, 1, store.FACTORS[sampling])
    codec = Codec(torch.device("cpu"), [group])
    restored, decoded, original = torch.from_numpy(made.planes).float()[:, None] / 32
    batch = store.Batch(restored, decoded, original, torch.from_numpy(made.steps.astype(np.float32))[None])
    noise = 40 * torch.randn(restored.shape, generator=torch.Generator().manual_seed(4))
    change = (codec.corrected(batch, noise) - decoded)[0]
    down, across = group.factors or (1, 1)
    chroma = torch.nn.functional.avg_pool2d(change[1:], (down, across)).numpy()
    for plane, steps in [(change[0].numpy(), made.steps[0]), (chroma[0], made.steps[1])]:
        blocks = plane.reshape(plane.shape[0] // 8, 8, -1, 8).swapaxes(1, 2)
        found = DCT @ blocks @ DCT.T
        assert np.all(np.abs(found) < steps.reshape(8, 8) / 2)
    near = codec.corrected(batch, 0 * noise)
    assert torch.allclose(near[:, 0], restored[:, 0], atol=0.3)


def test_integers_are_those_of_the_reference() -> None:
    network = Network(8, 1)
    noise = torch.randn(network.start(1).shape, generator=torch.Generator().manual_seed(2)).double()
    parameters = network.start(1).double() + 0.1 * noise
    built = integer.build(network.export(parameters))
    for sampling in ("4:2:0", "4:4:4", "gray"):
        made = coarse(sampling)
        group = store.Group(0, 1, store.FACTORS[sampling])
        codec = Codec(torch.device("cpu"), [group])
        description = integer.Description(made.steps.astype(np.int64), group.halved, group.factors is None)
        x = integer.inputs(made.planes[0], made.planes[1], description)
        ours = network.correction(
            network.integers(parameters),
            torch.from_numpy(x).double()[None],
            codec.described(torch.from_numpy(made.steps.astype(np.float64))[None]),
            codec.flags.double(),
            torch.float64,
        )
        theirs = built.reference(made.planes[0], made.planes[1], description)
        assert np.ptp(theirs) > 8  # not a network of zeros
        assert np.array_equal(ours[0].detach().numpy(), theirs)


def test_inputs_are_those_of_the_reference_but_for_roundings() -> None:
    made = coarse("4:2:0")
    description = integer.Description(made.steps.astype(np.int64), (True, True), False)
    theirs = integer.inputs(made.planes[0], made.planes[1], description)
    restored, decoded, original = torch.from_numpy(made.planes).float()[:, None] / 32
    batch = store.Batch(restored, decoded, original, torch.from_numpy(made.steps.astype(np.float32))[None])
    ours = Codec(torch.device("cpu"), [store.Group(0, 1, (2, 2))]).inputs(batch)
    assert np.abs(ours[0].numpy() - theirs).max() <= 1
    assert np.mean(ours[0].numpy() != theirs) < 0.1


def test_orthogonalized_matrices_have_singular_values_near_one() -> None:
    matrix = (
        torch.randn(6, 40, generator=torch.Generator().manual_seed(5)) * torch.logspace(0, -1, 6)[:, None]
    )
    found = run.orthogonalized(matrix)
    singular = torch.linalg.svdvals(found)
    assert singular.min() > 0.5 and singular.max() < 1.3
    assert torch.linalg.svdvals(matrix).max() > 4 * torch.linalg.svdvals(matrix).min()
    assert (found * matrix).sum() > 0


def test_a_channel_has_the_whole_range_of_weights() -> None:
    network = Network(8, 1)
    arrays = network.export(network.start(1))
    for number in range(3):
        assert np.all(np.abs(arrays[f"convolution_{number}"]).max((1, 2, 3)) == 127)
    assert not arrays["convolution_3"].any()


def test_steps_make_the_same_crops_better(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = run.Training(settings(folder, tmp_path))
    batch = training.crops.take(16)
    monkeypatch.setattr(store.Crops, "take", lambda *_: batch)
    training.rate.fill_(0.004)
    found = []
    for _ in range(2):
        for _ in range(40):
            training.step()
        found.append(training.result())
    assert found[1].step == 80 and not found[1].failed
    assert found[1].gain > found[0].gain + 0.02


def test_training_goes_on_from_its_checkpoint(folder: Path, tmp_path: Path) -> None:
    first = run.Training(settings(folder, tmp_path))
    first.rate.fill_(0.001)
    for _ in range(3):
        first.step()
    first.peak = 0.0005
    first.save()
    second = run.Training(settings(folder, tmp_path))
    second.resume()
    assert second.peak == 0.0005 and second.seconds > 0
    assert all(torch.equal(value, second.state()[name]) for name, value in first.state().items())
    assert int(second.steps_done) == 3


def test_training_begins_with_the_result_of_another(folder: Path, tmp_path: Path) -> None:
    first, second = (settings(folder, tmp_path / name) for name in "ab")
    before = run.Training(first)
    before.mean += 0.25
    first.work.mkdir()
    before.save()
    after = run.Training(replace(second, start=first.work))
    assert torch.equal(after.parameters, before.mean)
    assert int(after.steps_done) == 0


def result(gain: float) -> run.Result:
    return run.Result(1, gain, gain, 0)


def test_a_collapse_is_undone(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = run.Training(settings(folder, tmp_path, 1000))
    gains = [0.1, 0.4, 0.25, 0.41]
    states = []

    def steps(training: run.Training, step: object) -> object:
        for done in range(1, 5):
            with torch.no_grad():
                training.parameters.fill_(done)
            yield done * run.LOG_STEPS
            states.append((training.parameters[0].item(), training.peak))

    monkeypatch.setattr(run, "_steps", steps)
    monkeypatch.setattr(training, "result", lambda: result(gains.pop(0)))
    run._loop(training)
    assert states == [(1, 0.002), (2, 0.002), (2, 0.001), (4, 0.001)]


def test_a_whole_training(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_compile", lambda _: None)
    run.train(settings(folder, tmp_path))
    with np.load(tmp_path / run.WEIGHTS) as arrays:
        built = integer.build(dict(arrays))
    assert len(built.convolutions) == 4
    log = (tmp_path / run.LOG).read_text()
    assert "warning" not in log and "q95" in log


def test_pictures_are_prepared(tmp_path: Path) -> None:
    path = tmp_path / "pictures.zip"
    pictures.prepare(data_folder(tmp_path, (400, 360)), path)
    found = pictures.read(path)
    assert found.tables.shape[1:] == (2, 64) and found.train and found.valid
    assert all(side % 32 == 0 for picture in found.train + found.valid for side in picture.shape[:2])
    with zipfile.ZipFile(path) as archive:
        name = archive.namelist()[0]
        assert Image.open(io.BytesIO(archive.read(name))).format == "WEBP"


def test_the_command_prepares_once_and_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []

    def prepare(data: Path, path: Path) -> None:
        path.touch()
        calls.append(data)

    def train(settings: run.Settings) -> None:
        np.savez(settings.work / run.WEIGHTS, trained=np.ones(1, np.int8))
        calls.append(settings)

    monkeypatch.setattr(pictures, "prepare", prepare)
    monkeypatch.setattr(pictures, "read", lambda _: pictures.PictureSet([], [drawing(0)], TABLES))
    monkeypatch.setattr(run, "train", train)
    work, place = tmp_path / "work", tmp_path / "weights"
    place.mkdir()
    shutil.copy(weights.folder() / "manifest.json", place)
    options = ["restore", "--data", str(tmp_path), "--work", str(work), "--minutes", "2"]
    options += ["--weights", str(place)]
    for _ in range(2):
        result = CliRunner().invoke(command, options)
        assert result.exit_code == 0 and "restorer-1.safetensors" in result.output
        entry = json.loads((place / "manifest.json").read_text())["models"][-1]
        data = np.fromfile(place / entry["file"], np.uint8)
        assert entry["sha256"] == hashlib.sha256(data.data).hexdigest()
        assert list(unpack(data)) == ["trained"]
    prepared, *asked = calls
    assert prepared == tmp_path and len(asked) == 2
    for given in asked:
        assert isinstance(given, run.Settings)
        assert given.seconds == 120 and given.examples == work / "examples" and given.work == work
    assert len(list((work / "examples").glob("*.npy"))) == RESTORER_EXAMPLES


def test_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    monkeypatch.setattr(train_command, "_train_restorer", lambda *options: calls.append(options))
    monkeypatch.setattr(train_command, "_train_tables", lambda *options: calls.append(options))
    options = ["joint", "--data", str(tmp_path), "--work", "w", "--minutes", "8", "--weights"]
    assert CliRunner().invoke(command, [*options, str(weights.folder())]).exit_code == 0
    clean, place = tmp_path / "train" / "clean", weights.folder()
    first, second = Path("w/turn-1"), Path("w/turn-2")
    pictures = Path("w/pictures.zip")
    assert calls == [
        (tmp_path, first, place, 4.0, "cpu", pictures, None),
        (clean, first, place, "restored"),
        (tmp_path, second, place, 4.0, "cpu", pictures, first),
        (clean, second, place, "restored"),
    ]
    result = CliRunner().invoke(command, [*options, str(tmp_path)])
    assert result.exit_code == 2 and "--weights must be" in result.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("restore --name mine", "--name does not apply to the restorer"),
        ("restore --id 1000", "--id does not apply to the restorer"),
        ("restore --batch 4", "--batch does not apply to the restorer"),
        ("model --minutes 4", "--minutes does not apply to models of planes"),
        ("model --name mine", "Missing option '--id'"),
    ],
)
def test_options_that_do_not_apply_are_refused(options: str, message: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [*options.split(), "--data", str(tmp_path)])
    assert result.exit_code == 2 and message in result.output
