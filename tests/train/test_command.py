"""The options of `jrecomp train`, and those that it refuses."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from jrecomp.errors import UsageError

pytest.importorskip("torch", reason="training needs torch: pip install jrecomp[train]")
pytest.importorskip("matplotlib", reason="training draws: pip install jrecomp[train]")

from jrecomp.train import export
from jrecomp.train.blocks import run as blocks
from jrecomp.train.command import command
from jrecomp.train.latents import run as latents
from jrecomp.train.planes import run as planes
from jrecomp.train.settings import Settings

TRAINERS = {"planes": planes, "latents": latents, "blocks": blocks}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The arguments of trainers and export, which are replaced."""
    calls: list[Any] = []

    def train(settings: Settings) -> dict[str, Any]:
        calls.append(settings)
        return {}

    def save(*arguments: Any) -> Path:
        calls.append(arguments)
        return Path(arguments[1]) / "new.npz"

    for trainer in TRAINERS.values():
        monkeypatch.setattr(trainer, "train", train)
        monkeypatch.setattr(trainer, "validate", lambda settings, arrays: {"real files": 12.3456})
    monkeypatch.setattr(export, "save", save)
    return calls


def run(data: Path, *options: str) -> Any:
    common = ["--data", str(data), "--name", "mine", "--id", "1000"]
    return CliRunner().invoke(command, [*options, *common])


@pytest.mark.parametrize(("kind", "hidden"), [("planes", (64, 32)), ("latents", (48, 4)), ("blocks", (0, 0))])
def test_each_kind_has_its_trainer(
    kind: str, hidden: tuple[int, int], asked: list[Any], tmp_path: Path
) -> None:
    result = run(tmp_path, "--kind", kind, "--workers", "3", "--weights", "w")
    assert result.exit_code == 0 and "12.35 %" in result.output and "wrote w/new.npz" in result.output
    assert asked == [
        Settings(tmp_path, Path("checkpoints"), hidden=hidden, workers=3),
        ({}, Path("w"), "mine", 1000, kind),
    ]


def test_options_reach_the_trainer(asked: list[Any], tmp_path: Path) -> None:
    sizes = ["--variants", "3", "--steps", "40", "--batch", "16", "--hidden", "5", "6"]
    assert run(tmp_path, *sizes, "--device", "cuda", "--work", "w").exit_code == 0
    assert asked[0] == Settings(tmp_path, Path("w"), 3, 40, (5, 6), 16, "cuda")
    assert run(tmp_path, "--improve", "best").exit_code == 0
    assert asked[2].improve == "best"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--kind blocks --hidden 8 8", "--hidden does not apply to models of blocks"),
        ("--kind blocks --device cuda", "--device does not apply to models of blocks"),
        ("--kind latents --improve best", "--improve does not apply to models of latents"),
        ("--kind latents --batch 4", "--batch does not apply to models of latents"),
        ("--improve best --hidden 8 8", "keeps the widths"),
    ],
)
def test_options_that_do_not_apply_are_refused(
    options: str, message: str, asked: list[Any], tmp_path: Path
) -> None:
    result = run(tmp_path, *options.split())
    assert result.exit_code == 2 and message in result.output and not asked


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--hidden 0 0", "0 is not in the range"),
        ("--hidden -1 5", "-1 is not in the range"),
        ("--hidden 5 4097", "4097 is not in the range"),
        ("--kind latents --hidden 8 0", "0 is not in the range"),
    ],
)
def test_widths_of_no_network_are_refused(
    options: str, message: str, asked: list[Any], tmp_path: Path
) -> None:
    result = run(tmp_path, *options.split())
    assert result.exit_code == 2 and message in result.output and not asked


@pytest.mark.parametrize("name", ["", "../mine", "a/b", "a\\b"])
def test_names_of_other_folders_are_refused(name: str, asked: list[Any], tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--data", str(tmp_path), "--name", name, "--id", "1000"])
    assert result.exit_code == 2 and "no slashes" in result.output and not asked


def test_a_name_that_is_taken_is_refused_before_training(asked: list[Any], tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"models": [{"id": 4, "name": "mine"}]}')
    result = run(tmp_path, "--weights", str(tmp_path))
    assert isinstance(result.exception, UsageError) and "permanent" in str(result.exception) and not asked
