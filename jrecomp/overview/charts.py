"""Bar charts as SVG, whose colours are those of the page: they follow its light and dark style."""

import io
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

_TEXT, _BAR = "#010203", "#040506"
"""Colours that stand for variables of the page."""

_VARIABLES = {_TEXT: "currentColor", _BAR: "var(--accent)"}

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _TEXT,
    "axes.labelcolor": _TEXT,
    "axes.edgecolor": _TEXT,
    "xtick.color": _TEXT,
    "ytick.color": _TEXT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.parse_math": False,
}


@dataclass(frozen=True)
class Bars:
    """A chart of bars.

    title: what it shows. axis: what the lengths of bars mean. names, values: of the bars. percent: whether
    values are parts of 1. across: whether bars lie, which gives their names room.
    """

    title: str
    axis: str
    names: Sequence[str]
    values: Sequence[float]
    percent: bool = False
    across: bool = False

    def svg(self) -> str:
        """The chart, as an element of a page."""
        with mpl.rc_context(_STYLE | {"svg.hashsalt": self.title}):
            figure = Figure((6.4, 0.9 + 0.28 * len(self.names) if self.across else 3.2), layout="constrained")
            axes = figure.subplots()
            values = [100 * value for value in self.values] if self.percent else list(self.values)
            places = range(len(values))
            if self.across:
                axes.barh(places, values, color=_BAR)
                axes.set_yticks(places, self.names)
                axes.invert_yaxis()
                axes.set_xlabel(self.axis)
            else:
                axes.bar(places, values, color=_BAR, width=0.85)
                step = -(-len(values) // 10)
                axes.set_xticks(places[::step], self.names[::step])
                axes.set_ylabel(self.axis)
                axes.yaxis.set_major_locator(MaxNLocator(integer=True))
            axes.margins(x=0.01, y=0.02)
            output = io.StringIO()
            with warnings.catch_warnings(
                action="ignore"
            ):  # about scripts that the font lacks, which browsers have
                figure.savefig(output, format="svg", transparent=True, metadata=dict.fromkeys(_METADATA))
        return _element(output.getvalue(), self.title)


_METADATA = ("Date", "Creator", "Format", "Type")
"""What is left out, as it would be the same in all charts or differ between equal ones."""


def _element(document: str, title: str) -> str:
    """The svg element of a document, with the colours of the page and room to grow."""
    element = document[document.index("<svg") :]
    for colour, variable in _VARIABLES.items():
        element = element.replace(colour, variable)
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r' (width|height)="[^"]*pt"', "", element, count=2)
    prefix = re.sub(r"\W", "", title.casefold())
    element = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{prefix}-", element)
    return element.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)
