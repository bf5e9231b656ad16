"""Models with random weights, so that the codec is tested without trained ones, and files for them."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from jrecomp.codec.devices import missing_for_cuda
from jrecomp.codec.engines import ENGINES
from jrecomp.features.latents import GROUPS
from jrecomp.features.tables import make
from jrecomp.jpeg.types import Component, Frame, JpegFile
from jrecomp.model import blocks, laplace, latents, planes
from jrecomp.model.arrays import CLASSES
from jrecomp.model.blocks import LAYOUT, BlocksModel
from jrecomp.model.planes import PlanesModel

HIDDEN = (16, 8)

LAYOUTS = [
    [(1, 1)],
    [(1, 1)] * 3,
    [(2, 2), (1, 1), (1, 1)],
    [(2, 1), (1, 1), (1, 1)],
    [(1, 2), (1, 1), (1, 1)],
    [(4, 1), (1, 1), (1, 1)],
    [(1, 1), (2, 2), (1, 1)],
    [(3, 2), (2, 1), (1, 2)],
    [(2, 2), (1, 1), (1, 1), (2, 2)],
]
"""Sampling factors (horizontal, vertical) of the components of a frame, of every kind."""


def random_arrays(seed: int = 0, hidden: tuple[int, int] = HIDDEN) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a weights file with small random weights; every plane has a network of its own."""
    rng, tables = np.random.default_rng(seed), make()
    arrays: dict[str, npt.NDArray[Any]] = tables._asdict()
    arrays["hidden"] = np.array(hidden, np.int32)
    for number in range(CLASSES):
        layers = [s for plane in range(65) for s in planes.shapes(number, hidden, plane)]
        linear = [planes.linear_shape(plane) for plane in range(64)]
        arrays[f"network_{number}"] = np.arange(65, dtype=np.uint8)
        arrays[f"weight_{number}"] = rng.integers(-40, 41, sum(a * b for a, b in layers)).astype(np.int8)
        arrays[f"bias_{number}"] = rng.integers(-999, 999, sum(a for a, _ in layers)).astype(np.int32)
        arrays[f"linear_{number}"] = rng.integers(-300, 301, sum(a * b for a, b in linear)).astype(np.int16)
    return arrays


def missing(engine: str) -> str | None:
    """What keeps an engine from running here."""
    return missing_for_cuda() if engine == "cuda" else None


@pytest.fixture(scope="session", autouse=True)
def one_thread_of_torch() -> None:
    """More threads would wait for each other, as the arrays of these tests are small."""
    if find_spec("torch"):
        import torch

        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def engines_here() -> list[str]:
    """The names of all engines that can run here."""
    return [name for name in ENGINES["planes"] if not missing(name)]


@pytest.fixture(scope="session", params=list(ENGINES["planes"]))
def engine(request: pytest.FixtureRequest) -> str:
    """The name of each engine; skips those that cannot run here."""
    name: str = request.param
    if reason := missing(name):
        pytest.skip(reason)
    return name


@pytest.fixture(scope="session")
def random_model() -> PlanesModel:
    return planes.build(9, "random", random_arrays())


SPREADS = {"edge": 600, "within": 300, "across": 9000, "bias": 900, "step_weight": 40, "near": 9}
SPREADS |= {"near_last": 200, "energy": 200, "across_near": 30, "own_last": 300, "last_weight": 99}
SPREADS |= {"last_bias": 99999, "scale_weight": 60, "scale_bias": 99999, "own": 20, "trust": 90}
SPREADS |= {"length_slope": 400, "length_trust": 90, "sign_start": 300}
SPREADS |= {"offset": 30, "bit_offset": 30, "index_bit_offset": 30, "last_offset": 30}
SPREADS |= {"gain": 99999, "intercept": 50000, "last_gain": 99999, "last_intercept": 50000}
"""Random weights are within these."""


def random_block_arrays(seed: int = 0) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a weights file of a model of blocks, with random weights."""
    rng, arrays = np.random.default_rng(seed), blocks.make_tables()
    for number in range(CLASSES):
        for name, (dtype, shape) in LAYOUT.items():
            values = rng.integers(-SPREADS[name], SPREADS[name] + 1, shape)
            arrays[f"{name}_{number}"] = values.astype(dtype)
    return arrays


def extreme_block_arrays() -> dict[str, npt.NDArray[Any]]:
    """Weights of a model of blocks with which sums wrap, and logits and scales are at their limits."""
    arrays, rng = random_block_arrays(5), np.random.default_rng(5)
    for c in range(CLASSES):
        for name in ("edge", "within", "across", "length_slope", "length_trust", "sign_start"):
            arrays[f"{name}_{c}"] = rng.choice([-32768, 0, 32767], LAYOUT[name][1]).astype(np.int16)
        for name in ("last_weight", "scale_weight"):
            arrays[f"{name}_{c}"] = rng.choice([-9999, 9999], LAYOUT[name][1]).astype(np.int16)
        for name in ("gain", "intercept", "last_gain", "last_intercept"):
            arrays[f"{name}_{c}"] = rng.choice([-(1 << 31), 0, (1 << 31) - 1], LAYOUT[name][1]).astype(
                np.int32
            )
    return arrays


def zero_block_arrays() -> dict[str, npt.NDArray[Any]]:
    """The arrays of a weights file of a model of blocks, whose weights are 0, with gains of 1."""
    zeros = {
        f"{name}_{c}": np.full(shape, 1 << 16 if "gain" in name else 0, dtype)
        for c in range(CLASSES)
        for name, (dtype, shape) in LAYOUT.items()
    }
    return blocks.make_tables() | zeros


@pytest.fixture(scope="session")
def blocks_model() -> BlocksModel:
    """Of random weights."""
    return blocks.build(6, "random", random_block_arrays())


@pytest.fixture(scope="session")
def zero_blocks_model() -> BlocksModel:
    """Of weights that are 0."""
    return blocks.build(6, "zero", zero_block_arrays())


LATENTS_HIDDEN = (8, 2)


def random_latents_arrays(seed: int = 0) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a weights file of a model with latents, with small random weights."""
    rng = np.random.default_rng(seed)
    arrays: dict[str, npt.NDArray[Any]] = make()._asdict() | laplace.make()._asdict()
    arrays["hidden"] = np.array(LATENTS_HIDDEN, np.int32)
    for number in range(CLASSES):
        layout = [s for g in range(len(GROUPS)) for s in latents.shapes(number, g, *LATENTS_HIDDEN)]
        size = sum(a * b for a, b in (shape.matrix for shape in layout))
        arrays[f"weight_{number}"] = rng.integers(-40, 41, size).astype(np.int8)
        arrays[f"bias_{number}"] = rng.integers(-999, 999, sum(s.outputs for s in layout)).astype(np.int32)
    return arrays


def draw(path: Path, seed: int, size: tuple[int, int]) -> None:
    """A picture of waves and noise. size: height and width."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]]
    picture = 128 + 90 * np.sin(x / rng.uniform(4, 30) + seed) * np.cos(y / rng.uniform(4, 30))
    pixels = np.stack([picture, picture * 0.7, 255 - picture], -1) + rng.normal(0, 6, (*size, 3))
    options: dict[str, Any] = {"subsampling": 0, "quality": 97} if path.suffix == ".jpg" else {}
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path, **options)


def data_folder(path: Path, size: tuple[int, int]) -> Path:
    """A folder as `jrecomp train --data` takes it, of pictures of a size."""
    (path / "train" / "jpeg").mkdir(parents=True)
    (path / "train" / "clean").mkdir()
    for seed in range(4):
        draw(path / "train" / "jpeg" / f"a{seed}.jpg", seed, size)
        draw(path / "train" / "clean" / f"b{seed}.webp", seed, size)
    draw(path / "train" / "jpeg" / "uikit__held_out.jpg", 9, size)
    return path


def random_file(
    sampling: list[tuple[int, int]], mcu_rows: int, mcu_columns: int, seed: int = 0, spread: float = 3.0
) -> JpegFile:
    """A JpegFile (no headers) with Laplacian coefficients that fall off with frequency."""
    rng = np.random.default_rng(seed)
    components, arrays = [], []
    for number, (h, v) in enumerate(sampling):
        steps = rng.integers(1, 60, 64).astype(np.int32)
        shape = (mcu_rows * v, mcu_columns * h, 64)
        scale = spread * np.exp(-np.arange(64) / 8)
        values = np.rint(rng.laplace(0, 1, shape) * scale)
        values[..., 0] += rng.integers(-500, 500)
        components.append(Component(number + 1, h, v, steps, shape[0], shape[1]))
        arrays.append(values.astype(np.int16))
    width = 8 * mcu_columns * max(h for h, _ in sampling)
    height = 8 * mcu_rows * max(v for _, v in sampling)
    return JpegFile(Frame(width, height, False, mcu_rows, mcu_columns, tuple(components)), arrays, b"", [])
