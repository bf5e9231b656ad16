"""`jrecomp bench`."""

import json
from pathlib import Path

import click


def _numbers(_: click.Context, __: click.Parameter, value: str) -> list[int]:
    try:
        numbers = [int(part) for part in value.split(",")]
    except ValueError:
        numbers = []
    if not numbers or not all(1 <= number <= 100 for number in numbers):
        raise click.BadParameter("qualities are numbers from 1 to 100, separated by commas")
    return numbers


@click.command("bench")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
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
@click.option("--repeats", default=1, show_default=True, help="Runs of each file; the fastest counts.")
@click.option("--threads", default=0, show_default=True, help="Threads of jrecomp; 0 takes one per core.")
@click.option(
    "--json", "json_path", type=click.Path(path_type=Path), help="Write all results to a file, too."
)
def command(
    folder: Path,
    qualities: list[int],
    samplings: tuple[str, ...],
    repeats: int,
    threads: int,
    json_path: Path | None,
) -> None:
    """Compare jrecomp with other programs on the JPEG files and pictures in FOLDER.

    JPEG files are taken as they are; other pictures are encoded at each quality and subsampling. Every
    file is restored and compared.

    \b
    jrecomp bench kodak --qualities 50,75,90,95 --json results.json
    """
    from jrecomp.bench import codecs, inputs, measure

    found = codecs.installed(threads)
    results = measure.run(found, inputs.sets(folder, qualities, list(samplings)), repeats)
    if not results:
        raise click.UsageError(f"no pictures in {folder}")
    if json_path:
        document = {"codecs": {c.name: c.version() for c in found}, "results": measure.as_json(results)}
        json_path.write_text(json.dumps(document, indent=2) + "\n")
    click.echo(", ".join(f"{c.name} {c.version()}" for c in found) + "\n")
    click.echo(measure.markdown(results), nl=False)
