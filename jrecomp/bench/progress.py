"""A progress bar on standard error, if that is a terminal."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

import click

Item = TypeVar("Item")


def watched(items: Iterable[Item], length: int) -> Iterator[Item]:
    """Yield items and update a progress bar; length: number of items."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield from items
        return
    with click.progressbar(items, length, file=sys.stderr, show_pos=True) as bar:
        yield from bar
