"""The start of the training of a model of planes: from nothing, or from an installed model to improve."""

from dataclasses import dataclass
from functools import cache

from jrecomp.errors import UsageError
from jrecomp.features.tables import Tables, make
from jrecomp.model import planes, weights
from jrecomp.model.arrays import CLASSES
from jrecomp.model.planes import PlanesModel
from jrecomp.train import corpus
from jrecomp.train.checkpoints import read_arrays, save_arrays
from jrecomp.train.planes import linear
from jrecomp.train.planes.export import Linear, Networks
from jrecomp.train.planes.groups import all_groups
from jrecomp.train.settings import Settings

LINEAR_RECIPES = 800
"""Approximate number of files to which linear predictions are fitted; more files change nothing."""


@dataclass(frozen=True)
class Start:
    """hidden: widths of the hidden layers. shipped: networks of the model to improve, empty without one."""

    tables: Tables
    hidden: tuple[int, int]
    linear: Linear
    shipped: Networks


def start(settings: Settings) -> Start:
    """The start of a training; linear predictions are fitted unless the work folder has them."""
    if settings.improve is None:
        tables = make()
        return Start(tables, settings.hidden, _linear(settings), {})
    model = weights.load(settings.improve)
    if not isinstance(model, PlanesModel):
        raise UsageError(f"{settings.improve!r} is not a model of planes")
    networks = shipped(settings.improve)
    _check_sharing(networks)
    first, second = model.arrays["hidden"].tolist()
    predictions = [model.classes[c].linear for c in range(CLASSES)]
    return Start(model.tables, (first, second), predictions, networks)


@cache
def shipped(name: str) -> Networks:
    """The networks of an installed model."""
    arrays = weights.read(name)
    return {
        (c, plane): network
        for c in range(CLASSES)
        for network in planes.shared_layers(arrays, c)
        for plane in network.planes
    }


def _check_sharing(networks: Networks) -> None:
    """Raise UsageError if a new network could replace only a part of an installed one."""
    for group in all_groups():
        for plane in group.planes:
            if not set(networks[group.component_class, plane].planes) <= set(group.planes):
                raise UsageError(f"the model shares networks in another way than training does: {group}")


def _linear(settings: Settings) -> Linear:
    path = settings.work / f"linear-{settings.variants}.npz"
    if not path.is_file():
        training, _ = corpus.corpora(settings)
        some = training.every(-(-len(training.recipes) // LINEAR_RECIPES))
        total = linear.NormalEquations()
        for part in corpus.results(linear.equations, some.parts(), settings.workers):
            total.merge(part)
        solved = total.solve()
        save_arrays(path, {f"{c}-{p}": solved[c][p] for c in range(CLASSES) for p in range(64)})
    arrays = read_arrays(path)
    return [[arrays[f"{c}-{p}"] for p in range(64)] for c in range(CLASSES)]
