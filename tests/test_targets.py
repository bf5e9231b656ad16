"""Valid targets, and the refusal of all others."""

import math
from collections.abc import Callable
from typing import Any

import pytest

import jrecomp
from jrecomp import jpeg, pipeline
from jrecomp.errors import ExitCode, UsageError
from jrecomp.targets import Target

NAMES = ["quality", "max_bytes", "bpp", "min_psnr", "min_ms_ssim", "min_ssimulacra2"]

BAD: list[tuple[dict[str, Any], str]] = [
    ({"quality": 101}, "quality 101 is not between 0 and 100"),
    ({"quality": 100.001}, "not between"),
    ({"quality": -1}, "quality -1"),
    ({"quality": math.nan}, "quality nan"),
    ({"max_bytes": 0}, "max_bytes 0 "),
    ({"max_bytes": -5}, "max_bytes -5"),
    ({"bpp": 0}, "bpp 0"),
    ({"bpp": -0.5}, "bpp -0.5"),
    ({"bpp": math.nan}, "bpp nan"),
    ({"bpp": math.inf}, "bpp inf"),
    ({"min_psnr": 0}, "min_psnr 0"),
    ({"min_psnr": -30}, "min_psnr -30"),
    ({"min_ms_ssim": 0}, "min_ms_ssim 0"),
    ({"min_ms_ssim": 1.0000001}, "min_ms_ssim 1.0000001 is"),
    ({"min_ms_ssim": 10**400}, "min_ms_ssim of many digits is not between 0 and 1"),
    ({"min_ssimulacra2": 100.5}, "min_ssimulacra2 100.5 is not between 0 and 100"),
    ({"min_ms_ssim": 1.01}, "min_ms_ssim 1.01 is not between 0 and 1"),
    *((dict.fromkeys([a, b], 1), f"{a} and {b}") for i, a in enumerate(NAMES) for b in NAMES[i + 1 :]),
    (dict.fromkeys(NAMES, 1), "exclude each other"),
]


@pytest.mark.parametrize(("given", "message"), BAD)
@pytest.mark.parametrize(
    "make", [Target.of, lambda **o: pipeline.compress(b"", **o), lambda **o: pipeline.shrink(b"", **o)]
)
def test_refused(
    make: Callable[..., object],
    given: dict[str, Any],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before any work is done."""
    monkeypatch.setattr(jpeg, "read", lambda *arguments: pytest.fail("work is done"))
    with pytest.raises(UsageError, match=message) as caught:
        make(**given)
    assert caught.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    "given",
    [{n: v} for n in NAMES for v in (1, 0.5, 1e-3) if n != "max_bytes" or v == 1]
    + [{"quality": 0}, {"quality": 100}],
)
def test_accepted(given: dict[str, Any]) -> None:
    target = Target.of(**given)
    assert target.lossless == (given == {"quality": 100})


def test_nothing_is_lossless() -> None:
    assert Target.of().lossless


def test_largest(photo: bytes) -> None:
    """The photo has 96 x 64 pixels, 6144."""
    frame = jpeg.read(photo).frame
    assert Target.of().largest(frame) is None
    assert Target.of(quality=50).largest(frame) is None
    assert Target.of(max_bytes=123).largest(frame) == 123
    assert Target.of(bpp=1).largest(frame) == 768
    assert Target.of(bpp=0.999).largest(frame) == 767


def test_functions_of_the_package_take_targets(photo: bytes) -> None:
    assert jrecomp.inspect(jrecomp.compress(photo, quality=40)).quality == 40
