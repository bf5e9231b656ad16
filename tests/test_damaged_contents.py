"""Damage inside containers with right checksums: each is found where it is, by an exception made for it."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

import jrecomp
from jrecomp import container
from jrecomp.container import Lossless, Original
from jrecomp.errors import CorruptContainerError, LimitError, UnknownModelError, VerificationError
from jrecomp.options import Limits
from tests.boxes import coded, recoded

DAMAGE = CorruptContainerError, VerificationError
EXPLICIT = *DAMAGE, UnknownModelError, LimitError


def mutated(data: bytes, rng: random.Random) -> bytes:
    """A few bytes changed, inserted, removed or repeated."""
    result = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 5, 20])):
        at, kind = rng.randrange(len(result) + 1), rng.randrange(5)
        if kind == 0 and result:
            result[at % len(result)] = rng.choice([0, 1, 127, 128, 255, rng.randrange(256)])
        elif kind == 1:
            result[at:at] = rng.randbytes(rng.randrange(1, 12))
        elif kind == 2:
            del result[at : at + rng.randrange(1, 12)]
        elif kind == 3:
            result[at:at] = result[at : at + rng.randrange(40)]
        elif rng.random() < 0.2:
            del result[at:]
    return bytes(result)


def damaged(box: Lossless, rng: random.Random) -> Lossless:
    kind = rng.randrange(6)
    if kind == 0:
        return replace(box, front=mutated(box.front, rng))
    if kind == 1:
        return recoded(box, reconstruction=mutated(coded(box).reconstruction, rng))
    if kind == 2:
        slices = list(coded(box).slices)
        number = rng.randrange(len(slices))
        slices[number] = mutated(slices[number], rng)
        return recoded(box, slices=tuple(slices))
    if kind == 3:
        slices = rng.choices([*coded(box).slices, b""], k=rng.randrange(1, 12))
        return recoded(box, slices=tuple(slices), mcu_rows=rng.choice([0, 1, 2, 5, 1000, 1 << 40]))
    if kind == 4:
        return replace(box, model=rng.choice([1, 2, 3, 9, 1 << 60]))
    return replace(box, original=Original(rng.choice([0, 1, 1 << 40]), box.original.checksum))


@pytest.mark.parametrize("model", ["fast", "default"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 2}])
def test_exceptions_are_explicit(
    make_photo: Callable[..., bytes], options: dict[str, object], model: str
) -> None:
    """No other bytes are restored, and no exception is raised that is not made for damage."""
    whole = make_photo(**options)
    cut = bytearray(whole)
    cut[len(cut) // 2] ^= 0x55
    boxes = [container.unpack(jrecomp.compress(data, model=model)) for data in (whole, bytes(cut))]
    rng = random.Random(f"{options} {model}")
    found: set[type[Exception]] = set()
    for number in range(400):
        box = boxes[number % 2]
        assert isinstance(box, Lossless)
        for _ in range(rng.choice([1, 1, 2])):
            box = damaged(box, rng)
        try:
            packed = container.pack(box)
        except CorruptContainerError:
            continue  # it is damaged too plainly to be written
        try:
            restored = jrecomp.decompress(packed, limits=Limits(max_pixels=1 << 22))
        except EXPLICIT as error:
            found.add(type(error))
        else:
            assert restored in (whole, cut)
    assert {*DAMAGE, UnknownModelError} <= found
