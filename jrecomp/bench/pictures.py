"""The comparisons of encoders and of restorers, on pictures."""

import json
from dataclasses import dataclass
from pathlib import Path

import click

from jrecomp.bench import crops, encode_report, report, restore_report, scores
from jrecomp.bench import encode as encoding
from jrecomp.bench import encoders as makers
from jrecomp.bench import restore as restoring
from jrecomp.bench.inputs import PICTURE_SUFFIXES
from jrecomp.bench.isolated import Speed
from jrecomp.bench.progress import watched
from jrecomp.bench.publish import command_line, publish
from jrecomp.bench.report import Setup
from jrecomp.encoder.effort import EFFORTS
from jrecomp.encoder.tables import TUNES
from jrecomp.encoding import CHOICES
from jrecomp.model.weights import DEFAULT_MODEL


@dataclass(frozen=True)
class Encoders:
    """What --encode measures, as the options of these names."""

    efforts: tuple[str, ...]
    tunes: tuple[str, ...]
    models: tuple[str, ...]
    peers: tuple[str, ...]
    low: bool
    measures: tuple[str, ...]


def encode(
    paths: list[Path],
    wanted: Encoders,
    samplings: tuple[str, ...],
    repeats: int,
    threads: int,
    output: Path | None,
) -> None:
    for option, names, known in (("--effort", wanted.efforts, EFFORTS), ("--tune", wanted.tunes, TUNES)):
        if wrong := [name for name in names if name not in known]:
            raise click.UsageError(f"{option} {wrong[0]} is not one of {', '.join(known)}")
    if len(samplings) > 1:
        raise click.UsageError("--encode takes one --sampling")
    found, missing = scores.opened(
        wanted.measures or [name for name in scores.MEASURES if scores.MEASURES[name].default]
    )
    coders, absent = makers.chosen(
        wanted.efforts or tuple(EFFORTS),
        wanted.tunes or TUNES[:1],
        wanted.models or (DEFAULT_MODEL,),
        wanted.peers,
        samplings[0] if samplings else CHOICES[0],
        threads,
        wanted.low,
    )
    setup = report.setup(command_line(), coders, missing + absent, repeats, threads)
    curves = encoding.measure(coders, _pictures(paths), found)
    measured: list[encoding.Curve | Speed] = list(watched(curves, len(coders) * len(_pictures(paths))))
    measured += encoding.speeds(coders, _pictures(paths), repeats)
    _publish_encode(setup, encoding.Results(measured), output)
    if output and not wanted.low:
        jpeg = [coder for coder in coders if not coder.own and coder.name not in makers.FORMATS]
        if jpeg:
            best = makers.Own((wanted.efforts or tuple(EFFORTS))[-1])
            crops.save_encode(jpeg, best, _pictures(paths), output)


def restore(
    paths: list[Path],
    peers: tuple[str, ...],
    qualities: list[int] | None,
    samplings: tuple[str, ...],
    repeats: int,
    threads: int,
    output: Path | None,
) -> None:
    restorers, missing = restoring.restorers(peers, threads)
    sources, absent = restoring.encoders(samplings)
    setup = report.setup(command_line(), [*restorers, *sources.values()], missing + absent, repeats, threads)
    wanted = qualities or restoring.QUALITIES
    count = len(_pictures(paths)) * len(wanted) * len(sources) * len(restorers)
    cases = restoring.cases(paths, sources, wanted)
    measured: list[restoring.Restoration | Speed] = list(watched(restoring.measure(restorers, cases), count))
    measured += restoring.speeds(restorers, _pictures(paths), repeats)
    _publish_restore(setup, restoring.Results(measured), output)
    if output:
        crops.save_restore(restorers, _pictures(paths), output)


def _pictures(paths: list[Path]) -> list[Path]:
    """The pictures that are not JPEG files. Raises UsageError if there are none."""
    found = [path for path in paths if path.suffix.lower() in PICTURE_SUFFIXES]
    if not found:
        raise click.UsageError("the sources contain no pictures other than JPEG files")
    return found


def merged(sources: tuple[Path, ...], encoders: bool, output: Path | None) -> None:
    """The common report of earlier results."""
    try:
        documents = [json.loads(source.read_text("utf-8")) for source in sources]
        setup = report.merged(command_line(), [document["setup"] for document in documents])
        if encoders:
            curves = encoding.Results(item for each in documents for item in encoding.from_json(each))
        else:
            restored = restoring.Results(item for each in documents for item in restoring.from_json(each))
    except (ValueError, KeyError, TypeError) as error:
        raise click.UsageError(f"these are not results of this comparison ({error})") from error
    if encoders:
        _publish_encode(setup, curves, output)
    else:
        _publish_restore(setup, restored, output)


def _publish_encode(setup: Setup, results: encoding.Results, output: Path | None) -> None:
    publish(encode_report.markdown(setup, results), encode_report.as_json(setup, results), output)
    if output:
        from jrecomp.bench import plots

        plots.save_encode(results, output)


def _publish_restore(setup: Setup, results: restoring.Results, output: Path | None) -> None:
    publish(restore_report.markdown(setup, results), restore_report.as_json(setup, results), output)
    if output:
        from jrecomp.bench import plots

        plots.save_restore(results, output)
