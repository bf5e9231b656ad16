"""Validation of a trained model on held-out pictures: savings, and sizes by group of coefficients."""

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from jrecomp import codec
from jrecomp.model import Model
from jrecomp.model.arrays import CLASSES, component_class
from jrecomp.model.planes import LAST, PlanesModel
from jrecomp.train.corpus import corpora
from jrecomp.train.pictures import Picture
from jrecomp.train.planes import decisions
from jrecomp.train.planes.samples import steps_and_blocks
from jrecomp.train.settings import Settings

GROUPS = {
    "DC": range(1),
    "last": range(LAST, LAST + 1),
    "AC 1-5": range(1, 6),
    "AC 6-14": range(6, 15),
    "AC 15-27": range(15, 28),
    "AC 28-63": range(28, 64),
}
COMPONENTS = {"first": (0, 0.45, 0.7), "second": (0.84, 0.37, 0), "other": (0, 0.62, 0.45)}
"""Names of the component classes, with their colours in the chart."""


class Savings:
    """Sizes of pictures before and after, summed by label (see recipes.Recipe.label)."""

    def __init__(self) -> None:
        self.before: dict[str, int] = defaultdict(int)
        self._after: dict[str, int] = defaultdict(int)

    def add(self, label: str, picture: Picture, model: Model, threads: int) -> None:
        """Compress a picture and add its sizes."""
        self.before[label] += picture.scan_bytes
        self._after[label] += sum(map(len, codec.encode(picture.file, model, threads).data))

    def percent(self) -> dict[str, float]:
        """Savings of coded slices in percent of the entropy-coded bytes, by label."""
        return {
            label: 100 * (1 - self._after[label] / before) if before else math.nan
            for label, before in self.before.items()
        }


def savings(settings: Settings, model: Model) -> dict[str, float]:
    """Savings on held-out pictures in percent, by label."""
    _, held_out = corpora(settings)
    total = Savings()
    for label, picture in held_out.labelled():
        total.add(label, picture, model, settings.workers)
    return total.percent()


class Report:
    """Savings, and estimated sizes by group of coefficients."""

    def __init__(self) -> None:
        self.savings = Savings()
        self._bits: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))

    def add(self, label: str, picture: Picture, model: PlanesModel, threads: int) -> None:
        """Compress a picture, and estimate the sizes of its groups of coefficients without adaptation."""
        self.savings.add(label, picture, model, threads)
        for group, bits in estimate(picture, model):
            self._bits[label][group] += bits

    def shares(self) -> dict[str, dict[str, float]]:
        """Estimated sizes of groups in percent of the entropy-coded bytes, by label and group."""
        return {
            label: {group: 100 * bits / 8 / self.savings.before[label] for group, bits in groups.items()}
            for label, groups in self._bits.items()
        }

    def save(self, folder: Path) -> None:
        """Write validation.json and validation.png."""
        document = {"savings": self.savings.percent(), "shares": self.shares()}
        (folder / "validation.json").write_text(json.dumps(document, indent=2) + "\n")
        _plot(self.shares(), folder / "validation.png")


def estimate(picture: Picture, model: PlanesModel) -> Iterator[tuple[str, float]]:
    """(group, bits) of each component and network, for logits without adaptation."""
    every = [[1.0] * (LAST + 1)] * CLASSES
    components = model.engine.collect(steps_and_blocks(picture.file), every, 0)
    for number, networks in enumerate(components):
        kind = component_class(number)
        for plane, (x, target, known_nonzero) in enumerate(networks):
            if not len(target):
                continue
            outcomes = (
                decisions.of_last(target) if plane == LAST else decisions.of_values(target, known_nonzero > 0)
            )
            logits = model.classes[kind].networks[plane].logits(np.ascontiguousarray(x.T, np.float32)).T
            costs = np.logaddexp(0, -outcomes * (logits / 64.0)) * np.abs(outcomes)
            yield f"{list(COMPONENTS)[kind]}, {_group(plane)}", float(costs.sum()) / math.log(2)


def _group(plane: int) -> str:
    return next(name for name, planes in GROUPS.items() if plane in planes)


def _plot(shares: Mapping[str, Mapping[str, float]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    axis = figure.subplots()
    bottom = np.zeros(len(shares))
    for component, base in COMPONENTS.items():
        for place, group in enumerate(GROUPS):
            name = f"{component}, {group}"
            height = np.array([groups.get(name, 0.0) for groups in shares.values()])
            shade = 0.35 + 0.6 * place / len(GROUPS)
            colour = tuple(1 - shade * (1 - channel) for channel in base)
            axis.bar(list(shares), height, bottom=bottom, color=colour, edgecolor="white", label=name)
            bottom += height
    axis.set_ylabel("estimated size (% of the entropy-coded bytes)")
    handles, names = axis.get_legend_handles_labels()
    figure.legend(handles[::-1], names[::-1], loc="outside right upper", title="component, coefficients")
    figure.savefig(path, dpi=120)
