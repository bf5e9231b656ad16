"""The ablations on a handful of pictures; needs torch (extra `train`)."""

import numpy as np
import pytest

from jrecomp.model import Model
from jrecomp.planes.ac import width
from jrecomp.planes.store import AC_INPUTS
from jrecomp.planes.tables import make
from tests.model.conftest import data_folder, random_file

pytest.importorskip("torch", reason="training needs torch: pip install jrecomp[train]")
pytest.importorskip("matplotlib", reason="training draws: pip install jrecomp[train]")

from jrecomp.train import run, samples
from jrecomp.train.ablations import latents, networks, orders, report


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> run.Settings:
    path = tmp_path_factory.mktemp("ablations")
    settings = run.Settings(data_folder(path / "data", (96, 128)), path / "work", 1, 1, (8, 8), workers=1)
    run.train(settings)
    return settings


def test_taking_inputs_away_is_seen(settings: run.Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "KEYS", ((0, 1), (2, 3)))
    header, _, first, *rows = cells(networks.context(settings.work, 60, 1))
    assert header[1:] == ["first, AC 1", "other, AC 3"] and first[0] == "all inputs (bits)"
    changes = {row[0]: row[1:] for row in rows}
    assert changes["without the block's own coefficients"][0] == ""  # AC 1 comes first
    assert changes["without other components"][0] == ""
    assert float(changes["without other components"][1]) > 1
    assert float(changes["without linear prediction"][0]) > 0


def test_every_input_is_of_one_kind() -> None:
    for plane, references in ((2, 0), (9, 1), (40, 2)):
        kinds = networks.inputs(plane, references)
        apart = {"the second pass (neighbours' own plane k)", "local slopes"}
        columns = np.concatenate([c for name, c in kinds.items() if name not in apart])
        phase = len(AC_INPUTS[plane].plane) + 1
        assert sorted([*columns.tolist(), phase]) == list(range(width(plane, references)))


def test_depth_and_grouping_compare_networks(settings: run.Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "KEYS", ((0, 2),))
    monkeypatch.setattr(networks, "GROUPS", (range(1, 4),))
    depths = cells(networks.depth(settings.work, 3, 1))
    assert [row[0] for row in depths[3:]] == list(networks.DEPTHS)[1:]
    groups = cells(networks.grouping(settings.work, 3, 1))
    assert groups[0][1:] == ["AC 1-3"] and len(groups) == 5 and float(groups[2][1]) > 0


def test_orders_differ_in_what_dc_knows(settings: run.Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "ORDERS", {"first": [0, 1, 2], "last": [1, 2, 0]})
    monkeypatch.setattr(orders, "PLANES", 3)
    rows = cells(orders.orders(run.corpora(settings, make()), 60, 1))
    assert rows[2][0] == "first (bits a block)" and float(rows[3][1]) != 0


def test_latents_come_to_the_blocks_that_are_coded(random_model: Model) -> None:
    file = random_file([(1, 1)], 6, 9)
    shares = [[1.0] * 65] * 3
    collected = random_model.engine.collect(samples.steps_and_blocks(file), shares, 0)[0]
    for plane in (1, 8, 20):
        rows, columns = latents.places(file.coefficients[0], plane)
        assert file.coefficients[0][rows, columns, plane].tolist() == collected[plane][1].tolist()


def test_latents_are_compared(settings: run.Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latents, "PLANES", (1, 20))
    source = run.corpora(settings, make())
    linear = run.linear_predictions(settings, make())
    rows = cells(latents.latents(source, linear, 3, 1))
    assert rows[0][1:] == ["AC 1", "AC 20"] and [row[0] for row in rows[2:]][1] == "with latents"


def test_tables_tell_changes_in_percent() -> None:
    table = report.table("what", ["a", "b"], {"x": [2.0, 4.0], "y": [1.0, float("nan")]}, "bits")
    assert cells(table)[2:] == [["x (bits)", "2.0000", "4.0000"], ["y", "-50.00", ""]]
