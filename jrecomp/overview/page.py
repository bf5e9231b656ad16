"""The page: everything is in it, and names that look like markup are text."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

import jrecomp
from jrecomp import files
from jrecomp.errors import JrecompError, printable, size
from jrecomp.options import Limits
from jrecomp.overview.charts import Bars
from jrecomp.overview.collect import LISTED, SIZES, UNKNOWN, Extreme, Group, Grouped, Summary

_SHOWN = 12
"""Number of groups in a chart and its table."""

_WIDEST = 28
"""Longer names of groups are cut in charts; tables have them whole."""

_THUMBNAIL = 220
"""Width and height of thumbnails in pixels."""


@dataclass(frozen=True)
class Section:
    """A chart with its table. title: of both. groups: rows of the table. chart: SVG, None for one group."""

    title: str
    groups: Sequence[tuple[str, Group]]
    chart: Markup | None


@dataclass(frozen=True)
class Picture:
    """A thumbnail.

    source: a data URL, None if the picture cannot be shown. name: of the file. text: about it.
    """

    source: str | None
    name: str
    text: str


def render(summary: Summary, folder: Path, limits: Limits) -> str:
    """The page about the containers of a folder; limits: for the pictures that are shown."""
    environment = Environment(loader=PackageLoader("jrecomp.overview", "."), autoescape=select_autoescape())
    environment.filters |= {"size": size, "percent": "{:.1%}".format, "count": "{:,}".format}
    ends = {
        "Best saving": summary.best,
        "Least saving": summary.worst,
        "Most pixels, which take longest": summary.largest,
    }
    return environment.get_template("page.html").render(
        folder=printable(str(folder)),
        version=jrecomp.__version__,
        summary=summary,
        listed=LISTED,
        histogram=Markup(_histogram(summary).svg()) if summary.total.files else None,
        sections=[section for section in _sections(summary) if section.groups],
        reasons=_largest(summary.reasons),
        extremes={
            title: [_picture(found, folder, limits) for found in _order(ends[title])] for title in ends
        },
    )


def _histogram(summary: Summary) -> Bars:
    percents = range(min(summary.savings), max(summary.savings) + 1)
    names = ["larger" if percent < 0 else f"{percent} %" for percent in percents]
    return Bars("Files by percent saved", "files", names, [summary.savings[percent] for percent in percents])


def _sections(summary: Summary) -> list[Section]:
    qualities = sorted(summary.quality.items(), key=lambda item: int(item[0]) if item[0] != UNKNOWN else -1)
    sizes = [(name, summary.size[name]) for name in SIZES if name in summary.size]
    return [
        _section("Saving by quality", qualities, across=False),
        _section("Saving by size of the original", sizes, across=True),
        _section("Saving by camera", _largest(summary.camera), across=True),
        _section("Saving by kind", _largest(summary.kind), across=True),
        _section("Saving by model", _largest(summary.model), across=True),
    ]


def _section(title: str, groups: Sequence[tuple[str, Group]], across: bool) -> Section:
    names = [name if len(name) <= _WIDEST else f"{name[: _WIDEST - 1]}…" for name, _ in groups]
    bars = Bars(title, "% saved", names, [group.saving for _, group in groups], True, across)
    return Section(title, groups, Markup(bars.svg()) if len(groups) > 1 else None)


def _largest(groups: Grouped) -> list[tuple[str, Group]]:
    """The groups with the most bytes; what is left is one more."""
    ordered = sorted(groups.items(), key=lambda item: (-item[1].original_bytes, item[0]))
    rest = Group()
    for _, group in ordered[_SHOWN:]:
        rest.files += group.files
        rest.original_bytes += group.original_bytes
        rest.compressed_bytes += group.compressed_bytes
    return ordered[:_SHOWN] + ([(f"{len(ordered) - _SHOWN} more", rest)] if rest.files else [])


def _order(extremes: list[Extreme]) -> list[Extreme]:
    return sorted(extremes, key=lambda found: (-found.rank, found.path))


def _picture(found: Extreme, folder: Path, limits: Limits) -> Picture:
    info, picture = found.info, found.info.jpeg
    text = f"{info.saving:.1%} of {size(info.original_bytes)} saved"
    if picture:
        quality = "" if picture.quality is None else f", quality {picture.quality}"
        text += f"; {picture.width} x {picture.height}, {picture.sampling}{quality}"
    name = printable(str(found.path.relative_to(folder)))
    try:
        image = jrecomp.thumbnail(files.read(found.path, limits), _THUMBNAIL, limits=limits)
    except JrecompError:
        return Picture(None, name, text)
    output = io.BytesIO()
    image.save(output, "JPEG", quality=75, icc_profile=image.info.get("icc_profile"))
    return Picture(f"data:image/jpeg;base64,{base64.b64encode(output.getvalue()).decode()}", name, text)
