"""What computes: how many threads, and which engine on which device."""

import os
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from jrecomp.codec.engines import DEFAULT_ENGINE, engines_of
from jrecomp.errors import UsageError
from jrecomp.model import Model
from jrecomp.options import DEVICES

CUDA = "cuda"
"""The device, and the name of the engine for it."""


@dataclass(frozen=True)
class Resources:
    """What a call may use; none of it changes a result.

    threads: how many compute at once; 0 takes one for each core.
    device: one of options.DEVICES.
    Raises UsageError.
    """

    threads: int = 0
    device: str = DEVICES[0]

    def __post_init__(self) -> None:
        if self.threads < 0:
            raise UsageError(f"threads must be 0 or more, not {self.threads}")
        if self.device not in DEVICES:
            raise UsageError(f"device {self.device!r} is none of {', '.join(DEVICES)}")
        if self.device == CUDA and (missing := missing_for_cuda()):
            raise UsageError(f"device {CUDA} cannot be used: {missing}")

    @property
    def workers(self) -> int:
        """How many threads that makes on this machine, at least 1."""
        return self.threads or _cores()

    def engine(self, model: Model | None = None) -> str:
        """The name of the engine for a model, or for all models that the device serves.

        Raises UsageError where the device has no engine for this kind of model.
        """
        if self.device != CUDA:
            return DEFAULT_ENGINE
        if model is not None and CUDA not in engines_of(model):
            raise UsageError(f"model {model.name!r} has no engine for device {CUDA}; use --device cpu")
        return CUDA


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def missing_for_cuda() -> str | None:
    """What keeps this machine from using a GPU; loads torch, which takes seconds, only beside a driver."""
    if find_spec("torch") is None:
        return "torch is not installed (pip install jrecomp[gpu])"
    if not (Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi")):
        return "no NVIDIA driver is installed"
    from jrecomp.features.torch_arrays import has_cuda

    return None if has_cuda() else "torch finds no GPU, or has no CUDA (pip install jrecomp[gpu])"
