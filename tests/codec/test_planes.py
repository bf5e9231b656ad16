"""Models of planes, with random weights: round trips, damage, and that all engines agree."""

from importlib import import_module
from itertools import cycle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jrecomp import codec
from jrecomp.codec.engines import ENGINES
from jrecomp.errors import CorruptContainerError
from jrecomp.model import planes
from jrecomp.model.planes import PlanesModel
from jrecomp.native.builds import runnable
from jrecomp.native.engine import FORMS
from tests.models import LAYOUTS, random_arrays, random_file


@pytest.mark.parametrize("sampling", LAYOUTS, ids=str)
def test_round_trip(random_model: PlanesModel, engine: str, sampling: list[tuple[int, int]]) -> None:
    file = random_file(sampling, 3, 5, seed=len(sampling))
    slices = codec.encode(file, random_model, engine=engine)
    decoded = codec.decode(file.frame, slices, random_model, engine=engine)
    for restored, original in zip(decoded, file.coefficients, strict=True):
        assert restored.dtype == np.int16 and (restored == original).all()


@settings(max_examples=15)
@given(
    st.integers(1, 4), st.integers(1, 4), st.integers(0, 10**6), st.sampled_from([0.05, 1.0, 30.0, 9000.0])
)
def test_round_trip_of_any_size_and_spread(
    random_model: PlanesModel, engine: str, rows: int, columns: int, seed: int, spread: float
) -> None:
    file = random_file([(2, 1), (1, 1)], rows, columns, seed, spread)
    slices = codec.encode(file, random_model, engine=engine)
    decoded = codec.decode(file.frame, slices, random_model, engine=engine)
    assert all((a == b).all() for a, b in zip(decoded, file.coefficients, strict=True))


@pytest.mark.parametrize(("sampling", "shape"), [*zip(LAYOUTS, cycle([(1, 1), (1, 3), (2, 2)]))], ids=str)
def test_engines_agree_on_extremes(
    random_model: PlanesModel,
    engines_here: list[str],
    sampling: list[tuple[int, int]],
    shape: tuple[int, int],
) -> None:
    """Steps of 16 bits and coefficients to the end of their range: the same bytes, decoded by each."""
    rng = np.random.default_rng(sum(shape))
    parts = [rng.choice([-32767, 0, 32767], (shape[0] * v, shape[1] * h, 64)) for h, v in sampling]
    parts = [part.astype(np.int16) for part in parts]
    steps = [rng.choice([1, 65535], 64).astype(np.int32) for _ in sampling]
    encoded = {name: ENGINES["planes"][name].encode(random_model, steps, [parts], 1) for name in engines_here}
    assert {"native", "numpy"} <= set(encoded)
    for name, data in encoded.items():
        assert data == encoded["numpy"]
        decoded = [np.zeros_like(part) for part in parts]
        ENGINES["planes"][name].decode(random_model, steps, [decoded], data, 1)
        assert all((a == b).all() for a, b in zip(decoded, parts, strict=True))


@pytest.mark.parametrize("sampling", LAYOUTS[1:4], ids=str)
def test_forms_of_the_native_engine_agree(sampling: list[tuple[int, int]]) -> None:
    """On wide rows, where a segment is not all, and values beyond what the fast sums can take."""
    model = planes.build(9, "random", random_arrays(3, (50, 30)))
    modules = [import_module(f"jrecomp.native.{form}") for form in runnable(FORMS)]
    forms = [planes.native_engine(model.arrays, module.Engine) for module in modules]
    for shape, spread in (((2, 140), 2.0), ((5, 3), 400.0)):
        file = random_file(sampling, *shape, spread=spread)
        steps = [c.quantization for c in file.frame.components]
        components = [(q.tolist(), a) for q, a in zip(steps, file.coefficients, strict=True)]
        data = ENGINES["planes"]["numpy"].encode(model, steps, [file.coefficients], 1)[0]
        for engine in forms:
            assert engine.encode(components) == data
            decoded = [np.full_like(a, 7) for a in file.coefficients]
            engine.decode([(q.tolist(), a) for q, a in zip(steps, decoded, strict=True)], data)
            assert all((a == b).all() for a, b in zip(decoded, file.coefficients, strict=True))


@settings(max_examples=30)
@given(st.binary(min_size=1, max_size=200))
def test_any_slice_decodes_the_same_or_is_called_corrupt(
    random_model: PlanesModel, engines_here: list[str], data: bytes
) -> None:
    frame = random_file([(2, 1), (1, 1)], 1, 1).frame
    results = []
    for engine in engines_here:
        try:
            decoded = codec.decode(frame, codec.EncodedSlices(1, [data]), random_model, engine=engine)
            results.append([array.tolist() for array in decoded])
        except CorruptContainerError:
            results.append([])
    assert all(result == results[0] for result in results)
