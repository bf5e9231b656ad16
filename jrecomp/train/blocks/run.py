"""Training of a model of blocks: samples, linear predictions and a network for each component class, offsets.

Results are written to the work folder. A run that was interrupted continues from them if the same command is
given again.
"""

import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy.typing as npt
import torch
from torch.optim import Adam
from torch.optim.lr_scheduler import LambdaLR

from jrecomp.model import blocks
from jrecomp.model.arrays import CLASSES
from jrecomp.model.blocks import NETWORK, make_tables
from jrecomp.train import sample_files, validation
from jrecomp.train.blocks import linear, offsets, samples
from jrecomp.train.blocks.linear import Linear
from jrecomp.train.blocks.network import Examples, Network
from jrecomp.train.checkpoints import read_arrays, save_arrays
from jrecomp.train.corpus import corpora
from jrecomp.train.pictures import pictures
from jrecomp.train.processes import run_all
from jrecomp.train.schedule import learning_rate
from jrecomp.train.settings import Settings

BATCH = 1024
"""Blocks of a step. In equal time, many small steps learn more than few large ones."""

OFFSET_PICTURES = 1500
"""Largest number of pictures that offsets are trained on."""

PEAK = 8e-3
"""Largest learning rate."""

Arrays = dict[str, npt.NDArray[Any]]


def train(settings: Settings) -> Arrays:
    """The arrays of a weights file."""
    _samples(settings)
    _classes(settings)
    arrays: Arrays = make_tables()
    for number in range(CLASSES):
        fitted = read_arrays(_path(settings, number))
        arrays |= {f"{name}_{number}": fitted[name] for name in NETWORK}
    return arrays | train_offsets(settings, arrays)


def train_offsets(settings: Settings, arrays: Arrays) -> Arrays:
    """The arrays of offsets for the other arrays of a weights file."""
    source, _ = corpora(settings)
    recipes = random.Random(0).sample(source.recipes, min(OFFSET_PICTURES, len(source.recipes)))
    return offsets.train(arrays, pictures(recipes, source.cameras), len(recipes))


def _samples(settings: Settings) -> None:
    for name, source in zip(("train", "valid"), corpora(settings), strict=True):
        sample_files.gather(source, samples.collect, settings.workers, _samples_folder(settings) / name)


def _samples_folder(settings: Settings) -> Path:
    return settings.work / f"blocks-samples-{settings.variants}"


def _folder(settings: Settings) -> Path:
    return settings.work / f"blocks-{settings.variants}-{settings.steps}"


def _path(settings: Settings, number: int) -> Path:
    return _folder(settings) / f"{number}.npz"


def _classes(settings: Settings) -> None:
    _folder(settings).mkdir(exist_ok=True)
    tasks = [(settings, number) for number in range(CLASSES) if not _path(settings, number).is_file()]
    run_all(_fit_one, tasks, settings.device, settings.workers, _folder(settings) / "log.txt")


def _fit_one(task: tuple[Settings, int]) -> str:
    settings, number = task
    torch.set_num_threads(1)
    torch.manual_seed(number)
    found = samples.read(_samples_folder(settings) / "train", number)
    network, predictions = Network(number == CLASSES - 1), Linear.zero()
    if found is not None:
        predictions = linear.solve(found)
        fit(network, Examples.of(found, linear.predict(found, predictions)), settings.steps_of(number))
    save_arrays(_path(settings, number), asdict(predictions) | network.export())
    return f"class {number}: {_evaluate(settings, number, network, predictions)}"


def fit(network: Network, examples: Examples, steps: int) -> None:
    """Train a network."""
    draws = torch.Generator().manual_seed(0)
    optimizer = Adam(network.parameters(), lr=1.0)
    schedule = LambdaLR(optimizer, lambda step: learning_rate(PEAK, step / steps))
    for _ in range(steps):
        batch = examples.rows(torch.randint(len(examples), (BATCH,), generator=draws))
        loss = sum(network(batch), torch.zeros(())) / BATCH
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()


@torch.no_grad()
def _evaluate(settings: Settings, number: int, network: Network, predictions: Linear) -> str:
    """Mean bits of held-out blocks without offsets, as text for the log."""
    found = samples.read(_samples_folder(settings) / "valid", number)
    if found is None:
        return "no blocks"
    examples = Examples.of(found, linear.predict(found, predictions))
    parts = [network(examples.rows(rows)) for rows in torch.split(torch.arange(len(examples)), BATCH)]
    means = (float(sum(part, torch.zeros(()))) / len(examples) for part in zip(*parts, strict=True))
    names = ("last", "non-zero", "signs", "lengths")
    return "bits of a held-out block: " + ", ".join(
        f"{name} {mean:.3f}" for name, mean in zip(names, means, strict=True)
    )


def validate(settings: Settings, arrays: Arrays) -> dict[str, float]:
    """Savings on held-out files in percent of the entropy-coded bytes, by label."""
    return validation.savings(settings, blocks.build(0, "validation", arrays))
