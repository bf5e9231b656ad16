"""Pictures in files, from compress() to decompress(): all are modelled, listed and restored."""

from collections.abc import Callable
from dataclasses import replace

import pytest

import jrecomp
from jrecomp import container, jpeg
from jrecomp.codec import Resources
from jrecomp.container import Lossless, Lossy
from jrecomp.errors import CorruptContainerError, StoredReason
from jrecomp.jpeg.types import JpegFile
from jrecomp.model import load
from jrecomp.options import Limits
from jrecomp.pictures import PictureCoder
from jrecomp.skeleton import Picture, pictures
from tests.jpeg.builder import segment
from tests.skeleton.samples import FILES, MAIN, OTHER, THUMBNAIL, with_segments, with_thumbnail


@pytest.mark.parametrize("name", FILES)
def test_round_trip(name: str) -> None:
    data, expected = FILES[name]
    compressed = jrecomp.compress(data, model="fast")
    assert jrecomp.decompress(compressed) == data
    info = jrecomp.inspect(compressed)
    assert info.mode == "lossless"
    assert [picture.size for picture in info.pictures] == list(map(len, expected))


@pytest.mark.parametrize("thumbnail", [False, True])
def test_scans_are_written_to_be_compared_only_if_restoring_them_fails(
    make_photo: Callable[..., bytes], thumbnail: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a file with two scans of the same coefficients, of which the first one says something else."""
    attempts: list[bool] = []

    def watched(data: bytes, limits: Limits, *, exact: bool, idle: bool = True) -> JpegFile:
        attempts.append(exact)
        return original(data, limits, idle=idle, exact=exact)

    original = jpeg.read
    monkeypatch.setattr(jpeg, "read", watched)
    photo = make_photo(160, 120)
    jrecomp.compress(photo)
    assert attempts == [False]
    begin, end = jpeg.split(photo)[1][0]
    header = photo[photo.index(b"\xff\xda") : begin]
    data = photo[:end] + header + photo[begin : begin + 500] + bytes(99) + photo[begin + 500 :]
    data = with_thumbnail(photo, data) if thumbnail else data
    compressed = jrecomp.compress(data)
    assert attempts == sorted(attempts) and attempts[-1]
    assert jrecomp.decompress(compressed) == data
    assert len(jrecomp.inspect(compressed).pictures) == 1 + thumbnail
    assert len(compressed) < len(data)


def test_information_on_all_pictures() -> None:
    data = with_thumbnail(MAIN) + bytes(99) + OTHER
    info = jrecomp.inspect(jrecomp.compress(data))
    main, thumbnail, other = info.pictures
    assert info.jpeg == main
    assert (main.offset, main.size) == (0, len(with_thumbnail(MAIN)))
    assert (main.width, main.height, main.sampling, main.quality) == (80, 64, "4:2:0", 85)
    assert main.header_bytes == len(jpeg.split(with_thumbnail(MAIN))[0])
    assert (thumbnail.offset, thumbnail.size) == (data.index(THUMBNAIL), len(THUMBNAIL))
    assert (thumbnail.width, thumbnail.height, thumbnail.quality) == (32, 24, 60)
    assert (other.offset, other.size) == (len(data) - len(OTHER), len(OTHER))
    assert (other.width, other.height, other.sampling) == (48, 40, "gray")


def test_every_picture_saves(make_photo: Callable[..., bytes]) -> None:
    """Nearly as much as in a file of its own, wherever it is."""
    thumbnail = make_photo(160, 120, quality=75)
    plain = MAIN + bytes(3)
    cost = len(jrecomp.compress(plain))
    alone = len(jrecomp.compress(thumbnail))
    for data in (with_thumbnail(plain, thumbnail), plain + thumbnail, b"\n" * 50 + plain + thumbnail):
        assert len(jrecomp.compress(data)) - cost <= alone + 50 < len(thumbnail)


def test_a_picture_twice_costs_once(make_photo: Callable[..., bytes]) -> None:
    """As the thumbnail of some programs, which is in two segments."""
    thumbnail = make_photo(160, 120, quality=75)
    once = with_segments(MAIN, segment(0xE1, thumbnail))
    twice = with_segments(once, segment(0xED, thumbnail))
    assert len(jrecomp.compress(twice)) - len(jrecomp.compress(once)) <= 40


def test_lossy_files_keep_modelled_thumbnails(make_photo: Callable[..., bytes]) -> None:
    data = with_thumbnail(make_photo(200, 150, quality=92), make_photo(80, 60))
    compressed = jrecomp.compress(data, quality=50)
    restored = jrecomp.decompress(compressed)
    assert make_photo(80, 60) in restored
    info = jrecomp.inspect(compressed)
    assert (info.mode, [picture.width for picture in info.pictures]) == ("lossy", [200, 80])
    assert isinstance(container.unpack(compressed), Lossy)


def test_a_first_picture_that_cannot_be_modelled() -> None:
    """The thumbnail is modelled; without one, the reason is that of the first picture."""
    hierarchical = MAIN.replace(b"\xff\xc0", b"\xff\xc5")
    data = with_thumbnail(hierarchical, OTHER)
    info = jrecomp.inspect(jrecomp.compress(data))
    assert [picture.width for picture in info.pictures] == [48]
    info = jrecomp.inspect(jrecomp.compress(hierarchical + b"\xff\xd8\xff\xc9"))
    assert (info.stored_reason, info.pictures) == (StoredReason.HIERARCHICAL.text, ())


def test_threads_do_not_change_the_result() -> None:
    data = b"".join(FILES[name][0] for name in ("thumbnail", "progressive", "one after the other"))
    compressed = jrecomp.compress(data, model="fast", threads=1)
    for threads in (2, 3):
        assert jrecomp.compress(data, model="fast", threads=threads) == compressed
        assert jrecomp.decompress(compressed, threads=threads) == data


def box_of(data: bytes) -> Lossless:
    box = container.unpack(jrecomp.compress(data, model="fast"))
    assert isinstance(box, Lossless)
    return box


def test_wrong_lengths_of_pictures() -> None:
    """Bytes that one picture has less and another one has more."""
    box = box_of(MAIN + OTHER)
    first, second = pictures(box.steps)
    steps = first._replace(removed=first.removed - 1), second._replace(removed=second.removed + 1)
    with pytest.raises(CorruptContainerError, match="another length"):
        jrecomp.decompress(container.pack(replace(box, steps=steps)))


def test_pixels_of_all_pictures_are_limited() -> None:
    """Pixels for which there are no bytes: a decoder refuses them before it decodes anything."""
    box, limits = box_of(MAIN), Limits(max_pixels=80 * 64)
    (step,) = pictures(box.steps)
    assert isinstance(step, Picture)
    blank = step._replace(removed=0)
    headers = box.front + box.front
    forged = replace(box, front=headers, steps=(blank, blank._replace(position=len(box.front))))
    coder = PictureCoder(load("fast"), Resources(1), limits)
    with pytest.raises(jrecomp.JrecompError, match="all pictures together"):
        coder.restore(forged)
    assert jrecomp.decompress(jrecomp.compress(MAIN * 9, limits=limits), limits=limits) == MAIN * 9


def test_a_picture_between_the_scans_of_another(make_photo: Callable[..., bytes]) -> None:
    """It begins in a segment of the other one, whose scans stand among its own headers.

    A second frame header ends the first picture.
    """
    outer, inner = make_photo(progressive=True), make_photo(quality=60)
    frame = outer.index(b"\xff\xc2")
    scans = frame + 2 + int.from_bytes(outer[frame + 2 : frame + 4])
    head, rest = outer[2:scans], outer[scans:-2]
    begin = b"\xff\xd8\xff\xe0" + (2 + len(head)).to_bytes(2)  # its first segment reaches to the scans
    data = outer[:2] + segment(0xE1, begin) + head + rest + inner[2:]
    compressed = jrecomp.compress(data)
    assert jrecomp.decompress(compressed) == data
    assert len(jrecomp.inspect(compressed).pictures) == 2
    assert len(compressed) < 0.95 * len(data)
