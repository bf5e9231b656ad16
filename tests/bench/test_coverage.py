"""jrecomp bench --coverage: how files are classified and counted."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from jrecomp.bench import coverage
from jrecomp.bench.coverage import Opened
from jrecomp.cli.app import main
from tests.jpeg.builder import sof

NEEDS_DJPEG = pytest.mark.skipif(shutil.which("djpeg") is None, reason="djpeg is not installed")


def report(*arguments: object) -> str:
    result = CliRunner().invoke(main, ["bench", "--coverage", "--model", "fast", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def folder(tmp_path: Path, photo: bytes) -> Path:
    """A whole file, a cut one, a lossless and a broken one, and two that are no JPEG files."""
    frame = photo.index(b"\xff\xc0")
    inside = tmp_path / "folder" / "inside"
    inside.mkdir(parents=True)
    for name, data in {
        "whole": photo,
        "inside/cut.jpg": photo[: len(photo) * 2 // 3],
        "inside/lossless.jpg": photo[: frame + 1] + b"\xc3" + photo[frame + 2 :],
        "inside/broken.jpg": photo[:frame] + b"\xff\xd9",
        "inside/text.jpg": b"text",
        "empty": b"",
    }.items():
        (tmp_path / "folder" / name).write_bytes(data)
    return tmp_path / "folder"


def test_files_are_found_by_their_first_bytes(folder: Path) -> None:
    names = [path.name for path in coverage.find([folder, folder / "empty", folder / "whole"])]
    assert names == ["broken.jpg", "cut.jpg", "lossless.jpg", "whole", "empty"]


@NEEDS_DJPEG
def test_classes(folder: Path) -> None:
    found = {Path(f.file).name: f for f in coverage.measure(coverage.find([folder]), "fast", 2)}
    whole, cut, broken = found["whole"], found["cut.jpg"], found["broken.jpg"]
    assert (whole.opened, whole.huffman, whole.stored, whole.message) == (Opened.CLEAN, True, None, "")
    assert whole.after < whole.before == (folder / "whole").stat().st_size
    assert (cut.opened, cut.stored) == (Opened.WARNED, None) and "premature end" in cut.message.lower()
    assert (broken.opened, broken.huffman, broken.stored) == (Opened.FAILED, True, "malformed JPEG headers")
    assert not found["lossless.jpg"].huffman


@pytest.mark.parametrize(
    ("code", "precision", "huffman"),
    [
        (0xC0, 8, True),
        (0xC1, 8, True),
        (0xC2, 8, True),
        (0xC1, 12, False),
        (0xC3, 8, False),
        (0xCA, 8, False),
    ],
)
def test_processes(code: int, precision: int, huffman: bool) -> None:
    assert coverage._is_huffman(b"\xff\xd8" + sof(code, 8, 8, [(1, 1)], precision)) is huffman


def test_the_report(folder: Path, tmp_path: Path) -> None:
    text = report(folder, "--threads", "2", "--output", tmp_path / "out")
    assert "| all | 4 | 2 | 50.0 |" in text and "| malformed JPEG headers | 1 |" in text
    assert (tmp_path / "out" / "report.md").read_text() == text
    files = json.loads((tmp_path / "out" / "results.json").read_text())["files"]
    assert [file["stored"] is None for file in files] == [False, True, False, True]


@NEEDS_DJPEG
def test_stored_files_that_decoders_open_are_listed(tmp_path: Path, photo: bytes) -> None:
    """A file of which not even the first block is whole."""
    scan = photo.index(b"\xff\xda")
    (tmp_path / "cut.jpg").write_bytes(photo[: scan + 15])
    text = report(tmp_path)
    assert "| 8-bit Huffman, opened with a warning | 1 | 0 | 0.0 |" in text
    assert "| `cut.jpg` | 8-bit Huffman, opened with a warning | Premature end of JPEG file |" in text


def test_without_djpeg(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    text = report(folder)
    assert "- not measured: djpeg (libjpeg-turbo-progs)" in text
    assert "| 8-bit Huffman, opened or not | 3 | 2 | 66.7 |" in text


@pytest.mark.parametrize("option", ["--lossy", "--scaling", "--qualities=50", "--repeats=2", "--model=best"])
def test_options_that_do_not_apply(folder: Path, option: str) -> None:
    result = CliRunner().invoke(main, ["bench", "--coverage", "--model", "fast", option, str(folder)])
    assert result.exit_code == 2


def test_no_files(tmp_path: Path) -> None:
    assert CliRunner().invoke(main, ["bench", "--coverage", str(tmp_path)]).exit_code == 2
