"""jrecomp doctor: what it finds in good and in faulty installations."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from jrecomp import doctor
from jrecomp.cli.app import main
from jrecomp.errors import ExitCode
from jrecomp.model import planes, weights


@pytest.fixture(autouse=True)
def models_are_loaded_anew() -> Iterator[None]:
    weights._load.cache_clear()
    yield
    weights._load.cache_clear()


def test_a_good_installation() -> None:
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == ExitCode.OK, result.output
    for name in weights.names():
        assert f"model {name}:" in result.output
    document = json.loads(CliRunner().invoke(main, ["doctor", "--json"]).output)
    assert [entry["name"] for entry in document] == [finding.name for finding in doctor.examine()]
    assert all(entry["error"] is None and entry["text"] for entry in document)


def test_damaged_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(weights.folder(), folder)
    path = next(folder.glob("fast-*.safetensors"))
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    monkeypatch.setattr(weights, "folder", lambda: folder)
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == ExitCode.UNKNOWN_MODEL
    (line,) = (line for line in result.output.splitlines() if "fails" in line)
    assert line.startswith("model fast:")
    assert line.endswith("fails: the weights of model 'fast' are damaged (reinstall jrecomp)")


def test_an_engine_that_computes_other_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    right = planes.native_engine

    def wrong(arrays: Any, *form: Any) -> Any:
        return right({**arrays, "bias_0": arrays["bias_0"] + 9}, *form)

    monkeypatch.setattr(planes, "native_engine", wrong)
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == ExitCode.VERIFICATION
    failed = [line.split(":")[0] for line in result.output.splitlines() if "do not use it" in line]
    assert failed == ["model default", "model best"]


def test_shortage(monkeypatch: pytest.MonkeyPatch) -> None:
    def short(*_: object) -> Any:
        raise MemoryError

    monkeypatch.setattr(doctor, "encode_slices", short)
    assert CliRunner().invoke(main, ["doctor"]).exit_code == ExitCode.SHORTAGE
