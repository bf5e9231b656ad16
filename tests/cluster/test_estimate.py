"""Estimates of time, costs and savings."""

import pytest

from jrecomp.cluster.estimate import COMPRESS, DECOMPRESS, SAVING, Prices, estimate
from jrecomp.cluster.storage import Entry

PRICES = Prices(core_hour=0.04, gb_month=0.023)


def test_a_terabyte() -> None:
    found = estimate("compress", "default", [Entry("x.jpg", 10**9)] * 1000, PRICES)
    assert (found.files, found.bytes, found.saved_bytes) == (1000, 10**12, round(10**12 * SAVING["default"]))
    assert found.core_hours == pytest.approx(10**12 / COMPRESS["default"] / 3600)
    assert found.compute_dollars == pytest.approx(found.core_hours * 0.04)
    assert found.request_dollars == pytest.approx(1000 * (3 * 0.0004 + 0.005) / 1000)
    assert found.dollars_per_month == pytest.approx(SAVING["default"] * 1000 * 0.023)
    assert found.months == pytest.approx(
        (found.compute_dollars + found.request_dollars) / found.dollars_per_month
    )


def test_containers_are_measured_by_their_originals() -> None:
    found = estimate("verify", "fast", [Entry("x.jrc", round(1000 * (1 - SAVING["fast"])))], PRICES)
    assert (found.bytes, found.saved_bytes, found.months) == (1000, 0, None)
    assert found.core_hours == pytest.approx(1000 / DECOMPRESS["fast"] / 3600)


def test_nothing_and_other_models() -> None:
    nothing = estimate("compress", "default", [], PRICES)
    assert (nothing.files, nothing.months) == (0, None)
    other = estimate("compress", "mine", [Entry("x.jpg", 1000)], PRICES)
    assert other == estimate("compress", "default", [Entry("x.jpg", 1000)], PRICES)
