"""Engines: batches of slices, and low frequencies."""

import pytest

from jrecomp import codec
from jrecomp.codec import slices as slicing
from jrecomp.codec.gpu import engine as gpu
from jrecomp.model.planes import PlanesModel
from tests.models import random_file


def test_batches_of_slices(random_model: PlanesModel, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """More slices than a batch takes, some of them empty, the last one shorter."""
    monkeypatch.setattr(slicing, "SLICE_BLOCKS", 60)
    monkeypatch.setattr(gpu, "BATCH_PLACES", 2 * 700)
    file = random_file([(2, 2), (1, 1), (1, 1)], 13, 4)
    for array, rows in zip(file.coefficients, (6, 3, 3), strict=True):
        array[rows : 2 * rows] = 0
    encoded = codec.encode(file, random_model, threads=2, engine=engine)
    assert encoded == codec.encode(file, random_model, engine="numpy")
    assert encoded.mcu_rows == 3 and len(encoded.data) == 5 and encoded.data[1] == b""
    decoded = codec.decode(file.frame, encoded, random_model, 2, engine)
    assert all((a == b).all() for a, b in zip(decoded, file.coefficients, strict=True))


@pytest.mark.parametrize("factors", [[(2, 2), (1, 1), (1, 1)], [(1, 1)] * 4, [(1, 1)]])
@pytest.mark.parametrize("highest", [0, 4, 24, 62])
def test_low_frequencies(
    random_model: PlanesModel,
    engine: str,
    factors: list[tuple[int, int]],
    highest: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A decoder that stops early has these coefficients, and no others."""
    monkeypatch.setattr(slicing, "SLICE_BLOCKS", 60)
    file = random_file(factors, 9, 4)
    encoded = codec.encode(file, random_model)
    first, *others = codec.decode(file.frame, encoded, random_model, 2, engine, highest=highest)
    assert (first[..., : highest + 1] == file.coefficients[0][..., : highest + 1]).all()
    assert not first[..., highest + 1 :].any()
    for found, coefficients in zip(others, file.coefficients[1:], strict=True):
        assert (found[..., 0] == coefficients[..., 0]).all() and not found[..., 1:].any()
