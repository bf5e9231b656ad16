"""Weights files: found, checked, and refused where they do not fit."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from jrecomp.errors import UnknownModelError
from jrecomp.model import DEFAULT_MODEL, load, planes, weights
from tests.models import random_arrays

MANIFEST = weights.folder() / "manifest.json"


def entries() -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(MANIFEST.read_text())["models"]
    return found


def test_manifest_names_exact_bytes_once() -> None:
    for key in ("id", "name", "file", "sha256"):
        assert len({entry[key] for entry in entries()}) == len(entries())
    for entry in entries():
        assert hashlib.sha256((weights.folder() / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]


def test_found_in_a_checkout_and_in_an_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, expected in (("checkout", "checkout/weights"), ("site", "site/jrecomp/weights")):
        module = tmp_path / place / "jrecomp" / "model" / "weights.py"
        module.parent.mkdir(parents=True)
        if place == "checkout":
            (tmp_path / place / "pyproject.toml").touch()
        monkeypatch.setattr(weights, "__file__", str(module))
        assert weights.folder() == tmp_path / expected


def test_what_is_installed_is_what_the_checkout_has() -> None:
    source = Path(__file__).parents[2] / "weights"
    names = sorted(path.name for path in source.iterdir() if not path.name.startswith("."))
    assert "manifest.json" in names
    for name in names:
        assert (weights.folder() / name).read_bytes() == (source / name).read_bytes()


def test_weights_stay_small() -> None:
    assert sum((weights.folder() / entry["file"]).stat().st_size for entry in entries()) < 30_000_000


def test_default_is_found_by_name_and_by_id() -> None:
    model = load(DEFAULT_MODEL)
    assert load(model.identifier) is model


def test_unknown_models_are_named() -> None:
    with pytest.raises(UnknownModelError, match=r"4242.*installed models.*default"):
        load(4242)


def test_damaged_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = entries()[0]
    (tmp_path / "manifest.json").write_text(json.dumps({"models": [entry]}))
    data = bytearray((weights.folder() / entry["file"]).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / entry["file"]).write_bytes(data)
    monkeypatch.setattr(weights, "folder", lambda: tmp_path)
    with pytest.raises(UnknownModelError, match="damaged"):
        weights._load.__wrapped__(entry["id"])


def test_arrays_that_do_not_fit_are_refused() -> None:
    arrays = random_arrays()
    arrays["weight_1"] = arrays["weight_1"][:-1]
    with pytest.raises(ValueError, match="do not fit"):
        planes.build(9, "short", arrays)
    with pytest.raises(ValueError, match="do not fit"):
        planes.PlanesModel(9, "short", arrays).classes  # noqa: B018  the NumPy engine checks, too


def test_predictions_of_dc_are_bounded() -> None:
    """Residuals have at most 17 bits."""
    arrays = random_arrays()
    arrays["linear_0"][:16] = 3 << 8
    planes.build(9, "at the limit", arrays)
    arrays["linear_0"][15] += 1
    with pytest.raises(ValueError, match="DC"):
        planes.build(9, "beyond", arrays)


def test_weights_that_could_be_inexact_are_refused() -> None:
    arrays = random_arrays()
    arrays["bias_0"] = np.full_like(arrays["bias_0"], 1 << 24)
    with pytest.raises(ValueError, match="2\\^24"):
        planes.build(9, "inexact", arrays)
    with pytest.raises(ValueError, match="2\\^24"):
        planes.PlanesModel(9, "inexact", arrays).classes  # noqa: B018  the NumPy engine checks, too
