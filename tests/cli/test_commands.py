"""The commands, run in this process with a fake core."""

import os
import random
from pathlib import Path
from types import SimpleNamespace

import pytest

from jrecomp import pipeline
from jrecomp.errors import ExitCode
from tests.cli.commands import document, parsed, run

FAKE_JPEG = b"\xff\xd8" + random.Random(1).randbytes(1500)
"""A file that the fake core models."""

pytestmark = pytest.mark.usefixtures("fake_core")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with photo.jpg, which is modelled, and text.jpg, which is stored."""
    monkeypatch.chdir(tmp_path)
    Path("photo.jpg").write_bytes(FAKE_JPEG)
    Path("text.jpg").write_bytes(b"no photo")
    return tmp_path


def names() -> list[str]:
    return sorted(str(path) for path in Path().rglob("*") if path.is_file())


def test_round_trip() -> None:
    assert "saved" in run("compress", "photo.jpg").stdout
    Path("photo.jpg").unlink()
    run("decompress", "photo.jpg.jrc")
    assert Path("photo.jpg").read_bytes() == FAKE_JPEG
    assert names() == ["photo.jpg", "photo.jpg.jrc", "text.jpg"]


def test_reason_for_storing_is_told() -> None:
    assert "not a JPEG file" in run("compress", "text.jpg").stdout
    assert "not a JPEG file" in run("info", "text.jpg.jrc").stdout


def test_pipes() -> None:
    compressed = run("compress", "-", stdin=FAKE_JPEG)
    assert pipeline.decompress(compressed.stdout_bytes) == FAKE_JPEG
    assert "saved" in compressed.stderr
    assert run("decompress", "-", stdin=compressed.stdout_bytes).stdout_bytes == FAKE_JPEG
    assert "lossless" in run("info", "-", stdin=compressed.stdout_bytes).stdout
    run("verify", "-", stdin=compressed.stdout_bytes)
    assert run("compress", "photo.jpg", "-o", "-").stdout_bytes == compressed.stdout_bytes
    run("compress", "-", "-o", "x.jrc", stdin=FAKE_JPEG)
    assert Path("x.jrc").read_bytes() == compressed.stdout_bytes


def test_json_and_quiet_with_pipes() -> None:
    result = run("compress", "photo.jpg", "-o", "-", "--json")
    assert pipeline.decompress(result.stdout_bytes) == FAKE_JPEG
    assert parsed(result.stderr)["total"]["files"] == 1
    assert run("compress", "photo.jpg", "-o", "-", "--quiet").stderr == ""


def test_existing_outputs() -> None:
    Path("photo.jpg.jrc").write_bytes(b"old")
    refused = run("compress", "photo.jpg", code=ExitCode.OUTPUT)
    assert refused.stderr.strip() == "jrecomp: photo.jpg: photo.jpg.jrc: already exists (--force replaces it)"
    assert Path("photo.jpg.jrc").read_bytes() == b"old"
    run("compress", "photo.jpg", "--force")
    assert pipeline.decompress(Path("photo.jpg.jrc").read_bytes()) == FAKE_JPEG


def test_folders() -> None:
    Path("in/deep").mkdir(parents=True)
    Path("in/deep/a.jpg").write_bytes(FAKE_JPEG)
    Path("in/b.jpeg").write_bytes(b"text")
    Path("in/c.txt").write_bytes(b"text")
    summary = run("compress", "-r", "in", "--output-dir", "packed").stdout.splitlines()
    assert summary[0].startswith("2 files, 1 stored (1 not a JPEG file), 0 failed")
    assert summary[1:] == ["left out: 1 other file"]
    run("decompress", "-r", "packed", "--output-dir", "out")
    assert Path("out/deep/a.jpg").read_bytes() == FAKE_JPEG
    assert Path("out/b.jpeg").read_bytes() == b"text"


def test_one_failure_does_not_stop_the_rest() -> None:
    result = run("compress", "missing.jpg", "photo.jpg", "text.jpg", code=ExitCode.INPUT)
    assert result.stderr.strip() == "jrecomp: missing.jpg: No such file or directory"
    assert {"photo.jpg.jrc", "text.jpg.jrc"} <= set(names())


def test_json() -> None:
    found = document("compress", "photo.jpg", "missing.jpg", code=ExitCode.INPUT)
    good, bad = found["files"]
    assert (good["path"], good["target"], good["mode"]) == ("photo.jpg", "photo.jpg.jrc", "lossless")
    assert good["pictures"][0]["width"] == 96
    assert bad["exit_code"] == ExitCode.INPUT
    assert (found["total"]["files"], found["total"]["failed"]) == (2, 1)
    assert document("info", "photo.jpg.jrc")["files"][0]["model"] == "fake"
    assert document("verify", "photo.jpg.jrc")["files"][0]["note"] == "identical to photo.jpg"


def test_quiet() -> None:
    assert run("compress", "photo.jpg", "text.jpg", "--quiet").output == ""
    assert run("verify", "photo.jpg.jrc", "missing.jrc", "-q", code=ExitCode.INPUT).stdout == ""


def test_verify() -> None:
    run("compress", "photo.jpg")
    assert "identical to photo.jpg" in run("verify", "photo.jpg.jrc").stdout
    run("verify", "photo.jpg.jrc", "--original", "text.jpg", code=ExitCode.VERIFICATION)
    run("verify", "photo.jpg.jrc", "--original", "missing.jpg", code=ExitCode.INPUT)
    Path("photo.jpg").write_bytes(b"edited")
    assert "differ" in run("verify", "photo.jpg.jrc", code=ExitCode.VERIFICATION).stderr
    Path("photo.jpg").unlink()
    assert "checksums match" in run("verify", "photo.jpg.jrc").stdout


def test_damage() -> None:
    run("compress", "photo.jpg")
    data = Path("photo.jpg.jrc").read_bytes()
    Path("cut.jpg.jrc").write_bytes(data[:-1])
    for command in ("verify", "info", "decompress"):
        assert "truncated" in run(command, "cut.jpg.jrc", code=ExitCode.CORRUPT).stderr
    assert not Path("cut.jpg").exists()
    assert "not a .jrc container" in run("info", "photo.jpg", code=ExitCode.CORRUPT).stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], ExitCode.USAGE),
        (["nonesuch"], ExitCode.USAGE),
        (["compress"], ExitCode.USAGE),
        (["compress", "photo.jpg", "--nonesuch"], ExitCode.USAGE),
        (["compress", "photo.jpg", "--threads", "-1"], ExitCode.USAGE),
        (["compress", "photo.jpg", "text.jpg", "-o", "x"], ExitCode.USAGE),
        (["compress", "photo.jpg", "-o", "photo.jpg", "--force"], ExitCode.USAGE),
        (["compress", "photo.jpg", "--model", "nonesuch"], ExitCode.UNKNOWN_MODEL),
        (["decompress", "photo.jpg"], ExitCode.USAGE),
        (["verify", "a", "b", "--original", "photo.jpg"], ExitCode.USAGE),
        (["compress", ""], ExitCode.USAGE),
        (["compress", "-r", ""], ExitCode.USAGE),
        (["compress", "photo.jpg", "-o", ""], ExitCode.USAGE),
        (["compress", "photo.jpg", "--output-dir", ""], ExitCode.USAGE),
        (["verify", "a", "--original", ""], ExitCode.USAGE),
        (["compress", "."], ExitCode.INPUT),
        (["compress", "photo.jpg", "-o", "photo.jpg/x"], ExitCode.OUTPUT),
        (["decompress", "missing.jrc"], ExitCode.INPUT),
        (["decompress", "a" * 300 + ".jrc"], ExitCode.INPUT),
        (["--help"], ExitCode.OK),
        (["--version"], ExitCode.OK),
    ],
)
def test_exit_codes(arguments: list[str], code: ExitCode) -> None:
    before = names()
    run(*arguments, code=code)
    assert names() == before


def test_odd_names_take_one_line() -> None:
    Path("a\nb\x1b[m.jpg").write_bytes(FAKE_JPEG)
    assert run("compress", "a\nb\x1b[m.jpg").output.startswith(r"a\nb\x1b[m.jpg -> a\nb\x1b[m.jpg.jrc: ")
    assert run("verify", "a\nb\x1b[m.jpg.jrc").output.count("\n") == 1
    assert run("info", "a\nb\x1b[m.jpg.jrc").output.startswith("a\\nb\\x1b[m.jpg.jrc\n  mode")
    missing = run("info", "a\nb", code=ExitCode.INPUT)
    assert missing.stderr == "jrecomp: a\\nb: No such file or directory\n"
    twice = run("compress", "x\ny", "./x\ny", code=ExitCode.USAGE)
    assert twice.stderr == "jrecomp: 2 inputs would be written to x\\ny.jrc\n"
    assert document("info", "a\nb\x1b[m.jpg.jrc")["files"][0]["path"] == "a\nb\x1b[m.jpg.jrc"


def test_unreadable_files_are_inputs_that_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Click does not check read permission: its errors have another exit code and stop all files."""
    monkeypatch.setattr(os, "access", lambda *arguments, **options: False)
    assert "saved" in run("compress", "photo.jpg", "--output-dir", ".").stdout
    run("verify", "photo.jpg.jrc", "--original", "photo.jpg")


def test_a_device_that_cannot_be_used(machine: SimpleNamespace) -> None:
    """Every command that computes states what to install."""
    run("compress", "photo.jpg", "--device", "cuda")
    machine.torch = False
    run("compress", "--force", "photo.jpg", "--device", "cpu")
    for command in (["compress", "-f", "photo.jpg"], ["decompress", "-f", "photo.jpg.jrc"]):
        result = run(*command, "--device", "cuda", code=ExitCode.USAGE)
        assert "pip install jrecomp[gpu]" in result.stderr
    assert "jrecomp[gpu]" in run("verify", "photo.jpg.jrc", "--device", "cuda", code=ExitCode.USAGE).stderr


def test_interrupt_leaves_no_partial_output(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    assert "interrupted" in run("compress", "photo.jpg", code=ExitCode.INTERRUPTED).stderr
    assert names() == ["photo.jpg", "text.jpg"]


def test_unexpected_errors_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "compress", lambda *arguments, **options: 1 // 0)
    result = run("compress", "photo.jpg", code=ExitCode.INTERNAL)
    assert result.stderr.splitlines() == [
        "jrecomp: photo.jpg: unexpected ZeroDivisionError: integer division or modulo by zero"
    ]
    monkeypatch.setattr("jrecomp.cli.compress.share", lambda *arguments, **options: 1 // 0)
    assert len(run("compress", "photo.jpg", code=ExitCode.INTERNAL).stderr.splitlines()) == 1


def test_progress_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jrecomp.cli.report.on_terminal", lambda: True)
    result = run("compress", "photo.jpg", "text.jpg", "missing.jpg", code=ExitCode.INPUT)
    assert result.stdout.splitlines()[-1].startswith("3 files, 1 stored (1 not a JPEG file), 1 failed")
    assert "missing.jpg: No such file" in result.stderr
