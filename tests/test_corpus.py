"""Odd, rare and broken files from JRECOMP_DATA: all come back, through the command line, exit code 0."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

DATA = os.environ.get("JRECOMP_DATA")
pytestmark = pytest.mark.skipif(not DATA, reason="JRECOMP_DATA names no folder of test data")

WORKERS = 2


def jrecomp(folder: Path, *arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "jrecomp", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder)


def finish(processes: list[subprocess.Popen[str]]) -> list[str]:
    """Outputs of processes that must all succeed."""
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return outputs


def test_odd_files_come_back(tmp_path: Path) -> None:
    folder = Path(DATA or "", "odd").resolve()
    files = sorted(path for path in folder.iterdir() if path.name != "index.tsv")
    assert files
    shares = [files[worker::WORKERS] for worker in range(WORKERS)]
    packed, restored = tmp_path / "packed", tmp_path / "restored"
    reports = finish(
        [
            jrecomp(tmp_path, "compress", *share, "--output-dir", packed, "--threads", "1", "--json")
            for share in shares
        ]
    )
    finish(
        [
            jrecomp(
                tmp_path,
                "decompress",
                *(packed / f"{file.name}.jrc" for file in share),
                "--output-dir",
                restored,
                "-q",
            )
            for share in shares
        ]
    )
    for file in files:
        assert (restored / file.name).read_bytes() == file.read_bytes(), file.name
        assert (packed / f"{file.name}.jrc").stat().st_size <= file.stat().st_size + 64, file.name
    entries = [json.loads(line) for report in reports for line in report.splitlines()]
    inexact = [e["path"] for e in entries if "not restore" in (e.get("stored_reason") or "")]
    assert sum(e["type"] == "file" for e in entries) == len(files)
    assert not inexact, "these hide a defect behind stored bytes"
