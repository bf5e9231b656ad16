"""The command, as far as it needs no Ray."""

import json
import sys
from pathlib import Path

import pytest

from jrecomp.cluster.estimate import SAVING
from jrecomp.errors import ExitCode
from jrecomp.model import DEFAULT_MODEL
from tests.cli.commands import run

pytest.importorskip("pyarrow", reason="the package pyarrow is not installed")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number in range(5):
        (tmp_path / "in" / f"{number}.jpg").parent.mkdir(exist_ok=True)
        (tmp_path / "in" / f"{number}.jpg").write_bytes(bytes(1000))
    return tmp_path / "in"


def test_wrong_use(photos: Path) -> None:
    assert "needs DST" in run("cluster", "compress", str(photos), code=ExitCode.USAGE).stderr
    arguments = ("cluster", "verify", str(photos), "--model", "fast")
    assert "--model is for compress" in run(*arguments, code=ExitCode.USAGE).stderr
    run("cluster", "compress", str(photos), "out", "--model", "unknown", code=ExitCode.UNKNOWN_MODEL)
    run("cluster", "compress", "nothing://bucket", "out", "--dry-run", code=ExitCode.USAGE)
    run("cluster", "compress", str(photos / "missing"), "out", "--dry-run", code=ExitCode.INPUT)


def test_missing_packages_are_told(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "jrecomp.cluster.runner", raising=False)
    monkeypatch.setitem(sys.modules, "ray", None)
    result = run("cluster", "compress", str(photos), str(photos / "out"), code=ExitCode.USAGE)
    assert result.stderr == "jrecomp: the package ray is not installed (pip install 'jrecomp[ray]')\n"


def test_dry_run(photos: Path) -> None:
    text = run("cluster", "compress", str(photos), str(photos / "out"), "--dry-run").stdout
    assert text.startswith("5 files, 5,000 bytes: about 0.00 core hours")
    assert f"saves about {5000 * SAVING[DEFAULT_MODEL]:,.0f} bytes" in text
    document = json.loads(
        run("cluster", "compress", str(photos), "out", "--dry-run", "--json", "--core-hour", "3.6e9").stdout
    )
    assert (document["files"], document["bytes"]) == (5, 5000)
    assert document["compute_dollars"] == pytest.approx(document["core_hours"] * 3.6e9)
    assert not (photos / "out").exists()
    (photos / "x.jrc").write_bytes(b"x")
    assert run("cluster", "verify", str(photos), "--dry-run").stdout.startswith("1 files")
    assert run("cluster", "verify", str(photos), str(photos), "--dry-run").stdout.startswith("5 files")
