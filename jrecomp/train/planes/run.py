"""Training of a model of planes: linear predictions, samples, networks, export.

Results are written to the work folder. A run that was interrupted continues from them if the same command is
given again.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy.typing as npt

from jrecomp.model.planes import build
from jrecomp.train import corpus, sample_files, validation
from jrecomp.train.planes import fit, samples
from jrecomp.train.planes.export import Networks, assemble
from jrecomp.train.planes.fit import FitTask, Trained
from jrecomp.train.planes.groups import all_groups
from jrecomp.train.planes.start import Start, start
from jrecomp.train.processes import run_all
from jrecomp.train.settings import Settings


def train(settings: Settings) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a weights file."""
    settings.work.mkdir(parents=True, exist_ok=True)
    beginning = start(settings)
    settings = replace(settings, hidden=beginning.hidden)
    _fit_all(settings, _samples(settings, beginning))
    networks = _networks(settings, beginning)
    return assemble(beginning.tables, beginning.hidden, beginning.linear, networks)


def _samples(settings: Settings, beginning: Start) -> Path:
    """Collect samples; returns their folder, which models with the same linear predictions share."""
    digest = 0
    for weights in (w for of_class in beginning.linear for w in of_class):
        digest = crc32(weights.tobytes(), digest)
    folder = settings.work / f"samples-{settings.variants}-{digest:08x}"
    training, held_out = corpus.corpora(settings)
    for name, source, factor in (("train", training, 1.0), ("valid", held_out, samples.VALIDATION)):
        collector = samples.Collector(beginning.tables, beginning.linear, factor)
        sample_files.gather(source, collector, settings.workers, folder / name)
    return folder


def _fit_all(settings: Settings, folder: Path) -> None:
    networks = networks_folder(settings)
    networks.mkdir(exist_ok=True)
    missing = [group for group in all_groups() if not fit.path(networks, group).is_file()]
    together = 1 if settings.device == "cpu" else fit.LANES
    chunks = [missing[i : i + together] for i in range(0, len(missing), together)]
    tasks = [FitTask(settings, chunk, folder, networks) for chunk in chunks]
    run_all(fit.run, tasks, settings.device, settings.workers, networks / "log.txt")


def networks_folder(settings: Settings) -> Path:
    """The folder of trained networks for these settings."""
    first, second = settings.hidden
    how = f"{settings.variants}-{first}-{second}-{settings.steps}-{settings.batch}"
    return settings.work / f"networks-{how}{f'-{settings.improve}' if settings.improve else ''}"


def _networks(settings: Settings, beginning: Start) -> Networks:
    """The better network of each plane, new or of the model to improve."""
    folder, result = networks_folder(settings), dict(beginning.shipped)
    for group in all_groups():
        if fit.path(folder, group).is_file():
            trained = Trained.load(folder, group)
            if trained.better:
                result |= {(group.component_class, plane): trained.network for plane in group.planes}
    return result


def validate(settings: Settings, arrays: dict[str, npt.NDArray[Any]]) -> dict[str, float]:
    """Savings on held-out files in percent by label; writes a report to the folder of networks."""
    model = build(0, "validation", arrays)
    _, held_out = corpus.corpora(settings)
    report = validation.Report()
    for label, picture in held_out.labelled():
        report.add(label, picture, model, settings.workers)
    first, second = arrays["hidden"].tolist()
    report.save(networks_folder(replace(settings, hidden=(first, second))))
    return report.savings.percent()
