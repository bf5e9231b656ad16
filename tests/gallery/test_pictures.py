"""What a gallery shows of pictures: exact files, thumbnails, details."""

import io
from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Lock, Thread
from typing import Any

import pytest
from PIL import Image

import jrecomp
from jrecomp import pipeline
from jrecomp.errors import CorruptContainerError, InputError, LimitError
from jrecomp.gallery.library import Library
from jrecomp.gallery.pictures import Pictures
from jrecomp.options import DEFAULT_LIMITS, Limits


class Shown:
    """The pictures of a folder, by name."""

    def __init__(self, root: Path, *, threads: int = 1, limits: Limits = DEFAULT_LIMITS) -> None:
        self.library, self.pictures = Library(root), Pictures(1 << 20, threads, limits)

    def original(self, name: str) -> bytes:
        with self.library.open((name,)) as file:
            return self.pictures.original(file)

    def thumbnail(self, name: str) -> Image.Image:
        with self.library.open((name,)) as file:
            return Image.open(io.BytesIO(self.pictures.thumbnail(file)))

    def details(self, name: str) -> tuple[tuple[int, int] | None, dict[str, str]]:
        with self.library.open((name,)) as file:
            found = self.pictures.details(file)
            assert len(dict(found.rows)) == len(found.rows)
            return found.size, dict(found.rows)


def with_exif(make_photo: Callable[..., bytes], orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x0110], exif[0x0112], exif[0x010F] = "<Camera>\0", orientation, "x" * 1000
    exif.get_ifd(0x8769).update(
        {0x829A: 0.004, 0x829D: 2.8, 0x8827: (1, 2, 3), 0x9003: "2024:05:06 07:08:09"}
    )
    exif.get_ifd(0x8825).update({1: "S", 2: (33.0, 30.0, 36.0), 3: "E", 4: (151.0, 12.0, 0.0)})
    return make_photo(exif=exif)


def test_exact_files(tmp_path: Path, photo: bytes) -> None:
    lossy = jrecomp.compress(photo, quality=50, model="fast")
    files = {
        "a.jpg.jrc": (jrecomp.compress(photo, model="fast"), photo),
        "lossy.jpg.jrc": (lossy, jrecomp.decompress(lossy)),
        "plain.jpg": (photo, photo),
        "named.jpg": (jrecomp.compress(photo, model="fast"), photo),
        "text.txt.jrc": (jrecomp.compress(b"text"), b"text"),
        "none.jpg": (b"", b""),
    }
    for name, (data, _) in files.items():
        (tmp_path / name).write_bytes(data)
    shown = Shown(tmp_path)
    for name, (_, original) in files.items():
        assert shown.original(name) == shown.original(name) == original


@pytest.mark.parametrize("model", [None, "fast", "plain"])
def test_thumbnails_are_upright_and_small(
    tmp_path: Path, make_photo: Callable[..., bytes], model: str | None
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = make_photo(960, 640, exif=exif)
    data = photo if model == "plain" else jrecomp.compress(photo, model=model)
    (tmp_path / "a.jpg").write_bytes(data)
    image = Shown(tmp_path).thumbnail("a.jpg")
    assert (image.size, image.format) == ((213, 320), "JPEG")


def test_details_of_containers(tmp_path: Path, make_photo: Callable[..., bytes]) -> None:
    photo = with_exif(make_photo, orientation=6)
    container = jrecomp.compress(photo, model="fast")
    (tmp_path / "a.jpg.jrc").write_bytes(container)
    size, rows = Shown(tmp_path).details("a.jpg.jrc")
    assert size == (64, 96)
    assert rows == {
        "Original": f"{len(photo):,} bytes ({len(photo) / 1000:.1f} kB)",
        "Container": f"{len(container)} bytes, {1 - len(container) / len(photo):.1%} smaller",
        "Compression": "lossless, model fast",
        "JPEG": "4:2:0, sequential, 8 bits, quality about 80",
        "Size": "64 x 96 pixels",
        "Make": "x" * 200,
        "Camera": "<Camera>",
        "Taken": "2024:05:06 07:08:09",
        "Exposure": "1/250 s",
        "Aperture": "f/2.8",
        "Location": "33.51000° S, 151.20000° E",
    }


def test_details_of_other_files(tmp_path: Path, make_photo: Callable[..., bytes]) -> None:
    photo = make_photo()
    files = {
        "plain.jpg": photo,
        "lossy.jrc": jrecomp.compress(photo, quality=50, model="fast"),
        "text.jrc": jrecomp.compress(b"text"),
        "text.jpg": b"text",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    shown = Shown(tmp_path)
    size, rows = shown.details("plain.jpg")
    assert size == (96, 64) and set(rows) == {"File", "Size"}
    size, rows = shown.details("lossy.jrc")
    assert size == (96, 64) and rows["Compression"] == "lossy, model fast, quality 50" and "JPEG file" in rows
    assert shown.details("text.jpg") == (None, {"File": "4 bytes"})
    size, rows = shown.details("text.jrc")
    assert size is None and rows["Compression"] == "stored: not a JPEG file" and "larger" in rows["Container"]
    for name in ("text.jpg", "text.jrc"):
        with pytest.raises(InputError):
            shown.thumbnail(name)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_damaged_exif_data(tmp_path: Path, make_photo: Callable[..., bytes]) -> None:
    """Whatever its bytes are, the rest is shown."""
    photo = with_exif(make_photo)
    start = photo.index(b"Exif\0\0") + 6
    end = start + 200
    for position in range(start, end, 3):
        data = bytearray(photo)
        data[position : position + 2] = b"\xff\xff"
        (tmp_path / "a.jpg").write_bytes(data)
        size, rows = Shown(tmp_path).details("a.jpg")
        assert size and sorted(size) == [64, 96] and "File" in rows


def test_damage_and_limits(tmp_path: Path, photo: bytes) -> None:
    container = bytearray(jrecomp.compress(photo, model="fast"))
    (tmp_path / "good.jrc").write_bytes(container)
    container[-20] ^= 1
    (tmp_path / "bad.jrc").write_bytes(container)
    (tmp_path / "none.jrc").write_bytes(photo)
    shown = Shown(tmp_path)
    for name in ("bad.jrc", "none.jrc"):
        for show in (shown.original, shown.thumbnail, shown.details):
            with pytest.raises(CorruptContainerError):
                show(name)
    assert shown.original("good.jrc") == photo
    small = Shown(tmp_path, limits=Limits(max_memory=100))
    for show in (small.original, small.thumbnail, small.details):
        with pytest.raises(LimitError):
            show("good.jrc")


def test_a_replaced_file_is_shown_anew(tmp_path: Path, make_photo: Callable[..., bytes]) -> None:
    shown = Shown(tmp_path)
    for quality in (80, 50):
        photo = make_photo(quality=quality)
        (tmp_path / "new").write_bytes(jrecomp.compress(photo, model="fast"))
        (tmp_path / "new").replace(tmp_path / "a.jrc")
        assert shown.original("a.jrc") == photo


@pytest.mark.parametrize("threads", [1, 3])
def test_as_many_at_once_as_threads_and_each_once(
    tmp_path: Path, photo: bytes, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    container, decompress = jrecomp.compress(photo, model="fast"), pipeline.decompress
    for number in range(6):
        (tmp_path / f"{number}.jrc").write_bytes(container)
    shown, lock, together = Shown(tmp_path, threads=threads), Lock(), Barrier(threads)
    running, most, calls = list[int](), list[int](), list[int]()

    def count(data: bytes, threads: int, **options: Any) -> bytes:
        with lock:
            running.append(1)
            calls.append(threads)
            most.append(len(running))
        together.wait(60)  # so many come together, and no more
        try:
            return decompress(data, threads=threads, **options)
        finally:
            with lock:
                running.pop()

    monkeypatch.setattr(pipeline, "decompress", count)
    results = list[bytes]()
    readers = [
        Thread(target=lambda n=number % 6: results.append(shown.original(f"{n}.jrc"))) for number in range(12)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert results == [photo] * 12
    assert len(calls) == 6 and max(most) == threads and all(1 <= each <= threads for each in calls)
