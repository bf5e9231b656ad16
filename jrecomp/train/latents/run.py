"""Training of a model with latents: crops, autoencoders, export.

Results are written to the work folder, and so is the state of an autoencoder every CHECKPOINT steps. A run
that was interrupted continues from them if the same command is given again.
"""

from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from jrecomp.features.latents import GROUPS
from jrecomp.features.tables import Tables, make
from jrecomp.model import laplace
from jrecomp.model import latents as latents_model
from jrecomp.model.arrays import CLASSES
from jrecomp.train import sample_files, validation
from jrecomp.train.checkpoints import completed, read_layers, save_layers
from jrecomp.train.corpus import corpora
from jrecomp.train.export import Layer, joined
from jrecomp.train.latents import crops
from jrecomp.train.latents.network import Autoencoder, Rates
from jrecomp.train.processes import run_all
from jrecomp.train.schedule import learning_rate
from jrecomp.train.settings import Settings

BATCH = 8
"""Crops of a step."""

CHECKPOINT = 500
"""Steps between two checkpoints."""

PEAK = 6e-3
"""Largest learning rate."""

LARGEST_GRADIENT = 1.0
"""Norm that gradients are clipped to."""

Key = tuple[int, int]
"""Component class and group."""


def train(settings: Settings) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a weights file."""
    _crops(settings)
    _networks(settings)
    return assemble(settings.hidden, {key: read_layers(_layers_path(settings, key)) for key in _keys()})


def assemble(hidden: tuple[int, int], networks: dict[Key, list[Layer]]) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a weights file; hidden: channels and latent channels."""
    arrays: dict[str, npt.NDArray[Any]] = make()._asdict() | laplace.make()._asdict()
    arrays["hidden"] = np.array(hidden, np.int32)
    for number in range(CLASSES):
        layers = [layer for group in range(len(GROUPS)) for layer in networks[number, group]]
        arrays |= joined(layers, number)
    return arrays


def _keys() -> list[Key]:
    return [(number, group) for number in range(CLASSES) for group in reversed(range(len(GROUPS)))]


def _crops(settings: Settings) -> None:
    collect = partial(crops.collect, _tables())
    for name, source in zip(("train", "valid"), corpora(settings), strict=True):
        sample_files.gather(source, collect, settings.workers, _crops_folder(settings) / name)


def _crops_folder(settings: Settings) -> Path:
    return settings.work / f"crops-{settings.variants}"


def _folder(settings: Settings) -> Path:
    channels, latents = settings.hidden
    return settings.work / f"autoencoders-{settings.variants}-{channels}-{latents}-{settings.steps}"


def _networks(settings: Settings) -> None:
    _folder(settings).mkdir(exist_ok=True)
    tasks = [(settings, key) for key in _keys() if not _layers_path(settings, key).is_file()]
    run_all(_fit_one, tasks, settings.device, settings.workers, _folder(settings) / "log.txt")


def _fit_one(task: tuple[Settings, Key]) -> str:
    settings, key = task
    if settings.device == "cpu":
        torch.set_num_threads(1)
    fit = Fit(settings, key)
    fit.run()
    return f"autoencoder {key}: {fit.steps} steps, {fit.evaluate()}"


class Fit:
    """Training of one autoencoder, from its last checkpoint if there is one."""

    def __init__(self, settings: Settings, key: Key) -> None:
        torch.manual_seed(len(GROUPS) * key[0] + key[1])
        self._settings, self._key = settings, key
        self.steps = settings.steps_of(key[0])
        self._network = Autoencoder(*key, *settings.hidden).to(settings.device)
        self._optimizer = Adam(self._network.parameters(), lr=1.0)
        self._schedule = LambdaLR(self._optimizer, lambda step: learning_rate(PEAK, step / self.steps))
        self._path = _folder(settings) / f"{key[0]}-{key[1]}.pt"
        self._state: dict[str, nn.Module | Optimizer | LRScheduler] = {
            "network": self._network,
            "optimizer": self._optimizer,
            "schedule": self._schedule,
        }
        if self._path.is_file():
            loaded = torch.load(self._path, map_location=settings.device)
            for name, part in self._state.items():
                part.load_state_dict(loaded[name])

    def run(self) -> None:
        """Train to the last step, and write the integer weights to the work folder."""
        data = self._data("train")
        if data is not None:
            for step in range(self._schedule.last_epoch, self.steps):
                self._step(data, step)
                if (step + 1) % CHECKPOINT == 0:
                    self._save()
        save_layers(_layers_path(self._settings, self._key), self._network.export())
        self._path.unlink(missing_ok=True)

    def _data(self, folder: str) -> list[Tensor] | None:
        found = crops.read(_crops_folder(self._settings) / folder, self._key[0])
        if found is None:
            return None
        return [torch.from_numpy(array) for array in crops.examples(found, *self._key, _tables()).arrays()]

    def _step(self, data: list[Tensor], step: int) -> None:
        """Take a step. Its crops depend only on its number, so a continued run gives the same weights."""
        random = torch.Generator().manual_seed(step)
        rates, weight = self._rates(data, torch.randint(len(data[0]), (BATCH,), generator=random))
        loss = (weight * (rates.values + rates.latents)).mean()
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), LARGEST_GRADIENT)
        self._optimizer.step()
        self._schedule.step()

    def _rates(self, data: list[Tensor], rows: Tensor) -> tuple[Rates, Tensor]:
        *inputs, weight = (tensor[rows].to(self._settings.device, torch.float32) for tensor in data)
        return self._network(*inputs), weight

    def _save(self) -> None:
        with completed(self._path) as place:
            torch.save({name: part.state_dict() for name, part in self._state.items()}, place)

    @torch.no_grad()
    def evaluate(self) -> str:
        """Sizes of held-out crops in percent of their files' entropy-coded data, as text for the log."""
        data = self._data("valid")
        if data is None:
            return "no crops"
        total = np.zeros(2)
        for rows in torch.split(torch.arange(len(data[0])), BATCH):
            rates, weight = self._rates(data, rows)
            total += [float((weight * rate).sum()) for rate in rates]
        values, latents = 100 * total / len(data[0])
        return f"{values:.3f} % for values and {latents:.3f} % for latents in validation"


@cache
def _tables() -> Tables:
    return make()


def _layers_path(settings: Settings, key: Key) -> Path:
    return _folder(settings) / f"{key[0]}-{key[1]}.npz"


def validate(settings: Settings, arrays: dict[str, npt.NDArray[Any]]) -> dict[str, float]:
    """Savings on held-out files in percent of the entropy-coded bytes, by label."""
    return validation.savings(settings, latents_model.build(0, "validation", arrays))
