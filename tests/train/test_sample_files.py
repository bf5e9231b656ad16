"""Samples of parts of a corpus in files, and other things that a training leaves."""

from pathlib import Path

import numpy as np
import pytest

from jrecomp.train import checkpoints, corpus, sample_files
from jrecomp.train.checkpoints import completed
from jrecomp.train.corpus import Corpus, CorpusPart
from jrecomp.train.recipes import Recipe
from jrecomp.train.sample_files import Found
from jrecomp.train.schedule import learning_rate

LAYOUT: sample_files.Layout = [("x", np.int8, (3,)), ("target", np.int32, ()), ("none", np.int16, (0,))]
"""Also of a field that has nothing in it."""


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """Three parts."""
    monkeypatch.setattr(corpus, "PART_RECIPES", 2)
    return Corpus([Recipe(None, seed, 50) for seed in range(6)], [])


def collect(part: CorpusPart) -> Found:
    """Two pieces of a file in each part, and another file in the last."""
    found = Found(list)
    for recipe in part.recipes:
        target = np.arange(recipe.seed + 1, dtype=np.int32)
        x = np.full((len(target), 3), recipe.seed, np.int8)
        found["all"].append({"x": x, "target": target, "none": np.zeros((len(target), 0), np.int16)})
    if part.number == 2:
        found["last"] = found["all"]
    return found


def test_samples_are_read_in_their_order(source: Corpus, tmp_path: Path) -> None:
    sample_files.gather(source, collect, 2, tmp_path)
    fields = sample_files.read(tmp_path, "all", LAYOUT)
    assert fields is not None
    assert {name: (a.dtype, a.shape[1:]) for name, a in fields.items()} == {
        name: (np.dtype(kind), shape) for name, kind, shape in LAYOUT
    }
    assert fields["target"].tolist() == [n for seed in range(6) for n in range(seed + 1)]
    assert fields["x"][:, 2].tolist() == [seed for seed in range(6) for _ in range(seed + 1)]
    rare = sample_files.read(tmp_path, "last", LAYOUT)
    assert rare is not None and len(rare["target"]) == 5 + 6
    assert sample_files.read(tmp_path, "never", LAYOUT) is None


def test_no_more_is_read_than_asked_for(source: Corpus, tmp_path: Path) -> None:
    """But for the rest of a file."""
    sample_files.gather(source, collect, 1, tmp_path)
    fields = sample_files.read(tmp_path, "all", LAYOUT, 4)
    assert fields is not None and len(fields["target"]) == 1 + 2 + 3 + 4


def test_gathering_goes_on_where_it_was(source: Corpus, tmp_path: Path) -> None:
    """What an interrupted run left of a part does not count."""
    (tmp_path / "00001.partial").mkdir(parents=True)
    (tmp_path / "00001.partial" / "all").write_bytes(b"half")
    done = Corpus(source.recipes[:2], [])
    sample_files.gather(done, collect, 1, tmp_path)
    before = (tmp_path / "00000" / "all").stat().st_mtime_ns
    sample_files.gather(source, collect, 1, tmp_path)
    assert (tmp_path / "00000" / "all").stat().st_mtime_ns == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000", "00001", "00002"]
    fields = sample_files.read(tmp_path, "all", LAYOUT)
    assert fields is not None and len(fields["target"]) == 21


def test_nobody_sees_half_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with pytest.raises(KeyError), completed(path) as place:
        place.write_text("half")
        raise KeyError
    assert not path.exists()
    with completed(path) as place:
        place.write_text("all")
        assert not path.exists()
    assert path.read_text() == "all" and list(tmp_path.iterdir()) == [path]


def test_layers_are_read_as_they_were(tmp_path: Path) -> None:
    layers = [(np.full((2, 3), n, np.int8), np.full(2, -n, np.int32)) for n in range(12)]
    checkpoints.save_layers(tmp_path / "some", layers)
    again = checkpoints.read_layers(tmp_path / "some")
    for (w, b), (v, c) in zip(layers, again, strict=True):
        assert np.array_equal(w, v) and np.array_equal(b, c) and (v.dtype, c.dtype) == (w.dtype, b.dtype)


def test_the_learning_rate_rises_then_falls() -> None:
    rates = [learning_rate(2.0, n / 1000) for n in range(1001)]
    top = rates.index(max(rates))
    assert 0 < rates[0] < 0.03 and 15 <= top <= 25 and 1.99 < rates[top] < 2
    assert rates[500] == pytest.approx(1) and rates[1000] == pytest.approx(0)
    assert rates[:top] == sorted(rates[:top]) and rates[top:] == sorted(rates[top:], reverse=True)
