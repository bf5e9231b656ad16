"""Which engine codes on which device."""

import shutil
from importlib.util import find_spec
from pathlib import Path

from jrecomp.codec.engines import DEFAULT_ENGINE
from jrecomp.errors import UsageError
from jrecomp.options import DEVICES


def engine_for(device: str) -> str:
    """The name of the engine for one of DEVICES; raises UsageError."""
    if device not in DEVICES:
        raise UsageError(f"device {device!r} is none of {', '.join(DEVICES)}")
    if device == "cpu":
        return DEFAULT_ENGINE
    missing = missing_for_cuda()
    if missing and device == "cuda":
        raise UsageError(f"device cuda cannot be used: {missing}")
    return DEFAULT_ENGINE if missing else "cuda"


def missing_for_cuda() -> str | None:
    """What keeps this machine from using a GPU; loads torch, which takes seconds, only beside a driver."""
    if find_spec("torch") is None:
        return "torch is not installed (pip install jrecomp[gpu])"
    if not (Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi")):
        return "no NVIDIA driver is installed"
    from jrecomp.planes.torch_arrays import has_cuda

    return None if has_cuda() else "torch finds no GPU, or has no CUDA (pip install jrecomp[gpu])"
