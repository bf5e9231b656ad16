"""Coding of the values of a slice, given the logits of their decisions."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from jrecomp.array_types import Bool, Int16, Int64, UInt16
from jrecomp.model.adaptation import Adaptation, AdaptiveDecider, BinaryCoder
from jrecomp.model.symbols import ALL_OUTPUTS, code_last, code_values

CHUNK = 128
"""Number of blocks whose decisions are coded together. Adaptation happens between chunks."""


class SliceCoder(Protocol):
    """Encoder or decoder of the values of a slice, phase by phase."""

    def select(self, component: int) -> None:
        """Code a component from now on, with the adaptation to what was coded of it."""
        ...

    def values(self, plane: int, logits: Int16, truth: Int64 | None, known_nonzero: Bool) -> Int64:
        """Code the values of a phase of a plane.

        plane: 0 for DC, 1 to 63 for AC. logits: int16 [outputs, n]. truth: the values to encode, int64 [n];
        None to decode. known_nonzero: bool [n], where 0 is impossible.
        Returns the values, int64 [n].
        """
        ...

    def last(self, logits: Int16, truth: Int64 | None) -> Int64:
        """Code the indices of last non-zero AC coefficients of a phase; arguments as for values()."""
        ...


class _Learned:
    """The adaptation to a component. plane: the AC plane that is coded."""

    def __init__(self, sigmoid: UInt16) -> None:
        self.dc, self.ac, self.last = (Adaptation(sigmoid) for _ in range(3))
        self.plane = 1


class NumpyCoder:
    """The reference implementation of SliceCoder.

    sigmoid: the model's table of probabilities. coder: encodes or decodes decisions.
    """

    def __init__(self, sigmoid: UInt16, coder: BinaryCoder) -> None:
        self._sigmoid, self._coder = sigmoid, coder
        self._components: dict[int, _Learned] = {}
        self.select(0)

    def select(self, component: int) -> None:
        """See SliceCoder."""
        if component not in self._components:
            self._components[component] = _Learned(self._sigmoid)
        self._learned = self._components[component]

    def values(self, plane: int, logits: Int16, truth: Int64 | None, known_nonzero: Bool) -> Int64:
        """See SliceCoder."""
        learned = self._learned
        for _ in range(learned.plane, plane):
            learned.ac.fade()
        learned.plane = max(learned.plane, plane)
        adaptation = learned.ac if plane else learned.dc
        values = np.empty(len(known_nonzero), np.int64)
        for c in _chunks(len(known_nonzero)):
            decider = self._decider(logits[:, c], adaptation)
            values[c] = code_values(decider, None if truth is None else truth[c], known_nonzero[c])
            adaptation.refresh()
        return values

    def last(self, logits: Int16, truth: Int64 | None) -> Int64:
        """See SliceCoder."""
        values = np.empty(logits.shape[1], np.int64)
        for c in _chunks(len(values)):
            decider = self._decider(logits[:, c], self._learned.last)
            values[c] = code_last(decider, None if truth is None else truth[c], len(values[c]))
            self._learned.last.refresh()
        return values

    def _decider(self, predicted: Int16, adaptation: Adaptation) -> AdaptiveDecider:
        logits = np.zeros((ALL_OUTPUTS, predicted.shape[1]), np.int16)
        logits[: len(predicted)] = predicted
        return AdaptiveDecider(logits, adaptation, self._coder)


def _chunks(count: int) -> Iterator[slice]:
    for start in range(0, count, CHUNK):
        yield slice(start, start + CHUNK)
