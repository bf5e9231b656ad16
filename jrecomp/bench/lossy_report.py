"""The report of a lossy benchmark, as Markdown and as JSON."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from jrecomp.bench.curves import (
    FIXED_QUALITY,
    SEARCHED_QUALITY,
    Band,
    Curve,
    CurveResults,
    Point,
    Timing,
)
from jrecomp.bench.inputs import Encoding
from jrecomp.bench.report import Setup, origin, set_name, short, table
from jrecomp.lossy.bdrate import OVERLAP

LISTED = 20
"""Largest number of listed cases in which size falls while quality rises."""


def markdown(setup: Setup, results: CurveResults) -> str:
    """The report: BD-rates, whether sizes rise with quality, times, refusals, and results of each codec."""
    parts = [
        _head(setup),
        "## BD-rates\n",
        *(_bd_rates(results, setting, band) for setting in results.sets for band in results.bands),
        "## Sizes by quality\n",
        *_monotone(results),
        "## Time\n",
        _times(results.times),
        *_refusals(results),
        "## Points\n",
        "Sizes in percent of the first model's lossless containers and in bits per pixel; means of files.\n",
        *(_points(results, coder) for coder in results.coders),
    ]
    return "\n".join(parts)


def as_json(setup: Setup, results: CurveResults) -> dict[str, Any]:
    """All results as values for JSON; infinite PSNR is null, and BD-rates have percent and count."""
    return {
        "setup": asdict(setup),
        "bd_rates": [
            {"own": own, "other": other, "setting": setting and asdict(setting), "band": band.title}
            | dict(zip(("percent", "count"), results.bd_rate(own, other, setting, band), strict=True))
            for setting in results.sets
            for band in results.bands
            for own in results.own
            for other in results.coders
            if other not in results.own
        ],
        "times": [asdict(timing) for timing in results.times],
        "curves": [_plain(asdict(curve)) for curve in results.curves],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if value == math.inf else value


def _head(setup: Setup) -> str:
    lines = [
        *origin("Lossy benchmark", setup),
        "",
        "Results are compared with the decoded JPEG file, not with the picture that it was made from. Sizes",
        f"are of whole files. jrecomp uses {_threads(setup)}, other programs one.",
        "",
        "A BD-rate is the mean difference in size at equal quality, from the logarithms of sizes, over the",
        "qualities in a band that two curves have in common. Curves are linear between points. A point is",
        "left out if a smaller file has at least its quality. Below 0, jrecomp's files are smaller.",
        "The number in brackets is the number of compared files, whose curves have at least",
        f"{OVERLAP:g} dB, or as many points of the score, in common.",
        "",
    ]
    return "\n".join(lines)


def _threads(setup: Setup) -> str:
    return f"{setup.threads} thread{'s' * (setup.threads > 1)}" if setup.threads else "one thread per core"


def _bd_rates(results: CurveResults, setting: Encoding | None, band: Band) -> str:
    others = [coder for coder in results.coders if coder not in results.own]
    rows = [
        [other, *(_rate(*results.bd_rate(own, other, setting, band)) for own in results.own)]
        for other in others
    ]
    return f"{set_name(setting)}, {band.title}:\n\n" + table(["% against", *results.own], rows)


def _rate(percent: float | None, count: int) -> str:
    return "-" if percent is None else f"{percent:+.1f} ({count})"


def _monotone(results: CurveResults) -> list[str]:
    own, falls = [curve for curve in results.curves if curve.own], results.falls()
    worse = len({(curve.coder, curve.file, curve.setting) for curve, _, _ in falls})
    text = f"Sizes never fall while the quality rises on {len(own) - worse} of {len(own)} curves"
    if not falls:
        return [text + ".\n"]
    rows = [
        [curve.coder, f"`{curve.file}`", set_name(curve.setting), f"{at:g}", str(lost)]
        for curve, at, lost in falls[:LISTED]
    ]
    return [text + ". They fall here:\n", table(["coder", "file", "set", "quality", "bytes fewer"], rows)]


def _times(times: Sequence[Timing]) -> str:
    """Sums of times by model and set."""
    header = ["model", "set", "lossless s"]
    header += [f"quality {FIXED_QUALITY:g} s", "of lossless"]
    header += [f"size of quality {SEARCHED_QUALITY:g} searched s", "of lossless"]
    rows = []
    for model, setting in dict.fromkeys((timing.model, timing.setting) for timing in times):
        own = [timing for timing in times if (timing.model, timing.setting) == (model, setting)]
        lossless = sum(timing.lossless for timing in own)
        row = [model, set_name(setting), f"{lossless:.2f}"]
        for seconds in (sum(t.fixed for t in own), sum(t.searched for t in own)):
            row += [f"{seconds:.2f}", f"{seconds / lossless:.2f}"]
        rows.append(row)
    return table(header, rows)


def _refusals(results: CurveResults) -> list[str]:
    counts = Counter((c.coder, short(reason)) for c in results.curves for reason in c.refusals)
    rows = [[*key, str(count)] for key, count in counts.most_common()]
    return ["## Refusals\n", table(["coder", "reason", "times"], rows)] if rows else []


def _points(results: CurveResults, coder: str) -> str:
    """A table of a codec's results, with a row for each setting and a column for each set."""
    header = [coder, *(f"{set_name(s)}: % / bpp / dB / MS-SSIM / SSIMULACRA2 / s" for s in results.sets)]
    columns = [means(results, coder, setting) for setting in results.sets]
    settings = sorted({at for column in columns for at in column})
    return table(header, [[f"{at:g}", *(_cell(column.get(at)) for column in columns)] for at in settings])


def _cell(mean: dict[str, float] | None) -> str:
    if mean is None:
        return "-"
    score = "-" if math.isnan(mean["ssimulacra2"]) else f"{mean['ssimulacra2']:.1f}"
    return (
        f"{mean['percent']:.1f} / {mean['bpp']:.3f} / {mean['psnr']:.2f} / {mean['ms_ssim']:.5f} / {score}"
        f" / {mean['seconds']:.2f}"
    )


def means(results: CurveResults, coder: str, setting: Encoding | None) -> dict[float, dict[str, float]]:
    """Sizes and means over the files of a set, for each setting of a codec.

    coder: name of the codec. setting: identifies the set. Settings without a result for every file are left
    out. Returns for each setting of the codec: percent of the lossless container, bits per pixel ("bpp"), and
    the means of similarities and seconds.
    """
    curves = results.of(coder, setting)
    groups: dict[float, list[tuple[Curve, Point]]] = {}
    for curve in curves:
        for point in curve.points:
            groups.setdefault(point.at, []).append((curve, point))
    return {at: _mean(results, group) for at, group in groups.items() if len(group) == len(curves)}


def _mean(results: CurveResults, group: Sequence[tuple[Curve, Point]]) -> dict[str, float]:
    size = sum(point.size for _, point in group)
    similarities = [point.similarity for _, point in group]
    scores = [math.nan if s.ssimulacra2 is None else s.ssimulacra2 for s in similarities]
    return {
        "percent": 100 * size / sum(results.reference(curve) for curve, _ in group),
        "bpp": 8 * size / sum(curve.pixels for curve, _ in group),
        "psnr": sum(s.psnr for s in similarities) / len(group),
        "ms_ssim": sum(s.ms_ssim for s in similarities) / len(group),
        "ms_ssim_db": sum(s.ms_ssim_db for s in similarities) / len(group),
        "ssimulacra2": sum(scores) / len(group),
        "seconds": sum(point.seconds for _, point in group) / len(group),
    }
