"""Short trainings side by side, and their results as Markdown."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import torch

from jrecomp.train.fit import fit
from jrecomp.train.samples import Samples


@dataclass(frozen=True)
class Trial:
    """One network to train. hidden: its widths, one for each hidden layer; outputs: how many."""

    plane: int
    hidden: tuple[int, ...]
    outputs: int
    train: Samples
    valid: Samples
    steps: int


def bits(trials: Sequence[Trial], workers: int) -> list[float]:
    """Bits of each trial's validation samples, all together."""
    with get_context("fork").Pool(workers) as pool:
        return pool.map(_bits, trials, chunksize=1)


def _bits(trial: Trial) -> float:
    torch.set_num_threads(1)
    widths = (trial.train.x.shape[1], *trial.hidden, trial.outputs)
    shapes = list(zip(widths[1:], widths[:-1], strict=True))
    result = fit(trial.plane, shapes, trial.train, trial.valid, trial.steps, "cpu")
    return result.validation * len(trial.valid.target)


def thinned(samples: Samples, count: int) -> Samples:
    """At most `count` samples, evenly from all."""
    rows = np.linspace(0, len(samples.target) - 1, min(count, len(samples.target))).astype(int)
    return Samples(samples.x[rows], samples.target[rows], samples.sure[rows])


def table(title: str, columns: Sequence[str], rows: Mapping[str, Sequence[float]], unit: str) -> str:
    """A Markdown table: the first row's numbers, then every other row's change against it in percent."""
    lines = [f"| {title} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    names = list(rows)
    base = rows[names[0]]
    lines.append(f"| {names[0]} ({unit}) | {' | '.join(f'{value:.4f}' for value in base)} |")
    for name in names[1:]:
        changes = [
            "" if math.isnan(value) else f"{100 * (value / first - 1):+.2f}"
            for value, first in zip(rows[name], base, strict=True)
        ]
        lines.append(f"| {name} | {' | '.join(changes)} |")
    return "\n".join(lines)
