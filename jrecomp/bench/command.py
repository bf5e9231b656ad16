"""`jrecomp bench`."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from jrecomp.cli import options


def _numbers(_: click.Context, __: click.Parameter, value: str) -> list[int]:
    try:
        numbers = [int(part) for part in value.split(",")]
    except ValueError:
        numbers = []
    if not numbers or not all(1 <= number <= 100 for number in numbers):
        raise click.BadParameter("qualities are numbers from 1 to 100, separated by commas")
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
    help="Model of jrecomp; may be given several times; the default is every installed one.",
)
@click.option(
    "--qualities",
    default="50,75,90,95",
    show_default=True,
    callback=_numbers,
    help="Qualities to encode pictures at.",
)
@click.option(
    "--sampling",
    "samplings",
    type=click.Choice(["420", "422", "444"]),
    multiple=True,
    default=("420", "444"),
    show_default=True,
    help="Chroma subsamplings to encode pictures at.",
)
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Runs of each file; the fastest counts.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Threads of jrecomp, others have 1; 0 takes one per core.",
)
@options.device
@click.option(
    "--scaling",
    is_flag=True,
    help="Measure time and memory of jrecomp by megapixels and threads instead, on mosaics of the pictures.",
)
@click.option(
    "--output",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write report.md, results.json and charts into DIR, replacing those there.",
)
def command(
    sources: tuple[Path, ...],
    models: tuple[str, ...],
    qualities: list[int],
    samplings: tuple[str, ...],
    repeats: int,
    threads: int,
    device: str,
    scaling: bool,
    output: Path | None,
) -> None:
    """Compare jrecomp with other programs on JPEG files and pictures.

    SOURCE is a file or a folder. JPEG files are taken as they are; other pictures are encoded at each
    quality and subsampling. Every file is restored and compared.

    \b
    jrecomp bench kodak --qualities 50,75,90,95 --output results
    jrecomp bench photos/nikon*.jpg
    jrecomp bench kodak --scaling --output scaling
    """
    from jrecomp.bench import codecs, inputs, measure, report
    from jrecomp.bench import scaling as processes
    from jrecomp.model import weights

    if output:
        from jrecomp.bench import plots  # what is missing is told before hours of measuring

        output.mkdir(parents=True, exist_ok=True)
    paths = inputs.find(sources)
    if not paths:
        raise click.UsageError("no JPEG files or pictures there")
    wanted, line = list(models) or weights.names(), ["jrecomp", *sys.argv[1:]]
    if scaling:
        runs = list(processes.measure(paths, wanted, repeats))
        _tell(report.scaling(report.setup(line, [], [], repeats, 1), runs), list(map(asdict, runs)), output)
        if output:
            plots.save_scaling(runs, output)
        return
    found, missing = codecs.installed(wanted, threads, device)
    setup = report.setup(line, found, missing, repeats, threads)
    results = report.Results(measure.run(found, inputs.samples(paths, qualities, samplings), repeats))
    _tell(report.markdown(setup, results), report.as_json(setup, results), output)
    if output:
        plots.save(results, output)


def _tell(text: str, document: object, output: Path | None) -> None:
    """Prints the report, and writes it and its numbers."""
    if output:
        (output / "report.md").write_text(text, "utf-8", "backslashreplace")  # names need not be text
        (output / "results.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    click.echo(text, nl=False)
