"""What the public functions accept: buffers as bytes, options of their types; and exceptions as objects."""

import array
import copy
import io
import mmap
import pickle
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

import jrecomp
from jrecomp import errors, jpeg, options
from jrecomp.encoder import tables
from jrecomp.encoder.coefficients import SUBSAMPLINGS
from jrecomp.encoder.effort import EFFORTS
from jrecomp.errors import (
    JrecompError,
    LimitError,
    OutputError,
    StoredReason,
    UnsupportedJpegError,
    UsageError,
)
from jrecomp.options import Limits
from jrecomp.restoration import METHODS

DATA = bytes(range(200)) * 2
CONTAINER = jrecomp.compress(DATA)


def in_memory_map(data: bytes) -> mmap.mmap:
    mapped = mmap.mmap(-1, len(data))
    mapped[:] = data
    return mapped


BUFFERS: list[Callable[[bytes], Any]] = [
    bytes,
    bytearray,
    memoryview,
    lambda data: memoryview(data).cast("b"),
    lambda data: array.array("B", data),
    lambda data: array.array("h", data),
    lambda data: np.frombuffer(data, np.uint8),
    lambda data: np.frombuffer(data, np.uint8).reshape(2, -1),
    in_memory_map,
]

NO_BUFFERS = [
    "text",
    5,
    None,
    2.5,
    [1, 2],
    Path("a.jpg"),
    io.BytesIO(DATA),
    memoryview(DATA)[::2],
    np.frombuffer(DATA, np.uint8)[::2],
    np.frombuffer(DATA, np.uint8).reshape(2, -1).T,
    np.array([b"a", None], object),
    np.array(["2020-01-01"], "datetime64[D]"),
]


@pytest.mark.parametrize("make", BUFFERS)
def test_the_bytes_of_any_buffer_are_taken(make: Callable[[bytes], Any], photo: bytes) -> None:
    photo += b"x" * (len(photo) % 2)
    assert jrecomp.compress(make(DATA)) == CONTAINER
    assert jrecomp.shrink(make(photo)) == jrecomp.shrink(photo)
    containers = (jrecomp.compress(DATA[start:]) for start in range(len(DATA)))
    packed = next(container for container in containers if len(container) % 2 == 0)
    restored = jrecomp.decompress(packed)
    assert jrecomp.decompress(make(packed)) == restored
    assert jrecomp.inspect(make(packed)) == jrecomp.inspect(packed)
    jrecomp.verify(make(packed), restored)
    jrecomp.verify(CONTAINER, make(DATA))


FUNCTIONS: list[Callable[..., object]] = [
    jrecomp.compress,
    jrecomp.shrink,
    jrecomp.decompress,
    jrecomp.verify,
    jrecomp.inspect,
    lambda data: jrecomp.verify(CONTAINER, 5 if data is None else data),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("value", NO_BUFFERS)
def test_what_is_no_buffer_is_refused(function: Callable[..., object], value: object) -> None:
    with pytest.raises(TypeError, match=r"buffer|bytes-like"):
        function(value)


WRONG: dict[str, list[object]] = {
    "threads": ["2", 2.0, None, True],
    "device": [0, None, b"cpu"],
    "model": [3.5, 2, b"fast", True],
    "strip": [1, "yes", None],
    "progressive": [0, "no", None],
    "tune": [None, 1],
    "limits": [None, 5, {"max_pixels": 5}],
    "on_progress": [None, "print"],
    "on_note": [None, 1],
    "quality": ["high", b"80", [80], True, 80j],
    "max_bytes": ["1000", 1000.0, True],
    "bpp": ["1", True],
    "min_psnr": ["40", True],
    "min_ms_ssim": ["0.9", True],
    "min_ssimulacra2": ["80", True],
}

TARGETS = ("quality", "max_bytes", "bpp", "min_psnr", "min_ms_ssim", "min_ssimulacra2")
OPTIONS: dict[Callable[..., object], tuple[str, ...]] = {
    jrecomp.compress: (
        "threads", "device", "model", "strip", "tune", "limits", "on_progress", "on_note", *TARGETS
    ),
    jrecomp.shrink: ("threads", "strip", "progressive", "tune", "limits", "on_progress", "on_note", *TARGETS),
    jrecomp.decompress: ("threads", "device", "limits"),
    jrecomp.verify: ("threads", "device", "limits"),
    jrecomp.inspect: ("limits",),
}  # fmt: skip
CASES = [
    (function, name, value) for function, names in OPTIONS.items() for name in names for value in WRONG[name]
]


@pytest.mark.parametrize(("function", "name", "value"), CASES)
def test_options_of_other_types(function: Callable[..., object], name: str, value: object) -> None:
    with pytest.raises(TypeError, match=rf"^{name} must be [^\n]*, not {type(value).__name__}$"):
        function(CONTAINER, **{name: value})


@pytest.mark.parametrize("function", [jrecomp.compress, jrecomp.shrink])
@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("value", [float("nan"), -1, float("inf"), np.float64("nan")])
def test_targets_of_no_value(function: Callable[..., object], name: str, value: float) -> None:
    with pytest.raises(TypeError if name == "max_bytes" and value != -1 else UsageError, match=name):
        function(CONTAINER, **{name: value})


def test_numbers_of_numpy_are_numbers(photo: bytes) -> None:
    numbers: dict[str, Any] = {"quality": np.float32(50), "threads": np.int64(1)}
    assert jrecomp.compress(photo, **numbers) == jrecomp.compress(photo, quality=50)


@pytest.mark.parametrize("name", Limits.__annotations__)
def test_limits_are_integers(name: str) -> None:
    for value in (None, "5", 2.5, float("nan"), True):
        with pytest.raises(TypeError, match=f"^{name} must be an integer"):
            Limits(**{name: value})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"^{name} must be 0 or more, not -1$"):
        Limits(**{name: -1})


def subclasses(kind: type[JrecompError]) -> list[type[JrecompError]]:
    return [kind, *chain.from_iterable(map(subclasses, kind.__subclasses__()))]


EXAMPLES: dict[type[JrecompError], JrecompError] = {
    UnsupportedJpegError: UnsupportedJpegError(StoredReason.PRECISION, "12 bits"),
    LimitError: LimitError("is more than allowed ({})", "max_memory"),
}


@pytest.mark.parametrize("kind", subclasses(JrecompError))
def test_errors_can_be_copied(kind: type[JrecompError]) -> None:
    """To other processes, too."""
    error = EXAMPLES.get(kind) or kind("{} of {}", "max_bytes", "bpp")
    for again in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert type(again) is kind
        assert str(again) == str(error)
        assert again.named(errors.flag) == error.named(errors.flag)
        assert vars(again) == vars(error)


def test_names_of_options() -> None:
    error = UsageError("{} and {} exclude each other", "max_bytes", "bpp")
    assert str(error) == "max_bytes and bpp exclude each other"
    assert error.named(errors.flag) == "--max-bytes and --bpp exclude each other"
    assert str(UsageError("a {} file: {0}")) == "a {} file: {0}"
    assert str(OutputError("{}{0}.jpg: exists ({} replaces it)", "force")) == (
        "{}{0}.jpg: exists (force replaces it)"
    )


def test_unsupported_files_keep_reason_and_detail(photo: bytes) -> None:
    with pytest.raises(UnsupportedJpegError) as caught:
        jpeg.read(b"none")
    assert (caught.value.reason, caught.value.detail) == (StoredReason.NOT_JPEG, "")


def test_types_of_options_have_the_values_that_are_accepted() -> None:
    assert get_args(options.Tune) == tuple(options.TUNES)
    assert set(get_args(options.Tune)) == set(tables.TUNES)
    assert get_args(options.Effort) == tuple(EFFORTS)
    assert set(get_args(options.Subsampling)) == {"auto", *SUBSAMPLINGS}
    assert set(get_args(options.Method)) == set(METHODS) == set(options.RESTORERS)
