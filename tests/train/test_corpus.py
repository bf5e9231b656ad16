"""Recipes of training pictures, on sources that the test draws."""

from collections import Counter
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jrecomp.train import corpus
from jrecomp.train.corpus import Picture, Recipe


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for folder, suffix in (("jpeg", "jpg"), ("clean", "webp")):
        (tmp_path / "train" / folder).mkdir(parents=True)
        for number in range(6):
            pixels = rng.integers(0, 256, (12, 16, 3)).astype(np.uint8)
            image = Image.fromarray(pixels).resize((200, 150), Image.Resampling.BICUBIC)
            image.save(tmp_path / "train" / folder / f"{number}.{suffix}", quality=88)
    return tmp_path


def same(a: Picture, b: Picture) -> bool:
    arrays = zip(a.file.coefficients, b.file.coefficients, strict=True)
    return a.scan_bytes == b.scan_bytes and all(np.array_equal(x, y) for x, y in arrays)


def test_recipes_and_pictures_follow_from_the_seed(data: Path) -> None:
    recipes = corpus.training_recipes(data, 3, 1)
    assert recipes == corpus.training_recipes(data, 3, 1) != corpus.training_recipes(data, 3, 2)
    assert corpus.validation_recipes(data) == corpus.validation_recipes(data)
    cameras = corpus.camera_tables(recipes)
    first, again = (list(corpus.pictures(recipes, cameras)) for _ in range(2))
    assert len(first) == len(recipes) and all(map(same, first, again))


def test_lossy_recompression_changes_a_share(data: Path) -> None:
    """The others are as they are without it."""
    plain, recipes = (corpus.training_recipes(data, 3, 1, share) for share in (0, 0.5))
    changed = [recipe.requantized is not None for recipe in recipes]
    assert 0.2 * len(recipes) < sum(changed) < 0.8 * len(recipes)
    assert [replace(recipe, requantized=None) for recipe in recipes] == plain
    cameras = corpus.camera_tables(plain)
    fewer = 0
    for recipe, before in zip(recipes, plain, strict=True):
        old, new = corpus.realise(before, cameras), corpus.realise(recipe, cameras)
        assert new.scan_bytes <= old.scan_bytes
        assert recipe.requantized or same(old, new)
        fewer += new.scan_bytes < old.scan_bytes
    assert fewer > 0.7 * sum(changed)


def test_recipes_of_a_source_follow_one_another(data: Path) -> None:
    recipes = corpus.training_recipes(data, 3, 1)
    paths = [path for path, _ in groupby(r.path for r in recipes if r.path)]
    assert len(paths) == len(set(paths)) and paths != sorted(paths)


def test_a_picture_does_not_depend_on_those_before_it(data: Path) -> None:
    recipes = corpus.training_recipes(data, 2, 1)
    forward = list(corpus.pictures(recipes, []))
    backward = list(corpus.pictures(recipes[::-1], []))
    assert all(map(same, forward, backward[::-1]))


def test_all_samplings_and_qualities_occur(data: Path) -> None:
    path = data / "train" / "clean" / "1.webp"
    samplings: Counter[tuple[tuple[int, int], ...]] = Counter()
    for picture in corpus.pictures([Recipe(path, seed, 60) for seed in range(150)], []):
        samplings[tuple((c.vertical, c.horizontal) for c in picture.file.frame.components)] += 1
    chroma = [(1, 1), (1, 1)]
    assert set(samplings) == {((1, 1),), *(((v, h), *chroma) for v in (1, 2) for h in (1, 2))}
    qualities = [r.quality for r in corpus.training_recipes(data, 60, 1) if r.quality is not None]
    assert min(qualities) == 25 and max(qualities) == 100
    assert 0.32 < np.mean([85 <= q <= 97 for q in qualities]) < 0.44


def test_some_pictures_have_dead_zones(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(data / "train" / "clean" / "1.webp", 5, 70)
    monkeypatch.setattr(corpus, "DEAD_ZONES", 0.0)
    plain = corpus.realise(recipe, [])
    monkeypatch.setattr(corpus, "DEAD_ZONES", 1.0)
    changed = corpus.realise(recipe, [])
    for new, old in zip(changed.file.frame.components, plain.file.frame.components, strict=True):
        assert np.array_equal(new.quantization, old.quantization)
    assert 0 < changed.scan_bytes < plain.scan_bytes


@pytest.mark.parametrize("size", [(24, 24), (17, 90), (641, 70), (1300, 700)])
def test_cuts_are_inside_the_picture_and_not_too_large(size: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "source.jpg"
    Image.effect_noise(size, 50).save(path)
    made = list(corpus.pictures([Recipe(path, seed, 90) for seed in range(12)], []))
    assert len({(p.file.frame.width, p.file.frame.height) for p in made}) >= 2
    assert all(max(p.file.frame.width, p.file.frame.height) <= corpus.LARGEST for p in made)


def test_drawings_are_a_share_of_the_recipes_and_others_for_validation(data: Path) -> None:
    recipes = [r for r in corpus.training_recipes(data, 20, 1) if r.quality is not None]
    drawn = {r for r in recipes if r.path is None}
    assert len(drawn) / len(recipes) == pytest.approx(corpus.DRAWINGS, abs=0.01)
    held_out = [r for r in corpus.validation_recipes(data) if r.label == "drawings"]
    assert len(held_out) == len(list(corpus.pictures(held_out, []))) == len(corpus.DRAWINGS_HELD_OUT)
    assert not {r.seed for r in drawn} & {r.seed for r in held_out}


def test_labels_tell_the_kinds_of_validation_pictures(data: Path) -> None:
    (data / "train" / "jpeg" / "uikit.jpg").write_bytes((data / "train" / "jpeg" / "0.jpg").read_bytes())
    labels = {r.label for r in corpus.validation_recipes(data)}
    assert labels == {"real files", "drawings", *(f"quality {q}" for q in corpus.QUALITIES)}
