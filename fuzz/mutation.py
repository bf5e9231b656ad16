"""Mutations that keep the structure of inputs."""

import random
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from itertools import pairwise
from typing import Any

Mutation = Callable[[bytes], bytes]
"""Changes bytes at random."""

_MARKER = re.compile(rb"\xff(?=[\xc0-\xfe])")


def mutate_segments(data: bytes, mutation: Mutation) -> bytes:
    """Remove, repeat, move or change one marker segment of a JPEG file, with the scan data after it."""
    starts = [0, *(match.start() for match in _MARKER.finditer(data)), len(data)]
    parts = [data[begin:end] for begin, end in pairwise(starts)]
    place = random.randrange(len(parts))
    part = parts.pop(place)
    kind = random.choice(["remove", "repeat", "move", "change", "change"])
    if kind == "repeat":
        parts[place:place] = [part, part]
    elif kind == "move":
        parts.insert(random.randrange(len(parts) + 1), part)
    elif kind == "change":
        parts.insert(place, mutation(part))
    return b"".join(parts)


def mutate_value(value: Any, mutation: Mutation) -> Any:
    """Change a value of a container: bytes, an integer, or a part of a tuple, named or not, or dataclass."""
    if isinstance(value, bytes):
        return mutation(value) if random.random() < 0.5 else mutate_segments(value, mutation)
    if isinstance(value, int):
        other = random.getrandbits(random.randrange(1, 63))
        return random.choice([0, 1, value + 1, max(0, value - 1), other])
    if hasattr(value, "_replace"):  # a named tuple
        name = random.choice(value._fields)
        return value._replace(**{name: mutate_value(getattr(value, name), mutation)})
    if isinstance(value, tuple) and value:
        place = random.randrange(len(value))
        new = random.choice([(), 2 * (value[place],), (mutate_value(value[place], mutation),)])
        return (*value[:place], *new, *value[place + 1 :])
    if is_dataclass(value) and not isinstance(value, type):
        name = random.choice(fields(value)).name
        return replace(value, **{name: mutate_value(getattr(value, name), mutation)})
    return value
