"""Learning of quantization tables."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jrecomp import jpeg
from jrecomp.encoder import tables
from jrecomp.metrics import ms_ssim, pixels
from tests.encoder.drawings import noisy

torch = pytest.importorskip("torch", reason="training needs torch: pip install jrecomp[train]")

from jrecomp.train.drawings import draw  # noqa: E402
from jrecomp.train.encode import run, similarity  # noqa: E402
from jrecomp.train.encode.run import TableSettings  # noqa: E402
from jrecomp.train.encode.slopes import Example, Point, bits  # noqa: E402

POINT = Point(np.full((2, 64), np.log(12.0)), np.full(2, 0.1))


@pytest.mark.parametrize("subsampling", ["444", "420"])
@pytest.mark.parametrize("tune", ["ssimulacra2", "psnr", "restored"])
def test_wider_steps_cost_likeness_and_save_bits(tune: str, subsampling: str) -> None:
    slopes = Example(noisy(192, 192), subsampling, tune).slopes(POINT)
    assert slopes.rate.sum() > 0.1 and slopes.loss.sum() > 0
    assert (slopes.lambda_rate > 0).all() and slopes.lambda_loss[0] > 0


def test_slopes_of_psnr_are_those_of_finite_differences() -> None:
    """The mean squared error of luma, which changes with the step of DC by a known amount."""
    example = Example(noisy(192, 192), "444", "psnr")
    changed = POINT.steps.copy()
    changed[0] += np.log(1.05)
    losses = []
    for steps in (POINT.steps, changed):
        _, _, errors = example._quantized(Point(steps, POINT.lambdas))
        losses.append(10 * np.log10(float((errors[0] ** 2).sum()) / example.pixels[..., 0].size))
    slope = (losses[1] - losses[0]) / np.log(1.05)
    assert example.slopes(POINT).loss[0].sum() == pytest.approx(slope, rel=0.35)


@pytest.mark.parametrize("sampling", ["4:2:0", "4:4:4", "4:2:2"])
def test_the_decoder_and_the_measure_are_the_common_ones(sampling: str) -> None:
    decoded, theirs = [], []
    for quality in (95, 40):
        buffer = io.BytesIO()
        Image.fromarray(noisy(192, 192)).save(buffer, "JPEG", quality=quality, subsampling=sampling)
        file = jpeg.read(buffer.getvalue())
        planes = [
            torch.from_numpy(levels * c.steps.astype(np.float32))
            for levels, c in zip(file.coefficients, file.frame.components, strict=True)
        ]
        decoded.append(similarity.decode(planes, file.frame))
        theirs.append(pixels(buffer.getvalue()))
    for a, b in zip(decoded, theirs, strict=True):
        cut = a[0, :, :192, :192].permute(1, 2, 0).clamp(0, 255).numpy()
        assert np.abs(cut - b).mean() < 0.6
    assert float(similarity.ms_ssim(*decoded)) == pytest.approx(ms_ssim(*theirs), abs=2e-3)


@pytest.mark.parametrize("subsampling", ["444", "420"])
def test_restored_errors_are_smaller(subsampling: str) -> None:
    picture = np.ascontiguousarray(np.asarray(draw(3).convert("RGB"))[:192, :192])
    plain, restored = (Example(picture, subsampling, tune)._quantized(POINT) for tune in ("psnr", "restored"))
    assert np.array_equal(plain[0], restored[0])
    assert restored[1][0].sum() < 0.9 * plain[1][0].sum()
    for after, step in zip(restored[2], np.exp(POINT.steps[[0, 1, 1]]), strict=True):
        inside = np.abs(after) < 1.5 * step  # with rounding and levels that are chosen by rate
        assert inside.mean() > 0.99


def test_bits_are_entropies() -> None:
    levels = np.zeros((2, 2, 64), np.int16)
    levels[0, 0, 5], levels[0, 1, 5] = 1, -1
    assert bits(levels)[5] == pytest.approx(4 + 2) and bits(levels).sum() == pytest.approx(6)


def test_a_family_is_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "train" / "clean"
    folder.mkdir(parents=True)
    for number in range(10):
        Image.fromarray(noisy(192 + number, 200)).save(folder / f"{number}.png")
    monkeypatch.setattr(run, "SIDE", 192)
    monkeypatch.setattr(run, "STRENGTHS", (-1.1, -0.7, -0.4))
    monkeypatch.setattr(run, "QUALITIES", (0, 90))
    settings = TableSettings(folder, tmp_path / "work", pictures=1, rounds=2)
    content = run.train(settings)
    path = run.export(content, tmp_path)
    assert json.loads(path.read_text()) == run.train(settings) == content
    assert {(e["tune"], e["subsampling"]) for e in content["families"]} == {
        (tune, subsampling)
        for tune in ("ssimulacra2", "ms-ssim", "psnr", "restored")
        for subsampling in ("444", "422", "420")
    }
    for entry in content["families"]:
        assert np.shape(entry["steps"]) == (3, 2, 64) and np.shape(entry["lambdas"]) == (3, 2)
        assert entry["likeness"] == sorted(entry["likeness"])


def test_tables_of_a_tune_are_refined_for_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(noisy(160 + 40 * number, 200)).save(folder / f"{number}.png")
    monkeypatch.setattr(run, "SIDE", 192)
    monkeypatch.setattr(run, "STRENGTHS", (-1.1, -0.7, -0.4))
    settings = TableSettings(folder, tmp_path / "work", rounds=2, start="psnr")
    assert len(run._crops(settings)) == 2, "one is too small"
    content = run.train(settings)
    assert content["qualities"] == tables.content()["qualities"]
    before, after = (
        {(e["tune"], e["subsampling"]): e for e in c["families"]} for c in (tables.content(), content)
    )
    assert {key for key in before if before[key] != after[key]} == {
        ("psnr", s) for s in ("444", "422", "420")
    }
    for subsampling in ("444", "420"):
        old, new = (np.array(c["psnr", subsampling]["steps"])[0, 0, :10] for c in (before, after))
        assert np.abs(old - new).max() < 0.7, "it starts from the installed tables"
