"""The dictionary of byte strings that JPEG headers repeat."""

import hashlib
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrecomp.container.dictionary import entries, replace, restore
from jrecomp.container.fields import FieldWriter
from jrecomp.errors import CorruptContainerError


def headers_of(photo: bytes) -> bytes:
    """Everything up to the first scan's data, and the end marker."""
    scan = photo.index(b"\xff\xda")
    return photo[: scan + 2 + photo[scan + 3]] + photo[-2:]


pieces = st.one_of(st.binary(max_size=20), st.sampled_from(entries()), st.sampled_from(entries()[1:11]))


@given(st.lists(pieces, max_size=8).map(b"".join))
def test_exact_for_any_bytes(data: bytes) -> None:
    assert restore(replace(data), len(data)) == data


@given(st.binary(max_size=60))
def test_restore_of_anything_is_bounded(data: bytes) -> None:
    with suppress(CorruptContainerError):
        assert len(restore(data, 1000)) <= 1000


@pytest.mark.parametrize("quality", [1, 30, 50, 75, 95, 100])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_usual_headers_nearly_vanish(
    make_photo: Callable[..., bytes], quality: int, subsampling: int
) -> None:
    headers = headers_of(make_photo(quality=quality, subsampling=subsampling))
    assert len(headers) > 600
    assert len(replace(headers)) <= 18


def test_gray_headers(photo: bytes) -> None:
    headers = headers_of(photo).replace(b"\xff\xda\x00\x0c\x03", b"\xff\xda\x00\x08\x01")
    assert restore(replace(headers), len(headers)) == headers


def test_numbers_are_format() -> None:
    """An entry keeps its number for ever: new ones need a new format version."""
    assert len(entries()) == 311
    digest = hashlib.sha256(b"".join(len(entry).to_bytes(2) + entry for entry in entries()))
    assert digest.hexdigest()[:16] == "c1d9a011be6e909e"


def test_reference_to_no_phrase() -> None:
    writer = FieldWriter()
    for number in (1, 0, len(entries())):
        writer.varint(number)
    with pytest.raises(CorruptContainerError):
        restore(bytes(writer.data), 1000)
