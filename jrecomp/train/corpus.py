"""A corpus of pictures, whose parts are processed in parallel."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TypeVar

from jrecomp.train.pictures import Picture, QuantizationTables, camera_tables, pictures
from jrecomp.train.recipes import Recipe, training_recipes, validation_recipes
from jrecomp.train.settings import Settings

SEED = 1
"""Seed of the recipes."""

PART_RECIPES = 60
"""Number of recipes in a part."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class CorpusPart:
    """The unit of work of a process. number: index of the part in its corpus."""

    number: int
    recipes: Sequence[Recipe]
    cameras: Sequence[QuantizationTables]

    def pictures(self) -> Iterator[Picture]:
        """The pictures of the part that can be modelled."""
        return pictures(self.recipes, self.cameras)


@dataclass(frozen=True)
class Corpus:
    """Recipes, and the quantization tables of cameras for re-encodings."""

    recipes: Sequence[Recipe]
    cameras: Sequence[QuantizationTables]

    def parts(self) -> list[CorpusPart]:
        """The parts of the corpus, with PART_RECIPES recipes each."""
        starts = range(0, len(self.recipes), PART_RECIPES)
        return [
            CorpusPart(number, self.recipes[start : start + PART_RECIPES], self.cameras)
            for number, start in enumerate(starts)
        ]

    def labelled(self) -> Iterator[tuple[str, Picture]]:
        """The pictures that can be modelled, each with its label."""
        for recipe in self.recipes:
            for picture in pictures([recipe], self.cameras):
                yield recipe.label, picture

    def every(self, step: int) -> "Corpus":
        """A corpus of every step-th recipe."""
        return Corpus(self.recipes[::step], self.cameras)


def corpora(settings: Settings) -> tuple[Corpus, Corpus]:
    """The corpora for training and for validation."""
    training = training_recipes(settings.data, settings.variants, SEED)
    cameras = camera_tables(training)
    return Corpus(training, cameras), Corpus(validation_recipes(settings.data), cameras)


def results(
    task: Callable[[CorpusPart], Result], parts: Sequence[CorpusPart], workers: int
) -> Iterator[Result]:
    """The results of a function for each part, in order, computed by several processes."""
    with get_context("fork").Pool(workers) as pool:
        yield from pool.imap(task, parts)
