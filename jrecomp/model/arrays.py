"""What models of every kind are made of: the arrays of a weights file, and component classes."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy.typing as npt

from jrecomp.features.tables import Tables

Arrays = Mapping[str, npt.NDArray[Any]]
"""The arrays of a weights file by name."""

CLASSES = 3
"""Component classes: the first component, the second, all others; each sees components before it."""


def component_class(number: int) -> int:
    """The class of the component at this place in the frame header."""
    return min(number, CLASSES - 1)


@dataclass(frozen=True, eq=False)
class WeightsFile:
    """A permanent identifier, a name, and the arrays of a weights file.

    The arrays are NumPy's, or tensors to predict on a device.
    """

    identifier: int
    name: str
    arrays: Arrays

    @cached_property
    def tables(self) -> Tables:
        """The integer tables."""
        return Tables(**{field.name: self.arrays[field.name] for field in fields(Tables)})
