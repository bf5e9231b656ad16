"""Efforts: smaller files of the same likeness, that meet targets and keep what guards keep."""

from typing import Any

import numpy as np
import pytest

from jrecomp.array_types import UInt8
from jrecomp.encoder import calibration
from jrecomp.encoder.calibration import lost
from jrecomp.encoder.effort import EFFORTS
from jrecomp.encoder.encode import Options
from jrecomp.encoding import encode
from jrecomp.metrics import pixels, psnr, ssimulacra2
from jrecomp.notes import Note
from jrecomp.options import DEFAULT_LIMITS, Effort, Subsampling, Tune
from tests.encoder.drawings import noisy, ramp, reached, red_lines, text
from tests.encoder.test_refine import textured

PHOTO = noisy()
OPTIONS = Options("ssimulacra2", True, False, DEFAULT_LIMITS)
SLOW = [name for name, rounds in EFFORTS.items() if rounds]


def noted(picture: Any, **options: Any) -> tuple[bytes, str]:
    notes: list[Note] = []
    return encode(picture, on_note=notes.append, **options), notes[0].text


def test_more_effort_makes_smaller_files() -> None:
    picture = textured(160, 192)
    sizes = [len(encode(picture, effort=e, min_ssimulacra2=70.0)) for e in ("fast", "default", "best")]
    assert sizes[2] < sizes[1] < 0.97 * sizes[0]


@pytest.mark.parametrize("effort", SLOW)
@pytest.mark.parametrize("tune", ["ssimulacra2", "ms-ssim"])
@pytest.mark.parametrize(
    ("target", "least", "most"),
    [
        ({"max_bytes": 4000}, 0.95, 1),
        ({"bpp": 3.0}, 0.95, 1),
        ({"min_psnr": 36.0}, 1, 1.01),
        ({"min_ms_ssim": 0.99}, 1, 1.003),
        ({"min_ssimulacra2": 75.0}, 1, 1.03),
    ],
    ids=str,
)
def test_targets_are_met(
    target: dict[str, Any], least: float, most: float, tune: Tune, effort: Effort
) -> None:
    data = encode(PHOTO, effort=effort, tune=tune, **target)
    (name, value), *_ = target.items()
    assert least * value <= reached(data, PHOTO)[name] <= most * value


@pytest.mark.parametrize("effort", SLOW)
def test_qualities_mean_the_same_likeness(effort: Effort) -> None:
    """That of fast results, within the tolerance of both."""
    picture = noisy(160, 192)
    for quality in (60, 85):
        fast, slow = (
            ssimulacra2(picture, pixels(encode(picture, quality=quality, effort=e, subsampling="444")))
            for e in ("fast", effort)
        )
        assert abs(fast - slow) <= calibration.TOLERANCE * (100 - min(fast, slow)) + 0.2


@pytest.mark.parametrize("effort", SLOW)
@pytest.mark.parametrize("subsampling", ["444", "422", "420"])
def test_threads_do_not_change_results(subsampling: Subsampling, effort: Effort) -> None:
    picture = noisy(300, 70)
    options: dict[str, Any] = {"effort": effort, "subsampling": subsampling, "max_bytes": 12000}
    assert len({encode(picture, threads=threads, **options) for threads in (1, 2, 3)}) == 1


@pytest.mark.parametrize("effort", SLOW)
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (7, 9), (33, 50)])
def test_every_size(shape: tuple[int, int], effort: Effort) -> None:
    picture = noisy(48, 64)[: shape[0], : shape[1]]
    for array in (picture, picture[..., 0]):
        decoded = pixels(encode(array, effort=effort, quality=95))
        assert psnr(array.reshape(*shape, -1), decoded) > 30


def test_gray_pictures_have_rounds() -> None:
    picture = textured(160, 192)[..., 0]
    fast, default = (encode(picture, effort=e, min_ssimulacra2=80.0) for e in ("fast", "default"))
    assert len(default) < 0.95 * len(fast)


@pytest.mark.parametrize("effort", SLOW)
def test_pictures_and_tunes_without_rounds(effort: Effort) -> None:
    from PIL import Image

    cmyk = Image.fromarray(PHOTO).convert("CMYK")
    assert encode(cmyk, effort=effort, quality=80) == encode(cmyk, effort="fast", quality=80)
    assert encode(PHOTO, effort=effort, tune="psnr") == encode(PHOTO, effort="fast", tune="psnr")


@pytest.mark.parametrize("effort", SLOW)
@pytest.mark.parametrize(("low", "high"), [(0, 255), (2, 30), (16, 40), (60, 76)])
def test_ramps_have_no_larger_steps(low: int, high: int, effort: Effort) -> None:
    source = ramp(low, high)
    fast, slow = (pixels(encode(source, quality=75, effort=e))[..., 1].astype(int) for e in ("fast", effort))
    assert np.abs(np.diff(slow, axis=1)).max() <= np.abs(np.diff(fast, axis=1)).max()
    assert np.abs(slow - source[..., 1]).max() <= np.abs(fast - source[..., 1]).max()


@pytest.mark.parametrize("effort", SLOW)
@pytest.mark.parametrize("picture", [red_lines(), text()], ids=["red lines", "text"])
@pytest.mark.parametrize("quality", [40, 80])
def test_drawings_are_no_worse_than_plain_ones(picture: UInt8, quality: int, effort: Effort) -> None:
    """At the size of the plain result."""
    fast = encode(picture, quality=quality, effort="fast", subsampling="444")
    fast, slow = (encode(picture, max_bytes=len(fast), effort=e, subsampling="444") for e in ("fast", effort))
    assert psnr(picture, pixels(slow)) >= psnr(picture, pixels(fast)) - 0.3
    assert ssimulacra2(picture, pixels(slow)) >= ssimulacra2(picture, pixels(fast)) - 0.5


def test_results_that_lose_are_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "BOUNDS", (("PSNR-Y", -9.0, " dB"),))
    targets: list[dict[str, Any]] = [{"quality": 80}, {"max_bytes": 4000}]
    for target in targets:
        data, note = noted(PHOTO, effort="best", **target)
        assert data == encode(PHOTO, effort="fast", **target)
        assert "effort fast, as more would lose PSNR-Y" in note


def test_losses_are_against_plain_results_of_the_same_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain result loses nothing against itself."""
    for likeness in (30.0, 80.0):
        for number in range(3):
            bounds = [(name, np.inf, "") for name, _, _ in calibration.BOUNDS]
            bounds[number] = ("X", -9.0, "")
            monkeypatch.setattr(calibration, "BOUNDS", bounds)
            loss = lost(PHOTO, likeness, "420", OPTIONS, 0, pixels, 1)
            assert loss in ("X 0.00", "X -0.00")
