"""The known values that are inputs of the network of a plane."""

import pytest

from jrecomp.features.store import AC_INPUTS, AROUND, DIFFERENCE, nearest_known


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
