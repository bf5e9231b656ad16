"""Groups of frequencies, and the inputs of models with latents."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrecomp.features import latents
from jrecomp.features.tables import make


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_dc_comes_back(rows: int, columns: int, seed: int) -> None:
    dc = np.random.default_rng(seed).integers(-32767, 32768, (rows, columns))
    assert (latents.dc_of(latents.dc_residual(dc)) == dc).all()


def test_dc_prediction_follows_edges_and_planes() -> None:
    y, x = np.mgrid[:5, :6]
    assert not latents.dc_residual(np.full((5, 6), 9))[1:].any()
    assert not latents.dc_residual(np.where(x > 2, 90, 10))[1:].any()  # an edge from above
    assert not latents.dc_residual(np.where(y > 2, 90, 10))[:, 1:].any()  # an edge from the left


@pytest.mark.parametrize("group", range(len(latents.GROUPS)))
@pytest.mark.parametrize("references", [0, 1])
def test_known_inputs_see_nothing_that_is_not_known(group: int, references: int) -> None:
    rng, tables = np.random.default_rng(group), make()
    values, steps = rng.integers(-99, 99, (64, 4, 5)), rng.integers(1, 99, 64)
    other = rng.integers(-127, 128, (64, 4, 5)).astype(np.int8) if references else None
    seen = latents.known_inputs(group, values, steps, other, tables)
    assert seen.shape == (latents.known_width(group, references), 4, 5) and seen.dtype == np.int8
    changed = values.copy()
    changed[latents.GROUPS[group][0] :] += 1
    assert np.array_equal(latents.known_inputs(group, changed, steps, other, tables), seen)
