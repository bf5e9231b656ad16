"""Training samples in files: for each part of a corpus a folder with a file for each network.

A file consists of records of a structured dtype of NumPy. A record has all fields of a sample.
"""

import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from jrecomp.train.checkpoints import completed
from jrecomp.train.corpus import Corpus, CorpusPart, results

Fields = Mapping[str, npt.NDArray[Any]]
"""The fields of n samples by name: arrays [n, ...]."""

Found = defaultdict[str, list[Fields]]
"""Samples by file name."""

Layout = list[tuple[str, type[np.generic], tuple[int, ...]]]
"""Name, type and shape of each field of a sample."""


def gather(source: Corpus, collect: Callable[[CorpusPart], Found], workers: int, folder: Path) -> None:
    """Write the samples of a corpus, except for parts that exist already."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [part for part in source.parts() if not _path(folder, part).is_dir()]
    write = partial(_write, folder, collect)
    for done, _ in enumerate(results(write, missing, workers), 1):
        print(f"{folder.name}: part {done} of {len(missing)}", flush=True)


def _path(folder: Path, part: CorpusPart) -> Path:
    return folder / f"{part.number:05}"


def _write(folder: Path, collect: Callable[[CorpusPart], Found], part: CorpusPart) -> None:
    with completed(_path(folder, part)) as place:
        shutil.rmtree(place, ignore_errors=True)  # left by an interrupted run
        place.mkdir()
        for name, pieces in collect(part).items():
            with (place / name).open("wb") as file:
                for piece in pieces:
                    records(piece).tofile(file)


def records(fields: Fields) -> npt.NDArray[np.void]:
    """The samples as records."""
    layout = [(name, array.dtype, array.shape[1:]) for name, array in fields.items()]
    result = np.empty(len(next(iter(fields.values()))), layout)
    for name, array in fields.items():
        result[name] = array
    return result


def read(folder: Path, name: str, layout: Layout, most: int | None = None) -> Fields | None:
    """The samples in all files of a name, about `most` at most; None if there are none."""
    found, count = [], 0
    for path in sorted(folder.glob(f"?????/{name}")):
        found.append(np.fromfile(path, layout))
        count += len(found[-1])
        if most is not None and count >= most:
            break
    if not found:
        return None
    return {field: np.concatenate([part[field] for part in found]) for field, _, _ in layout}
