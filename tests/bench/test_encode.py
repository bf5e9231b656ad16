"""Benchmarks of encoders with fake ones, and with the real ones if they are installed."""

import io
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import jrecomp
from jrecomp.array_types import UInt8
from jrecomp.bench import bd, command, crops, encode, encode_report, encoders, restore, scores
from jrecomp.bench.codecs import Missing, Refused
from jrecomp.bench.encode import Curve, Point, Results
from jrecomp.bench.isolated import Speed
from jrecomp.bench.lossy import DecodedByPillow, LossyCodec, Source, saved
from jrecomp.cli.app import main
from jrecomp.errors import ExitCode


def pixels(rows: int = 96, columns: int = 176) -> UInt8:
    y, x = np.mgrid[:rows, :columns]
    waves = [128 + 90 * np.sin(y / a + x / b) for a, b in ((9, 14), (15, 8), (21, 30))]
    noise = np.random.default_rng(2).normal(0, 6, (rows, columns, 3))
    return (np.stack(waves, 2) + noise).clip(0, 255).astype(np.uint8)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    Image.fromarray(pixels()).save(path)
    return path


class Fake(DecodedByPillow):
    """JPEG files of Pillow followed by a multiple of their size of zeros; quality 3 is refused."""

    own = True
    version = "1"
    settings: Sequence[float] = (3, 40, 70, 90)

    def __init__(self, name: str, times: int) -> None:
        self.name, self._times = name, times

    def encode(self, source: Source, setting: float) -> bytes:
        if setting == 3:
            raise Refused("too low")
        data = saved(source.image, format="JPEG", quality=int(setting))
        return data + bytes(len(data) * (self._times - 1))


def invoke(*args: object) -> Result:
    return CliRunner().invoke(main, ["bench", *map(str, args)])


def line(*points: tuple[float, float]) -> list[tuple[float, float]]:
    return [(math.exp(size), quality) for size, quality in points]


def test_monotone_cubics_go_through_their_points_and_rise() -> None:
    x, y = np.array([0.0, 1, 3, 4, 9]), np.array([0.0, 5, 5.1, 9, 10])
    curve = bd.increasing(x, y)
    assert curve(x) == pytest.approx(y)
    assert (np.diff(curve(np.linspace(0, 9, 500))) >= 0).all()
    assert curve(np.array([-1.0, 20])) == pytest.approx([0, 10])


def test_monotone_cubics_of_straight_lines_are_straight() -> None:
    x, at = np.array([0.0, 1, 3, 7]), np.linspace(0, 7, 50)
    assert bd.increasing(x, 2 * x + 1)(at) == pytest.approx(2 * at + 1)


def test_slopes_of_monotone_cubics_are_weighted_harmonic_means() -> None:
    """Chords 1 and 3 of steps 1 and 2: the slope between is 9 / (5 / 1 + 4 / 3)."""
    curve = bd.increasing(np.array([0.0, 1, 3]), np.array([0.0, 1, 7]))
    slope = (curve(np.array([1 + 1e-6])) - curve(np.array([1 - 1e-6]))) / 2e-6
    assert slope[0] == pytest.approx(9 / (5 / 1 + 4 / 3), rel=1e-4)


def test_half_the_size_at_equal_similarity() -> None:
    other = line((1, 30), (2, 50), (4, 70), (5, 90))
    own = [(size / 2, quality) for size, quality in other]
    assert bd.log_ratio(own, other, 40, 80) == pytest.approx(math.log(0.5))
    assert bd.log_ratio(other, own, 40, 80) == pytest.approx(math.log(2))
    assert bd.log_ratio([], other, 40, 80) is None


def test_too_little_in_common_is_no_result() -> None:
    other, own = line((1, 30), (2, 50), (4, 70)), line((1, 63), (2, 80), (3, 90))
    assert bd.log_ratio(own, other, 30, 70) is None
    assert bd.log_ratio(own, other, 60, 70) is not None
    assert bd.span(other, own, 60, 90) is None


def test_ranges_of_other_measures_have_the_same_sizes() -> None:
    guide = line((1, 30), (2, 50), (3, 70))
    measure = line((1, 20), (2, 24), (3, 28))
    assert bd.span(guide, measure, 30, 50) == pytest.approx((20, 24))
    assert bd.span(guide, measure, 40, 80) == pytest.approx((22, 28)), "up to the end of the curve"


def curve(coder: str, sizes: Sequence[float], own: bool = False, file: str = "a.png") -> Curve:
    scores = [{"ssimulacra2": 30.0 + 20 * k, "psnr": 25.0 + 5 * k} for k in range(len(sizes))]
    points = tuple(Point(k, round(s), scores[k], 0.1) for k, s in enumerate(sizes))
    return Curve(coder, own, file, 8000, points, ())


SIZES = (10000, 20000, 40000, 80000)


def test_changes_and_the_better_of_both() -> None:
    results = Results(
        [
            curve("jrecomp fast", [size // 2 for size in SIZES], own=True),
            curve("jpegli", SIZES),
            curve("jpegli without AQ", [size * 3 // 4 for size in SIZES]),
        ]
    )
    for measure in ("ssimulacra2", "psnr"):
        assert results.changes("jrecomp fast", "jpegli", measure, 30, 60)["a.png"] == pytest.approx(
            -math.log(2)
        )
    text = "".join(encode_report.tables(results))
    assert "| jrecomp fast | jpegli | -50.0 / -50.0 / " in text
    assert "| jrecomp fast | the better of both | -33.3 / -33.3 / " in text
    assert "| jpegli without AQ | jpegli | -25.0 / -25.0 / " in text


def test_containers_and_other_formats_at_equal_psnr() -> None:
    results = Results(
        [
            curve("jrecomp restored .jrc best", [size // 2 for size in SIZES], own=True),
            curve("jrecomp fast", SIZES, own=True),
            curve("WebP", SIZES),
        ]
    )
    text = "".join(encode_report.tables(results)).partition("PSNR (RGB) of 31 to 40 dB")[2]
    assert "| jrecomp restored .jrc best | -50.0 [-50, -50] (1) |" in text and "fast" not in text


def test_differences_at_equal_size() -> None:
    results = Results([curve("own", [s / 2 for s in SIZES], own=True), curve("other", SIZES)])
    assert results.gains("own", "other", "psnr", 30) == {"a.png": pytest.approx(5)}
    assert results.gains("own", "other", "psnr", 1e6) == {}, "larger than both"


def test_results_of_runs_are_merged() -> None:
    """Equal files get the measures of both runs; of different ones the later counts."""
    first = curve("a", SIZES)
    more = Curve("a", False, "a.png", 8000, (Point(0, SIZES[0], {"vmaf": 50.0}, 0.2),), ("refused",))
    changed = Curve("a", False, "a.png", 8000, (Point(1, 7, {"vmaf": 60.0}, 0.2),), ())
    merged = Results([first, more, changed]).curves[0]
    assert merged.points[0].scores == {"ssimulacra2": 30.0, "psnr": 25.0, "vmaf": 50.0}
    assert (merged.points[1].size, merged.points[1].scores) == (7, {"vmaf": 60.0})
    assert merged.refusals == ("refused",)


def test_means_are_of_the_same_pictures() -> None:
    other = curve("a", [2 * size for size in SIZES], file="b.png")
    results = Results([curve("a", SIZES), other, curve("b", SIZES)])
    assert results.common("psnr") == {"a.png"}
    assert results.means("a", "psnr") == results.means("b", "psnr")
    assert results.means("a", "psnr")[0] == (8 * SIZES[0] / 8000, 25)


def test_encoders_with_few_pictures_do_not_count() -> None:
    files = "abc"
    results = Results([*(curve("a", SIZES, file=file) for file in files), curve("b", SIZES, file="c")])
    assert results.common("psnr") == set(files)
    assert results.means("a", "psnr") and not results.means("b", "psnr")


def test_results_as_json_and_back() -> None:
    results = Results([curve("a", SIZES), Speed("a", 3, 12.0, 5, 1.5, 20.0)])
    again = Results(encode.from_json(json.loads(json.dumps(encode.as_json(results)))))
    assert (again.curves, again.speeds) == (results.curves, results.speeds)


def test_curves_of_encoders(picture: Path) -> None:
    found, notes = scores.opened(["ssimulacra2", "psnr", "ms-ssim", "psnr-y"])
    assert not notes
    one, two = encode.measure([Fake("one", 1), Fake("two", 2)], [picture], found)
    assert one.refusals == ("too low",)
    assert [point.at for point in one.points] == [40, 70, 90]
    assert [p.size * 2 for p in one.points] == [p.size for p in two.points]
    assert [p.scores for p in one.points] == [p.scores for p in two.points]
    for name in found:
        values = [point.scores[name] for point in one.points]
        assert values == sorted(values)
    assert Results([one, two]).changes("one", "two", "psnr", 0, 100) or len(one.points) == 3


def test_equal_pictures_have_no_finite_similarity() -> None:
    found = scores.opened(["psnr", "ssimulacra2", "ms-ssim"])[0]
    assert encode.similarities(pixels(), pixels(), found) == {"ssimulacra2": 100.0}


@pytest.mark.parametrize("name", [name for name, measure in scores.MEASURES.items() if measure.default])
def test_measures_prefer_the_better_picture(name: str) -> None:
    try:
        score = scores.MEASURES[name].open()
    except Missing as missing:
        pytest.skip(f"not installed: {missing}")
    original = pixels()
    axis = scores.MEASURES[name].axis
    jpegs = [saved(Image.fromarray(original), format="JPEG", quality=quality) for quality in (10, 80)]
    worse, better = (axis(score(original, restore.decoded(jpeg))) for jpeg in jpegs)
    assert worse < better


def test_names_of_options() -> None:
    assert tuple(encoders.PEERS) == command.ENCODERS
    assert tuple(restore.PEERS) == command.RESTORERS
    assert tuple(scores.MEASURES) == command.MEASURES
    assert [name for name, measure in scores.MEASURES.items() if not measure.default] == [
        command.MEASURES[-1]
    ]


@pytest.mark.parametrize("make", [make for makers in encoders.PEERS.values() for make in makers])
def test_peers_make_pictures_like_the_source(make: type[LossyCodec]) -> None:
    try:
        coder = make()
    except Missing as missing:
        pytest.skip(f"not installed: {missing}")
    source = Source(saved(Image.fromarray(pixels()), format="PNG"))
    least, most = (coder.encode(source, at) for at in (coder.settings[0], coder.settings[-1]))
    assert len(least) < len(most)
    decoded = [np.asarray(coder.decode(data).convert("RGB")).astype(int) for data in (least, most)]
    errors = [float(((source.pixels - picture) ** 2).mean()) for picture in decoded]
    assert 2000 > errors[0] > errors[1]


def test_containers_hold_the_files_of_the_encoder() -> None:
    source = Source(saved(Image.fromarray(pixels()), format="PNG"))
    plain = encoders.Own(settings=(50,))
    contained = encoders.Contained(plain, "fast")
    jpeg, container = plain.encode(source, 50), contained.encode(source, 50)
    assert len(container) < len(jpeg)
    assert np.array_equal(np.asarray(contained.decode(container)), np.asarray(plain.decode(jpeg)))
    assert len(plain.encode(source, 0, max_bytes=2000)) <= 2000


def test_restored_pictures_of_containers() -> None:
    source = Source(saved(Image.fromarray(pixels()), format="PNG"))
    restored = encoders.Restored("fast")
    container = restored.encode(source, 50)
    assert np.array_equal(np.asarray(restored.decode(container)), jrecomp.restore(container))
    names = [
        coder.name for coder in encoders.chosen(["fast"], ["psnr"], ["fast"], [], "auto", 1, low=False)[0]
    ]
    assert names == ["jrecomp fast, psnr", "jrecomp fast, psnr .jrc fast", restored.name]


def test_the_baseline_is_sequential_with_the_typical_tables() -> None:
    source = Source(saved(Image.fromarray(pixels()), format="PNG"))
    baseline, *_ = encoders.chosen([], [], [], [], "auto", 1, low=True)[0]
    assert baseline.name == encoders.BASELINE
    expected = io.BytesIO()
    Image.fromarray(pixels()).save(expected, "JPEG", quality=42, subsampling=0)
    assert baseline.encode(source, 42) == expected.getvalue()


def test_report_of_the_command(picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib", reason="charts need matplotlib (extra: bench)")
    monkeypatch.setattr(encode, "MEGAPIXELS", 0.02)
    monkeypatch.setattr(encoders, "QUALITIES", (20, 50, 90))
    monkeypatch.setattr(crops, "SIDE", 64)
    monkeypatch.setattr(encoders, "REFERENCES", ())
    out = tmp_path / "out"
    options = ("--encode", "--measure", "ssimulacra2", "--measure", "psnr-y", "--output", out)
    result = invoke(picture, *options, "--model", "fast", "--peer", "libjpeg")
    assert result.exit_code == ExitCode.OK, result.output
    assert "| jrecomp fast | libjpeg progressive | " in result.output
    assert "## Time and memory" in result.output
    assert (out / "encode.png").stat().st_size
    page = (out / "crops.md").read_text()
    images = [part.partition(">")[0] for part in page.split("](<")[1:]]
    assert images
    assert all((out / image).is_file() for image in images)
    again = invoke(out / "results.json", "--encode", "--output", tmp_path / "again")
    assert again.exit_code == ExitCode.OK, again.output
    assert again.output.partition("## Size")[2] == result.output.partition("## Size")[2]


def test_low_rates(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, "MEGAPIXELS", 0.02)
    monkeypatch.setattr(encoders, "LOW_QUALITIES", (2, 20, 60))
    result = invoke(picture, "--encode", "--low", "--tune", "psnr", "--measure", "psnr", "--no-peers")
    assert result.exit_code == ExitCode.OK, result.output
    assert "## At equal size" in result.output
    assert "| jrecomp fast, psnr | " in result.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--encode", "--lossy"], "--encode takes no --lossy"),
        (["--encode", "--qualities", "50"], "--encode takes no --qualities"),
        (["--encode", "--peer", "lepton"], "this comparison has no --peer lepton"),
        (["--encode", "--no-peers", "--peer", "avif"], "--no-peers takes no --peer"),
        (["--encode", "--effort", "none"], "--effort none is not one of"),
        (["--encode", "--tune", "none"], "--tune none is not one of"),
        (["--encode", "--sampling", "420", "--sampling", "444"], "--encode takes one --sampling"),
        (["--restore", "--model", "fast"], "--restore takes no --model"),
        (["--low"], "a comparison without --encode takes no --low"),
        (["--no-peers"], "a comparison without --encode or --restore takes no --no-peers"),
        (["--peer", "avif"], "takes no --peer"),
    ],
)
def test_options_that_do_not_fit(picture: Path, options: list[str], message: str) -> None:
    result = invoke(picture, *options)
    assert result.exit_code == ExitCode.USAGE
    assert message in result.output


def test_other_json_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    for text in ("{}", "[1]", "no", '{"setup": {}, "curves": []}'):
        path.write_text(text)
        result = invoke(path, "--encode")
        assert result.exit_code == ExitCode.USAGE
        assert "these are not results of this comparison" in result.output
