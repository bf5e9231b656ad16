"""Fields: what is written is read again, and nothing else is accepted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrecomp.container.fields import FieldReader, FieldWriter, blobs
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


@given(st.lists(st.binary(max_size=300)))
def test_blobs_round_trip(values: list[bytes]) -> None:
    writer = FieldWriter()
    assert blobs(writer, values) == tuple(values)
    reader = FieldReader(bytes(writer.data))
    assert blobs(reader, []) == tuple(values)
    reader.finish()


@given(st.binary(max_size=2000))
def test_packed_round_trip(value: bytes) -> None:
    reader = FieldReader(written("packed", value, 0))
    assert reader.packed(b"", len(value)) == value
    reader.finish()
    if value:
        with pytest.raises(CorruptContainerError, match="are possible"):
            FieldReader(written("packed", value, 0)).packed(b"", len(value) - 1)


@pytest.mark.parametrize("value", [b"", b"x", bytes(range(256)), bytes(3_000_000)])
def test_packed_never_grows_much(value: bytes) -> None:
    assert len(written("packed", value, 0)) <= len(value) + 5


def test_false_lengths_end_at_once() -> None:
    """A length or a number of parts is compared with the bytes there are before anything is allocated."""
    huge = written("varint", 1 << 62)
    for read in (lambda r: blobs(r, []), lambda r: r.raw(b"", r.varint()), lambda r: r.packed(b"", 1 << 63)):
        with pytest.raises(CorruptContainerError):
            read(FieldReader(huge + huge + b"123"))


def test_bytes_left_over() -> None:
    with pytest.raises(CorruptContainerError, match="1 bytes too many"):
        FieldReader(b"x").finish()
