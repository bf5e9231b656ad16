"""`jrecomp train`."""

from pathlib import Path

import click
from click.core import ParameterSource

STEPS = {"model": 1500, "lossy": 240}
DISTORTIONS = ("mse", "ms-ssim")
ONLY = {
    "model": {"kind", "variants", "hidden", "device", "workers", "requantized"},
    "lossy": {"distortion"},
}
"""Options that only one of what is learned has."""


@click.command("train")
@click.argument("what", type=click.Choice(["model", "lossy"]), default="model")
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
    help="Folder that the result is added to.",
)
@click.option("--name", required=True, help="Name of the new model or rule.")
@click.option(
    "--id", "identifier", type=click.IntRange(1), required=True, help="Permanent id of the new model or rule."
)
@click.option(
    "--kind",
    type=click.Choice(["planes", "latents", "blocks"]),
    default="planes",
    show_default=True,
    help="Kind of the new model.",
)
@click.option("--variants", default=2, show_default=True, help="Re-encodings of each source picture.")
@click.option(
    "--steps",
    type=click.IntRange(1),
    help=f"Steps of the most important networks [default: {STEPS['model']}], or of a rule [default: "
    f"{STEPS['lossy']}].",
)
@click.option(
    "--hidden",
    type=(int, int),
    help="Widths of the hidden layers (planes: 96 48), or channels and latent channels (latents: 48 4); "
    "not for blocks.",
)
@click.option(
    "--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True, help="Where to train."
)
@click.option("--workers", default=2, show_default=True, help="Processes on the CPU.")
@click.option(
    "--requantized",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Share of pictures that are changed by lossy recompression, for models that shall serve its"
    " results.",
)
@click.option(
    "--distortion",
    type=click.Choice(DISTORTIONS),
    default=DISTORTIONS[0],
    show_default=True,
    help="What a rule for lossy recompression is good in.",
)
@click.pass_context
def command(
    context: click.Context,
    what: str,
    data: Path,
    work: Path,
    weights: Path,
    name: str,
    identifier: int,
    kind: str,
    variants: int,
    steps: int | None,
    hidden: tuple[int, int] | None,
    device: str,
    workers: int,
    requantized: float,
    distortion: str,
) -> None:
    """Train a model, or a rule for lossy recompression, and add it to the weights folder.

    \b
    jrecomp train --data data --name mine --id 1000
    jrecomp train lossy --data data --distortion ms-ssim --name mine --id 1000
    """
    _refuse_what_does_not_apply(context, what)
    steps = steps or STEPS[what]
    if what == "lossy":
        return _train_rule(data, work, weights, name, identifier, distortion, steps)
    from jrecomp.train import export
    from jrecomp.train.blocks import run as blocks
    from jrecomp.train.latents import run as latents
    from jrecomp.train.planes import run

    if kind == "blocks" and (hidden or device != "cpu"):
        raise click.UsageError("models of blocks have one width and train on the CPU")
    kinds = {"planes": (run, (96, 48)), "latents": (latents, (48, 4)), "blocks": (blocks, (0, 0))}
    trainer, usual = kinds[kind]
    settings = run.Settings(data, work, variants, steps, hidden or usual, device, workers, requantized)
    arrays = trainer.train(settings)
    for label, saving in trainer.validate(settings, arrays).items():
        click.echo(f"validation, {label}: {saving:.2f} % of the entropy-coded bytes saved")
    path = export.save(arrays, weights, name, identifier, kind)
    click.echo(f"wrote {path}")


def _refuse_what_does_not_apply(context: click.Context, what: str) -> None:
    for option in set().union(*ONLY.values()) - ONLY[what]:
        if context.get_parameter_source(option) is not ParameterSource.DEFAULT:
            raise click.UsageError(f"--{option} does not apply to a {'rule' if what == 'lossy' else what}")


def _train_rule(
    data: Path, work: Path, weights: Path, name: str, identifier: int, distortion: str, steps: int
) -> None:
    from jrecomp.train.lossy import run, validation

    rule = run.train(run.Settings(data, work, distortion, steps))
    for label, change in validation.compare(data, rule, run.START[distortion], distortion).items():
        click.echo(f"validation, {label}: {change:+.2f} % of the rate of the rule that it began with")
    click.echo(f"wrote {run.export(rule, weights, name, identifier)}")
