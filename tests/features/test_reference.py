"""Resampling of a component with more samples: it gives the smaller picture."""

import numpy as np
import pytest

from jrecomp.array_types import Float64
from jrecomp.features.reference import reference
from jrecomp.features.store import ComponentPlanes
from jrecomp.features.tables import make
from jrecomp.t81 import COLUMN, ROW

TABLES = make()


def _dct(n: int) -> Float64:
    k, x = np.mgrid[0:n, 0:n]
    matrix: Float64 = np.sqrt(2 / n) * np.cos(np.pi * (2 * x + 1) * k / (2 * n))
    matrix[0] /= np.sqrt(2)
    return matrix


def _planes(samples: Float64) -> ComponentPlanes:
    """ComponentPlanes with step 1 of a picture [8 rows, 8 columns] in float samples."""
    rows, columns = samples.shape[0] // 8, samples.shape[1] // 8
    blocks = samples.reshape(rows, 8, columns, 8).transpose(0, 2, 1, 3)
    coefficients = np.rint(_dct(8) @ blocks @ _dct(8).T)[:, :, ROW, COLUMN]
    planes = ComponentPlanes(np.ones(64, np.int64), rows, columns, [])
    planes.values[:64, planes.blocks] = coefficients.transpose(2, 0, 1)
    return planes


@pytest.mark.parametrize(("vertical", "horizontal"), [(1, 1), (1, 2), (2, 1), (2, 2), (4, 1), (2, 4)])
def test_reference_is_the_smaller_picture(vertical: int, horizontal: int) -> None:
    y, x = np.mgrid[0 : 32 * vertical, 0 : 48 * horizontal]
    smooth = 90 * np.sin(y / (9.0 * vertical)) * np.cos(x / (14.0 * horizontal)) + 0.5 * x
    source = _planes(smooth)
    small = smooth.reshape(32, vertical, 48, horizontal).mean((1, 3))
    target = ComponentPlanes(np.ones(64, np.int64), 4, 6, [])
    found = reference(source, target, TABLES)
    assert found is not None
    expected = _planes(small).values[:64, target.blocks]
    difference = np.abs(found.values[:, target.blocks] - expected).max()
    assert difference <= 0.01 * np.abs(expected).max()  # cutting frequencies is not quite averaging samples


@pytest.mark.parametrize(("rows", "columns"), [(6, 6), (4, 18), (2, 3), (12, 6)])
def test_reference_of_other_ratios_is_none(rows: int, columns: int) -> None:
    target = ComponentPlanes(np.ones(64, np.int64), 4, 6, [])
    assert reference(ComponentPlanes(np.ones(64, np.int64), rows, columns, []), target, TABLES) is None
