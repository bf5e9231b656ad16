"""What models of every kind have: arrays, tables and component classes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy.typing as npt

from jrecomp.features.tables import Tables

Arrays = Mapping[str, npt.NDArray[Any]]
"""The arrays of a weights file by name."""

CLASSES = 3
"""Number of component classes, which have their own weights: the first component, the second, all others."""


def component_class(number: int) -> int:
    """The class of a component; number: its index in the frame header."""
    return min(number, CLASSES - 1)


@dataclass(frozen=True, eq=False)
class Model:
    """A loaded weights file; base of the models of every kind.

    kind: one of weights.KINDS. identifier: permanent, as stored in containers. name: as in the manifest.
    arrays: NumPy arrays, or tensors on a device.
    """

    kind: ClassVar[str]
    identifier: int
    name: str
    arrays: Arrays

    @cached_property
    def tables(self) -> Tables:
        """The integer tables among the arrays."""
        return Tables(**{name: self.arrays[name] for name in Tables._fields})
