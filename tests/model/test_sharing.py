"""Networks that planes share in a weights file: each plane gets the results of the shared network."""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from jrecomp.codec.engines import encode_slices
from jrecomp.features.ac import width
from jrecomp.features.store import AC_INPUTS, DIFFERENCE
from jrecomp.model import planes
from jrecomp.model.arrays import CLASSES
from jrecomp.model.planes import LAST, NETWORKS, PlanesModel, references_of, shapes
from jrecomp.model.sharing import groups_of
from jrecomp.model.symbols import VALUE_OUTPUTS
from jrecomp.t81 import PLACES
from tests.models import HIDDEN, random_arrays, random_file

Key = tuple[int, ...]

GROUPS = [(0,), (1, 2, 5), (3,), (4, 63), *((k,) for k in range(6, 40)), tuple(range(40, 63)), (LAST,)]


def keys_of(k: int) -> list[Key]:
    """Of the known values of plane k, as docs/format/planes.md has them."""
    keys: list[Key] = []
    for j, side in zip(AC_INPUTS[k].plane.tolist(), AC_INPUTS[k].side.tolist(), strict=True):
        if j >= DIFFERENCE:
            keys.append((99, j))
        else:
            keys.append((side, PLACES[j][0] - PLACES[k][0], PLACES[j][1] - PLACES[k][1]))
    return keys


@cache
def union(group: tuple[int, ...]) -> list[Key]:
    """The known values of a network of several planes, in order."""
    return sorted({key for k in group for key in keys_of(k)})


class Shared:
    """A weights file with networks of GROUPS, and its weights network by network."""

    def __init__(self) -> None:
        rng = np.random.default_rng(2)
        self.arrays = random_arrays()
        self.layers: dict[tuple[int, tuple[int, ...]], list[npt.NDArray[Any]]] = {}
        for c in range(CLASSES):
            numbers = [next(n for n, group in enumerate(GROUPS) if p in group) for p in range(NETWORKS)]
            self.arrays[f"network_{c}"] = np.array(numbers, np.uint8)
            weights, biases = [], []
            for group in GROUPS:
                sizes = shapes(c, HIDDEN, group[0])
                if len(group) > 1:
                    common = width(group[0], references_of(c)) - len(keys_of(group[0]))
                    sizes[0] = (HIDDEN[0], len(union(group)) + common)
                parts = [rng.integers(-40, 41, size).astype(np.int8) for size in sizes]
                shifts = [rng.integers(-999, 999, (len(group), HIDDEN[0])).astype(np.int32)]
                shifts += [rng.integers(-999, 999, outputs).astype(np.int32) for outputs, _ in sizes[1:]]
                self.layers[c, group] = [*parts, *shifts]
                weights += [part.ravel() for part in parts]
                biases += [shift.ravel() for shift in shifts]
            self.arrays[f"weight_{c}"] = np.concatenate(weights)
            self.arrays[f"bias_{c}"] = np.concatenate(biases)

    def logits(self, c: int, group: tuple[int, ...], k: int, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Of plane k with inputs int64 [inputs of k, n], in the shared network, whose other inputs are 0."""
        first, second, third, *shifts = (layer.astype(np.int64) for layer in self.layers[c, group])
        seen, keys = np.zeros((first.shape[1], x.shape[1]), np.int64), keys_of(k)
        seen[[union(group).index(key) for key in keys]] = x[: len(keys)]
        seen[len(union(group)) :] = x[len(keys) :]
        h = np.clip((first @ seen + shifts[0][group.index(k)][:, None]) >> 6, 0, 255)
        h = np.clip((second @ h + shifts[1][:, None]) >> 6, 0, 255)
        limited: npt.NDArray[Any] = np.clip((third @ h + shifts[2][:, None]) >> 5, -767, 767)
        return limited


@pytest.fixture(scope="module")
def shared() -> Shared:
    return Shared()


@pytest.fixture(scope="module")
def model(shared: Shared) -> PlanesModel:
    return planes.build(9, "shared", shared.arrays)


@pytest.mark.parametrize("group", [group for group in GROUPS if len(group) > 1], ids=str)
def test_each_plane_computes_what_the_shared_network_says(
    shared: Shared, model: PlanesModel, group: tuple[int, ...]
) -> None:
    for c in range(CLASSES):
        for k in group:
            x = np.random.default_rng(k).integers(-127, 128, (width(k, references_of(c)), 20))
            found = model.classes[c].networks[k].logits(x.astype(np.float32))
            expected = shared.logits(c, group, k, x)
            assert found.shape == (VALUE_OUTPUTS, 20)
            assert (found == expected).all()


def test_networks_of_one_plane_are_as_they_are(shared: Shared, model: PlanesModel) -> None:
    for c in range(CLASSES):
        for group in GROUPS:
            if len(group) == 1:
                pairs = zip(model.classes[c].networks[group[0]].layers, shared.layers[c, group], strict=False)
                assert all((layer.weight == weight).all() for layer, weight in pairs)
    assert (
        planes.without_sharing(random_arrays())["weight_1"].tolist() == random_arrays()["weight_1"].tolist()
    )


def test_engines_agree(model: PlanesModel) -> None:
    """The native engine reads shared networks itself."""
    file = random_file([(2, 2), (1, 1), (1, 1)], 2, 3, spread=40.0)
    steps = [c.quantization for c in file.frame.components]
    native, reference = (
        encode_slices(model, name, steps, [file.coefficients], 1) for name in ("native", "numpy")
    )
    assert native == reference


ALONE = list(range(NETWORKS))


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([*ALONE[:10], 11, 10, *ALONE[12:]], "order"),
        ([1, 0, *ALONE[2:]], "order"),
        ([*ALONE[:-1], LAST + 1], "order"),
        ([0, 0, *range(1, LAST)], "DC and `last` cannot share"),
        ([*ALONE[:-1], LAST - 1], "DC and `last` cannot share"),
        ([*ALONE[:-1], 5], "DC and `last` cannot share"),
    ],
    ids=["swapped", "begins with 1", "a gap", "DC shares", "last shares", "last shares with an early one"],
)
def test_refused(numbers: list[int], message: str) -> None:
    arrays = random_arrays()
    arrays["network_2"] = np.array(numbers, np.uint8)
    with pytest.raises(ValueError, match=message):
        groups_of(numbers)
    with pytest.raises(ValueError, match=message):
        planes.build(9, "refused", arrays)  # by the native engine


def test_every_plane_has_a_network() -> None:
    arrays = random_arrays()
    arrays["network_1"] = arrays["network_1"][:-1]
    with pytest.raises(ValueError, match="do not fit"):
        planes.build(9, "short", arrays)
