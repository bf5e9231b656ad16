"""The order in which the blocks of a plane are coded."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jrecomp.features.schedule import PRIMARY, SLOTS, checkerboard, pyramid, pyramid_slots


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
