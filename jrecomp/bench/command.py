"""The command `jrecomp bench`."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from jrecomp.cli import options

if TYPE_CHECKING:
    from jrecomp.bench.inputs import Sample

PEERS = ("cjxl", "libjpeg", "lepton", "jpegoptim", "webp", "avif", "guetzli")
"""The keys of lossy.PEERS, whose module requires Pillow. The last is measured only if it is named."""


def _numbers(_: click.Context, __: click.Parameter, value: str | None) -> list[int] | None:
    if value is None:
        return None
    try:
        numbers = [int(part) for part in value.split(",")]
    except ValueError:
        numbers = []
    if not numbers or not all(1 <= number <= 100 for number in numbers):
        raise click.BadParameter("qualities are numbers from 1 to 100, separated by commas (such as 75,90)")
    return numbers


@click.command("bench")
@click.argument(
    "sources", metavar="SOURCE...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path)
)
@click.option(
    "--model",
    "models",
    metavar="NAME",
    multiple=True,
    help="Measure this model of jrecomp; may be repeated; the default is all installed models.",
)
@click.option(
    "--qualities",
    metavar="Q,Q...",
    callback=_numbers,
    help="Encode pictures at these JPEG qualities; the default is 50,75,90,95, with --lossy 75,90,95.",
)
@click.option(
    "--sampling",
    "samplings",
    type=click.Choice(["420", "422", "444"]),
    multiple=True,
    help="Encode pictures with this chroma subsampling; may be repeated; the default is 420 and 444, with"
    " --lossy 420.",
)
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Measure each file this many times; the fastest run counts.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Number of threads for jrecomp; 0 means one per processor core. Other programs use one.",
)
@options.device
@click.option(
    "--scaling",
    is_flag=True,
    help="Measure instead how time and memory of jrecomp depend on picture size and threads.",
)
@click.option(
    "--lossy",
    is_flag=True,
    help="Compare lossy results instead, by size and similarity to the decoded JPEG file.",
)
@click.option(
    "--coverage",
    is_flag=True,
    help="Count instead how many JPEG files are modelled, with one model. Folders are"
    " searched with their subfolders for files that begin like a JPEG file.",
)
@click.option(
    "--peer",
    "peers",
    type=click.Choice(PEERS),
    multiple=True,
    help="Compare lossy results with this program; may be repeated; the default is all except guetzli,"
    " which is very slow.",
)
@click.option(
    "--output",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write report.md, results.json and charts to the folder DIR; existing ones are replaced.",
)
def command(
    sources: tuple[Path, ...],
    models: tuple[str, ...],
    qualities: list[int] | None,
    samplings: tuple[str, ...],
    repeats: int,
    threads: int,
    device: str,
    scaling: bool,
    lossy: bool,
    coverage: bool,
    peers: tuple[str, ...],
    output: Path | None,
) -> None:
    """Compare jrecomp with other programs.

    SOURCE is a file or a folder. JPEG files are measured as they are. Other pictures (PNG, WebP, PPM, TIFF)
    are first encoded as JPEG files, at each quality and chroma subsampling. Every lossless result is restored
    and compared. The report is printed as Markdown.

    \b
    jrecomp bench kodak --qualities 50,75,90,95 --output results
    jrecomp bench photos/nikon*.jpg
    jrecomp bench kodak --scaling --output scaling
    jrecomp bench kodak --lossy --model default --output lossy
    jrecomp bench photos --coverage --threads 0
    """
    from jrecomp.bench import inputs
    from jrecomp.cli.process import unwind_on_interrupt
    from jrecomp.model import weights

    unwind_on_interrupt()
    _refuse("--scaling", scaling, "qualities", "samplings", "threads", "device", "lossy", "coverage")
    _refuse("--coverage", coverage, "qualities", "samplings", "repeats", "device", "lossy")
    _refuse("a comparison without --lossy", not lossy, "peers")
    if output and not coverage:
        from jrecomp.bench import plots  # noqa: F401 - fails before hours of measuring if a package is missing

    if output:
        output.mkdir(parents=True, exist_ok=True)
    if coverage:
        if len(models) > 1:
            raise click.UsageError("--coverage takes one --model")
        _coverage(sources, models[0] if models else weights.DEFAULT_MODEL, threads, output)
        return
    paths = inputs.find(sources)
    if not paths:
        raise click.UsageError("the sources contain no JPEG files or pictures")
    wanted = list(models) or weights.names()
    if scaling:
        _scaling(paths, wanted, repeats, output)
        return
    qualities = qualities or ([75, 90, 95] if lossy else [50, 75, 90, 95])
    samplings = samplings or (("420",) if lossy else ("420", "444"))
    samples = list(inputs.samples(paths, qualities, samplings))
    if lossy:
        _lossy(samples, wanted, peers, repeats, threads, device, output)
    else:
        _lossless(samples, wanted, repeats, threads, device, output)


def _refuse(what: str, chosen: bool, *names: str) -> None:
    """Raises UsageError if the mode `what` was chosen together with one of the parameters `names`."""
    context = click.get_current_context()
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") is not ParameterSource.DEFAULT
        if chosen and given and parameter.name in names:
            raise click.UsageError(f"{what} takes no {parameter.opts[0]}")


def _scaling(paths: list[Path], models: list[str], repeats: int, output: Path | None) -> None:
    from jrecomp.bench import report, scaling
    from jrecomp.bench.progress import watched

    runs = list(watched(scaling.measure(paths, models, repeats), scaling.count(models)))
    setup = report.setup(_command_line(), [], [], repeats, 1)
    _publish(report.scaling(setup, runs), list(map(asdict, runs)), output)
    if output:
        from jrecomp.bench import plots

        plots.save_scaling(runs, output)


def _coverage(sources: tuple[Path, ...], model: str, threads: int, output: Path | None) -> None:
    from jrecomp.bench import codecs, coverage, report
    from jrecomp.bench.progress import watched
    from jrecomp.codec import Resources

    paths = coverage.find(sources)
    if not paths:
        raise click.UsageError("the sources contain no JPEG files")
    results = list(watched(coverage.measure(paths, model, Resources(threads).workers), len(paths)))
    missing = [coverage.DJPEG] if any(file.opened is coverage.Opened.UNKNOWN for file in results) else []
    setup = report.setup(_command_line(), [codecs.Jrecomp(model, threads, "cpu")], missing, 1, threads)
    _publish(coverage.markdown(setup, results), coverage.as_json(setup, results), output)


def _lossless(
    samples: "list[Sample]", models: list[str], repeats: int, threads: int, device: str, output: Path | None
) -> None:
    from jrecomp.bench import codecs, measure, report
    from jrecomp.bench.progress import watched

    found, missing = codecs.installed(models, threads, device)
    setup = report.setup(_command_line(), found, missing, repeats, threads)
    measured = watched(measure.run(found, samples, repeats), len(samples) * len(found))
    results = report.Results(measured)
    _publish(report.markdown(setup, results), report.as_json(setup, results), output)
    if output:
        from jrecomp.bench import plots

        plots.save(results, output)


def _lossy(
    samples: "list[Sample]",
    models: list[str],
    peers: tuple[str, ...],
    repeats: int,
    threads: int,
    device: str,
    output: Path | None,
) -> None:
    from jrecomp.bench import crops, curves, lossy, lossy_report, report
    from jrecomp.bench.progress import watched

    wanted = peers or PEERS[:-1]
    coders, missing = lossy.installed(models, wanted, threads, device)
    missing += [] if curves.ssimulacra2() else ["SSIMULACRA2 (pip install ssimulacra2)"]
    setup = report.setup(_command_line(), coders, missing, repeats, threads)
    measured = curves.measure(coders, samples, models, repeats, threads, device)
    results = curves.CurveResults(watched(measured, len(samples) * (len(coders) + len(models))))
    _publish(lossy_report.markdown(setup, results), lossy_report.as_json(setup, results), output)
    if output:
        from jrecomp.bench import plots

        plots.save_lossy(results, output)
        crops.save(samples, output)


def _command_line() -> list[str]:
    return ["jrecomp", *sys.argv[1:]]


def _publish(text: str, document: object, output: Path | None) -> None:
    """Prints the report, and writes it and its numbers to the folder `output`."""
    if output:
        # File names may contain bytes that are not text.
        (output / "report.md").write_text(text, "utf-8", "backslashreplace")
        (output / "results.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    click.echo(text, nl=False)
