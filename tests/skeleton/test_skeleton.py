"""Skeletons: pictures are found wherever they are, every file is restored, and nothing takes long."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrecomp import jpeg
from jrecomp.errors import CorruptContainerError, StoredReason
from jrecomp.options import DEFAULT_LIMITS, Limits
from jrecomp.skeleton import (
    Base64,
    Coded,
    Dismantled,
    Join,
    Picture,
    Step,
    describe,
    dismantle,
    excess_pixels,
    pictures,
    restore,
)
from tests.jpeg.builder import segment
from tests.skeleton.samples import (
    FILES,
    MAIN,
    OTHER,
    THUMBNAIL,
    decode,
    encode,
    extended_xmp,
    lines,
    scan_data,
    with_segments,
    with_thumbnail,
)


def taken_apart(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Dismantled:
    """The file without its pictures, after a check that it is restored."""
    found = dismantle(data, encode, limits)
    assert restore(found.front + found.back, found.steps, decode) == data
    positions = [step.position for step in found.steps]
    assert positions == sorted(positions)
    return found


@pytest.mark.parametrize("name", FILES)
def test_all_pictures_are_found(name: str) -> None:
    data, expected = FILES[name]
    found = taken_apart(data)
    sizes = [len(picture.headers) + picture.removed for picture in describe(found.front, found.steps)]
    assert sizes == list(map(len, expected))
    assert found.reason is None
    assert len(found.front + found.back) + len(scan_data(found.steps)) <= len(data)


@pytest.mark.parametrize("name", FILES)
def test_descriptions(name: str) -> None:
    """Of places and headers, without scan data; the front is all that they need."""
    data, expected = FILES[name]
    found = dismantle(data, encode)
    described = describe(found.front, found.steps)
    assert described == describe(found.front + found.back, found.steps)
    for picture, whole in zip(described, expected, strict=True):
        start = data[picture.offset : picture.offset + 4]
        assert start == whole[:4] or b"/9j/" in data[: picture.offset + 4]
        headers = jpeg.split(whole)[0]
        assert len(picture.headers) == len(headers)
        frames = jpeg.parse_frame(picture.headers), jpeg.parse_frame(headers)
        assert frames[0].width == frames[1].width and frames[0].height == frames[1].height


def test_offsets() -> None:
    """Of thumbnails before and pictures behind the data of scans, and inside text in several segments."""
    data = b"x" * 7 + with_thumbnail(MAIN) + bytes(5) + with_thumbnail(OTHER)
    found = taken_apart(data)
    main, other = 7, 7 + len(with_thumbnail(MAIN)) + 5
    inside = [data.index(THUMBNAIL), data.rindex(THUMBNAIL)]
    expected = [main, inside[0], other, inside[1]]
    assert [picture.offset for picture in describe(found.front, found.steps)] == expected
    text = b"Data='" + b64encode(MAIN) + b"' Other='" + b64encode(OTHER)
    data = with_segments(MAIN, *extended_xmp(text, 700))
    found = taken_apart(data)
    starts = [0, data.index(b"/9j/"), data.rindex(b"/9j/")]
    assert [picture.offset for picture in describe(found.front, found.steps)] == starts


def test_front_ends_where_the_headers_end() -> None:
    found = taken_apart(MAIN + bytes(1000) + OTHER + b"behind")
    assert found.back == b"behind"
    assert found.front.endswith(b"\xff\xd9")
    found = taken_apart(b"no picture")
    assert (found.front, found.back, found.steps) == (b"", b"no picture", ())
    assert found.reason is not None and found.reason.reason is StoredReason.NOT_JPEG


PIECES = [
    MAIN,
    OTHER,
    THUMBNAIL,
    with_thumbnail(OTHER),
    MAIN[: len(MAIN) // 2],
    MAIN[-300:],
    b"\xff\xd8\xff",
    b"\xff\xd8\xff\xe1\x00\x10",
    b"\xff\xd9",
    b"/9j/",
    b64encode(OTHER),
    b64encode(OTHER)[:-3],
    lines(OTHER, b"\n"),
    *extended_xmp(b64encode(MAIN), 900),
    bytes(40),
]


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=12)), max_size=9))
def test_any_bytes_are_restored(pieces: list[bytes]) -> None:
    taken_apart(b"".join(pieces))


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=5), st.data())
def test_damaged_files_are_restored(pieces: list[bytes], data: st.DataObject) -> None:
    damaged = bytearray(b"".join(pieces))
    for _ in range(data.draw(st.integers(1, 5))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    taken_apart(bytes(damaged))


def test_pictures_in_one_that_is_left() -> None:
    """The reason is that of the first picture."""
    data = with_thumbnail(MAIN.replace(b"\xff\xc0", b"\xff\xc5")) + OTHER
    found = taken_apart(data)
    assert [picture.removed for picture in pictures(found.steps)] == [
        len(THUMBNAIL) - len(jpeg.split(THUMBNAIL)[0]),
        len(OTHER) - len(jpeg.split(OTHER)[0]),
    ]
    assert found.reason is not None and found.reason.reason is StoredReason.HIERARCHICAL


def test_number_of_pictures_is_limited() -> None:
    found = taken_apart(OTHER * 5, Limits(max_pictures=3))
    assert len(pictures(found.steps)) == 3
    assert found.back == OTHER * 2


def test_base64_that_is_not_canonical() -> None:
    """A last group that encoding would not give again is left, and so is short text."""
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    for length in (600, 601, 602):
        text = b64encode(OTHER[:length])
        core, groups = text.rstrip(b"="), length // 3 * 3
        last = letters.index(core[-1]) + 1
        changed = core[:-1] + letters[last : last + 1] + text[len(core) :]
        given = {text: length, core: groups, text + b"=": groups if length == 602 else length}
        for written, decoded in given.items() | ({(changed, groups)} if length > 600 else set()):
            steps = taken_apart(b"'" + written + b"'").steps
            assert [step.length for step in steps if isinstance(step, Base64)] == [decoded]
    assert taken_apart(b"'" + text[:150] + b"'").steps == ()


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collects the costs of all calls of jpeg.extent()."""
    read: list[int] = []

    def extent(data: bytearray, begin: int = 0, *, with_scan_data: bool = True) -> jpeg.Extent:
        found = original(data, begin, with_scan_data=with_scan_data)
        read.append(found.cost)
        return found

    original = jpeg.extent
    monkeypatch.setattr(jpeg, "extent", extent)
    return read


HOSTILE = {
    "candidates": b"\xff\xd8\xff\xe0" * 30_000,
    "candidates with a segment": b"\xff\xd8\xff\xe0\x00\x02" * 20_000,
    "candidates that end late": (b"\xff\xd8\xff\xe0\x00\x02" + bytes(9)) * 10_000 + b"\xff\xd9",
    "candidates with scans": (b"\xff\xd8\xff\xda\x00\x02" + bytes(9)) * 10_000,
    "pictures in the headers of pictures": (MAIN[:-2] + b"\xff\xe1\xff\xff") * 1000,
    "text": b"/9j/" * 30_000,
    "short lines": b"/9j/\n" * 30_000,
    "parts": segment(0xEB, b"JP\0\1" + bytes(16)) * 20_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_the_cost_is_linear(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a file has: the cost of all candidates but the last is bounded, and so is their number."""
    data, read = HOSTILE[name], counted(monkeypatch)
    encoded: list[int] = []

    def watched(picture: bytes, first: bool) -> tuple[bytes, Coded]:
        encoded.append(len(picture))
        return encode(picture, first)

    found = dismantle(data, watched)
    assert sum(read[:-1]) <= 16 * len(data) + (1 << 20)
    assert sum(encoded[:-1]) <= 16 * len(data) + (1 << 20)
    assert max(len(read), len(found.steps)) <= 8 * DEFAULT_LIMITS.max_pictures
    monkeypatch.undo()
    assert restore(found.front + found.back, found.steps, decode) == data


def test_nested_text_is_bounded() -> None:
    """Base64 of Base64 and so on, each with lines: the work is a few times the length."""
    data = OTHER
    for _ in range(12):
        data = b"\xff\xd8\xff\xe0" + lines(b"\xff\xd8\xff" + data, b"\n")
    found = taken_apart(data)
    moved = [step.length for step in found.steps if isinstance(step, Base64)]
    moved += [sum(step.lengths + step.gaps) for step in found.steps if isinstance(step, Join)]
    assert len(moved) == 24
    assert sum(moved) <= 17 * len(data)


BLANK = Coded(b"", b"", 1, (b"",))


@pytest.mark.parametrize(
    "steps",
    [
        [Picture(len(MAIN) + 1, 0, BLANK)],
        [Base64(0, len(MAIN) + 1)],
        [Base64(len(MAIN) - 5, 6)],
        [Join(0, (len(MAIN), 1), (0,))],
        [Join(0, (1, 1), (1 << 60,))],
        [Join(0, (1 << 60,), ())],
        [Picture(0, 5, BLANK)],
    ],
)
def test_steps_that_do_not_fit(steps: list[Step]) -> None:
    headers = jpeg.split(MAIN)[0] + bytes(len(MAIN) - len(jpeg.split(MAIN)[0]))
    with pytest.raises(CorruptContainerError):
        restore(headers, steps, lambda picture, headers: [memoryview(headers)])


def test_all_reaches_together_are_limited() -> None:
    """Pictures of which each reads to the end of 2 MB."""
    picture = with_segments(OTHER[:-2], segment(0xE1, b""))
    headers = jpeg.split(picture)[0]
    front, count = headers + bytes(2_000_000), (1 << 28) // 2_000_000
    few, many = ([Picture(0, 0, BLANK)] * n for n in (count - 2, count + 1))
    assert len(describe(front, few)) == count - 2
    with pytest.raises(CorruptContainerError, match="too many bytes of headers"):
        describe(front, many)


def test_zeros_of_descriptions_take_no_memory() -> None:
    """What a container says to be there is not allocated."""
    headers = jpeg.split(MAIN)[0]
    (found,) = describe(headers, [Picture(0, 1 << 40, BLANK)])
    assert found.removed == 1 << 40


def test_pixels_without_bytes() -> None:
    assert excess_pixels(1000, 4) == 0
    assert excess_pixels(1025, 4) == 1
