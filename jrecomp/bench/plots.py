"""Charts of benchmarks: savings, speeds, time and memory by picture size, and rate-distortion curves."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from jrecomp.bench import curves, encode, lossy_report, restore, restore_report, scaling
from jrecomp.bench.inputs import Encoding
from jrecomp.bench.report import Results, set_name
from jrecomp.bench.scaling import Run
from jrecomp.bench.scores import MEASURES
from jrecomp.lossy.bdrate import envelope

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""The palette of Okabe and Ito, whose colours colour-blind readers can distinguish."""

MARKERS = "osD^vPX*"
"""Markers of lines. There is one more than colours, so that pairs of both repeat only after 56 codecs."""


def save(results: Results, folder: Path) -> None:
    """Write saving.png and speed.png."""
    _saving(results).savefig(folder / "saving.png", dpi=150)
    _speed(results).savefig(folder / "speed.png", dpi=150)


def save_scaling(runs: Sequence[Run], folder: Path) -> None:
    """Write scaling.png: time and memory by megapixels, and time by threads."""
    figure = Figure(figsize=(15, 4.5), layout="constrained")
    axes = figure.subplots(1, 3)
    lines = list(dict.fromkeys((run.model, run.command) for run in runs))
    for number, line in enumerate(lines):
        own = [run for run in runs if (run.model, run.command) == line]
        sizes = [run for run in own if run.threads == 1]
        threads = [run for run in own if run.megapixels == scaling.FOR_THREADS]
        style = _style(number) | {"label": " ".join(line)}
        axes[0].plot([r.megapixels for r in sizes], [r.seconds for r in sizes], **style)
        axes[1].plot([r.megapixels for r in sizes], [r.mebibytes for r in sizes], **style)
        axes[2].plot([r.threads for r in threads], [r.seconds for r in threads], **style)
    for axis, label in zip(axes[:2], ("seconds, one thread", "MiB beyond the interpreter"), strict=True):
        axis.set(xscale="log", yscale="log", xlabel="megapixels", ylabel=label)
    axes[2].set(xlabel="threads", ylabel=f"seconds, {scaling.FOR_THREADS:g} megapixels", ylim=(0, None))
    axes[2].xaxis.set_major_locator(MaxNLocator(integer=True))
    for axis in axes:
        _tidy(axis)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(folder / "scaling.png", dpi=150)


def save_lossy(results: curves.CurveResults, folder: Path) -> None:
    """Write lossy.png."""
    _lossy(results).savefig(folder / "lossy.png", dpi=150)


def save_encode(results: encode.Results, folder: Path) -> None:
    """Write encode.png: each measure by bits per pixel."""
    rows, columns = (len(results.measures) - 1) // 4 + 1, min(len(results.measures), 4)
    figure = Figure(figsize=(5 * columns, 4.5 * rows + 1), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes[len(results.measures) :]:
        axis.remove()
    for axis, name in zip(axes, results.measures, strict=False):
        for number, coder in enumerate(results.coders):
            points = results.means(coder, name)
            bpp, score = zip(*points, strict=True) if points else ((), ())
            axis.plot(
                bpp, score, label=coder, markersize=4, **_style(number), **_weight(coder in results.own)
            )
        title = f"{MEASURES[name].title}, {len(results.common(name))} pictures"
        axis.set(title=title, xlabel="bits per pixel (log scale)")
        _logarithmic(axis)
    _legend(figure, axes[0], len(results.coders))
    figure.savefig(folder / "encode.png", dpi=120)


def save_restore(results: restore.Results, folder: Path) -> None:
    """Write restore.png: gain of luma by quality, for each encoder and subsampling."""
    sets = list(dict.fromkeys((item.encoder, item.sampling) for item in results.restorations))
    rows, columns = (len(sets) - 1) // 4 + 1, min(len(sets), 4)
    figure = Figure(figsize=(4.5 * columns, 4 * rows + 1), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for axis in axes[len(sets) :]:
        axis.remove()
    for axis, (encoder, sampling) in zip(axes, sets, strict=False):
        own = [item for item in results.restorations if (item.encoder, item.sampling) == (encoder, sampling)]
        for number, name in enumerate(results.restorers):
            gains = [(q, restore_report.luma_gain(group)) for q, group in restore_report.grouped(own, name)]
            quality, gain = zip(*gains, strict=True) if gains else ((), ())
            axis.plot(quality, gain, label=name, markersize=4, **_style(number))
        axis.axhline(0, color="0.5", linewidth=1)
        axis.set(title=f"{encoder} {':'.join(sampling)}", xlabel="quality", ylabel="gain of luma (dB)")
        _tidy(axis)
    _legend(figure, axes[0], len(results.restorers))
    figure.savefig(folder / "restore.png", dpi=120)


def _lossy(results: curves.CurveResults) -> Figure:
    """PSNR and MS-SSIM (rows) by size, for each set (columns), with the points that BD-rates use."""
    figure = Figure(figsize=(max(6 * len(results.sets), 8), 11), layout="constrained")
    axes = figure.subplots(2, len(results.sets), squeeze=False, sharex="col", sharey="row")
    for column, setting in enumerate(results.sets):
        for row, measure in enumerate(("psnr", "ms_ssim_db")):
            _rates(axes[row, column], results, setting, measure)
        axes[0, column].set_title(set_name(setting))
        axes[1, column].set_xlabel("size (% of the lossless container, log scale)")
    axes[0, 0].set_ylabel("PSNR (dB)")
    axes[1, 0].set_ylabel("-10 log10(1 - MS-SSIM) (dB)")
    _legend(figure, axes[0, 0], len(results.coders))
    return figure


def _rates(axis: Any, results: curves.CurveResults, setting: Encoding | None, measure: str) -> None:
    for number, coder in enumerate(results.coders):
        means = lossy_report.means(results, coder, setting).values()
        quality, size = envelope([(mean["percent"], mean[measure]) for mean in means]).T
        style = _style(number) | _weight(coder in results.own)
        axis.plot(np.exp(size), quality, label=coder, markersize=4, **style)
    _logarithmic(axis)


def _saving(results: Results) -> Figure:
    """A line chart for each subsampling of pictures, and a bar chart for JPEG files."""
    samplings = list(dict.fromkeys(s.sampling for s in results.sets if s))
    panels = [*samplings, *(["files"] if None in results.sets else [])]
    figure = Figure(figsize=(max(5 * len(panels), 6), 4.5), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for panel, axis in zip(panels, axes, strict=True):
        if panel == "files":
            _bars(axis, results)
        else:
            _lines(axis, results, panel)
        axis.yaxis.set_tick_params(labelleft=True)
    axes[0].set_ylabel("saving (% of the JPEG file)")
    _legend(figure, axes[0], len(results.codecs))
    return figure


def _lines(axis: Any, results: Results, sampling: str) -> None:
    settings = sorted(
        (s for s in results.sets if s and s.sampling == sampling), key=lambda setting: setting.quality
    )
    qualities = [setting.quality for setting in settings]
    for number, codec in enumerate(results.codecs):
        savings = [results.by_set[codec, setting].saving for setting in settings]
        axis.plot(qualities, savings, label=codec, **_style(number))
    axis.set(title=f"pictures, {':'.join(sampling)}", xlabel="JPEG quality", xticks=qualities)
    _tidy(axis)


def _bars(axis: Any, results: Results) -> None:
    for number, codec in enumerate(results.codecs):
        bar = axis.bar(number, results.by_set[codec, None].saving, color=_style(number)["color"], label=codec)
        axis.bar_label(bar, fmt="%.1f")
    axis.set(title="files as they are", xticks=[])
    _tidy(axis)


def _speed(results: Results) -> Figure:
    """Saving by speed of encoding and of decoding; codecs that restored no file have no point."""
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for axis, direction in zip(axes, ("encode", "decode"), strict=True):
        for number, (codec, total) in enumerate(results.totals.items()):
            speed = total.encode_speed if direction == "encode" else total.decode_speed
            if speed:
                axis.plot(speed, total.saving, label=codec, linestyle="", markersize=9, **_style(number))
        axis.set(title=direction, xlabel="speed (MB of JPEG per second, log scale)")
        axis.margins(0.15)
        _logarithmic(axis)
    axes[0].set_ylabel("saving over all sets (% of the JPEG files)")
    _legend(figure, axes[0], len(results.codecs))
    return figure


def _style(number: int) -> dict[str, Any]:
    return {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}


def _weight(own: bool) -> dict[str, Any]:
    return {"linewidth": 2} if own else {"linewidth": 1, "linestyle": "--"}


def _logarithmic(axis: Any) -> None:
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_locator(NullLocator())
    _tidy(axis)


def _legend(figure: Figure, axis: Any, count: int) -> None:
    columns = min(count, 4)
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=columns, frameon=False)


def _tidy(axis: Any) -> None:
    axis.grid(color="0.9")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
