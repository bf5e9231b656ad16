"""What calls tell besides their results: notes and progress."""

from collections.abc import Callable
from typing import NamedTuple

from jrecomp.info import RestoredLikeness


class Note(NamedTuple):
    """A remark on a result.

    quality: 0 to 100 for a result with changed coefficients, otherwise None. text: how the result differs
    from the request; empty where it does not. likeness: of a picture that was encoded for restoration.
    """

    quality: float | None
    text: str
    likeness: RestoredLikeness | None = None


OnProgress = Callable[[str], None]
"""Callback that receives a line of text for each attempt at a target."""

OnNote = Callable[[Note], None]
"""Callback that receives the note on a result."""


def ignore(_: object) -> None:
    """Callback that does nothing."""
