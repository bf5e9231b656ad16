"""From pictures to shipped weights: linear predictions, samples, one network after the other, export.

Every step leaves its result in the work folder and is skipped when that is there, so a run that was
cut off goes on where it was when the same command is given again.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from jrecomp.features.tables import Tables, make
from jrecomp.model.arrays import CLASSES
from jrecomp.model.planes import LAST, build, shapes
from jrecomp.train import corpus, validation
from jrecomp.train.export import Layer, Linear, assemble
from jrecomp.train.jobs import read_layers, run_all, save_layers
from jrecomp.train.planes import samples
from jrecomp.train.planes.fit import BATCH, fit

SEED = 1


@dataclass(frozen=True)
class Settings:
    """data: folder with train/jpeg and train/clean. work: folder for checkpoints and samples.
    variants: re-encodings of each source. steps: of the most important networks; others get a share.
    hidden: widths of the hidden layers. device: cpu or cuda. workers: processes on the CPU. requantized: the
    share of pictures that lossy recompression changes.
    """

    data: Path
    work: Path
    variants: int = 2
    steps: int = 1500
    hidden: tuple[int, int] = (96, 48)
    device: str = "cpu"
    workers: int = 2
    requantized: float = 0


def train(settings: Settings) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a weights file."""
    tables = make()
    linear = linear_predictions(settings, tables)
    _samples(settings, tables, linear)
    _networks(settings)
    return assemble(tables, settings.hidden, linear, _fitted(settings))


def corpora(settings: Settings, tables: Tables) -> tuple[samples.Corpus, samples.Corpus]:
    """Recipes for training and for validation."""
    training = corpus.training_recipes(settings.data, settings.variants, SEED, settings.requantized)
    cameras = corpus.camera_tables(training)
    held_out = corpus.validation_recipes(settings.data)
    return samples.Corpus(training, cameras, tables), samples.Corpus(held_out, cameras, tables)


def linear_predictions(settings: Settings, tables: Tables) -> Linear:
    """Those of a training, fitted where the work folder has none."""
    path = settings.work / "linear.npz"
    if not path.is_file():
        settings.work.mkdir(parents=True, exist_ok=True)
        training, _ = corpora(settings, tables)
        step = -(-len(training.recipes) // LINEAR_RECIPES)
        some = samples.Corpus(training.recipes[::step], training.cameras, tables)
        solved = samples.learn_linear(some, settings.workers)
        arrays: dict[str, Any] = {f"{c}-{p}": solved[c][p] for c in range(CLASSES) for p in range(64)}
        np.savez(path, **arrays)
    with np.load(path) as arrays:
        return [[arrays[f"{c}-{p}"] for p in range(64)] for c in range(CLASSES)]


EPOCHS = 25
"""A network sees each of its samples at most this often, lest it learn them by heart."""

LINEAR_RECIPES = 800
"""Files that the linear predictions are fitted to; more change nothing."""


def _samples(settings: Settings, tables: Tables, linear: Linear) -> None:
    done = settings.work / "samples-done"
    if done.is_file():
        return
    training, held_out = corpora(settings, tables)
    samples.gather(training, linear, settings.workers, settings.work / "train")
    samples.gather(held_out, linear, settings.workers, settings.work / "valid")
    done.touch()


def _steps(settings: Settings, key: samples.Key, count: int) -> int:
    """A network's share of steps: by how much of a file it codes, and how many samples there are."""
    number, plane = key
    share = 1.0 if number == 0 else 0.5
    if 0 < plane < LAST:
        share *= 1.0 if plane < 30 else 0.6 if plane < 40 else 0.3
    return max(50, min(int(settings.steps * share), EPOCHS * count // BATCH))


def _order() -> list[samples.Key]:
    """Networks that matter most first."""
    planes = [LAST, *range(64)]
    return sorted(((c, p) for c in range(CLASSES) for p in planes), key=lambda key: planes.index(key[1]))


def _network_path(settings: Settings, key: samples.Key) -> Path:
    return _networks_folder(settings) / f"{key[0]}-{key[1]:02}.npz"


def _networks_folder(settings: Settings) -> Path:
    """Models of different widths or lengths of training share the samples."""
    first, second = settings.hidden
    return settings.work / f"networks-{first}-{second}-{settings.steps}"


def _fit_one(job: tuple[Settings, samples.Key]) -> str:
    settings, key = job
    if settings.device == "cpu":
        torch.set_num_threads(1)
    train_samples = samples.read(settings.work / "train", key)
    if train_samples is None:
        return f"network {key}: no samples"
    steps = _steps(settings, key, len(train_samples.x))
    valid = samples.read(settings.work / "valid", key)
    layout = shapes(key[0], settings.hidden, key[1])
    result = fit(key[1], layout, train_samples, valid, steps, settings.device)
    save_layers(_network_path(settings, key), result.layers)
    return (
        f"network {key}: {len(train_samples.x)} samples, {steps} steps, "
        f"{result.train:.4f} bits in training, {result.validation:.4f} in validation"
    )


def _networks(settings: Settings) -> None:
    folder = _networks_folder(settings)
    folder.mkdir(exist_ok=True)
    jobs = [(settings, key) for key in _order() if not _network_path(settings, key).is_file()]
    run_all(_fit_one, jobs, settings.device, settings.workers, folder / "log.txt")


def _fitted(settings: Settings) -> dict[samples.Key, list[Layer]]:
    paths = {key: _network_path(settings, key) for key in _order()}
    return {key: read_layers(path) for key, path in paths.items() if path.is_file()}


def validate(settings: Settings, arrays: dict[str, npt.NDArray[Any]]) -> dict[str, float]:
    """Savings on held-out files by label, from finished slices; more is written beside the networks."""
    model = build(0, "validation", arrays)
    _, source = corpora(settings, model.tables)
    report = validation.Report()
    for recipe in source.recipes:
        for picture in corpus.pictures([recipe], source.cameras):
            report.add(recipe.label, picture, model, settings.workers)
    report.save(_networks_folder(settings))
    return report.savings.percent()
