"""A bar on standard error, where that is a terminal."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

import click

Item = TypeVar("Item")


def watched(items: Iterable[Item], length: int) -> Iterator[Item]:
    """The items, one by one as they come; length: how many they are."""
    if not sys.stderr.isatty():
        yield from items
        return
    with click.progressbar(items, length, file=sys.stderr, show_pos=True) as bar:
        yield from bar
