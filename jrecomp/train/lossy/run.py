"""Learning of a rule by gradients of rate and distortion.

It follows "Unified learning-based lossy and lossless JPEG recompression" (arXiv:2312.02705). In each turn,
estimates of rates (and of MS-SSIM) are fitted to files requantized by the current rule. Then the rule is
learned with these estimates. The rule after each turn is written to the work folder, and a run that was
interrupted continues from it if the same command is given again.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.optim import Adam

from jrecomp.lossy import OperatingPoint, Requantizer, Rule
from jrecomp.train import recipes
from jrecomp.train.checkpoints import completed
from jrecomp.train.lossy import similarity, validation
from jrecomp.train.lossy.estimate import Example, FittedRates, quality_of
from jrecomp.train.lossy.objective import Objective, Surrogate, numbers_of, rule_of
from jrecomp.train.pictures import pictures
from jrecomp.train.schedule import learning_rate

SEED = 1
SOURCES = 16
"""Number of clean pictures, of real files to re-encode, and of real files that are used without changes."""

TURNS = 4
BATCH = 4
PEAK = 0.02
"""Largest learning rate in the first turn; in each later turn it is half of that in the turn before."""

LEAST, LARGEST = 0.4, 25.0
"""Range of lambdas in learning, which corresponds to 38 dB and more."""

FITTED = (1.5, 5.0, 15.0)
"""Lambdas at which the estimates are fitted."""

SPAN = 1.5
"""Factor to the lambdas on both sides between which worth() takes the slope of a curve."""

START = {
    "mse": Rule(0, "start", (1.8, 1.25), 2.3, 2.5, 3.2, 1.2, 1.0),
    "ms-ssim": Rule(0, "start", (1.8, 1.25), 2.3, 2.5, 3.2, 1.2, 0.5),
}
"""Initial rules, with numbers set by hand."""


@dataclass(frozen=True)
class RuleSettings:
    """The options of `jrecomp train lossy`.

    data: folder with train/jpeg and train/clean. work: folder for checkpoints. distortion: mse or ms-ssim.
    steps: number of gradient steps in all turns together. surrogate: gradients of roundings.
    """

    data: Path
    work: Path
    distortion: str
    steps: int
    surrogate: Surrogate = Surrogate.STEPS


def train(settings: RuleSettings) -> Rule:
    """Learn a rule; it has no id yet."""
    folder = settings.work / f"lossy-{settings.distortion}-{settings.surrogate.value}-{settings.steps}"
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    examples, rule = _examples(settings.data), START[settings.distortion]
    for turn in range(TURNS):
        path = folder / f"{turn}.json"
        if not path.is_file():
            with completed(path) as place:
                place.write_text(json.dumps(asdict(_turn(settings, examples, rule, turn))))
        rule = _read(path)
        print(f"turn {turn + 1}/{TURNS}: {rule}", flush=True)
    return rule


def _read(path: Path) -> Rule:
    entry = json.loads(path.read_text())
    return Rule(**(entry | {"stay": tuple(entry["stay"])}))


def _examples(data: Path) -> list[Example]:
    """The files for learning: sources encoded at the qualities of validation, and real files."""
    rng = random.Random(SEED)
    real = [p for p in sorted((data / "train" / "jpeg").iterdir()) if not recipes.held_out(p)]
    clean = [
        p for i, p in enumerate(sorted((data / "train" / "clean").iterdir())) if i % recipes.CLEAN_HELD_OUT
    ]
    taken = [path for paths in (clean, real) for path in rng.sample(paths, min(SOURCES, len(paths)))]
    qualities = validation.QUALITIES
    wanted = [recipes.Recipe(p, rng.getrandbits(32), qualities[i % 3]) for i, p in enumerate(taken)]
    wanted += [recipes.Recipe(p, 0) for p in rng.sample(real, min(SOURCES, len(real)))]
    files = [picture.file for picture in pictures(wanted, [])]
    return [Example.of(file) for file in files]


def _turn(settings: RuleSettings, examples: Sequence[Example], rule: Rule, turn: int) -> Rule:
    """The rule after a turn."""
    estimate = FittedRates.fit(examples, rule, FITTED)
    sensitivity = torch.ones(2, 64)
    if settings.distortion == "ms-ssim":
        sensitivity = similarity.sensitivity(
            (e.file, Requantizer(e.file, rule).requantized(OperatingPoint.at(quality_of(e.file, lmbda))))
            for e in examples
            for lmbda in FITTED
        )
    objective = Objective(estimate.factors, sensitivity, settings.surrogate)
    numbers = numbers_of(rule).requires_grad_()
    optimizer = Adam([numbers], lr=PEAK)
    steps = settings.steps // TURNS
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(PEAK * 0.5**turn, step / steps)
        rng = random.Random(f"{turn} {step}")
        drawn = [rng.randrange(len(examples)) for _ in range(BATCH)]
        losses = [
            loss(
                replace(objective, factors=estimate.factors * estimate.scales[i]),
                examples[i],
                numbers,
                LEAST * (LARGEST / LEAST) ** rng.random(),
            )
            for i in drawn
        ]
        optimizer.zero_grad()
        torch.stack(losses).mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return rule_of(numbers.detach(), 0, settings.distortion)


def loss(objective: Objective, example: Example, numbers: Tensor, lmbda: float) -> Tensor:
    """Rate plus distortion, relative to the rate: a change of 0.01 is 1 % of the rate of any file."""
    bits, errors = objective(example.histograms, numbers, lmbda)
    return (bits + errors / worth(objective, example, numbers, lmbda)) / bits.detach()


@torch.no_grad()
def worth(objective: Objective, example: Example, numbers: Tensor, lmbda: float) -> float:
    """Squared error per bit: the slope of the rate-distortion curve of the rule at a lmbda.

    It is larger than the lmbda, because levels are chosen by the entropy of their histogram, and a model
    takes fewer bits than that.
    """
    points = [objective(example.histograms, numbers, lmbda * span) for span in (SPAN, 1 / SPAN)]
    (fewer, more_errors), (more, fewer_errors) = ((float(b), float(e)) for b, e in points)
    return (more_errors - fewer_errors) / (more - fewer) if more > fewer else lmbda


def export(rule: Rule, weights: Path, name: str, identifier: int) -> Path:
    """Add a rule to weights/lossy.json; raises ValueError if the name or the id is taken."""
    path = weights / "lossy.json"
    rules = json.loads(path.read_text())["rules"] if path.is_file() else []
    if any(identifier == entry["id"] or name == entry["name"] for entry in rules):
        raise ValueError(f"rule id {identifier} or name {name!r} is taken: ids are permanent")
    numbers = asdict(rule)
    del numbers["identifier"], numbers["name"]
    rules.append({"id": identifier, "name": name} | numbers)
    path.write_text(json.dumps({"rules": rules}, indent=2) + "\n")
    return path
