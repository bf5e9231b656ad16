"""Containers of every released format and model decode for ever; the encoder changes on purpose only.

golden/make.py made all of it.
"""

import json
from pathlib import Path

import pytest

import jrecomp
from jrecomp.model import weights
from tests.golden import make

GOLDEN = sorted(make.FOLDER.glob("*.jrc"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_file_decodes(path: Path) -> None:
    assert jrecomp.decompress(path.read_bytes()) == path.with_suffix(".jpg").read_bytes()


def test_golden_files_are_these() -> None:
    """Every case of make.py, of every model and mode."""
    cases = make.cases()
    modes = {name: case.mode for name, case in cases.items()}
    assert {path.stem for path in GOLDEN} == set(cases) == {path.stem for path in make.FOLDER.glob("*.jpg")}
    found = {path.stem: jrecomp.inspect(path.read_bytes()) for path in GOLDEN}
    assert {name: info.mode for name, info in found.items()} == modes
    assert {info.model for info in found.values() if info.mode != "stored"} == set(weights.names())
    assert {info.mode for info in found.values()} == {"stored", "lossless", "lossy"}


def test_restoration_gives_the_same_pixels() -> None:
    known, found = json.loads(make.PIXELS.read_text()), make.restored_now()
    assert known == found, (
        "if new weights or methods are on purpose, they need a new number (options.RESTORERS)"
    )
    assert all(pixels["network"] != pixels["expectation"] for name, pixels in found.items() if "420" in name)


def test_the_encoder_makes_the_same_bytes() -> None:
    known, found = json.loads(make.CHECKSUMS.read_text()), make.made_now()
    changed = [
        f"{name}: {before['bytes']} bytes before, now {now['bytes']}"
        for name, now in found.items()
        if (before := known.get(name, {"bytes": "no"})) != now
    ]
    assert not changed and set(known) == set(found), (
        "The encoder makes other bytes than when tests/golden/encoder.json was written:\n"
        + "\n".join(changed)
        + "\nIf that is on purpose, and containers that exist still decode, renew the file with"
        " `python tests/golden/make.py` and look at the sizes in its difference."
    )
