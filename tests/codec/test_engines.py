"""Engines: batches of slices, and a lack of memory."""

import pytest

from jrecomp import codec
from jrecomp.codec import engines
from jrecomp.codec import slices as slicing
from jrecomp.model import PlanesModel
from tests.models import random_file


def test_batches_of_slices(random_model: PlanesModel, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """More slices than a batch takes, some of them empty, the last one shorter."""
    monkeypatch.setattr(slicing, "SLICE_BLOCKS", 60)
    monkeypatch.setattr(engines, "BATCH_BLOCKS", 2 * 72)
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


def test_a_full_device_is_a_lack_of_memory(
    random_model: PlanesModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not reported as a file that cannot be modelled."""
    torch = pytest.importorskip("torch", reason="torch is not installed")

    def fail(*arguments: object) -> None:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(engines, "walk_slices", fail)
    with pytest.raises(MemoryError):
        codec.encode(random_file([(1, 1)], 1, 1), random_model, engine="torch")
