"""Fields: what is written is read again, and nothing else is accepted."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrecomp.container.fields import FieldReader, FieldWriter, repeated
from jrecomp.errors import CorruptContainerError


def written(name: str, *values: object) -> bytes:
    writer = FieldWriter()
    getattr(writer, name)(*values)
    return bytes(writer.data)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"), (2**63 - 1, "ffffffffffffffff7f")],
)
def test_varint_bytes(value: int, expected: str) -> None:
    assert written("varint", value).hex() == expected
    assert FieldReader(bytes.fromhex(expected)).varint() == value


@pytest.mark.parametrize("damaged", ["", "80", "8000", "ffffffffffffffffff", "ffffffffffffffffff01"])
def test_malformed_varint(damaged: str) -> None:
    with pytest.raises(CorruptContainerError):
        FieldReader(bytes.fromhex(damaged)).varint()


def test_a_number_takes_only_its_own_bytes() -> None:
    reader = FieldReader(bytes.fromhex("ac0205"))
    assert [reader.varint(), reader.varint(), reader.left] == [300, 5, 0]


@given(st.binary(max_size=2000))
def test_packed_round_trip(value: bytes) -> None:
    reader = FieldReader(written("packed", value))
    assert reader.packed(len(value))[:] == value
    reader.finish()
    if value:
        with pytest.raises(CorruptContainerError, match="are possible"):
            FieldReader(written("packed", value)).packed(len(value) - 1)


@pytest.mark.parametrize("value", [b"", b"x", bytes(range(256)), bytes(3_000_000)])
def test_packed_never_grows_much(value: bytes) -> None:
    assert len(written("packed", value)) <= len(value) + 5


def test_false_lengths_end_at_once() -> None:
    """A length or a number of parts is compared with the bytes there are before anything is allocated."""
    huge = written("varint", 1 << 62)
    reads: list[Callable[[FieldReader], object]] = [
        lambda r: [r.raw(b"", 1) for _ in repeated(r, [], b"")],
        lambda r: r.raw(b"", r.varint()),
        lambda r: r.packed(1 << 63)[:],
    ]
    for read in reads:
        with pytest.raises(CorruptContainerError):
            read(FieldReader(huge + huge + b"123"))


def test_numbers_of_items_have_a_limit() -> None:
    assert list(repeated(FieldReader(written("varint", 3)), [], 0, 3)) == [0, 0, 0]
    with pytest.raises(CorruptContainerError, match="4 items in a list, more than 3"):
        repeated(FieldReader(written("varint", 4)), [], 0, 3)


def test_check_of_the_bytes_so_far() -> None:
    writer = FieldWriter()
    writer.raw(b"123456789", 9)
    writer.check()
    assert writer.data.hex() == b"123456789".hex() + "2639"  # CRC-32 CBF43926
    reader = FieldReader(bytes(writer.data))
    reader.raw(b"", 9)
    reader.check()
    reader.finish()
    for position in range(len(writer.data)):
        damaged = bytearray(writer.data)
        damaged[position] ^= 1
        reader = FieldReader(bytes(damaged))
        reader.raw(b"", 9)
        with pytest.raises(CorruptContainerError, match="check"):
            reader.check()


def test_bytes_left_over() -> None:
    with pytest.raises(CorruptContainerError, match="1 bytes too many"):
        FieldReader(b"x").finish()
