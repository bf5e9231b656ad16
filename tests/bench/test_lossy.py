"""Lossy benchmarks with fake codecs, and with the real ones if they are installed."""

import io
import json
import math
import re
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from jrecomp.bench import codecs, command, crops, curves, lossy, lossy_report, progress, report
from jrecomp.bench.codecs import Missing, Refused
from jrecomp.bench.curves import BANDS, Curve, Point, Similarity, Timing
from jrecomp.bench.inputs import Encoding, Sample
from jrecomp.bench.lossy import LossyCodec, Source
from jrecomp.cli.app import main
from jrecomp.errors import ExitCode
from jrecomp.lossy.bdrate import envelope, log_ratio, percent
from jrecomp.options import Tune

MAKERS = [make for makers in lossy.PEERS.values() for make in makers]


def test_half_the_size_at_equal_quality() -> None:
    other = [(100.0, 30.0), (200.0, 40.0), (400.0, 50.0)]
    own = [(size / 2, quality) for size, quality in other]
    assert log_ratio(own, other, 38, 45) == pytest.approx(math.log(0.5))
    assert log_ratio(other, own, 38, 45) == pytest.approx(math.log(2))
    assert log_ratio(other, other, 38, 45) == 0


def test_differences_are_integrated_between_all_points() -> None:
    """From 40 to 44 dB log sizes rise evenly from 0 to 4, or only from 42 dB on: 0, 2 and 0 apart."""
    e = math.e
    assert log_ratio([(1, 40), (e**4, 44)], [(1, 40), (1.0001, 42), (e**4, 44)], 40, 44) == pytest.approx(
        1, abs=1e-3
    )


def test_only_what_both_curves_have_in_the_band_counts() -> None:
    other = [(100.0, 30.0), (200.0, 40.0), (400.0, 50.0)]
    assert log_ratio([(50, 44.1), (60, 60)], other, 38, 45) is None, "less than 1 dB"
    assert log_ratio([(50, 43.9), (60, 60)], other, 38, 45) is not None
    assert log_ratio([(50, 46), (60, 60)], other, 38, 45) is None
    assert log_ratio([], other, 38, 45) is None
    assert log_ratio([(50, 40)], other, 38, 45) is None


def test_envelopes_rise_and_leave_out_exact_copies() -> None:
    found = envelope([(30, 45), (10, 35), (20, 50), (40, math.inf), (20, 40)])
    assert found[:, 0].tolist() == [35, 50]
    assert np.exp(found[:, 1]) == pytest.approx([10, 20])


def test_percent_of_means() -> None:
    change, count = percent([math.log(0.5), None, math.log(0.125)])
    assert change == pytest.approx(-75)
    assert count == 2
    assert percent([None]) == (None, 0)


def test_names_of_peers() -> None:
    assert tuple(lossy.PEERS) == command.PEERS


@pytest.mark.parametrize("make", MAKERS)
def test_peers_make_pictures_like_the_source(make: Callable[[], LossyCodec], photo: bytes) -> None:
    try:
        coder = make()
    except Missing as missing:
        pytest.skip(f"not installed: {missing}")
    source = Source(photo)
    assert list(coder.settings) == sorted(coder.settings)
    least, most = (coder.encode(source, at) for at in (coder.settings[0], coder.settings[-1]))
    assert len(least) < len(most)
    alike = curves._Comparison(source.pixels)
    found = [alike.similarity(np.asarray(coder.decode(data).convert("RGB"))) for data in (least, most)]
    assert 20 < found[0].psnr < found[1].psnr
    assert not coder.own


@pytest.mark.parametrize("tune", ["psnr", "ms-ssim"])
def test_own_coders_end_with_the_source(tune: Tune, photo: bytes) -> None:
    source = Source(photo)
    for coder in (
        lossy.Container("fast", tune, 1, "cpu"),
        lossy.Shrink(progressive=False),
        lossy.Shrink(progressive=True),
    ):
        half, exact = (coder.encode(source, at) for at in (50, coder.settings[-1]))
        assert len(half) < len(exact)
        assert np.array_equal(np.asarray(coder.decode(exact)), source.pixels)
        assert np.asarray(coder.decode(half)).shape == source.pixels.shape
        assert coder.own


def test_the_subsampling_stays(make_photo: Callable[..., bytes]) -> None:
    source = Source(make_photo(subsampling=0))
    assert lossy.Reencoded().decode(lossy.Reencoded().encode(source, 90)).layer[0][1:3] == (1, 1)  # type: ignore[attr-defined]


def test_what_is_not_there_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> object:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("jrecomp.bench.lossy.shutil.which", lambda _: None)
    monkeypatch.setattr("jrecomp.bench.lossy.features.check", lambda _: False)
    monkeypatch.setattr(codecs, "import_module", absent)
    coders, notes = lossy.installed(["fast"], list(lossy.PEERS), 1, "cpu")
    assert [coder.name for coder in coders if not coder.own] == ["libjpeg"]
    assert [note.partition(" (")[0] for note in notes] == [
        "cjxl",
        "Lepton",
        "jpegoptim",
        "WebP",
        "AVIF",
        "guetzli",
    ]


def test_programs_that_fail_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="false"):
        lossy.run(["false"], b"", "out")
    with pytest.raises(Refused):
        lossy.run(["true"], b"", "out")
    assert lossy.run(["cp", "in", "out"], b"content", "out") == b"content"
    monkeypatch.setattr(lossy, "SECONDS", 0.05)
    with pytest.raises(Refused, match="timed out"):
        lossy.run(["sleep", "5"], b"", "out")


class Steps:
    """A fake codec: files of given sizes, whose pictures differ by one level in fewer and fewer pixels."""

    version = "1"
    settings: Sequence[float] = (1.0, 2.0, 3.0, 4.0)

    def __init__(self, name: str, sizes: tuple[int, ...], own: bool = False) -> None:
        self.name, self.own = name, own
        self._sizes = sizes
        self._pictures: dict[bytes, Image.Image] = {}

    def encode(self, source: Source, setting: float) -> bytes:
        """0 bytes are a refusal, and with an odd number the file cannot be decoded."""
        size = self._sizes[int(setting) - 1]
        if size == 0:
            raise Refused("too | odd")
        picture = source.pixels.copy()
        picture[: 8 * (4 - int(setting))] ^= 1
        data = bytes([int(setting)]) * size
        self._pictures[data] = Image.fromarray(picture)
        return data

    def decode(self, data: bytes) -> Image.Image:
        """The picture."""
        if len(data) % 2:
            raise ValueError("lost")
        return self._pictures[data]


@pytest.fixture
def sample(tmp_path: Path, photo: bytes) -> Sample:
    """A JPEG file of 96 x 64 pixels."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(photo)
    return Sample(path)


def measured(sample: Sample, *coders: LossyCodec, models: tuple[str, ...] = ()) -> curves.CurveResults:
    return curves.CurveResults(curves.measure(coders, [sample], models, 1, 1, "cpu"))


def test_points(sample: Sample) -> None:
    [curve] = measured(sample, Steps("Steps", (10, 0, 31, 40))).curves
    assert [(point.at, point.size) for point in curve.points] == [(1, 10), (4, 40)]
    assert curve.refusals == ("too | odd", "ValueError: lost")
    assert (curve.before, curve.pixels) == (len(sample.read()), 96 * 64)
    first, last = (point.similarity for point in curve.points)
    assert first.psnr == pytest.approx(10 * math.log10(255**2 / (24 / 64)))
    assert first.ms_ssim_db == pytest.approx(-10 * math.log10(1 - first.ms_ssim))
    assert (last.psnr, last.ms_ssim, last.ms_ssim_db) == (math.inf, 1, math.inf)


def test_same_pictures_are_judged_once(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []

    def similarity(*pictures: object) -> Similarity:
        calls.append(pictures)
        return Similarity(1, 1, None)

    monkeypatch.setattr(curves, "_similarity", similarity)
    measured(sample, Steps("a", (2, 4, 6, 8)), Steps("b", (10, 20, 30, 40)))
    assert len(calls) == 4


def test_scores_of_a_program(tmp_path: Path, sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ssimulacra2"
    program.write_text('#!/bin/sh\ncmp -s "$1" "$2" && echo 100.0 || echo 42.5\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    results = measured(sample, Steps("Steps", (2, 4, 6, 8)))
    [curve] = results.curves
    assert results.bands == BANDS
    assert [point.similarity.ssimulacra2 for point in curve.points] == [42.5, 42.5, 42.5, 100]


def test_times(sample: Sample) -> None:
    [timing] = measured(sample, models=("fast",)).times
    assert (timing.model, timing.file) == ("fast", str(sample.path))
    assert min(timing.lossless, timing.fixed, timing.searched) > 0


def curve(coder: str, own: bool, factor: float, setting: Encoding | None = None) -> Curve:
    """100, 200 and 400 bytes times a factor, at 36, 46 and infinite dB."""
    alike = [Similarity(36, 0.99, None), Similarity(46, 0.999, None), Similarity(math.inf, 1, None)]
    points = [
        Point(at, int(size * factor), similarity, 0.5)
        for at, size, similarity in zip((10, 20, 30), (100, 200, 400), alike, strict=True)
    ]
    return Curve(coder, own, "a.jpg", setting, 1000, 800, tuple(points), ("odd | file",) * (not own))


SETUP = report.Setup(["jrecomp"], {"jrecomp": "0.1"}, ["cjxl"], 1, 1, "Some CPU", 8, "2026-01-02", {})


def test_report() -> None:
    sets = (Encoding("420", 75), Encoding("420", 90))
    times = [Timing("m", name, sets[0], 1.0, 1.5, 5.0) for name in "ab"]
    both = [c for s in sets for c in (curve("jrecomp m", True, 1, s), curve("other", False, 2, s))]
    text = lossy_report.markdown(SETUP, curves.CurveResults([*both, *times]))
    assert (
        "4:2:0 q75, PSNR 38 to 45 dB:\n\n| % against | jrecomp m |\n| --- | --- |\n| other | -50.0 (1) |"
        in text
    )
    assert (
        "4:2:0 q90, PSNR above 45 dB:\n\n| % against | jrecomp m |\n| --- | --- |\n| other | -50.0 (1) |"
        in text
    )
    assert "the quality rises on 2 of 2 curves." in text
    assert "| m | 4:2:0 q75 | 2.00 | 3.00 | 1.50 | 10.00 | 5.00 |" in text
    assert "| other | odd / file | 2 |" in text
    assert "| 10 | 50.0 / 2.000 / 36.00 / 0.99000 / - / 0.50 |" in text, "200 of 400 bytes; 800 pixels"
    assert "- not measured: cjxl" in text


def test_falls_are_told() -> None:
    good = curve("jrecomp m", True, 1)
    points = (*good.points[:2], Point(30, 150, good.points[2].similarity, 0.5))
    bad = Curve("jrecomp m", True, "b.jpg", None, 1000, 800, points, ())
    text = lossy_report.markdown(SETUP, curves.CurveResults([good, bad]))
    assert "the quality rises on 1 of 2 curves. They fall here:" in text
    assert "| jrecomp m | `b.jpg` | files | 30 | 50 |" in text


def test_json_is_plain() -> None:
    results = curves.CurveResults([curve("jrecomp m", True, 1), curve("other", False, 2)])
    document = json.loads(json.dumps(lossy_report.as_json(SETUP, results), allow_nan=False))
    assert len(document["bd_rates"]) == len(BANDS) - 1  # there are no scores
    assert document["bd_rates"][0]["percent"] == pytest.approx(-50)
    assert document["bd_rates"][0]["count"] == 1
    psnrs = [point["similarity"]["psnr"] for point in document["curves"][0]["points"]]
    assert psnrs == [36, 46, None]


def test_settings_that_not_all_files_have_are_no_means() -> None:
    full = curve("jrecomp m", True, 1)
    short = Curve("jrecomp m", True, "b.jpg", None, 1000, 800, full.points[:1], ())
    assert list(lossy_report.means(curves.CurveResults([full, short]), "jrecomp m", None)) == [10]


def test_chart() -> None:
    pytest.importorskip("matplotlib", reason="charts need matplotlib (extra: bench)")
    plots = import_module("jrecomp.bench.plots")
    results = curves.CurveResults([curve("jrecomp m", True, 1), curve("other", False, 2)])
    upper, lower = plots._lossy(results).axes
    own, other = upper.get_lines()
    assert own.get_xydata() == pytest.approx(np.array([[25, 36], [50, 46]]))
    assert other.get_xydata() == pytest.approx(np.array([[50, 36], [100, 46]]))
    assert lower.get_lines()[0].get_ydata() == pytest.approx([20, 30])


def bench(*arguments: object, code: ExitCode = ExitCode.OK) -> Result:
    result = CliRunner().invoke(main, ["bench", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def test_command(tmp_path: Path, photo: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib", reason="charts need matplotlib (extra: bench)")
    for coder in (lossy.Container, lossy.Shrink, lossy.Reencoded):
        monkeypatch.setattr(coder, "settings", (40, 80, 100))
    picture, output = tmp_path / "my photo.png", tmp_path / "out"
    Image.open(io.BytesIO(photo)).save(picture)
    text = bench(picture, "--lossy", "--model", "fast", "--peer", "libjpeg", "--output", output).stdout
    assert (output / "report.md").read_text() == text
    assert re.findall(r"^(4:2:0 q\d+), PSNR above", text, re.MULTILINE) == [
        f"4:2:0 q{quality}" for quality in (75, 90, 95)
    ]
    document = json.loads((output / "results.json").read_text())
    assert {curve["coder"] for curve in document["curves"]} == {
        "jrecomp fast",
        "jrecomp fast ms-ssim",
        "jrecomp fast ssimulacra2",
        "jrecomp shrink",
        "jrecomp shrink progressive",
        "libjpeg",
    }
    assert (output / "lossy.png").stat().st_size > 1000
    shown = re.findall(r"!\[\]\(<(.*?)>\)", (output / "crops.md").read_text())
    assert len(shown) == 3 * (1 + 2 * len(crops.DECIBELS))
    for name in shown:
        with Image.open(output / name) as image:
            assert image.size == (2 * 96, 2 * 64)


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("--scaling --qualities 50", "--qualities"),
        ("--scaling --sampling 420", "--sampling"),
        ("--scaling --threads 1", "--threads"),
        ("--scaling --device cpu", "--device"),
        ("--scaling --lossy", "--lossy"),
        ("--scaling --batch", "--batch"),
        ("--batch --lossy", "--lossy"),
        ("--batch --start-up", "--start-up"),
        ("--restore --start-up", "--start-up"),
        ("--start-up --lossy", "--lossy"),
        ("--start-up --threads 1", "--threads"),
        ("--peer webp", "--peer"),
    ],
)
def test_options_that_would_be_ignored_are_refused(sample: Sample, line: str, refused: str) -> None:
    assert f"takes no {refused}\n" in bench(sample.path, *line.split(), code=ExitCode.USAGE).stderr


def test_crops_show_where_pictures_differ_most() -> None:
    a = np.full((400, 500, 3), 100, np.uint8)
    b = a.copy()
    b[330, 90] = 110
    place = crops.worst(a, b)
    assert (a[place] != b[place]).any()
    assert a[place].shape == (crops.SIDE, crops.SIDE, 3)
    shown = crops.difference(a, b)
    assert shown[330, 90].tolist() == [128 + 80] * 3
    assert shown[0, 0].tolist() == [128] * 3


class Terminal(io.StringIO):
    """Standard error as a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def test_progress_is_told_on_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, told in ((io.StringIO(), False), (Terminal(), True)):
        monkeypatch.setattr("sys.stderr", stream)
        assert list(progress.watched(iter(range(3)), 3)) == [0, 1, 2]
        assert ("3/3" in stream.getvalue()) == told
