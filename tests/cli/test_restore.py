"""The command `jrecomp restore`."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import jrecomp
from jrecomp.array_types import UInt8
from jrecomp.errors import ExitCode
from tests.cli.commands import document, estimate, run
from tests.jpeg import samples


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_photo: Callable[..., bytes]) -> Path:
    """A working folder with a.jpg and its container."""
    monkeypatch.chdir(tmp_path)
    Path("a.jpg").write_bytes(make_photo(64, 48))
    Path("a.jpg.jrc").write_bytes(jrecomp.compress(make_photo(64, 48)))
    return tmp_path


def pixels(path: str) -> UInt8:
    with Image.open(path) as image:
        return np.asarray(image)


def test_restore() -> None:
    expected = jrecomp.restore(Path("a.jpg").read_bytes())
    assert run("restore", "a.jpg").stdout.startswith("a.jpg -> a.png: 64 x 48 pixels of 8 bits, ")
    assert (pixels("a.png") == expected).all()
    assert "skipped, made before" in run("restore", "a.jpg").stderr
    os.utime("a.jpg", (1, 1))
    run("restore", "a.jpg", code=ExitCode.OUTPUT)
    first = Path("a.png").read_bytes()
    run("restore", "--force", "a.jpg.jrc")
    assert Path("a.png").read_bytes() == first


def test_dry_run() -> None:
    found = estimate("restore", "a.jpg")
    assert not Path("a.png").exists()
    run("restore", "a.jpg")
    assert (found["files"], found["output_bytes"]) == (1, Path("a.png").stat().st_size)


def test_formats_and_bits() -> None:
    for name, form in (
        ("x.tif", "TIFF"),
        ("x.tiff", "TIFF"),
        ("x.webp", "WEBP"),
        ("x.png", "PNG"),
        ("x", "PNG"),
    ):
        run("restore", "a.jpg", "-o", name)
        with Image.open(name) as image:
            assert image.format == form
    run("restore", "a.jpg", "--format", "tiff", "--bits", "16", "--strength", "0.5")
    assert document("restore", "a.jpg", "-o", "y.png", "--bits", "16")["files"][0]["bits"] == 16
    message = run("restore", "a.jpg", "-o", "y.webp", "--bits", "16", code=ExitCode.USAGE).stderr
    assert message == "jrecomp: a.jpg: webp has no pixels of 16 bits (choose another --format)\n"
    assert not Path("y.webp").exists()


def test_names_of_other_formats_are_refused() -> None:
    for name in ("x.jpg", "x.bmp", "x.jrc"):
        message = run("restore", "a.jpg", "-o", name, code=ExitCode.USAGE).stderr
        assert "is not the ending of a format (use --format)" in message and not Path(name).exists()
    run("restore", "a.jpg", "-o", "x.bmp", "--format", "png")


def test_containers_beside_their_files_are_left_out_in_folders() -> None:
    Path("tree").mkdir()
    for name in ("a.jpg", "a.jpg.jrc", "b.jpg.jrc"):
        Path("tree", name).write_bytes(Path("a.jpg.jrc" if name.endswith("jrc") else "a.jpg").read_bytes())
    run("restore", "-r", "tree", "--output-dir", "out")
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.png", "b.png"]


def test_the_method_that_was_used_is_told() -> None:
    Path("gray.jpg").write_bytes(samples.pillow(channels=1))
    Path("cmyk.jpg").write_bytes(samples.pillow(channels=4))
    Path("cut.jpg").write_bytes(Path("a.jpg").read_bytes()[:-200])
    found = {
        name: document("restore", name, "--format", "tiff", *options)["files"][0]["method"]
        for name, options in (
            ("gray.jpg", ()),
            ("cmyk.jpg", ()),
            ("cut.jpg", ()),
            ("a.jpg", ("--method", "expectation")),
        )
    }
    assert found == {
        "gray.jpg": "network", "cmyk.jpg": "expectation", "cut.jpg": "plain", "a.jpg": "expectation",
    }  # fmt: skip


def test_document() -> None:
    (entry,) = (report := document("restore", "a.jpg"))["files"]
    size = Path("a.png").stat().st_size
    assert (entry["target"], entry["picture_bytes"], entry["channels"]) == ("a.png", size, 3)
    assert (entry["width"], entry["height"], entry["method"]) == (64, 48, "network")
    assert entry["coefficients"] == 64 * 48 * 3 // 2 and entry["changed_coefficients"] >= 0
    assert report["total"]["pixels"] == 64 * 48 and "saving" not in entry


def test_pipes() -> None:
    result = run("restore", "-", stdin=Path("a.jpg").read_bytes())
    with Image.open(io.BytesIO(result.stdout_bytes)) as image:
        assert image.size == (64, 48)
    assert result.stderr.startswith("- -> -: 64 x 48")


def test_folders() -> None:
    Path("in/deep").mkdir(parents=True)
    Path("in/a.jpg").write_bytes(Path("a.jpg").read_bytes())
    Path("in/deep/b.jpg.jrc").write_bytes(Path("a.jpg.jrc").read_bytes())
    Path("in/text.jpg").write_bytes(b"no photo")
    result = run("restore", "-r", "in", "--output-dir", "out", code=ExitCode.INPUT)
    assert (pixels("out/a.png") == pixels("out/deep/b.png")).all()
    assert "in/text.jpg: cannot be restored: not a JPEG file" in result.stderr
    assert "3 files, 1 failed: 0.01 megapixels" in result.stdout


def test_what_fails() -> None:
    Path("cmyk.jpg").write_bytes(samples.pillow(24, 16, 4))
    assert "choose TIFF" in run("restore", "cmyk.jpg", code=ExitCode.INPUT).stderr
    run("restore", "cmyk.jpg", "-o", "cmyk.tif")
    Path("bad.jrc").write_bytes(Path("a.jpg.jrc").read_bytes()[:-1])
    run("restore", "bad.jrc", code=ExitCode.CORRUPT)
    run("restore", "a.jpg", "--max-memory", "1k", code=ExitCode.LIMIT)
    run("restore", "a.jpg", "--strength", "2", code=ExitCode.USAGE)
    run("restore", "a.jpg", "--method", "magic", code=ExitCode.USAGE)
    run("restore", "missing.jpg", code=ExitCode.INPUT)
