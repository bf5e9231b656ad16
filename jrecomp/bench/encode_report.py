"""The report of a benchmark of encoders of pictures, as Markdown and as JSON."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from jrecomp.bench import encode, isolated
from jrecomp.bench.encode import GUIDE, RANGES, Results
from jrecomp.bench.encoders import BASELINE, FORMATS, REFERENCES
from jrecomp.bench.report import Setup, origin, short, table
from jrecomp.bench.scores import MEASURES

WHOLE = (RANGES[0][0], RANGES[-1][1])
"""The whole range of SSIMULACRA2."""

PSNR_RANGE = (31, 40)
"""The PSNR of RGB in dB at which containers and other formats are compared."""

BITS_PER_PIXEL = (0.15, 0.3, 0.5, 0.75, 1.0, 1.5)
"""The sizes of comparisons at equal size."""

LOW_MEASURES = ("psnr", "psnr-y", "ms-ssim", "ssimulacra2", "stlpips")
"""The measures of comparisons at equal size."""


def markdown(setup: Setup, results: Results) -> str:
    """The report: changes of size at equal similarity, differences at equal size, time, refusals, points."""
    parts = ["\n".join([*origin("Encoders", setup), ""]), *tables(results), *_refusals(results)]
    return "\n".join([*parts, *_points(results)])


def as_json(setup: Setup, results: Results) -> dict[str, Any]:
    """All results as values for JSON, from which the tables can be made again."""
    return {"setup": asdict(setup), **encode.as_json(results)}


def tables(results: Results) -> list[str]:
    """The tables of the report as sections of Markdown."""
    if BASELINE in results.coders:
        return ["## At equal size\n", _LOW_HEAD, *(_low(results, name) for name in _low_measures(results))]
    parts = ["## Size at equal similarity\n", _HEAD, _changes(results, _Cells(results).ranges, True)]
    parts += ["The whole range, with the least and the greatest of the pictures:\n"]
    parts += [_changes(results, _Cells(results).whole, False)]
    return [*parts, *_containers(results), *isolated.speeds(results.speeds)]


_HEAD = (
    "Mean change of size in percent at equal similarity, for"
    f" {', '.join(f'{low} to {high}' for low, high in RANGES)} of\n"
    f"{MEASURES[GUIDE].title} of the second encoder. The ranges of other measures are those of the same\n"
    "sizes. Curves are monotone cubics in log(size). The number of pictures follows where some do not have\n"
    "the range. The better of both: the less favourable of the two means of a column.\n"
)


_LOW_HEAD = (
    f"Mean difference at equal bits per pixel from {BASELINE}; MS-SSIM in dB, that is\n"
    "-10 log10(1 - MS-SSIM). The number of pictures follows where some have no such size.\n"
)


class _Cells:
    """The cells of tables of changes; each has the means of one measure."""

    def __init__(self, results: Results) -> None:
        self._results = results
        self._most = len({curve.file for curve in results.curves})

    def ranges(self, own: str, others: Sequence[str], measure: str) -> str:
        """The change in each range, the greatest of those against each of the others."""
        cells = []
        for low, high in RANGES:
            found = [self._results.changes(own, other, measure, low, high) for other in others]
            cells.append(self._mean(max(found, key=_mean)) if all(found) else "-")
        return " / ".join(cells)

    def whole(self, own: str, others: Sequence[str], measure: str) -> str:
        """The change in the whole range, and the least and greatest of the pictures."""
        found = [self._results.changes(own, other, measure, *WHOLE) for other in others]
        if not all(found):
            return "-"
        worst = max(found, key=_mean)
        return f"{self._mean(worst)} [{_percent(min(worst.values()))}, {_percent(max(worst.values()))}]"

    def _mean(self, changes: Mapping[str, float]) -> str:
        count = f" ({len(changes)})" if len(changes) < self._most else ""
        return f"{_percent(_mean(changes), 1)}{count}"


def _mean(changes: Mapping[str, float]) -> float:
    return sum(changes.values()) / len(changes)


def _containers(results: Results) -> list[str]:
    """The table of containers and other formats at equal PSNR, if there are both."""
    formats = [name for name in FORMATS if name in results.coders]
    rows = []
    for own in results.own if "psnr" in results.measures else []:
        found = [results.changes_between(own, other, "psnr", *PSNR_RANGE) for other in formats]
        if ".jrc" in own and any(found):
            rows.append([own, *(_summary(changes) for changes in found)])
    if not rows:
        return []
    low, high = PSNR_RANGE
    return [
        f"Size at equal PSNR (RGB) of {low} to {high} dB, mean, least and greatest of the pictures:\n",
        table(["containers", *formats], rows),
    ]


def _summary(changes: Mapping[str, float]) -> str:
    """The mean change, the least and the greatest, and the number of pictures."""
    if not changes:
        return "-"
    least, most = _percent(min(changes.values())), _percent(max(changes.values()))
    return f"{_percent(_mean(changes), 1)} [{least}, {most}] ({len(changes)})"


def _percent(log_ratio: float, digits: int = 0) -> str:
    return f"{100 * math.expm1(log_ratio):+.{digits}f}"


def _changes(results: Results, cell: Callable[[str, Sequence[str], str], str], peers: bool) -> str:
    """A table with a row for each pair of encoders and a column for each measure."""
    header = ["encoder", "against", *(MEASURES[name].title for name in results.measures)]
    rows = [
        [own, _title(others), *(cell(own, others, name) for name in results.measures)]
        for own, others in _pairs(results, peers)
    ]
    return table(header, [row for row in rows if set(row[2:]) != {"-"}])


def _pairs(results: Results, peers: bool) -> list[tuple[str, list[str]]]:
    """The compared encoders: own JPEG files and peers with the references, containers with other formats."""
    references = [name for name in REFERENCES if name in results.coders] or [
        name for name in results.coders if name not in results.own and name not in FORMATS
    ]
    formats = [name for name in FORMATS if name in results.coders]
    pairs: list[tuple[str, list[str]]] = []
    for own in results.own:
        if ".jrc" in own:
            pairs += [(own, [other]) for other in formats]
        else:
            others = [name for name in results.coders if name not in (*results.own, *FORMATS, *references)]
            pairs += [(own, [other]) for other in references]
            pairs += [(own, references)] if len(references) > 1 else []
            pairs += [(own, [other]) for other in others]
    if peers and references:
        others = [name for name in results.coders if name not in results.own and name != references[0]]
        pairs += [(other, references[:1]) for other in others]
    return pairs


def _title(others: Sequence[str]) -> str:
    return others[0] if len(others) == 1 else "the better of both"


def _low_measures(results: Results) -> list[str]:
    return [name for name in LOW_MEASURES if name in results.measures]


def _low(results: Results, measure: str) -> str:
    header = [MEASURES[measure].title, *(f"{bpp:g} bpp" for bpp in BITS_PER_PIXEL)]
    most = len({curve.file for curve in results.curves})
    rows = []
    for name in results.coders:
        row = [name]
        for bpp in BITS_PER_PIXEL:
            found = results.gains(name, BASELINE, measure, bpp)
            count = f" ({len(found)})" if len(found) < most else ""
            row.append(f"{_mean(found):+.2f}{count}" if found else "-")
        rows += [row] if name != BASELINE else []
    return table(header, rows)


def _refusals(results: Results) -> list[str]:
    counts = Counter((c.coder, short(reason)) for c in results.curves for reason in c.refusals)
    rows = [[*key, str(count)] for key, count in counts.most_common()]
    return ["## Refusals\n", table(["encoder", "reason", "times"], rows)] if rows else []


def _points(results: Results) -> list[str]:
    """For each encoder a table of bits per pixel and mean similarities, with a row for each setting."""
    parts = ["## Points\n", "Bits per pixel and similarity, means of the pictures that all encoders have.\n"]
    for coder in results.coders:
        columns = [results.means(coder, name) for name in results.measures]
        rows = [
            [f"{bpp:.3f}, {score:.5g}" for bpp, score in row]
            for row in zip(*filter(None, columns), strict=False)
        ]
        header = [
            coder,
            *(MEASURES[n].title for n, column in zip(results.measures, columns, strict=True) if column),
        ]
        parts.append(table(header, [[str(number), *row] for number, row in enumerate(rows, 1)]))
    return parts
