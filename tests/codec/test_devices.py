"""The engine of a device, and the number of threads, without torch or a GPU."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jrecomp.codec import Resources, devices
from jrecomp.codec.engines import ENGINES
from jrecomp.errors import UsageError
from jrecomp.model import Model, weights
from jrecomp.model.blocks import BlocksModel
from jrecomp.model.latents import LatentsModel
from jrecomp.model.planes import PlanesModel

WITHOUT_CUDA: list[type[Model]] = [BlocksModel, LatentsModel]
MODEL = PlanesModel(5, "some", {})


def test_devices_have_their_engines(machine: SimpleNamespace) -> None:
    """One call uses a GPU only with `cuda`: the CPU is faster."""
    engines = [Resources(device=name).engine(MODEL) for name in ("auto", "cpu", "cuda")]
    assert engines == ["native", "native", "cuda"]


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="homes of Windows are always known")
def test_users_without_a_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As in containers: nothing was compiled there."""
    monkeypatch.delenv("TRITON_CACHE_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".triton" / "cache").mkdir(parents=True)
    assert devices._has_compiled()
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.getuid", lambda: 2**31 - 9)
    assert not devices._has_compiled()
    monkeypatch.setenv("TRITON_CACHE_DIR", "n" * 300)
    assert not devices._has_compiled()


MISSING = [("torch", "torch is not installed .*gpu"), ("driver", "NVIDIA driver"), ("gpu", "no GPU.*gpu")]


@pytest.mark.parametrize(("part", "message"), MISSING)
def test_without_a_gpu(machine: SimpleNamespace, part: str, message: str) -> None:
    setattr(machine, part, False)
    for name in ("auto", "cpu"):
        assert Resources(device=name).engine(MODEL) == "native"
    with pytest.raises(UsageError, match=message):
        Resources(device="cuda")


def test_torch_is_loaded_only_for_a_gpu_beside_a_driver(
    machine: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jrecomp.codec.gpu.batch", None)  # an import would fail
    for name in ("auto", "cpu"):
        assert Resources(device=name).engine(MODEL) == "native"
    with pytest.raises(ImportError):
        Resources(device="cuda")
    machine.driver = False
    with pytest.raises(UsageError, match="driver"):
        Resources(device="cuda")


def test_each_kind_has_engines() -> None:
    kinds: list[type[Model]] = [PlanesModel, *WITHOUT_CUDA]
    assert {kind.kind for kind in kinds} == set(ENGINES) == set(weights.KINDS)


@pytest.mark.parametrize("kind", [PlanesModel, *WITHOUT_CUDA])
def test_kinds_without_an_engine_for_a_gpu_are_refused(kind: type[Model], machine: SimpleNamespace) -> None:
    model = kind(5, "some", {})
    for name in ("auto", "cpu"):
        Resources(device=name).check(model)
        assert Resources(device=name).engine(model) == "native"
    cuda = Resources(device="cuda")
    if kind in WITHOUT_CUDA:
        with pytest.raises(UsageError, match=r"does not support model 'some' \(choose another device\)"):
            cuda.check(model)
        assert cuda.engine(model) == "native"
    else:
        assert kind is PlanesModel
        cuda.check(model)
        assert cuda.engine(model) == "cuda"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "tpu"}, "'tpu' is not one of auto, cpu, cuda"),
        ({"device": ""}, "'' is not one of"),
        ({"threads": -1}, "threads must be 0 or more, not -1"),
    ],
)
def test_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Resources(**options)


def test_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """0 is one for each core that this process may use."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 3, 5}, raising=False)
    assert [Resources(threads).workers for threads in (0, 1, 7)] == [3, 1, 7]
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    assert Resources().workers == 12
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert Resources().workers == 1


def test_compiled_kernels_are_looked_for_where_triton_keeps_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TRITON_CACHE_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not devices._has_compiled()
    (tmp_path / ".triton" / "cache").mkdir(parents=True)
    assert devices._has_compiled()
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "none"))
    assert not devices._has_compiled()
