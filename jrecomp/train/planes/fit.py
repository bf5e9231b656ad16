"""Trains networks of a model of planes, and compares each with those of a shipped model."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from jrecomp.model.sharing import SharedLayers
from jrecomp.train.checkpoints import arrays_of, layers_of, read_arrays, save_arrays
from jrecomp.train.planes import lanes
from jrecomp.train.planes.examples import Examples
from jrecomp.train.planes.groups import Group
from jrecomp.train.planes.lanes import Lane
from jrecomp.train.planes.network import IntegerNetwork
from jrecomp.train.planes.start import shipped
from jrecomp.train.settings import Settings

LANES = 8
"""Networks that are trained side by side on a GPU."""

SHARES = (1.0, 0.5, 0.5)
"""Per component class: the steps of its networks, of those of the first class."""

LOOKS = 40
"""A network sees each of its samples about this often at most, lest it learn them by heart."""

NEW_RATE, IMPROVING_RATE = 6e-3, 1.5e-3
"""Peaks of the learning rate: of a network that begins with random weights, and of one that is improved."""

FEWEST_STEPS = 10
SMALLEST_BATCH = 256

CHECKED = 1 << 17
"""Samples that tell the bits in training."""


@dataclass(frozen=True)
class FitTask:
    """Networks to train side by side. samples: the folder with train and valid. networks: for the results."""

    settings: Settings
    groups: Sequence[Group]
    samples: Path
    networks: Path


def run(task: FitTask) -> str:
    """Trains the networks of a task and saves them; what it returns has a line for each."""
    settings = task.settings
    if settings.device == "cpu":
        torch.set_num_threads(1)
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(partial(Examples.read, task.samples / "train"), task.groups))
    training = {g: e.to(settings.device) for g, e in zip(task.groups, found, strict=True) if e is not None}
    in_training = {group: _lane(settings, group, examples) for group, examples in training.items()}
    if in_training:
        lanes.train(list(in_training.values()))
    lines = [f"{group}: no samples" for group in task.groups if group not in training]
    return "\n".join(
        lines + [_finish(task, group, lane, training[group]) for group, lane in in_training.items()]
    )


def _lane(settings: Settings, group: Group, examples: Examples) -> Lane:
    batch = min(settings.batch, max(SMALLEST_BATCH, 2 * len(examples)))
    steps = min(int(settings.steps * SHARES[group.component_class]), LOOKS * len(examples) // batch)
    torch.manual_seed(group.planes[0])
    begun = _begun(settings, group)
    network = begun or IntegerNetwork(group.shapes(settings.hidden))
    rate = NEW_RATE if begun is None else IMPROVING_RATE
    return Lane(network, examples, max(FEWEST_STEPS, steps), batch, rate)


def _begun(settings: Settings, group: Group) -> IntegerNetwork | None:
    """The shipped network that is to be improved, None where there is none for the same planes."""
    network = shipped(settings.improve)[group.component_class, group.planes[0]] if settings.improve else None
    if network is None or network.planes != group.planes:
        return None
    return IntegerNetwork.of(group.imported(network))


def _finish(task: FitTask, group: Group, lane: Lane, examples: Examples) -> str:
    """Saves a network at its end; what it returns is its line of the log."""
    trained, seen = Trained.of(task, group, lane), examples.some(CHECKED)
    trained.save(task.networks)
    return (
        f"{group}: {len(examples)} samples, batch {lane.batch}, {lane.steps} steps, "
        f"{seen.bits(lane.network) / len(seen):.4f} bits a sample in training, {trained.report()}"
    )


@dataclass(frozen=True)
class Trained:
    """A trained network, and what it is worth.

    count: of held-out samples. bits: what it takes for them, in all. shipped: what the shipped model takes,
    infinite where none is to be improved.
    """

    group: Group
    network: SharedLayers
    count: int
    bits: float
    shipped: float

    @classmethod
    def of(cls, task: FitTask, group: Group, lane: Lane) -> "Trained":
        """The network of a lane that came to its end."""
        folder, device = task.samples / "valid", task.settings.device
        held_out = Examples.read(folder, group)
        count, bits = 0, 0.0
        if held_out is not None:
            count, bits = len(held_out), held_out.to(device).bits(lane.network)
        before = np.inf if task.settings.improve is None else _shipped_bits(task, group)
        return cls(group, group.exported(lane.network.export()), count, bits, before)

    @property
    def better(self) -> bool:
        """Whether it is to replace the shipped model's."""
        return self.bits < self.shipped

    def report(self) -> str:
        """The end of a line of the log."""
        mean = f"{self.bits / max(self.count, 1):.4f} in validation"
        if np.isinf(self.shipped):
            return mean
        verdict = "replaced" if self.better else "kept"
        return f"{mean}, shipped {self.shipped / max(self.count, 1):.4f}: {verdict}"

    def save(self, folder: Path) -> None:
        """Writes it to the folder of finished networks."""
        numbers = {"count": self.count, "bits": self.bits, "shipped": self.shipped}
        layers = arrays_of(list(zip(self.network.weights, self.network.biases, strict=True)))
        save_arrays(path(folder, self.group), layers | {name: np.array(x) for name, x in numbers.items()})

    @classmethod
    def load(cls, folder: Path, group: Group) -> "Trained":
        """One that was saved."""
        arrays = read_arrays(path(folder, group))
        weights, biases = map(list, zip(*layers_of(arrays), strict=True))
        numbers = int(arrays["count"]), float(arrays["bits"]), float(arrays["shipped"])
        return cls(group, SharedLayers(group.planes, weights, biases), *numbers)


def path(folder: Path, group: Group) -> Path:
    """Where a finished network lies."""
    return folder / f"{group.name}.npz"


def _shipped_bits(task: FitTask, group: Group) -> float:
    """What the networks of the shipped model take for held-out samples of all planes of a group."""
    assert task.settings.improve is not None
    networks, device, total = shipped(task.settings.improve), task.settings.device, 0.0
    for plane in group.planes:
        held_out = Examples.read(task.samples / "valid", Group(group.component_class, (plane,)))
        if held_out is not None:
            network = IntegerNetwork.of(networks[group.component_class, plane].of(plane))
            total += held_out.to(device).bits(network.to(device))
    return total
