"""Training on a handful of pictures that the test draws; needs torch (extra `train`)."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from jrecomp import codec
from jrecomp.array_types import Bool, Index
from jrecomp.codec import planes as walk
from jrecomp.jpeg.types import JpegFile
from jrecomp.model import planes, symbols
from jrecomp.model.network import Layer, Network
from tests.models import data_folder, random_file

torch = pytest.importorskip("torch", reason="training needs torch: pip install jrecomp[train]")
pytest.importorskip("matplotlib", reason="training draws: pip install jrecomp[train]")

from jrecomp.train import export  # noqa: E402
from jrecomp.train.planes import decisions, fit, run  # noqa: E402


def test_a_short_run_learns_resumes_and_repeats(tmp_path: Path) -> None:
    settings = run.Settings(
        data_folder(tmp_path / "data", (96, 128)), tmp_path / "work", 1, 40, (16, 8), workers=1
    )
    arrays = run.train(settings)
    savings = run.validate(settings, arrays)
    assert savings["real files"] > 0 and all(not math.isnan(saving) for saving in savings.values())
    networks = next((tmp_path / "work").glob("networks-*"))
    document = json.loads((networks / "validation.json").read_text())
    assert document["savings"] == savings and (networks / "validation.png").stat().st_size > 1000
    for label, groups in document["shares"].items():
        assert 0.5 < sum(groups.values()) / (100 - savings[label]) < 3  # it leaves adaptation out
    removed = sorted((tmp_path / "work").glob("networks-*/*.npz"))[3]
    removed.unlink()
    again = run.train(settings)
    assert all((arrays[name] == again[name]).all() for name in arrays)
    path = export.save(arrays, tmp_path, "tiny", 77)
    assert path.is_file()
    with pytest.raises(ValueError, match="permanent"):
        export.save(arrays, tmp_path, "other", 77)


def test_training_computes_what_the_codec_computes() -> None:
    shapes = planes.shapes(0, (16, 8), 5)
    torch.manual_seed(3)
    network = fit.IntegerNetwork(shapes)
    layers = [Layer(w.astype(np.float32), b.astype(np.float32)[:, None]) for w, b in network.export()]
    x = np.random.default_rng(0).integers(-127, 128, (shapes[0][1], 400)).astype(np.float32)
    engine = Network(layers)
    logits = engine.logits(x) / 64
    assert np.array_equal(network(torch.from_numpy(x.T)).detach().numpy().T, logits)


def test_training_cost_is_the_coders() -> None:
    rng = np.random.default_rng(2)
    truth = np.rint(rng.laplace(0, 4, 3000)).astype(np.int32)
    known_nonzero = (truth != 0) & (rng.random(3000) < 0.1)
    logits = rng.normal(0, 1, (3000, symbols.VALUE_OUTPUTS)).astype(np.float32)

    class Meter:
        bits = 0.0

        def decide(self, outputs: int | Index | None, rows: Index, truth: Bool | None):  # type: ignore[no-untyped-def]
            assert truth is not None
            sign = np.where(truth, 1, -1)
            predicted = outputs is not None and np.max(outputs, initial=0) < symbols.VALUE_OUTPUTS
            logit = logits[rows, outputs].astype(np.float64) if predicted else np.zeros(len(rows))
            self.bits += float(np.logaddexp(0, -sign * logit).sum() / np.log(2))
            return truth

    meter = Meter()
    symbols.code_values(meter, truth.astype(np.int64), known_nonzero)
    lengths = np.floor(np.log2(np.maximum(np.abs(truth), 1))).astype(int) + 1
    raw = np.where(lengths <= 2, 0, np.where(lengths < 7, np.maximum(lengths - 3, 0), lengths - 2)).sum()
    wanted = decisions.of_values(truth, known_nonzero)
    cost = fit.bits(torch.from_numpy(logits), torch.from_numpy(wanted)).item()
    assert cost + raw == pytest.approx(meter.bits, rel=1e-4)


def test_what_training_sees_is_what_the_codec_asks(random_model: planes.PlanesModel) -> None:
    """The collector gets, for every block, the inputs that the coder's networks get."""
    from jrecomp.train.corpus import Picture
    from jrecomp.train.planes.samples import Part, collect, collecting_engine

    file: JpegFile = random_file([(2, 1), (1, 1), (1, 1)], 3, 3)
    part: Part = {}
    linear = [c.linear for c in random_model.classes]
    collect(part, Picture(file, 1), collecting_engine(random_model.tables, linear), 0)
    seen: list[np.ndarray] = []

    class Watch(walk.NetworkSink):
        def value(self, plane, x, truth, known_nonzero, sizes):  # type: ignore[no-untyped-def]
            if plane == 3:
                seen.append(x.T.astype(np.int8))
            return super().value(plane, x, truth, known_nonzero, sizes)

    original = walk.NetworkSink
    try:
        walk.NetworkSink = Watch  # type: ignore[misc]
        codec.encode(file, random_model, engine="numpy")
    finally:
        walk.NetworkSink = original  # type: ignore[misc]
    collected = [sample.x for number in range(3) for sample in part[number, 3]]
    assert b"".join(x.tobytes() for x in seen) == b"".join(x.tobytes() for x in collected)


def test_predictions_of_dc_fit_what_weights_files_may_have() -> None:
    from jrecomp.train import linear

    wild = np.array([5.0, -4.0, 3.0, -3.0])
    bounded = linear._bounded(wild)
    assert bounded.sum() == pytest.approx(1) and np.abs(bounded).sum() <= 3
    assert (np.argsort(bounded) == np.argsort(wild)).all()
    tame = np.array([0.9, -0.4, 0.3, 0.2])
    assert (linear._bounded(tame) == tame).all()
