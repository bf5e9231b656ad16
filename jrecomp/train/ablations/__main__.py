"""`python -m jrecomp.train.ablations`: prints the tables of docs/experiments.md."""

from pathlib import Path

import click

from jrecomp.planes.tables import make
from jrecomp.train.ablations.latents import latents
from jrecomp.train.ablations.networks import context, depth, grouping
from jrecomp.train.ablations.orders import orders
from jrecomp.train.run import Settings, corpora, linear_predictions

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
STUDIES = ("order", "context", "depth", "grouping", "latents")


@click.command()
@click.option(
    "--data", type=click.Path(exists=True, path_type=Path), required=True, help="As in `jrecomp train`."
)
@click.option(
    "--work", type=click.Path(exists=True, path_type=Path), required=True, help="As in `jrecomp train`."
)
@click.option("--study", type=click.Choice(STUDIES), multiple=True, default=STUDIES, help="What to vary.")
@click.option("--steps", default=1500, show_default=True, help="Steps of each network.")
@click.option("--workers", default=2, show_default=True, help="Processes.")
def main(data: Path, work: Path, study: tuple[str, ...], steps: int, workers: int) -> None:
    """Train small networks with one thing changed at a time, and print what it costs on validation data."""
    settings, tables = Settings(data, work), make()
    for name in study:
        if name == "order":
            print(orders(corpora(settings, tables), steps, workers), flush=True)
        elif name == "latents":
            linear = linear_predictions(settings, tables)
            print(latents(corpora(settings, tables), linear, steps, workers), flush=True)
        else:
            run = {"context": context, "depth": depth, "grouping": grouping}[name]
            print(run(work, steps, workers), flush=True)
        print(flush=True)


main()
