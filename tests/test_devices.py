"""Which engine a device gets, told without torch or a GPU."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

import jrecomp
from jrecomp import pipeline
from jrecomp.cli import main
from jrecomp.codec import devices
from jrecomp.errors import ExitCode, UsageError


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A machine with torch, a driver and a GPU; its attributes take them away."""
    machine = SimpleNamespace(torch=True, driver=True, gpu=True)
    torch_arrays = SimpleNamespace(has_cuda=lambda: machine.gpu)
    monkeypatch.setitem(sys.modules, "jrecomp.features.torch_arrays", torch_arrays)
    monkeypatch.setattr(devices, "find_spec", lambda name: machine.torch or None)
    monkeypatch.setattr(devices, "Path", lambda name: SimpleNamespace(exists=lambda: False))
    monkeypatch.setattr(devices.shutil, "which", lambda name: machine.driver or None)
    return machine


def test_a_gpu_is_taken_where_it_is(machine: SimpleNamespace) -> None:
    assert [devices.engine_for(device) for device in ("auto", "cpu", "cuda")] == ["cuda", "native", "cuda"]


MISSING = [("torch", "torch is not installed .*gpu"), ("driver", "NVIDIA driver"), ("gpu", "no GPU.*gpu")]


@pytest.mark.parametrize(("part", "message"), MISSING)
def test_without_a_gpu(machine: SimpleNamespace, part: str, message: str) -> None:
    setattr(machine, part, False)
    assert devices.engine_for("auto") == devices.engine_for("cpu") == "native"
    with pytest.raises(UsageError, match=message):
        devices.engine_for("cuda")


def test_torch_is_not_asked_without_a_driver(
    machine: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.driver = False
    monkeypatch.setitem(sys.modules, "jrecomp.features.torch_arrays", None)  # an import would fail
    assert devices.engine_for("auto") == "native"


@pytest.mark.parametrize("function", [jrecomp.compress, jrecomp.decompress, jrecomp.verify])
def test_other_devices_are_refused(function: object) -> None:
    with pytest.raises(UsageError, match="'tpu' is not one of auto, cpu, cuda"):
        function(b"", device="tpu")  # type: ignore[operator]


@pytest.mark.usefixtures("fake_core")
def test_the_command_says_what_to_install(
    machine: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    photo = Path("photo.jpg")
    photo.write_bytes(b"\xff\xd8" + bytes(range(256)) * 4)
    assert CliRunner().invoke(main, ["compress", "--device", "cpu", "photo.jpg"]).exit_code == ExitCode.OK
    machine.torch = False
    for command in (
        ["compress", "-f", "photo.jpg"],
        ["decompress", "-f", "photo.jpg.jrc"],
        ["verify", "photo.jpg.jrc"],
    ):
        result = CliRunner().invoke(main, [*command, "--device", "cuda"])
        assert result.exit_code == ExitCode.USAGE
        assert "pip install jrecomp[gpu]" in result.stderr


@pytest.mark.usefixtures("fake_core")
def test_the_codec_gets_the_engine(machine: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    for name in ("encode", "decode"):
        original = getattr(pipeline.codec, name)

        def watch(*arguments: object, original=original) -> object:  # type: ignore[no-untyped-def]
            asked.append(str(arguments[-1]))
            return original(*arguments)

        monkeypatch.setattr(pipeline.codec, name, watch)
    data = b"\xff\xd8" + bytes(range(256)) * 4
    compressed = jrecomp.compress(data, device="cuda")
    jrecomp.verify(compressed, data, device="cpu")
    assert jrecomp.decompress(compressed) == data
    assert asked == ["cuda", "cuda", "native", "cuda"]
