"""Training of networks of a model of planes, and comparison with the networks of an installed model."""

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
"""Number of networks that are trained in parallel on a GPU."""

LARGEST_REUSE = 40
"""Largest number of times that a network uses each sample on average; it limits overfitting."""

NEW_RATE, IMPROVING_RATE = 6e-3, 1.5e-3
"""Largest learning rates, of networks that begin with random weights and of networks to improve."""

FEWEST_STEPS = 10
SMALLEST_BATCH = 256
"""Bounds for networks with few samples."""

CHECKED = 1 << 17
"""Number of samples from which the bits in training are measured."""


@dataclass(frozen=True)
class FitTask:
    """Networks to train in parallel; samples: folder with train and valid, networks: folder for results."""

    settings: Settings
    groups: Sequence[Group]
    samples: Path
    networks: Path


def run(task: FitTask) -> str:
    """Train the networks of a task and save them; returns lines for the log."""
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
    steps = min(settings.steps_of(group.component_class), LARGEST_REUSE * len(examples) // batch)
    torch.manual_seed(group.planes[0])
    begun = _begun(settings, group)
    network = begun or IntegerNetwork(group.shapes(settings.hidden))
    rate = NEW_RATE if begun is None else IMPROVING_RATE
    return Lane(network, examples, max(FEWEST_STEPS, steps), batch, rate)


def _begun(settings: Settings, group: Group) -> IntegerNetwork | None:
    """The installed network to improve, None if there is none for the same planes."""
    network = shipped(settings.improve)[group.component_class, group.planes[0]] if settings.improve else None
    if network is None or network.planes != group.planes:
        return None
    return IntegerNetwork.of(group.imported(network))


def _finish(task: FitTask, group: Group, lane: Lane, examples: Examples) -> str:
    """Save a trained network; returns its line for the log."""
    trained, some = Trained.of(task, group, lane), examples.some(CHECKED)
    trained.save(task.networks)
    return (
        f"{group}: {len(examples)} samples, batch {lane.batch}, {lane.steps} steps, "
        f"{some.bits(lane.network) / len(some):.4f} bits a sample in training, {trained.report()}"
    )


@dataclass(frozen=True)
class Trained:
    """A trained network with its validation.

    count: number of held-out samples. bits: their total bits with the network. shipped: their total bits with
    the model to improve, infinite if there is none.
    """

    group: Group
    network: SharedLayers
    count: int
    bits: float
    shipped: float

    @classmethod
    def of(cls, task: FitTask, group: Group, lane: Lane) -> "Trained":
        """The result of a lane after its last step."""
        folder, device = task.samples / "valid", task.settings.device
        held_out = Examples.read(folder, group)
        count, bits = 0, 0.0
        if held_out is not None:
            count, bits = len(held_out), held_out.to(device).bits(lane.network)
        before = np.inf if task.settings.improve is None else _shipped_bits(task, group)
        return cls(group, group.exported(lane.network.export()), count, bits, before)

    @property
    def better(self) -> bool:
        """Whether the network replaces that of the model to improve."""
        return self.bits < self.shipped

    def report(self) -> str:
        """The last part of the line for the log."""
        mean = f"{self.bits / max(self.count, 1):.4f} in validation"
        if np.isinf(self.shipped):
            return mean
        verdict = "replaced" if self.better else "kept"
        return f"{mean}, shipped {self.shipped / max(self.count, 1):.4f}: {verdict}"

    def save(self, folder: Path) -> None:
        """Write the network and its validation to a folder."""
        numbers = {"count": self.count, "bits": self.bits, "shipped": self.shipped}
        layers = arrays_of(list(zip(self.network.weights, self.network.biases, strict=True)))
        save_arrays(path(folder, self.group), layers | {name: np.array(x) for name, x in numbers.items()})

    @classmethod
    def load(cls, folder: Path, group: Group) -> "Trained":
        """Read the result of save()."""
        arrays = read_arrays(path(folder, group))
        weights, biases = map(list, zip(*layers_of(arrays), strict=True))
        numbers = int(arrays["count"]), float(arrays["bits"]), float(arrays["shipped"])
        return cls(group, SharedLayers(group.planes, weights, biases), *numbers)


def path(folder: Path, group: Group) -> Path:
    """The path of a trained network."""
    return folder / f"{group.name}.npz"


def _shipped_bits(task: FitTask, group: Group) -> float:
    """Total bits of the held-out samples of a group with the networks of the model to improve."""
    assert task.settings.improve is not None
    networks, device, total = shipped(task.settings.improve), task.settings.device, 0.0
    for plane in group.planes:
        held_out = Examples.read(task.samples / "valid", Group(group.component_class, (plane,)))
        if held_out is not None:
            network = IntegerNetwork.of(networks[group.component_class, plane].of(plane))
            total += held_out.to(device).bits(network.to(device))
    return total
