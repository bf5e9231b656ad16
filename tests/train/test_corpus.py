"""Recipes of training pictures, on sources that the test draws."""

from collections import Counter
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jrecomp.train import corpus
from jrecomp.train import pictures as making
from jrecomp.train.corpus import Corpus, CorpusPart, corpora, results
from jrecomp.train.pictures import LARGEST, Picture, camera_tables, pictures, realise
from jrecomp.train.recipes import (
    DRAWINGS,
    DRAWINGS_HELD_OUT,
    QUALITIES,
    Recipe,
    training_recipes,
    validation_recipes,
)
from jrecomp.train.settings import Settings


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
    recipes = training_recipes(data, 3, 1)
    assert recipes == training_recipes(data, 3, 1) != training_recipes(data, 3, 2)
    assert validation_recipes(data) == validation_recipes(data)
    cameras = camera_tables(recipes)
    first, again = (list(pictures(recipes, cameras)) for _ in range(2))
    assert len(first) == len(recipes) and all(map(same, first, again))


def test_recipes_of_a_source_follow_one_another(data: Path) -> None:
    recipes = training_recipes(data, 3, 1)
    paths = [path for path, _ in groupby(r.path for r in recipes if r.path)]
    assert len(paths) == len(set(paths)) and paths != sorted(paths)


def test_a_picture_does_not_depend_on_those_before_it(data: Path) -> None:
    recipes = training_recipes(data, 2, 1)
    forward = list(pictures(recipes, []))
    backward = list(pictures(recipes[::-1], []))
    assert all(map(same, forward, backward[::-1]))


def test_all_samplings_and_qualities_occur(data: Path) -> None:
    path = data / "train" / "clean" / "1.webp"
    samplings: Counter[tuple[tuple[int, int], ...]] = Counter()
    for picture in pictures([Recipe(path, seed, 60) for seed in range(150)], []):
        samplings[tuple((c.vertical, c.horizontal) for c in picture.file.frame.components)] += 1
    chroma = [(1, 1), (1, 1)]
    assert set(samplings) == {((1, 1),), *(((v, h), *chroma) for v in (1, 2) for h in (1, 2))}
    qualities = [r.quality for r in training_recipes(data, 60, 1) if r.quality is not None]
    assert min(qualities) == 25 and max(qualities) == 100
    assert 0.32 < np.mean([85 <= q <= 97 for q in qualities]) < 0.44


def test_some_pictures_have_dead_zones(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(data / "train" / "clean" / "1.webp", 5, 70)
    monkeypatch.setattr(making, "DEAD_ZONES", 0.0)
    plain = realise(recipe, [])
    monkeypatch.setattr(making, "DEAD_ZONES", 1.0)
    changed = realise(recipe, [])
    for new, old in zip(changed.file.frame.components, plain.file.frame.components, strict=True):
        assert np.array_equal(new.quantization, old.quantization)
    assert 0 < changed.scan_bytes < plain.scan_bytes


@pytest.mark.parametrize("size", [(24, 24), (17, 90), (641, 70), (1300, 700)])
def test_cuts_are_inside_the_picture_and_not_too_large(size: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "source.jpg"
    Image.effect_noise(size, 50).save(path)
    made = list(pictures([Recipe(path, seed, 90) for seed in range(12)], []))
    assert len({(p.file.frame.width, p.file.frame.height) for p in made}) >= 2
    assert all(max(p.file.frame.width, p.file.frame.height) <= LARGEST for p in made)


def test_drawings_are_a_share_of_the_recipes_and_others_for_validation(data: Path) -> None:
    recipes = [r for r in training_recipes(data, 20, 1) if r.quality is not None]
    drawn = {r for r in recipes if r.path is None}
    assert len(drawn) / len(recipes) == pytest.approx(DRAWINGS, abs=0.01)
    held_out = [r for r in validation_recipes(data) if r.label == "drawings"]
    assert len(held_out) == len(list(pictures(held_out, []))) == len(DRAWINGS_HELD_OUT)
    assert not {r.seed for r in drawn} & {r.seed for r in held_out}


def test_labels_tell_the_kinds_of_validation_pictures(data: Path) -> None:
    (data / "train" / "jpeg" / "uikit.jpg").write_bytes((data / "train" / "jpeg" / "0.jpg").read_bytes())
    labels = {r.label for r in validation_recipes(data)}
    assert labels == {"real files", "drawings", *(f"quality {q}" for q in QUALITIES)}


def test_parts_make_up_the_corpus(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "PART_RECIPES", 4)
    training, held_out = corpora(Settings(data, data, variants=2))
    parts = training.parts()
    assert [part.number for part in parts] == list(range(len(parts)))
    assert [recipe for part in parts for recipe in part.recipes] == list(training.recipes)
    assert {len(part.recipes) for part in parts[:-1]} == {4} and training.cameras == held_out.cameras
    assert len(training.every(5).recipes) == -(-len(training.recipes) // 5)
    again = [picture for part in held_out.parts() for picture in part.pictures()]
    assert all(same(a, b) for a, (_, b) in zip(again, held_out.labelled(), strict=True))


def number_of(part: CorpusPart) -> int:
    return part.number


def test_results_come_in_the_order_of_parts() -> None:
    parts = [CorpusPart(number, [], []) for number in range(20)]
    assert list(results(number_of, parts, 3)) == list(range(20))
    assert Corpus([], []).parts() == []
