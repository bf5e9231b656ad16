"""Inputs, depth and grouping, on the samples that a training left in its work folder."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from jrecomp.model.symbols import VALUE_OUTPUTS
from jrecomp.planes.ac import PER_REFERENCE, SCALARS
from jrecomp.planes.store import AC_INPUTS, AROUND, DIFFERENCE
from jrecomp.planes.zigzag import COLUMN, ROW
from jrecomp.train import samples
from jrecomp.train.ablations.report import Trial, bits, table, thinned
from jrecomp.train.samples import Key, Samples

TRAIN, VALID = 300_000, 60_000
"""Samples of a trial."""

KEYS: tuple[Key, ...] = ((0, 1), (0, 3), (0, 8), (0, 20), (1, 1), (1, 5), (2, 1), (2, 5))
HIDDEN = (64, 32)

DEPTHS = {
    "64, 32": (64, 32),
    "64 alone": (64,),
    "64, 32, 32": (64, 32, 32),
    "32, 32": (32, 32),
    "128, 64": (128, 64),
    "256, 96": (256, 96),
}
GROUPS = (range(1, 4), range(6, 10), range(15, 21), range(28, 36))
"""Planes of the first component that could share a network."""

Columns = npt.NDArray[np.intp]


def inputs(plane: int, references: int) -> dict[str, Columns]:
    """The columns of samples.x that hold each kind of input of an AC plane (docs/format/model.md, 5)."""
    known = AC_INPUTS[plane]
    coefficient, count = known.plane < DIFFERENCE, len(known.plane)
    neighbour = coefficient & (known.side >= 0)
    direct = neighbour & np.isin(known.side, [i for i, (dy, dx) in enumerate(AROUND) if not (dy and dx)])
    groups = {
        "the block's own coefficients": np.flatnonzero(coefficient & (known.side < 0)),
        "neighbours' coefficients": np.flatnonzero(neighbour),
        "DC differences": np.flatnonzero(~coefficient),
        "the second pass (neighbours' own plane k)": np.array(
            [*np.flatnonzero(direct & (known.plane == plane)), count + 13]
        ),
        "quantization step": np.array([count]),
        "`last`": count + np.arange(2, 11),
        "energies": count + np.arange(11, 14),
        "linear prediction": count + np.arange(14, 23),
    }
    starts = [count + SCALARS + PER_REFERENCE * number for number in range(references)]
    if starts:
        groups["other components"] = np.concatenate([start + np.arange(PER_REFERENCE) for start in starts])
        groups["local slopes"] = np.concatenate([start + np.arange(7, PER_REFERENCE) for start in starts])
    return groups


def _read(work: Path, key: Key) -> tuple[Samples, Samples]:
    train, valid = (samples.read(work / part, key) for part in ("train", "valid"))
    assert train is not None and valid is not None
    return thinned(train, TRAIN), thinned(valid, VALID)


def _without(source: Samples, columns: Columns) -> Samples:
    x = source.x.copy()
    x[:, columns] = 0
    return Samples(x, source.target, source.sure)


def _name(key: Key) -> str:
    return f"{('first', 'second', 'other')[key[0]]}, AC {key[1]}"


def context(work: Path, steps: int, workers: int) -> str:
    """A table of what a network loses when a kind of input is taken away."""
    rows: dict[str, list[float]] = {}
    kinds = list(inputs(2, 2))
    for key in KEYS:
        train, valid = _read(work, key)
        groups = inputs(key[1], key[0])
        here = {"all inputs": np.array([], np.intp)} | {k: groups[k] for k in kinds if len(groups.get(k, ()))}
        trials = [
            Trial(key[1], HIDDEN, VALUE_OUTPUTS, _without(train, c), _without(valid, c), steps)
            for c in here.values()
        ]
        found = dict(zip(here, bits(trials, workers), strict=True))
        for name in ("all inputs", *kinds):
            label = name if name == "all inputs" else f"without {name}"
            rows.setdefault(label, []).append(found.get(name, np.nan) / len(valid.target))
    return table("inputs", [_name(key) for key in KEYS], rows, "bits")


def depth(work: Path, steps: int, workers: int) -> str:
    """A table of widths and numbers of hidden layers."""
    rows: dict[str, list[float]] = {name: [] for name in DEPTHS}
    for key in KEYS:
        train, valid = _read(work, key)
        trials = [Trial(key[1], hidden, VALUE_OUTPUTS, train, valid, steps) for hidden in DEPTHS.values()]
        for name, found in zip(DEPTHS, bits(trials, workers), strict=True):
            rows[name].append(found / len(valid.target))
    return table("hidden layers", [_name(key) for key in KEYS], rows, "bits")


def grouping(work: Path, steps: int, workers: int) -> str:
    """A table of networks that several planes share, in as many steps as one for each has altogether."""
    rows: dict[str, list[float]] = {
        "a network for each plane": [],
        "one for all": [],
        "one, twice as wide": [],
    }
    for group in GROUPS:
        pairs = [_read(work, (0, plane)) for plane in group]
        own = [Trial(k, HIDDEN, VALUE_OUTPUTS, *pair, steps) for k, pair in zip(group, pairs, strict=True)]
        place = _union(group)
        train, valid = (_joined([pair[side] for pair in pairs], group, place) for side in (0, 1))
        shared = [
            Trial(group[0], hidden, VALUE_OUTPUTS, train, valid, steps * len(group))
            for hidden in (HIDDEN, (2 * HIDDEN[0], 2 * HIDDEN[1]))
        ]
        found = bits([*shared, *own], workers)
        for row, value in zip(rows.values(), (sum(found[2:]), *found[:2]), strict=True):
            row.append(value / len(valid.target))
    return table("first component", [f"AC {g[0]}-{g[-1]}" for g in GROUPS], rows, "bits")


def _places(plane: int) -> list[tuple[int, ...]]:
    """What the known values of a plane are, relative to it: side and difference in frequency."""
    known = AC_INPUTS[plane]
    return [
        (side, ROW[j] - ROW[plane], COLUMN[j] - COLUMN[plane]) if j < DIFFERENCE else (side, j)
        for j, side in zip(known.plane.tolist(), known.side.tolist(), strict=True)
    ]


def _union(group: Sequence[int]) -> Callable[[tuple[int, ...]], int]:
    every = sorted({place for plane in group for place in _places(plane)})
    return every.index


def _joined(parts: list[Samples], group: Sequence[int], place: Callable[[tuple[int, ...]], int]) -> Samples:
    """Samples of several planes with inputs of the same meaning in the same column, and which plane it is."""
    known = [[place(p) for p in _places(plane)] for plane in group]
    width = 1 + max(map(max, known))
    result = []
    for number, (part, columns) in enumerate(zip(parts, known, strict=True)):
        x = np.zeros((len(part.target), width + SCALARS + len(group)), np.int8)
        x[:, columns] = part.x[:, : len(columns)]
        x[:, width : width + SCALARS] = part.x[:, len(columns) :]
        x[:, width + SCALARS + number] = 64
        result.append(x)
    return Samples(
        np.concatenate(result),
        np.concatenate([part.target for part in parts]),
        np.concatenate([part.sure for part in parts]),
    )
