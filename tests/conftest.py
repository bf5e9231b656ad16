"""Fixtures that tests of several folders share."""

import io
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hypothesis
import numpy as np
import pytest
from PIL import Image

from jrecomp import codec, container, jpeg, pipeline
from jrecomp.array_types import Int16
from jrecomp.codec import EncodedSlices, devices, engines
from jrecomp.errors import StoredReason, UnknownModelError, UnsupportedJpegError
from jrecomp.jpeg import Extent
from jrecomp.jpeg.types import Component, Frame, JpegFile
from jrecomp.model import DEFAULT_MODEL, FALLBACK_MODEL
from jrecomp.options import Limits

pytest_plugins = ["tests.models"]

if not Path("/proc/driver/nvidia/version").exists():
    os.environ["TRITON_INTERPRET"] = "1"  # kernels run on the CPU; Triton reads it when it is imported

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup ignores it, and so would the programs that tests start

sys.path.append(str(Path(__file__).parents[1]))  # for fuzz/; behind the installed package

hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True, max_examples=100)
hypothesis.settings.register_profile("search", deadline=None, max_examples=1000, print_blob=True)
hypothesis.settings.load_profile("repeatable")
# The same examples each time, on machines of any speed; --hypothesis-profile=search looks for new ones.


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-slow", action="store_true", help="run tests that take minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--run-slow"):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="takes minutes; runs with --run-slow"))


@pytest.fixture(scope="session")
def make_photo() -> Callable[..., bytes]:
    """Makes JPEG files with smooth shades and some noise; further options go to Pillow."""

    def make(width: int = 96, height: int = 64, **options: object) -> bytes:
        rows, columns = np.mgrid[:height, :width]
        waves = [128 + 100 * np.sin(rows / a + columns / b) for a, b in ((9, 14), (15, 8), (21, 30))]
        noise = np.random.default_rng(1).normal(0, 4, (height, width, 3))
        pixels = (np.stack(waves, 2) + noise).clip(0, 255).astype(np.uint8)
        output = io.BytesIO()
        Image.fromarray(pixels).save(output, "JPEG", **{"quality": 80} | options)
        return output.getvalue()

    return make


@pytest.fixture(scope="session")
def photo(make_photo: Callable[..., bytes]) -> bytes:
    """A baseline 4:2:0 JPEG file of 96 x 64 pixels, quality 80."""
    return make_photo()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A machine with torch, a driver, a GPU and compiled kernels; its attributes take them away."""
    machine = SimpleNamespace(torch=True, driver=True, gpu=True, compiled=True)
    gpu_batch = SimpleNamespace(has_cuda=lambda: machine.gpu)
    monkeypatch.setitem(sys.modules, "jrecomp.codec.gpu.batch", gpu_batch)
    monkeypatch.setattr(devices, "find_spec", lambda name: machine.torch or None)
    monkeypatch.setattr(devices, "Path", lambda name: SimpleNamespace(exists=lambda: False))
    monkeypatch.setattr(devices, "_has_compiled", lambda: machine.compiled)
    monkeypatch.setattr("shutil.which", lambda name: machine.driver or None)
    return machine


@dataclass(frozen=True)
class FakeModel:
    identifier: int = 7
    name: str = "fake"
    kind: str = "fake"


FRAME = Frame(96, 64, False, 4, 6, (Component(1, 2, 2, np.ones(64, np.int32), 8, 12),))


@pytest.fixture
def fake_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces JPEG core and model: data that begins like a JPEG file is accepted, other data is refused.

    The model has engines for the CPU and for a GPU, neither of which does anything.
    The first 20 bytes are the headers; one slice holds a key to all that follows.
    """
    remembered: dict[bytes, Int16] = {}

    def load(wanted: str | int) -> FakeModel:
        if wanted not in (FakeModel.identifier, FakeModel.name, DEFAULT_MODEL, FALLBACK_MODEL):
            raise UnknownModelError(f"model {wanted!r} is not installed")
        return FakeModel()

    def read(data: bytes, limits: object, exact: bool) -> JpegFile:
        if not data.startswith(b"\xff\xd8"):
            raise UnsupportedJpegError(StoredReason.NOT_JPEG)
        return JpegFile(FRAME, [np.frombuffer(data[20:], np.uint8).astype(np.int16)], data[:20], [])

    def encode(file: JpegFile, model: FakeModel, threads: int, engine: str, limits: Limits) -> EncodedSlices:
        key = sha256(file.coefficients[0].tobytes()).digest()
        remembered[key] = file.coefficients[0]
        return EncodedSlices(4, [key])

    def decode(
        frame: Frame,
        slices: EncodedSlices,
        model: FakeModel,
        threads: int,
        engine: str,
        limits: Limits,
        highest: int,
    ) -> list[Int16]:
        return [remembered[slices.data[0]]]

    def scan_data(file: JpegFile, limits: object) -> list[tuple[int, bytes]]:
        return [(20, file.coefficients[0].astype(np.uint8).tobytes())]

    def extent(data: bytes, begin: int = 0, *, with_scan_data: bool = True) -> Extent:
        end = len(data) if with_scan_data else min(len(data), begin + 20)
        return Extent(end, end, end)

    all_engines: dict[Any, Any] = engines.ENGINES
    monkeypatch.setitem(all_engines, "fake", {"native": None, "cuda": None})
    monkeypatch.setattr(pipeline, "load_model", load)
    monkeypatch.setattr(jpeg, "read", read, raising=False)
    monkeypatch.setattr(container, "pack_reconstruction", lambda scans: b"data")
    monkeypatch.setattr(container, "unpack_reconstruction", lambda data, limits: [])
    monkeypatch.setattr(jpeg, "parse_frame", lambda headers, limits: FRAME, raising=False)
    monkeypatch.setattr(jpeg, "split", lambda data: (data[:20], [(20, len(data))]))
    monkeypatch.setattr(jpeg, "extent", extent)
    monkeypatch.setattr(jpeg, "scan_data", scan_data)
    monkeypatch.setattr(codec, "encode", encode)
    monkeypatch.setattr(codec, "decode", decode)
