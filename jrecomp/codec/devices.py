"""Selection of threads, device and engine."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from numbers import Integral
from pathlib import Path
from typing import Final

from jrecomp.codec.engines import DEFAULT_ENGINE, ENGINES
from jrecomp.errors import UsageError
from jrecomp.model import Model
from jrecomp.options import DEVICES, Device, check_type

CUDA: Final = "cuda"
"""Name of the GPU device, and of its engine."""

CPU_SECONDS = {"best": 2.0, "default": 1.2}
"""Seconds in which a thread codes 1 MB of JPEG data once, by model (docs/decisions/0018-devices.md)."""

GPU_SECONDS, GPU_FILE_SECONDS, GPU_START_SECONDS = 0.045, 0.0035, 5.5
"""The same of a GPU: for 1 MB, with each file in addition, and until it begins."""

GPU_COMPILE_SECONDS = 20.0
"""Time until it begins for the first time on a machine, as kernels are compiled, in addition."""

GPU_MARGIN = 1.5
"""A GPU is taken if the CPU is expected to need so many times its time, as other machines differ."""


@dataclass(frozen=True)
class Amount:
    """What is to be coded.

    model: name of the model. files: how many. jpeg_bytes: sum of the sizes of the JPEG files. passes: how
    often each is coded, 2 to encode and verify.
    """

    model: str
    files: int
    jpeg_bytes: int
    passes: int


def is_gpu_faster(amount: Callable[[], Amount], workers: int) -> bool:
    """Whether this machine has a GPU that is expected to be faster than so many threads.

    amount: is asked for only if torch and a driver are installed. torch is imported only if it is large.
    """
    if _not_installed():
        return False
    work = amount()
    megabytes = work.passes * work.jpeg_bytes / 1e6
    cpu = megabytes * CPU_SECONDS.get(work.model, 0.0) / workers
    start = GPU_START_SECONDS + (0.0 if _has_compiled() else GPU_COMPILE_SECONDS)
    gpu = start + GPU_SECONDS * megabytes + GPU_FILE_SECONDS * work.passes * work.files
    return cpu > GPU_MARGIN * gpu and missing_for_cuda() is None


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

    def check(self, model: Model) -> None:
        """Raise UsageError unless the device has an engine for a model that was asked for."""
        if self.device == CUDA and CUDA not in ENGINES[model.kind]:
            raise UsageError(
                f"device {CUDA!r} does not support model {model.name!r} (choose another {{}})", "device"
            )

    def engine(self, model: Model) -> str:
        """The name of the device's engine; that of the CPU for a model that the device has no engine for."""
        return CUDA if self.device == CUDA and CUDA in ENGINES[model.kind] else DEFAULT_ENGINE


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def missing_for_cuda() -> str | None:
    """Why this machine cannot compute on a GPU, None if it can.

    torch takes seconds to import, so it is imported only if there is a driver.
    """
    if missing := _not_installed():
        return missing
    from jrecomp.codec.gpu.batch import has_cuda

    return None if has_cuda() else "torch finds no GPU, or lacks CUDA (pip install jrecomp[gpu])"


def _has_compiled() -> bool:
    """Whether Triton has kept compiled kernels; those of other programs look alike."""
    with suppress(OSError, RuntimeError):  # there may be no home, or it is another user's
        return Path(os.environ.get("TRITON_CACHE_DIR") or Path.home() / ".triton" / "cache").is_dir()
    return False


def _not_installed() -> str | None:
    """What a GPU needs that is not installed, if anything."""
    for package in ("torch", "triton"):
        if find_spec(package) is None:
            return f"{package} is not installed (pip install jrecomp[gpu])"
    if not (Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi")):
        return "no NVIDIA driver is installed"
    return None
