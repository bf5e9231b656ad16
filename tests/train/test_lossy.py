"""Learning of rules for lossy recompression, on pictures that the tests draw; needs torch."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from jrecomp import jpeg
from jrecomp.cli.app import main
from jrecomp.jpeg.types import JpegFile
from jrecomp.lossy import OperatingPoint, Requantizer, Rule, load_rule, rules
from jrecomp.lossy.distortion import pixel_weights
from jrecomp.metrics import ms_ssim, pixels
from tests.models import data_folder

torch = pytest.importorskip("torch", reason="training needs torch: pip install jrecomp[train]")
pytest.importorskip("matplotlib", reason="training draws: pip install jrecomp[train]")

from jrecomp.train.lossy import run, similarity, validation  # noqa: E402
from jrecomp.train.lossy.estimate import Example, FittedRates, quality_of  # noqa: E402
from jrecomp.train.lossy.objective import BANDS, Objective, Surrogate, numbers_of, rule_of  # noqa: E402

RULE = Rule(0, "some", (1.7, 1.3), 2.25, 2.6, 3.4, 1.1, 0.8)
LAMBDAS = tuple(0.8 * 1.25**i for i in range(12))
ONES = torch.ones(2, len(BANDS) - 1), torch.ones(2, 64)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return data_folder(tmp_path_factory.mktemp("data"), (240, 256))


@pytest.fixture(scope="module")
def files(data: Path) -> list[JpegFile]:
    return [jpeg.read(path.read_bytes()) for path in sorted((data / "train" / "jpeg").iterdir())]


@pytest.fixture(scope="module")
def example(files: list[JpegFile]) -> Example:
    return Example.of(files[0])


@pytest.mark.parametrize("lmbda", [0.5, 4.0, 30.0])
def test_hard_choices_are_those_of_requantize(example: Example, lmbda: float) -> None:
    """Of all frequencies but DC, of which histograms have residuals."""
    file = example.file
    new = Requantizer(file, RULE).requantized(OperatingPoint.at(quality_of(file, lmbda)))
    real = 0.0
    for c, weights, steps, levels, old in zip(
        file.frame.components,
        pixel_weights(file),
        new.steps,
        new.coefficients,
        file.coefficients,
        strict=True,
    ):
        squares = weights * (levels * steps.astype(float) - old * c.quantization.astype(float)) ** 2
        real += squares[..., 1:].sum()
    without_dc = ONES[1].clone()
    without_dc[:, 0] = 0
    _, errors = Objective(ONES[0], without_dc, Surrogate.NONE)(example.histograms, numbers_of(RULE), lmbda)
    assert real > 0 and float(errors) == pytest.approx(real, rel=1e-4)


def mean_loss(example: Example, numbers: Any, surrogate: Surrogate) -> Any:
    one = Objective(*ONES, surrogate)
    parts = [one(example.histograms, numbers, lmbda) for lmbda in LAMBDAS]
    return torch.stack(
        [bits + errors / lmbda for (bits, errors), lmbda in zip(parts, LAMBDAS, strict=True)]
    ).mean()


def test_gradients_are_slopes(example: Example) -> None:
    """Against finite differences."""
    numbers = numbers_of(RULE).requires_grad_()
    mean_loss(example, numbers, Surrogate.STEPS).backward()
    assert numbers.grad is not None
    slopes = []
    with torch.no_grad():
        for i in range(len(numbers)):
            change = torch.zeros(len(numbers)).index_fill(0, torch.tensor([i]), 0.02)
            ends = [mean_loss(example, numbers + sign * change, Surrogate.STEPS) for sign in (1, -1)]
            slopes.append(float(ends[0] - ends[1]) / 0.04)
    found = numbers.grad.numpy()
    assert np.linalg.norm(found - slopes) < 0.15 * np.linalg.norm(slopes)


@pytest.mark.parametrize("surrogate", [Surrogate.STRAIGHT, Surrogate.CUBIC])
def test_surrogates_follow_their_formulas(example: Example, surrogate: Surrogate) -> None:
    """The slope of (x - t level)^2 where that of the level is a surrogate's, of x / t."""
    h = example.histograms
    step = (2.3 * h.source).requires_grad_()
    _, squared = Objective(*ONES, surrogate)._quantized(h, step, h.pixels, 4.0)
    (found,) = torch.autograd.grad(squared.sum(), step)
    with torch.no_grad():
        t, x, counts = step[h.frequency], h.magnitude * h.source[h.frequency], h.counts.sum(1)
        ratio = x / t
        options = torch.stack([torch.zeros_like(x), ratio.floor(), ratio.floor() + 1], 1)
        errors = h.pixels[h.frequency, None] * (x[:, None] - t[:, None] * options) ** 2
        one = Objective(*ONES, surrogate)
        costs = one._costs(h, errors, options, (ratio + 0.5).floor(), 4.0)
        level = options.gather(1, costs.argmin(1, keepdim=True))[:, 0]
        slope = 1.0 if surrogate is Surrogate.STRAIGHT else 3 * (ratio - ratio.round()) ** 2
        rows = 2 * (x - t * level) * (slope * ratio - level) * counts
        wanted = torch.zeros(len(h.source)).index_add(0, h.frequency, rows)
    assert wanted.abs().max() > 0 and torch.allclose(
        found, wanted, rtol=1e-3, atol=1e-2 * float(wanted.abs().max())
    )


def test_estimates_are_near_real_sizes(files: list[JpegFile]) -> None:
    """Within 10 % at lambdas and for a rule that they were not fitted to."""
    examples = [Example.of(file) for file in files]
    estimate = FittedRates.fit(examples, RULE, run.FITTED)
    errors = estimate.errors(examples, replace(RULE, jump=2.6), (3.0, 10.0))
    assert 0 < max(map(abs, errors)) < 0.1


def test_the_decoder_and_the_measure_are_the_common_ones(files: list[JpegFile]) -> None:
    file = files[0]
    new = Requantizer(file, RULE).requantized(OperatingPoint.at(40))
    planes = [
        [
            torch.from_numpy(array * steps.astype(np.float32))
            for array, steps in zip(arrays, tables, strict=True)
        ]
        for arrays, tables in (
            (file.coefficients, [c.quantization for c in file.frame.components]),
            (new.coefficients, new.steps),
        )
    ]
    ours = [similarity.decode(each, file.frame) for each in planes]
    rebuilt = jpeg.rebuild(
        file, new.steps, new.coefficients, huffman="typical", progressive=False, strip=False
    )
    theirs = [pixels(jpeg.write(file)), pixels(jpeg.write(rebuilt))]
    for a, b in zip(ours, theirs, strict=True):
        cut = a[0, :, : b.shape[0], : b.shape[1]].permute(1, 2, 0).clamp(0, 255).numpy()
        assert np.abs(cut - b).mean() < 0.6
    assert float(similarity.ms_ssim(*ours)) == pytest.approx(ms_ssim(theirs[0], theirs[1]), abs=2e-3)


def test_sensitivity_says_what_errors_cost(files: list[JpegFile]) -> None:
    """High frequencies count less in MS-SSIM than in the mean of squares."""
    found = similarity.sensitivity(
        [(file, Requantizer(file, RULE).requantized(OperatingPoint.at(50))) for file in files[:2]]
    )
    assert found.shape == (2, 64) and torch.isfinite(found).all()
    assert float(found[0, 1:6].mean()) > 1.3 * float(found[0, 40:].mean())


def test_numbers_make_the_rule_again() -> None:
    assert rule_of(numbers_of(RULE), 0, "some") == RULE


def test_exported_rules_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run.export(RULE, tmp_path, "mine", 7)
    monkeypatch.setattr(rules, "folder", lambda: tmp_path)
    monkeypatch.setattr(rules, "_rules", rules._rules.__wrapped__)
    assert load_rule("mine") == replace(RULE, identifier=7, name="mine")
    with pytest.raises(ValueError, match="taken"):
        run.export(RULE, tmp_path, "other", 7)
    with pytest.raises(ValueError, match="taken"):
        run.export(RULE, tmp_path, "mine", 8)


@pytest.mark.parametrize("distortion", ["mse", "ms-ssim"])
def test_the_command_learns_and_goes_on(
    data: Path, tmp_path: Path, distortion: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validation, "LAMBDAS", (2.0, 20.0))
    monkeypatch.setattr(run, "SOURCES", 2)
    monkeypatch.setattr(run, "TURNS", 2)
    work, weights = tmp_path / "work", tmp_path / "weights"
    weights.mkdir()
    options = [
        "--data",
        data,
        "--work",
        work,
        "--weights",
        weights,
        "--name",
        "tiny",
        "--distortion",
        distortion,
    ]
    given = ["train", "lossy", *map(str, options), "--steps", "8"]
    first = CliRunner().invoke(main, [*given, "--id", "9"], catch_exceptions=False)
    assert first.exit_code == 0 and "validation, " in first.output
    (entry,) = json.loads((weights / "lossy.json").read_text())["rules"]
    assert entry["id"] == 9 and entry["stay"] != list(run.START[distortion].stay)
    (weights / "lossy.json").unlink()
    (last,) = work.glob(f"*/{run.TURNS - 1}.json")
    last.unlink()
    CliRunner().invoke(main, [*given, "--id", "9"], catch_exceptions=False)
    assert json.loads((weights / "lossy.json").read_text())["rules"] == [entry]


@pytest.mark.parametrize(
    ("options", "refused"),
    [(["lossy", "--kind", "blocks"], "--kind"), (["--distortion", "mse"], "--distortion")],
)
def test_options_that_do_not_apply_are_refused(data: Path, options: list[str], refused: str) -> None:
    result = CliRunner().invoke(main, ["train", *options, "--data", str(data), "--name", "tiny", "--id", "9"])
    assert result.exit_code == 2 and refused in result.output
