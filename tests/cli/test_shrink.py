"""Shrinking and lossy compression on the command line, with the real core."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jrecomp import jpeg, pipeline
from jrecomp.errors import ExitCode
from tests.cli.commands import document, run
from tests.jpeg import samples


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_photo: Callable[..., bytes]) -> Path:
    """A working folder with a.jpg, the larger b.jpg, and text.jpg, which is no JPEG file."""
    monkeypatch.chdir(tmp_path)
    Path("a.jpg").write_bytes(make_photo(64, 48))
    Path("b.jpg").write_bytes(make_photo(128, 96, quality=95))
    Path("text.jpg").write_bytes(b"no photo")
    return tmp_path


def names() -> set[str]:
    return {str(path) for path in Path().rglob("*") if path.is_file()}


INPUTS = {"a.jpg", "b.jpg", "text.jpg"}


def test_shrink() -> None:
    assert run("shrink", "a.jpg").stdout.startswith("a.jpg -> a.shrunk.jpg: ")
    data, shrunk = Path("a.jpg").read_bytes(), Path("a.shrunk.jpg").read_bytes()
    assert shrunk == pipeline.shrink(data)
    assert len(shrunk) < len(data)
    assert names() == INPUTS | {"a.shrunk.jpg"}


def test_options_reach_the_pipeline() -> None:
    """Each as it was given."""
    data = Path("a.jpg").read_bytes() + b"trailer"
    Path("a.jpg").write_bytes(data)
    cases: list[tuple[list[str], dict[str, Any]]] = [
        (["--quality", "40"], {"quality": 40}),
        (["--quality", "33.3", "--tune", "ms-ssim"], {"quality": 33.3, "tune": "ms-ssim"}),
        (["--quality", "33.3", "--tune", "ssimulacra2"], {"quality": 33.3, "tune": "ssimulacra2"}),
        (["--max-bytes", "900"], {"max_bytes": 900}),
        (["--bpp", "2.5"], {"bpp": 2.5}),
        (["--min-psnr", "35"], {"min_psnr": 35}),
        (["--min-ms-ssim", "0.9"], {"min_ms_ssim": 0.9}),
        (["--min-ssimulacra2", "80"], {"min_ssimulacra2": 80}),
        (["--strip"], {"strip": True}),
        (["--strip-trailer"], {"strip_trailer": True}),
    ]
    for arguments, options in cases:
        run("shrink", "a.jpg", "-o", "x.jpg", "-f", *arguments)
        assert Path("x.jpg").read_bytes() == pipeline.shrink(data, **options), arguments
        run("compress", "a.jpg", "-o", "x.jrc", "-f", *arguments)
        assert Path("x.jrc").read_bytes() == pipeline.compress(data, **options), arguments
    larger = samples.pillow(400, 300)
    Path("larger.jpg").write_bytes(larger)
    run("shrink", "larger.jpg", "-o", "x.jpg", "-f", "--progressive")
    assert Path("x.jpg").read_bytes() == pipeline.shrink(larger, progressive=True)
    assert jpeg.read(Path("x.jpg").read_bytes()).frame.progressive


@pytest.mark.parametrize("command", ["compress", "shrink"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--quality", "101"], "101"),
        (["--quality", "-1"], "-1"),
        (["--quality", "nan"], "nan"),
        (["--quality", "high"], "high"),
        (["--max-bytes", "0"], "0"),
        (["--max-bytes", "1.5"], "1.5"),
        (["--bpp", "0"], "bpp 0"),
        (["--bpp", "inf"], "bpp inf"),
        (["--min-psnr", "-3"], "min_psnr -3"),
        (["--min-ms-ssim", "1.5"], "min_ms_ssim 1.5"),
        (["--min-ssimulacra2", "101"], "min_ssimulacra2 101"),
        (["--quality", "80", "--max-bytes", "10"], "--quality and --max-bytes exclude"),
        (["--bpp", "1", "--min-psnr", "30"], "--bpp and --min-psnr exclude"),
        (["--tune", "nonesuch"], "nonesuch"),
    ],
)
def test_options_that_make_no_sense(
    command: str, options: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is reported before anything is read."""
    monkeypatch.setattr("jrecomp.files.read", lambda path: pytest.fail("is read"))
    assert message in run(command, "a.jpg", *options, code=ExitCode.USAGE).stderr
    assert names() == INPUTS


@pytest.mark.parametrize("command", ["compress", "shrink"])
def test_targets_that_cannot_be_met(command: str) -> None:
    """Of several files only those fail for which that holds."""
    result = run(command, "a.jpg", "--max-bytes", "50", code=ExitCode.TARGET)
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("jrecomp: a.jpg: cannot be as small as 50 bytes, only as ")
    assert names() == INPUTS
    run(command, "a.jpg", "--quality", "0", "-o", "least")
    least = Path("least").stat().st_size
    result = run(command, "b.jpg", "a.jpg", "--max-bytes", str(least), code=ExitCode.TARGET)
    assert "b.jpg: cannot be as small" in result.stderr
    assert "2 files, 0 stored, 1 failed" in result.stdout
    assert len(names()) == len(INPUTS) + 2


def test_compress_at_a_size() -> None:
    line = run("compress", "b.jpg", "--max-bytes", "2000").stdout
    assert line.startswith("b.jpg -> b.jpg.jrc: ")
    assert " at quality " in line
    assert 1800 < Path("b.jpg.jrc").stat().st_size <= 2000
    info = document("info", "b.jpg.jrc")["files"][0]
    assert info["mode"] == "lossy"
    assert 0 < info["quality"] < 100
    assert info["original_bytes"] == Path("b.jpg").stat().st_size
    assert f"quality        {info['quality']:g} of 100\n" in run("info", "b.jpg.jrc").stdout
    run("decompress", "b.jpg.jrc", "-o", "c.jpg")
    assert jpeg.read(Path("c.jpg").read_bytes()).frame.width == 128


def test_lossless_has_no_quality() -> None:
    for options in ([], ["--quality", "100"]):
        run("compress", "a.jpg", "--force", *options)
        assert document("info", "a.jpg.jrc")["files"][0]["quality"] is None
        assert "of 100" not in run("info", "a.jpg.jrc").stdout
        assert pipeline.decompress(Path("a.jpg.jrc").read_bytes()) == Path("a.jpg").read_bytes()


def test_verify_of_a_lossy_container() -> None:
    """The source that lies beside it is not what it restores."""
    run("compress", "a.jpg", "--quality", "50")
    assert "checksums match" in run("verify", "a.jpg.jrc").stdout
    run("verify", "a.jpg.jrc", "--original", "a.jpg", code=ExitCode.VERIFICATION)
    run("decompress", "a.jpg.jrc", "-o", "c.jpg")
    run("verify", "a.jpg.jrc", "--original", "c.jpg")


def test_what_cannot_be_shrunk() -> None:
    result = run("shrink", "text.jpg", "a.jpg", "missing.jpg", code=ExitCode.INPUT)
    assert result.stderr.splitlines() == [
        "jrecomp: text.jpg: cannot be shrunk: not a JPEG file",
        "jrecomp: missing.jpg: No such file or directory",
    ]
    assert names() == INPUTS | {"a.shrunk.jpg"}


def test_outputs() -> None:
    run("shrink", "a.jpg", "b.jpg", "--output-dir", "small", "--quality", "60")
    assert names() == INPUTS | {"small/a.shrunk.jpg", "small/b.shrunk.jpg"}
    again = ("shrink", "a.jpg", "--output-dir", "small", "--quality", "60")
    assert "skipped, made before" in run(*again).stderr
    os.utime("a.jpg", (1, 1))
    run(*again, code=ExitCode.OUTPUT)
    run("shrink", "a.jpg", "-o", "a.jpg", "--force", code=ExitCode.USAGE)
    data = Path("b.jpg").read_bytes()
    piped = run("shrink", "-", "--max-bytes", "3000", stdin=data)
    assert piped.stdout_bytes == pipeline.shrink(data, max_bytes=3000)
    assert "saved" in piped.stderr
    assert run("shrink", "b.jpg", "-o", "-", "-q").stdout_bytes == pipeline.shrink(data)


def test_json() -> None:
    found = document("shrink", "a.jpg", "text.jpg", code=ExitCode.INPUT)
    good, bad = found["files"]
    sizes = [Path(name).stat().st_size for name in ("a.jpg", "a.shrunk.jpg")]
    assert [good["original_bytes"], good["compressed_bytes"]] == sizes
    assert good["saving"] == pytest.approx(1 - sizes[1] / sizes[0])
    assert (good["format_version"], good["quality"]) == (None, None)
    [changed] = document("shrink", "a.jpg", "--force", "--quality", "61.5")["files"]
    assert changed["quality"] == 61.5
    [entry] = document("compress", "a.jpg", "--force", "--quality", "100")["files"]
    assert "note" not in entry
    [entry] = document("compress", "text.jpg", "--force", "--quality", "50")["files"]
    assert entry["note"] == "nothing was changed"
    assert bad["exit_code"] == ExitCode.INPUT


def test_attempts_are_told_on_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["compress", "b.jpg", "--max-bytes", "2000", "-o", "x.jrc", "--force"]
    assert "\r" not in run(*arguments).output
    monkeypatch.setattr("jrecomp.cli.report.on_terminal", lambda: True)
    assert "\rquality " in run(*arguments).stderr
    assert run(*arguments, "--quiet").output == ""


def test_interrupt_leaves_no_partial_output(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    assert "interrupted" in run("shrink", "a.jpg", code=ExitCode.INTERRUPTED).stderr
    assert names() == INPUTS
