"""The command `jrecomp encode`."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import jrecomp
from jrecomp.errors import ExitCode
from tests.cli.commands import document, estimate, run
from tests.encoder.drawings import noisy, png


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_photo: Callable[..., bytes]) -> Path:
    """A working folder with a.png, in/b.png, in/deep/c.png and photo.jpg."""
    monkeypatch.chdir(tmp_path)
    Path("in/deep").mkdir(parents=True)
    for number, name in enumerate(("a.png", "in/b.png", "in/deep/c.png")):
        Path(name).write_bytes(png(noisy(40 + number, 60)))
    Path("in/notes.txt").write_text("no picture")
    Path("photo.jpg").write_bytes(make_photo(64, 48, quality=95))
    return tmp_path


def test_a_picture() -> None:
    result = run("encode", "a.png")
    assert Path("a.jpg").read_bytes() == jrecomp.encode(Path("a.png").read_bytes())
    assert "a.png -> a.jpg" in result.stdout and "at quality 90" in result.stdout
    assert "skipped, made before" in run("encode", "a.png").stderr
    os.utime("a.png", (1, 1))
    run("encode", "a.png", code=ExitCode.OUTPUT)
    run("encode", "a.png", "--force", "--quality", "50")
    assert Path("a.jpg").read_bytes() == jrecomp.encode(Path("a.png").read_bytes(), quality=50)


def test_dry_run() -> None:
    found = estimate("encode", "a.png")
    assert not Path("a.jpg").exists()
    run("encode", "a.png")
    assert (found["files"], found["output_bytes"]) == (1, Path("a.jpg").stat().st_size)
    assert estimate("encode", "a.png")["existing"] == 1


def test_a_container() -> None:
    run("encode", "a.png", "-o", "a.jpg.jrc")
    assert jrecomp.decompress(Path("a.jpg.jrc").read_bytes()) == jrecomp.encode(Path("a.png").read_bytes())


def test_for_restoration() -> None:
    entry = document("encode", "a.png", "-o", "a.jpg.jrc", "--restored", "--min-psnr", "34")["files"][0]
    scores = entry["likeness"]
    assert scores["restorer"] == entry["restorer"] == "network"
    assert scores["measure"] == "PSNR" and scores["restored"] >= 34
    assert "restored by network" in entry["note"]
    assert "restorer       network" in run("info", "a.jpg.jrc").stdout
    assert document("info", "a.jpg.jrc")["files"][0]["restorer"] == "network"
    run("restore", "a.jpg.jrc", "-o", "restored.png")
    run("decompress", "a.jpg.jrc")
    assert Path("a.jpg").read_bytes() == jrecomp.encode(
        Path("a.png").read_bytes(), restored=True, min_psnr=34.0
    )
    message = run("encode", "photo.jpg", "--restored", code=ExitCode.INPUT).stderr
    assert (
        message
        == "jrecomp: photo.jpg: is a JPEG file, which cannot be encoded with --restored (only pixels)\n"
    )


def test_folders() -> None:
    report = document("encode", "-r", "in", "--output-dir", "out", "--threads", "2")
    assert sorted(str(p) for p in Path("out").rglob("*.jpg")) == ["out/b.jpg", "out/deep/c.jpg"]
    assert report["total"]["files"] == 2 and {f["mode"] for f in report["files"]} == {"jpeg"}
    assert all(f["quality"] == 90 and f["note"] == "4:2:0" for f in report["files"])


def test_pipes() -> None:
    data = Path("a.png").read_bytes()
    result = run("encode", "-", "--max-bytes", "3000", "--sequential", stdin=data)
    assert result.stdout_bytes == jrecomp.encode(data, max_bytes=3000, progressive=False)


def test_jpeg_files_are_shrunk_and_that_is_said() -> None:
    result = run("encode", "photo.jpg", "--quality", "80")
    assert "photo.shrunk.jpg" in result.stdout and "a JPEG file: shrunk" in result.stdout
    source = Path("photo.jpg").read_bytes()
    expected = jrecomp.shrink(source, quality=80, progressive=True, tune="ssimulacra2")
    assert Path("photo.shrunk.jpg").read_bytes() == expected


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["missing.png"], ExitCode.INPUT),
        (["in/notes.txt"], ExitCode.INPUT),
        (["a.png", "--max-bytes", "50"], ExitCode.TARGET),
        (["a.png", "--max-pixels", "10"], ExitCode.LIMIT),
        (["a.png", "--quality", "3", "--bpp", "1"], ExitCode.USAGE),
        (["a.png", "--background", "blueish"], ExitCode.USAGE),
        (["a.png", "--tune", "looks"], ExitCode.USAGE),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value.name,
)
def test_errors(arguments: list[str], code: ExitCode) -> None:
    result = run("encode", *arguments, code=code)
    assert not Path("a.jpg").exists() and result.stderr.strip()


def test_background() -> None:
    pixels = noisy(40, 60)
    Path("clear.png").write_bytes(png(np.dstack([pixels, pixels[..., :1]])))
    assert "--background" in run("encode", "clear.png", code=ExitCode.INPUT).stderr
    run("encode", "clear.png", "--background", "white")
    assert Path("clear.jpg").is_file()
