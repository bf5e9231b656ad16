"""The report of a benchmark of restoration, as Markdown and as JSON."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from jrecomp.bench import isolated, restore
from jrecomp.bench.report import Setup, origin, table
from jrecomp.bench.restore import Restoration, Results

WORSE = 0.005
"""Loss of luma PSNR, in dB, from which a picture counts as worse."""

_HEAD = (
    "Gain in PSNR over Pillow's decoder, in dB, against the picture before compression: luma, mean of the\n"
    "pictures, and in brackets that of the worst picture; then the mean of RGB.\n"
)


def markdown(setup: Setup, results: Results) -> str:
    """The report: gains for each subsampling, pictures that get worse, and speed."""
    return "\n".join(["\n".join([*origin("Restoration", setup), ""]), *tables(results)])


def tables(results: Results) -> list[str]:
    """The tables of the report as sections of Markdown."""
    parts = ["## Gain\n", _HEAD]
    for sampling in dict.fromkeys(item.sampling for item in results.restorations):
        own = [item for item in results.restorations if item.sampling == sampling]
        parts += [f"### {':'.join(sampling) or 'Pairs'}\n", _by_quality(own, _gain)]
    parts += ["## Pictures that get worse\n", f"By more than {WORSE:g} dB of luma, of all:\n"]
    parts += [_by_quality(results.restorations, _worse), *isolated.speeds(results.speeds)]
    return parts


def as_json(setup: Setup, results: Results) -> dict[str, Any]:
    """All results as values for JSON, from which the tables can be made again."""
    return {"setup": asdict(setup), **restore.as_json(results)}


def luma_gain(group: Sequence[Restoration]) -> float:
    """Mean gain of luma in dB."""
    return sum(result.luma - result.plain_luma for result in group) / len(group)


def grouped(results: Sequence[Restoration], restorer: str) -> list[tuple[float, list[Restoration]]]:
    """The results of a restorer by rising quality."""
    own = [result for result in results if result.restorer == restorer]
    return [(q, [r for r in own if r.quality == q]) for q in sorted({r.quality for r in own})]


def _by_quality(results: Sequence[Restoration], cell: Callable[[Sequence[Restoration]], str]) -> str:
    """A table with a row for each encoder and restorer, and a column for each quality."""
    qualities = sorted({result.quality for result in results})
    rows = []
    for encoder, restorer in sorted({(result.encoder, result.restorer) for result in results}):
        groups = dict(grouped([result for result in results if result.encoder == encoder], restorer))
        rows.append([encoder, restorer, *(cell(groups[q]) if q in groups else "-" for q in qualities)])
    return table(["files of", "restorer", *(f"q{quality:g}" for quality in qualities)], rows)


def _gain(group: Sequence[Restoration]) -> str:
    least = min(result.luma - result.plain_luma for result in group)
    rgb = sum(result.rgb - result.plain_rgb for result in group) / len(group)
    return f"{luma_gain(group):+.2f} ({least:+.2f}); {rgb:+.2f}"


def _worse(group: Sequence[Restoration]) -> str:
    return f"{sum(result.luma < result.plain_luma - WORSE for result in group)} of {len(group)}"
