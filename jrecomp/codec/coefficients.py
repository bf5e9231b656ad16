"""Limits of coefficients."""

import numpy as np

from jrecomp.array_types import Int64
from jrecomp.errors import CorruptContainerError

HIGHEST = 63
"""The highest index of a coefficient."""

VALUE_LIMIT = 32767
"""Largest magnitude of a coefficient."""


def check_range(values: Int64) -> None:
    """Raise CorruptContainerError if the magnitude of a decoded coefficient exceeds VALUE_LIMIT."""
    if np.abs(values).max(initial=0) > VALUE_LIMIT:
        raise CorruptContainerError("damaged container: a coefficient is out of range")
