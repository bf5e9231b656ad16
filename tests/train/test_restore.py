"""Training of the restorer, on pictures that the tests draw; needs torch."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from jrecomp import restorer
from tests.models import data_folder

torch = pytest.importorskip("torch", reason="training needs torch: pip install jrecomp[train]")

from jrecomp.train.command import command  # noqa: E402
from jrecomp.train.drawings import draw  # noqa: E402
from jrecomp.train.restore import pictures, run  # noqa: E402
from jrecomp.train.restore.network import SAMPLE_NOISE, Network, whitening  # noqa: E402


@pytest.fixture(scope="module")
def picture_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "pictures.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(4):
            buffer = io.BytesIO()
            draw(i).crop((0, 0, 160, 128)).save(buffer, "WEBP", lossless=True)
            archive.writestr(f"{'train' if i else 'valid'}/drawing{i}.webp", buffer.getvalue())
        buffer = io.BytesIO()
        np.save(buffer, np.full((1, 2, 64), 16, np.float32))
        archive.writestr("tables.npy", buffer.getvalue())
    return path


def settings(picture_file: Path, work: Path, seconds: float = 0.0) -> run.Settings:
    return run.Settings(picture_file, work, seconds, batch=8, side=64, width=8, pairs=1)


def test_white_patches_are_uncorrelated() -> None:
    generator = torch.Generator().manual_seed(1)
    mixed = torch.randn(12, 12, generator=generator).double() * 1000
    covariance = mixed @ mixed.T
    matrix = whitening(covariance)
    assert torch.equal(matrix, matrix.T) or torch.allclose(matrix, matrix.T)
    assert torch.allclose(matrix @ covariance @ matrix, torch.eye(12).double(), atol=0.01)
    assert torch.allclose(whitening(0 * covariance), torch.eye(12).double() / SAMPLE_NOISE)


def test_integers_are_those_of_the_reference_in_all_samplings(picture_file: Path, tmp_path: Path) -> None:
    training = run.Training(settings(picture_file, tmp_path))
    network = Network(8, 1)
    noise = torch.randn(training.mean.shape, generator=torch.Generator().manual_seed(2))
    training.mean += 0.1 * noise
    built = restorer.build(network.export(training.mean, training.white))
    description = restorer.Description(np.full((3, 64), 20), (True, True), False)
    samples = np.random.default_rng(3).integers(0, 256, (3, 32, 32)).astype(np.uint8)
    assert np.ptp(built.correction(samples, description)) > 8  # not a network of zeros
    assert run.agrees(training, network)


def test_a_channel_has_the_whole_range_of_weights(picture_file: Path, tmp_path: Path) -> None:
    training = run.Training(settings(picture_file, tmp_path))
    arrays = Network(8, 1).export(training.parameters, training.white)
    for number in range(3):
        assert np.all(np.abs(arrays[f"convolution_{number}"]).max((1, 2, 3)) == 127)
    assert not arrays["convolution_3"].any()


def test_steps_make_the_same_crops_better(
    picture_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = run.Training(settings(picture_file, tmp_path))
    batch = training.codec.batch(training.crops, 8, 64)
    monkeypatch.setattr(training.codec, "batch", lambda *_: batch)
    training.rate.fill_(0.004)
    found = []
    for _ in range(2):
        for _ in range(40):
            training.step()
        found.append(training.result())
    assert found[1].step == 80 and not found[1].failed
    assert found[1].gain > found[0].gain + 0.02


def test_training_goes_on_from_its_checkpoint(picture_file: Path, tmp_path: Path) -> None:
    first = run.Training(settings(picture_file, tmp_path))
    first.rate.fill_(0.001)
    for _ in range(3):
        first.step()
    first.peak = 0.0005
    first.save()
    second = run.Training(settings(picture_file, tmp_path))
    second.resume()
    assert second.peak == 0.0005 and second.seconds > 0
    assert all(torch.equal(value, second.state()[name]) for name, value in first.state().items())
    assert int(second.steps_done) == 3


def result(gain: float) -> run.Result:
    return run.Result(1, gain, gain, 0)


def test_a_collapse_is_undone(picture_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = run.Training(settings(picture_file, tmp_path, 1000))
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


def test_a_whole_training(picture_file: Path, tmp_path: Path) -> None:
    run.train(settings(picture_file, tmp_path))
    with np.load(tmp_path / run.WEIGHTS) as arrays:
        built = restorer.build(dict(arrays))
    assert len(built.convolutions) == 4
    log = (tmp_path / run.LOG).read_text()
    assert "warning" not in log and "q95" in log and "agrees: True" in log


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

    monkeypatch.setattr(pictures, "prepare", prepare)
    monkeypatch.setattr(run, "train", calls.append)
    work = tmp_path / "work"
    options = ["restore", "--data", str(tmp_path), "--work", str(work), "--minutes", "2"]
    for _ in range(2):
        result = CliRunner().invoke(command, options)
        assert result.exit_code == 0 and "restorer.npz" in result.output
    asked = run.Settings(work / "pictures.zip", work, 120, "cpu", 16, 64)
    assert calls == [tmp_path, asked, asked]


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
