"""Containers of every released format and model decode for ever; the encoder changes on purpose only.

golden/make.py made all of them.
"""

import json
from pathlib import Path
from typing import get_args

import pytest

import jrecomp
from jrecomp import container, jpeg
from jrecomp.container import Lossless, Lossy, Restorable, Stored
from jrecomp.model import weights
from jrecomp.options import DEFAULT_LIMITS
from jrecomp.skeleton.steps import Step, pictures
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


def test_features_of_golden_files() -> None:
    """They have what their names say, and together every kind of step."""
    boxes = {path.stem: container.unpack(path.read_bytes(), DEFAULT_LIMITS) for path in GOLDEN}
    modelled = {name: box for name, box in boxes.items() if isinstance(box, Lossless)}
    coded = {name: [each.coded for each in pictures(box.steps)] for name, box in modelled.items()}
    assert len(coded["copies"][0].copies) > 1
    assert len(coded["slices"][0].slices) > 1 and len(coded["slices_default"][0].slices) > 1
    assert len(coded["motion_jpeg"]) == 3 and len(coded["several_pictures"]) == 6
    assert {type(step) for box in modelled.values() for step in box.steps} == set(get_args(Step))
    assert {type(box) for box in boxes.values()} == {Stored, Lossless, Lossy, Restorable}
    assert jpeg.read((make.FOLDER / "arithmetic_420.jpg").read_bytes()).frame.arithmetic
    assert jpeg.read((make.FOLDER / "twelve_bits.jpg").read_bytes()).frame.precision == 12


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
        " `python -m tests.golden.make` and look at the sizes in its difference."
    )
