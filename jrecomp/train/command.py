"""The command `jrecomp train`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from jrecomp.encoder import tables
from jrecomp.encoder.tables import RESTORED, TUNES

FOLDER = click.Path(file_okay=False, path_type=Path)

USES = {
    "planes": {"kind", "variants", "hidden", "batch", "device", "workers", "improve"},
    "latents": {"kind", "variants", "hidden", "device", "workers"},
    "blocks": {"kind", "variants", "workers"},
    "encode": {"start", "pictures"},
    "restore": {"device", "minutes"},
    "joint": {"device", "minutes"},
}
"""Options that do not apply to everything: for each kind of model, and for other subjects, those that do."""

NAMELESS = {"encode": "tables", "restore": "the restorer", "joint": "the restorer and tables"}
"""What has no name and no id, in words."""

RESTORER_CROPS = {"cuda": (64, 128), "cpu": (16, 96)}
"""Number of crops in a step, and their width and height, by device."""

RESTORER_EXAMPLES = 6
"""Number of examples of each picture."""

REFINING_ROUNDS = 4
"""Rounds for tables that start from installed ones."""

TURNS = 2
"""How often restorer and tables are learned in turns."""

DEFAULTS: dict[str, dict[str, Any]] = {
    "planes": {"steps": 1500, "hidden": (64, 32)},
    "latents": {"steps": 1500, "hidden": (48, 4)},
    "blocks": {"steps": 1500, "hidden": (0, 0)},
}


def _name(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """The name, which becomes part of a file name."""
    if value is not None and (not value or set(value) & set("/\\\0")):
        raise click.BadParameter("a name has at least one character and no slashes")
    return value


@click.command("train", short_help="Train a model, quantization tables, or a restorer.")
@click.argument("what", type=click.Choice(["model", "encode", "restore", "joint"]), default="model")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder with train/jpeg and train/clean.",
)
@click.option(
    "--work",
    type=FOLDER,
    default=Path("checkpoints"),
    show_default=True,
    help="Folder for samples and checkpoints. The same command, given again, goes on from there.",
)
@click.option(
    "--weights",
    type=FOLDER,
    default=Path("weights"),
    show_default=True,
    help="Folder that the result is added to.",
)
@click.option("--name", callback=_name, help="Name of the new model.")
@click.option("--id", "identifier", type=click.IntRange(1), help="Permanent id of the new model.")
@click.option(
    "--kind",
    type=click.Choice(["planes", "latents", "blocks"]),
    default="planes",
    show_default=True,
    help="Kind of the new model.",
)
@click.option(
    "--improve",
    metavar="MODEL",
    help="Start from an installed model of planes. A new network replaces the old one if it takes fewer bits "
    "for held-out pictures.",
)
@click.option(
    "--variants", type=click.IntRange(1), default=2, show_default=True, help="Re-encodings of each picture."
)
@click.option(
    "--steps",
    type=click.IntRange(1),
    help="Steps of the networks of the first component; others take half [default: 1500].",
)
@click.option(
    "--batch",
    type=click.IntRange(1),
    default=2048,
    show_default=True,
    help="Samples of a step. For planes.",
)
@click.option(
    "--hidden",
    metavar="<INTEGER INTEGER>...",
    type=(click.IntRange(1, 4096), click.IntRange(1, 4096)),
    help="For planes: widths of the two hidden layers [default: 64 32]. For latents: channels and latent "
    "channels [default: 48 4].",
)
@click.option(
    "--device",
    type=click.Choice(["cpu", "cuda"]),
    default="cpu",
    show_default=True,
    help="Where to train. Models of blocks train on the CPU.",
)
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes on the CPU.")
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    default=8.0,
    show_default=True,
    help="For restore and joint: time of the steps of the restorer.",
)
@click.option(
    "--start",
    type=click.Choice([*TUNES, RESTORED]),
    help="For encode: learn the installed tables of this tune further, and no others.",
)
@click.option(
    "--pictures",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="For encode: learn from the pictures of this folder [default: train/clean].",
)
@click.pass_context
def command(
    context: click.Context,
    /,
    what: str,
    data: Path,
    work: Path,
    weights: Path,
    name: str | None,
    identifier: int | None,
    kind: str,
    minutes: float,
    start: str | None,
    pictures: Path | None,
    **options: Any,
) -> None:
    """Train a model and add it to the weights folder.

    `encode` learns the quantization tables of `jrecomp encode` instead, and replaces weights/encode.json.
    With --start it refines those of a tune for the pictures of a folder. `restore` trains the network that
    restores pictures, and replaces it. `joint` learns in turns the network, and the tables of files to
    restore by it.

    \b
    jrecomp train --data data --name mine --id 1000
    jrecomp train --data data --name mine --id 1000 --improve best --device cuda
    jrecomp train encode --data data
    jrecomp train encode --data data --start ssimulacra2 --pictures holidays
    jrecomp train restore --data data --minutes 9 --device cuda
    """
    subject = kind if what == "model" else what
    _check_options(context, subject)
    if subject == "encode":
        _train_tables(pictures or data / "train" / "clean", work, weights, start or "")
        return
    if subject == "restore":
        _train_restorer(data, work, weights, minutes, options["device"], work / "pictures.zip")
        return
    if subject == "joint":
        _train_in_turns(data, work, weights, minutes, options["device"])
        return
    if name is None or identifier is None:
        raise click.UsageError(f"Missing option '--{'name' if name is None else 'id'}'.")
    given = DEFAULTS[subject] | {option: value for option, value in options.items() if value is not None}
    _train_model(subject, weights, name, identifier, {"data": data, "work": work} | given)


def _check_options(context: click.Context, subject: str) -> None:
    """Raises UsageError for options that do not apply to the subject, a key of USES."""

    def is_given(option: str) -> bool:
        return context.get_parameter_source(option) is not ParameterSource.DEFAULT

    unused = {"name", "identifier"} if subject in NAMELESS else set()
    for option in sorted(set().union(*USES.values(), unused) - USES[subject]):
        if is_given(option):
            what = NAMELESS.get(subject, f"models of {subject}")
            raise click.UsageError(f"--{'id' if option == 'identifier' else option} does not apply to {what}")
    if is_given("improve") and is_given("hidden"):
        raise click.UsageError("--hidden does not apply with --improve, which keeps the widths")


def _train_model(kind: str, weights: Path, name: str, identifier: int, settings: Mapping[str, Any]) -> None:
    from jrecomp.train import export
    from jrecomp.train.blocks import run as blocks
    from jrecomp.train.latents import run as latents
    from jrecomp.train.planes import run as planes
    from jrecomp.train.settings import Settings

    trainer = {"planes": planes, "latents": latents, "blocks": blocks}[kind]
    export.check_new(weights, name, identifier)
    chosen = Settings(**settings)
    arrays = trainer.train(chosen)
    for label, saving in trainer.validate(chosen, arrays).items():
        click.echo(f"validation, {label}: {saving:.2f} % of the entropy-coded bytes saved")
    click.echo(f"wrote {export.save(arrays, weights, name, identifier, kind)}")


def _train_tables(folder: Path, work: Path, weights: Path, start: str) -> None:
    from jrecomp.train.encode import run

    rounds = REFINING_ROUNDS if start else run.TableSettings.rounds
    settings = run.TableSettings(folder, work, rounds=rounds, start=start)
    click.echo(f"wrote {run.export(run.train(settings), weights)}")
    tables.content.cache_clear()
    tables.families.cache_clear()


def _train_in_turns(data: Path, work: Path, weights: Path, minutes: float, device: str) -> None:
    from jrecomp.model.weights import folder

    if weights.resolve() != folder().resolve():
        raise click.UsageError(
            f"--weights must be {folder()}: each turn uses what the one before has learned"
        )
    pictures = work / "pictures.zip"
    start: Path | None = None
    for turn in range(1, TURNS + 1):
        place = work / f"turn-{turn}"
        _train_restorer(data, place, weights, minutes / TURNS, device, pictures, start)
        _train_tables(data / "train" / "clean", place, weights, RESTORED)
        start = place


def _train_restorer(
    data: Path,
    work: Path,
    weights: Path,
    minutes: float,
    device: str,
    path: Path,
    start: Path | None = None,
) -> None:
    """path: file of pictures, which is made if it does not exist. start: see train.restore.run.Settings."""
    from jrecomp.restoration import correction
    from jrecomp.train import export
    from jrecomp.train.checkpoints import completed, read_arrays
    from jrecomp.train.restore import pictures, run, store
    from jrecomp.train.restore.examples import examples

    folder = work / "examples"
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        with completed(path) as partial:
            pictures.prepare(data, partial)
    found = pictures.read(path)
    for number in range(RESTORER_EXAMPLES):
        if not store.is_complete(folder, number):
            store.write(folder, number, examples(found.train, found.tables, number))
    batch, side = RESTORER_CROPS[device]
    run.train(run.Settings(folder, work, found.valid, minutes * 60, device, batch, side, start=start))
    click.echo(f"wrote {export.replace_restorer(read_arrays(work / run.WEIGHTS), weights)}")
    correction.network.cache_clear()
