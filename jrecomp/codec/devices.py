"""Selection of threads, device and engine."""

import os
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from numbers import Integral
from pathlib import Path
from typing import Final

from jrecomp.codec.engines import DEFAULT_ENGINE, engines_of
from jrecomp.errors import UsageError
from jrecomp.model import Model
from jrecomp.options import DEVICES, Device, check_type

CUDA: Final = "cuda"
"""Name of the GPU device, and of its engine."""


@dataclass(frozen=True)
class Resources:
    """Threads and device of a call. They do not change results.

    threads: number of threads, 0 for one per core. device: one of options.DEVICES.
    Raises TypeError if they have other types, and UsageError if they are invalid or the device is not
    available.
    """

    threads: int = 0
    device: Device = DEVICES[0]

    def __post_init__(self) -> None:
        check_type("threads", self.threads, Integral)
        check_type("device", self.device, str)
        if self.threads < 0:
            raise UsageError(f"threads must be 0 or more, not {self.threads}")
        if self.device not in DEVICES:
            raise UsageError(f"device {self.device!r} is not one of {', '.join(DEVICES)}")
        if self.device == CUDA and (missing := missing_for_cuda()):
            raise UsageError(f"device {CUDA!r} cannot be used: {missing}")

    @property
    def workers(self) -> int:
        """The number of threads on this machine, at least 1."""
        return self.threads or _cores()

    def engine(self, model: Model | None = None) -> str:
        """The name of the device's engine; raises UsageError if it does not support the model.

        model: the model to use, None if it is not known yet.
        """
        if self.device != CUDA:
            return DEFAULT_ENGINE
        if model is not None and CUDA not in engines_of(model):
            raise UsageError(
                f"device {CUDA!r} does not support model {model.name!r} (choose another {{}})", "device"
            )
        return CUDA


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def missing_for_cuda() -> str | None:
    """Why this machine cannot compute on a GPU, None if it can.

    torch takes seconds to import, so it is imported only if there is a driver.
    """
    for package in ("torch", "triton"):
        if find_spec(package) is None:
            return f"{package} is not installed (pip install jrecomp[gpu])"
    if not (Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi")):
        return "no NVIDIA driver is installed"
    from jrecomp.codec.gpu.batch import has_cuda

    return None if has_cuda() else "torch finds no GPU, or lacks CUDA (pip install jrecomp[gpu])"
