"""The samples that jrecomp restores are those that docs/restoring.md specifies."""

import numpy as np
import pytest

from jrecomp import encode, jpeg
from jrecomp.jpeg.metadata import table_numbers
from jrecomp.restoration import correction, expectation
from jrecomp.restoration.network import build
from jrecomp.restoration.sampling import Sampling
from jrecomp.t81 import COLUMN, ROW
from jrecomp.threads import Workers
from tests.encoder.drawings import noisy
from tests.jpeg import samples
from tests.restoration.networks import arrays
from tests.restoration.test_correction import OTHERS, TWELVE_BITS, with_factors
from tests.specification import restoring
from tests.specification.restoring import Component

FILES: dict[str, bytes] = {
    "gray": samples.pillow(27, 21, 1, quality=60),
    "4:4:4": samples.pillow(24, 16, quality=30, subsampling="4:4:4"),
    "4:2:0": samples.pillow(41, 33, quality=80, subsampling="4:2:0"),
    "4:4:0": with_factors((1, 2), (1, 1), (1, 1)),
    "12 bits": TWELVE_BITS,
    "fitted": encode(noisy(40, 56), quality=40, subsampling="420"),
    "fitted 4:2:2": encode(noisy(40, 56), quality=40, subsampling="422"),
}


def components(file: jpeg.JpegFile) -> list[Component]:
    found: list[Component] = []
    for component, zigzag in zip(file.frame.components, file.coefficients, strict=True):
        levels, steps = np.zeros((*zigzag.shape[:2], 8, 8), np.int64), np.zeros((8, 8), np.int64)
        levels[..., ROW, COLUMN], steps[ROW, COLUMN] = zigzag, component.quantization
        sampling = Sampling.of(component, file)
        sizes = sampling.down, sampling.across
        table = table_numbers(file.headers)[len(found)]
        found.append(Component(levels, steps, *sizes, file.frame.precision, table))
    return found


@pytest.mark.parametrize("kind", [*FILES, "4:1:1"])
def test_expectation(kind: str) -> None:
    file = jpeg.read((FILES | OTHERS)[kind])
    restored, decoded = restoring.expectation(components(file))
    with Workers(1) as workers:
        assert all(map(np.array_equal, restored, expectation.restored(file, workers)))
        assert all(map(np.array_equal, decoded, expectation.centres(file, workers)))


@pytest.mark.parametrize("kind", FILES)
def test_network(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With random weights, whose corrections are some levels."""
    weights = arrays(octaves=6.5)
    monkeypatch.setattr(correction, "network", lambda: build(weights))
    file = jpeg.read(FILES[kind])
    with Workers(1) as workers:
        found = correction.restored(file, workers)
        before = expectation.restored(file, workers)
    assert all(map(np.array_equal, found, restoring.network(components(file), weights)))
    assert [np.array_equal(*pair) for pair in zip(found, before, strict=True)] == [
        component.fitted for component in components(file)
    ]
