"""The dictionary of byte strings that JPEG headers repeat."""

import hashlib
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrecomp.container.dictionary import MOST_REFERENCES, entries, replace, restore
from jrecomp.container.fields import FieldReader, FieldWriter, blob
from jrecomp.errors import CorruptContainerError


def headers_of(photo: bytes) -> bytes:
    """Everything up to the first scan's data, and the end marker."""
    scan = photo.index(b"\xff\xda")
    return photo[: scan + 2 + photo[scan + 3]] + photo[-2:]


def restored(data: bytes, limit: int) -> bytes:
    return restore(FieldReader(data), limit)


pieces = st.one_of(st.binary(max_size=20), st.sampled_from(entries()), st.sampled_from(entries()[1:11]))


@given(st.lists(pieces, max_size=8).map(b"".join))
def test_exact_for_any_bytes(data: bytes) -> None:
    assert restored(replace(data, [0]), len(data)) == data


beginnings = st.builds(lambda entry, size: entry[:size], st.sampled_from(entries()), st.integers(1, 80))


@given(st.lists(st.one_of(pieces, beginnings), max_size=8).map(b"".join))
def test_the_longest_entries_from_left_to_right(data: bytes) -> None:
    fields, literals, position, begin = FieldWriter(), b"", 0, 0
    references = []
    while position < len(data):
        found = max((entry for entry in entries() if data.startswith(entry, position)), key=len, default=b"")
        if found:
            references.append((position - begin, entries().index(found)))
            literals += data[begin:position]
            begin = position + len(found)
        position += len(found) or 1
    fields.varint(len(references))
    for gap, number in references:
        fields.varint(gap)
        fields.varint(number)
    blob(fields, literals + data[begin:])
    assert replace(data, [0]) == bytes(fields.data)


@given(st.binary(max_size=60))
def test_restore_of_anything_is_bounded(data: bytes) -> None:
    with suppress(CorruptContainerError):
        assert len(restored(data, 1000)) <= 1000


@pytest.mark.parametrize("quality", [1, 30, 50, 75, 95, 100])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_usual_headers_nearly_vanish(
    make_photo: Callable[..., bytes], quality: int, subsampling: int
) -> None:
    headers = headers_of(make_photo(quality=quality, subsampling=subsampling))
    assert len(headers) > 600
    assert len(replace(headers, [0])) <= 20


def test_gray_headers(photo: bytes) -> None:
    headers = headers_of(photo).replace(b"\xff\xda\x00\x0c\x03", b"\xff\xda\x00\x08\x01")
    assert restored(replace(headers, [0]), len(headers)) == headers


def test_numbers_are_format() -> None:
    """An entry keeps its number for ever: new ones need a new format version."""
    assert len(entries()) == 311
    digest = hashlib.sha256(b"".join(len(entry).to_bytes(2) + entry for entry in entries()))
    assert digest.hexdigest()[:16] == "c1d9a011be6e909e"


def test_reference_to_no_phrase() -> None:
    writer = FieldWriter()
    for number in (1, 0, len(entries())):
        writer.varint(number)
    blob(writer, b"")
    with pytest.raises(CorruptContainerError):
        restored(bytes(writer.data), 1000)


def test_number_of_references_is_limited() -> None:
    """A decoder stops before it reads them; an encoder replaces no more than that."""
    scan = entries()[10]
    data = scan * (MOST_REFERENCES + 2)
    packed = replace(data, range(0, len(data), 4000 * len(scan)))
    assert FieldReader(packed).varint() == MOST_REFERENCES
    assert restored(packed, len(data)) == data
    writer = FieldWriter()
    writer.varint(MOST_REFERENCES + 1)
    with pytest.raises(CorruptContainerError, match="131,073 items"):
        restored(bytes(writer.data), 1 << 26)


def test_headers_of_every_picture(photo: bytes) -> None:
    """Entries are found from each start on, wherever it is, and not elsewhere."""
    headers, between = headers_of(photo), bytes(range(256)) * 400
    data = headers + between + headers + between
    starts = [0, len(headers + between)]
    for chosen, size in ((starts, 2 * 16), (starts[:1], 16 + len(headers)), ([], 2 * len(headers))):
        replaced = replace(data, chosen)
        assert restored(replaced, len(data)) == data
        assert size <= len(replaced) - 2 * len(between) <= size + 16


@given(st.lists(pieces, max_size=8).map(b"".join), st.lists(st.integers(0, 2000), max_size=4))
def test_any_starts(data: bytes, starts: list[int]) -> None:
    within = sorted(min(start, len(data)) for start in starts)
    assert restored(replace(data, within), len(data)) == data
