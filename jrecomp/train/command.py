"""`jrecomp train`."""

from pathlib import Path

import click


@click.command("train")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder with train/jpeg and train/clean.",
)
@click.option(
    "--work",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("checkpoints"),
    show_default=True,
    help="Folder for checkpoints; an interrupted run goes on from there.",
)
@click.option(
    "--weights",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("weights"),
    show_default=True,
    help="Folder that the finished model is added to.",
)
@click.option("--name", required=True, help="Name of the new model.")
@click.option(
    "--id", "identifier", type=click.IntRange(1), required=True, help="Permanent id of the new model."
)
@click.option(
    "--kind",
    type=click.Choice(["planes", "hierarchical", "blocks"]),
    default="planes",
    show_default=True,
    help="Kind of the new model.",
)
@click.option("--variants", default=2, show_default=True, help="Re-encodings of each source picture.")
@click.option("--steps", default=1500, show_default=True, help="Steps of the most important networks.")
@click.option(
    "--hidden",
    type=(int, int),
    help="Widths of the hidden layers (planes: 96 48), or channels and latent channels (hierarchical: 48 4); "
    "not for blocks.",
)
@click.option(
    "--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True, help="Where to train."
)
@click.option("--workers", default=2, show_default=True, help="Processes on the CPU.")
def command(
    data: Path,
    work: Path,
    weights: Path,
    name: str,
    identifier: int,
    kind: str,
    variants: int,
    steps: int,
    hidden: tuple[int, int] | None,
    device: str,
    workers: int,
) -> None:
    """Train a model and add it to the weights folder.

    \b
    jrecomp train --data data --name mine --id 1000
    """
    from jrecomp.train import export, run
    from jrecomp.train.blocks import run as blocks
    from jrecomp.train.hierarchical import run as hierarchical

    if kind == "blocks" and (hidden or device != "cpu"):
        raise click.UsageError("models of blocks have one width and train on the CPU")
    kinds = {"planes": (run, (96, 48)), "hierarchical": (hierarchical, (48, 4)), "blocks": (blocks, (0, 0))}
    trainer, usual = kinds[kind]
    settings = run.Settings(data, work, variants, steps, hidden or usual, device, workers)
    arrays = trainer.train(settings)
    for label, saving in trainer.validate(settings, arrays).items():
        click.echo(f"validation, {label}: {saving:.2f} % of the entropy-coded bytes saved")
    path = export.save(arrays, weights, name, identifier, kind)
    click.echo(f"wrote {path}")
