import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jrecomp.array_types import Float64
from jrecomp.features.ac import box_sums
from jrecomp.features.reference import reference
from jrecomp.features.schedule import PRIMARY, SLOTS, checkerboard, pyramid, pyramid_slots
from jrecomp.features.store import AC_INPUTS, AROUND, DIFFERENCE, ComponentPlanes, nearest_known
from jrecomp.features.tables import make
from jrecomp.t81 import COLUMN, PLACES, ROW

TABLES = make()


def test_zigzag_is_the_standards() -> None:
    # first and last entries of T.81 figure A.6
    assert PLACES[:7] == [(0, 0), (0, 1), (1, 0), (2, 0), (1, 1), (0, 2), (0, 3)]
    assert PLACES[-3:] == [(6, 7), (7, 6), (7, 7)]
    assert sorted(PLACES) == [(r, c) for r in range(8) for c in range(8)]


@settings(max_examples=40)
@given(st.integers(1, 40), st.integers(1, 40))
def test_pyramid_covers_each_block_once_and_sees_only_earlier_phases(rows: int, columns: int) -> None:
    order = np.full((rows, columns), -1)
    for phase in pyramid(rows, columns):
        assert len(phase.offsets) == pyramid_slots(phase.number) <= SLOTS
        assert (order[phase.rows, phase.columns] == -1).all()
        for dy, dx in phase.offsets:
            y, x = phase.rows + dy, phase.columns + dx
            inside = (y >= 0) & (y < rows) & (x >= 0) & (x < columns)
            assert (order[y[inside], x[inside]] >= 0).all()
        nearest = sorted(abs(dy) + abs(dx) for dy, dx in phase.offsets)[:PRIMARY]
        assert nearest == [abs(dy) + abs(dx) for dy, dx in phase.offsets[:PRIMARY]]
        order[phase.rows, phase.columns] = phase.number
    assert (order >= 0).all()


def test_checkerboard_neighbours_differ() -> None:
    first, second = checkerboard(5, 7)
    assert (first ^ second).all() and (first[:, 1:] ^ first[:, :-1]).all() and (first[1:] ^ first[:-1]).all()


@pytest.mark.parametrize("k", range(1, 64))
def test_inputs_of_a_plane_are_known_when_it_is_coded(k: int) -> None:
    inputs = AC_INPUTS[k]
    own = inputs.side == -1
    assert (inputs.plane[own & (inputs.plane < DIFFERENCE)] < k).all()
    direct = [AROUND[side] for side in inputs.side[inputs.plane == k]]
    assert sorted(direct) == [(-1, 0), (0, -1), (0, 1), (1, 0)]
    assert (inputs.plane[~own] <= k).all()
    pairs = list(zip(inputs.plane.tolist(), inputs.side.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    assert all(0 < j < k for j in nearest_known(k, 3)) and len(nearest_known(k, 3)) == min(3, k - 1)


def test_box_sums_against_slow_ones() -> None:
    grid = np.random.default_rng(1).integers(0, 1000, (9, 13))
    for radius, sums in zip((2, 8), box_sums(grid, 2, 8), strict=True):
        for y, x in np.ndindex(grid.shape):
            part = grid[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
            assert sums[y, x] == part.sum()


def test_log2_is_near_and_monotone() -> None:
    values = np.unique(np.concatenate([np.arange(1, 5000), 2 ** np.arange(0, 52), 2 ** np.arange(1, 52) - 1]))
    logs = TABLES.log2_of(values)
    assert (np.diff(logs) >= 0).all()
    assert np.abs(logs - 16 * np.log2(values)).max() < 1.3


def test_log_and_tanh_are_odd_and_in_range() -> None:
    n = np.array([0, 1, 16, 100, 4095, 99999])
    assert (TABLES.log_of(-n) == -TABLES.log_of(n)).all() and (TABLES.tanh_of(-n) == -TABLES.tanh_of(n)).all()
    assert TABLES.log_of(n).tolist() == [0, 1, 16, 46, 127, 127]
    assert TABLES.tanh_of(n).max() == 127


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
    planes.values[:64, planes.blocks[0]] = coefficients.transpose(2, 0, 1)
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
