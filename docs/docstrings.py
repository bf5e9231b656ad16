"""Shows the parameters in docstrings as lists on the site (an extension of griffe)."""

import re
from typing import Any

import griffe

_PARAMETERS = re.compile(r"^(\w+(?:, \w+)*): (?=\S)", re.MULTILINE)
"""The names at the beginning of a line that tells about parameters or attributes."""


class Lists(griffe.Extension):
    """Makes a list item of each such line, with what follows it up to the next one or an empty line."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of an object once it is complete."""
        if obj.docstring:
            obj.docstring.value = as_lists(obj.docstring.value)


def as_lists(text: str) -> str:
    """A docstring with its parameters as a Markdown list."""
    return "\n\n".join(map(_as_list, text.split("\n\n")))


def _as_list(paragraph: str) -> str:
    if not _PARAMETERS.match(paragraph):
        return paragraph
    lines = [line.strip() for line in paragraph.split("\n")]
    return _PARAMETERS.sub(lambda found: f"- **{found[1]}**: ", "\n".join(lines))
