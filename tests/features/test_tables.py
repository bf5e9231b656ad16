"""The integer tables, compared with the functions that they approximate."""

import numpy as np

from jrecomp.features.tables import make

TABLES = make()


def test_log2_is_near_and_monotone() -> None:
    values = np.unique(np.concatenate([np.arange(1, 5000), 2 ** np.arange(0, 52), 2 ** np.arange(1, 52) - 1]))
    logs = TABLES.log2_of(values)
    assert (np.diff(logs) >= 0).all()
    assert np.abs(logs - 16 * np.log2(values)).max() < 1.3


def test_log_and_tanh_are_odd_and_in_range() -> None:
    n = np.array([0, 1, 16, 100, 4095, 99999])
    assert (TABLES.log_of(-n) == -TABLES.log_of(n)).all() and (TABLES.tanh_of(-n) == -TABLES.tanh_of(n)).all()
    assert TABLES.log_of(n).tolist() == [0, 1, 16, 46, 127, 127]
    assert TABLES.tanh_of(n).max() == 127
