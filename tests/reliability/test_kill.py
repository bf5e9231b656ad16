"""Folder runs that are ended at random moments; `python tests/reliability/kill.py` plays 200 rounds."""

from pathlib import Path

import pytest

from jrecomp import temporary
from tests.reliability import kill


@pytest.mark.skipif(temporary.boot() == temporary.UNKNOWN_BOOT, reason="the system does not identify boots")
@pytest.mark.parametrize("rounds", [12, pytest.param(200, marks=pytest.mark.slow)])
def test_nothing_is_lost(rounds: int, tmp_path: Path) -> None:
    counts = kill.run(rounds, 2, tmp_path)
    assert sum(count["rounds"] for count in counts.values()) == rounds
    assert sum(count["ended"] for count in counts.values()) > rounds / 2
