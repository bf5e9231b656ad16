"""Containers of every released format and model decode for ever (golden/make.py made them)."""

from pathlib import Path

import pytest

import jrecomp
from jrecomp.model import weights

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.jrc"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_file_decodes(path: Path) -> None:
    assert jrecomp.decompress(path.read_bytes()) == path.with_suffix(".jpg").read_bytes()


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_file_says_what_it_is(path: Path) -> None:
    expected = "stored" if path.stem.startswith("no_jpeg") else "lossless"
    assert jrecomp.inspect(path.read_bytes()).mode == expected


@pytest.mark.parametrize("name", weights.names())
def test_every_model_has_golden_files(name: str) -> None:
    assert any(jrecomp.inspect(path.read_bytes()).model == name for path in GOLDEN)
