"""Containers of every released format and model decode for ever."""

from pathlib import Path

import pytest

import jrecomp

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.jrc"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_file_decodes(path: Path) -> None:
    assert jrecomp.decompress(path.read_bytes()) == path.with_suffix(".jpg").read_bytes()


def test_there_are_golden_files() -> None:
    assert GOLDEN
