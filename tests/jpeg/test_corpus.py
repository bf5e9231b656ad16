"""The files of a data folder (JRECOMP_DATA with odd/ and train/jpeg/), where there is one."""

import os
from pathlib import Path

import pytest

from jrecomp.container import pack_reconstruction, unpack_reconstruction
from jrecomp.errors import UnsupportedJpegError
from jrecomp.jpeg import read, write
from tests.jpeg.checks import assemble

DATA = os.environ.get("JRECOMP_DATA")
needs_data = pytest.mark.skipif(DATA is None, reason="JRECOMP_DATA names no data folder")


def files(folder: str) -> list[Path]:
    found = sorted(p for p in (Path(DATA or "") / folder).iterdir() if p.suffix not in (".tsv", ".md"))
    assert found
    return found


def is_exact(path: Path) -> bool:
    """Whether the core models the file; if so it must be exact."""
    data = path.read_bytes()
    try:
        jpeg = read(data)
    except UnsupportedJpegError:
        return False
    assert (
        write(
            assemble(jpeg.headers, unpack_reconstruction(pack_reconstruction(jpeg.scans)), jpeg.coefficients)
        )
        == data
    ), path
    return True


@needs_data
def test_odd_files() -> None:
    """Those that libjpeg reads without complaint are all modelled, but for what a fuzzer made of them."""
    stored = [p.name for p in files("odd") if not is_exact(p)]
    kinds = ("malformed_", "ok_arith", "ok_lossless", "ok_12bit")
    assert [n for n in stored if not n.startswith(kinds) and "afl-testcases" not in n] == []


@needs_data
def test_photos_are_all_modelled() -> None:
    assert [p.name for p in files("train/jpeg") if not is_exact(p)] == []
