"""The command `jrecomp thumbnail`."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

import jrecomp
from jrecomp.errors import ExitCode
from tests.cli.commands import document, estimate, run


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_photo: Callable[..., bytes]) -> None:
    """A working folder with a.jpg and its container."""
    monkeypatch.chdir(tmp_path)
    Path("a.jpg").write_bytes(make_photo(64, 48))
    Path("a.jpg.jrc").write_bytes(jrecomp.compress(make_photo(64, 48)))


def test_one_picture() -> None:
    result = run("thumbnail", "a.jpg.jrc", "--size", "16")
    size = Path("a.thumbnail.jpg").stat().st_size
    assert result.stdout.startswith(f"a.jpg.jrc -> a.thumbnail.jpg: 16 x 12 pixels, {size} bytes, ")
    with Image.open("a.thumbnail.jpg") as image:
        assert (image.size, image.format) == ((16, 12), "JPEG")
    assert "skipped, made before" in run("thumbnail", "a.jpg.jrc").stderr
    os.utime("a.jpg.jrc", (1, 1))
    run("thumbnail", "a.jpg.jrc", code=ExitCode.OUTPUT)
    run("thumbnail", "a.jpg", "--force")
    with Image.open("a.thumbnail.jpg") as image:
        assert image.size == (64, 48)


def test_dry_run() -> None:
    found = estimate("thumbnail", "a.jpg")
    assert not Path("a.thumbnail.jpg").exists()
    run("thumbnail", "a.jpg")
    assert (found["files"], found["output_bytes"]) == (1, Path("a.thumbnail.jpg").stat().st_size)


def test_formats() -> None:
    for name, form in (("x.png", "PNG"), ("x.WEBP", "WEBP"), ("x.jpeg", "JPEG"), ("x", "JPEG")):
        run("thumbnail", "a.jpg", "-o", name)
        with Image.open(name) as image:
            assert image.format == form
    run("thumbnail", "a.jpg", "--format", "png")
    assert Path("a.thumbnail.png").exists()
    message = run("thumbnail", "a.jpg", "-o", "x.gif", code=ExitCode.USAGE).stderr
    assert message == "jrecomp: -o x.gif: .gif is not the ending of a format (use --format)\n"


def test_folders() -> None:
    """Thumbnails get none, and a picture gets one where it is beside its container."""
    Path("in").mkdir()
    for name in ("a.jpg", "a.jpg.jrc", "b.jpg.jrc", "c.thumbnail.jpg"):
        Path("in", name).write_bytes(Path("a.jpg.jrc" if name.endswith("jrc") else "a.jpg").read_bytes())
    run("thumbnail", "-r", "in")
    run("thumbnail", "-r", "in", "--force")
    names = sorted(path.name for path in Path("in").iterdir() if "thumbnail" in path.name)
    assert names == ["a.thumbnail.jpg", "b.thumbnail.jpg", "c.thumbnail.jpg"]
    result = run("thumbnail", "-r", "in", "--output-dir", "out", "--format", "webp")
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.thumbnail.webp", "b.thumbnail.webp"]
    assert "2 files, 0 failed: 0.01 megapixels" in result.stdout


def test_document_and_pipes() -> None:
    (entry,) = (report := document("thumbnail", "a.jpg", "--size", "8"))["files"]
    assert (entry["width"], entry["height"], entry["format"]) == (8, 6, "jpeg")
    assert report["total"]["pixels"] == 48 and "changed_coefficients" not in report["total"]
    result = run("thumbnail", "-", "--size", "8", "--format", "png", stdin=Path("a.jpg.jrc").read_bytes())
    with Image.open(io.BytesIO(result.stdout_bytes)) as image:
        assert (image.size, image.format) == ((8, 6), "PNG")


def test_what_fails() -> None:
    Path("bad.jrc").write_bytes(Path("a.jpg.jrc").read_bytes()[:-1])
    run("thumbnail", "bad.jrc", code=ExitCode.CORRUPT)
    Path("text.jpg").write_bytes(b"no photo")
    assert "cannot be shown" in run("thumbnail", "text.jpg", code=ExitCode.INPUT).stderr
    run("thumbnail", "a.jpg", "--size", "0", code=ExitCode.USAGE)
    run("thumbnail", "a.jpg.jrc", "--max-pixels", "10", code=ExitCode.LIMIT)
    run("thumbnail", "missing.jpg", code=ExitCode.INPUT)
