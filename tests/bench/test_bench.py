"""The benchmark with fake codecs, whose results are known in advance."""

import io
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from jrecomp.bench import batches, codecs, inputs, measure, report, scaling, start_up
from jrecomp.bench.codecs import Codec, Missing, Refused
from jrecomp.bench.inputs import Encoding, Sample
from jrecomp.bench.measure import Measurement, RoundTrip, Total
from jrecomp.cli.app import main
from jrecomp.errors import ExitCode, UsageError
from jrecomp.model import weights


class Half:
    """Keeps every file in memory and says that it takes half the bytes."""

    version = "1"

    def __init__(self, name: str = "Half") -> None:
        self.name = name
        self._files: dict[bytes, bytes] = {}

    def encode(self, data: bytes) -> bytes:
        key = data[: len(data) // 2]
        self._files[key] = data
        return key

    def decode(self, data: bytes) -> bytes:
        return self._files[data]


class Picky(Half):
    """Refuses what begins with R, changes W, fails on F, and changes S from the third time on."""

    def __init__(self, name: str = "Picky") -> None:
        super().__init__(name)
        self._calls = 0

    def encode(self, data: bytes) -> bytes:
        if data.startswith(b"R"):
            raise Refused("too | odd")
        return super().encode(data)

    def decode(self, data: bytes) -> bytes:
        self._calls += 1
        if data.startswith(b"F"):
            raise ValueError("lost")
        spoilt = data.startswith(b"W") or (data.startswith(b"S") and self._calls > 2)
        return super().decode(data) + b"!" * spoilt


def measured(tmp_path: Path, codec: Codec, data: bytes, repeats: int = 1) -> Measurement:
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    [measurement] = measure.run([codec], [Sample(path)], repeats)
    return measurement


def test_sizes_and_outcomes(tmp_path: Path) -> None:
    good = measured(tmp_path, Half(), b"x" * 100)
    assert (good.before, good.after, good.outcome, good.saving) == (100, 50, RoundTrip.RESTORED, 50)
    assert good.encode_seconds > 0 < good.decode_seconds


@pytest.mark.parametrize(
    ("first", "outcome", "reason"),
    [
        (b"R", RoundTrip.REFUSED, "too | odd"),
        (b"W", RoundTrip.WRONG, "the restored bytes differ"),
        (b"F", RoundTrip.WRONG, "ValueError: lost"),
        (b"S", RoundTrip.WRONG, "the restored bytes differ"),
    ],
)
def test_what_does_not_come_back_counts_at_full_size(
    tmp_path: Path, first: bytes, outcome: RoundTrip, reason: str
) -> None:
    m = measured(tmp_path, Picky(), first + b"x" * 99, repeats=2)
    assert (m.outcome, m.reason, m.after, m.saving) == (outcome, reason, 100, 0)
    assert m.encode_seconds == m.decode_seconds == 0


def test_totals() -> None:
    total = Total.of(
        [
            Measurement("c", "1", None, 0, 3_000_000, 1_000_000, RoundTrip.RESTORED, "", 2.0, 0.5),
            Measurement("c", "2", None, 0, 1_000_000, 1_000_000, RoundTrip.REFUSED, "odd"),
            Measurement("c", "3", None, 0, 4_000_000, 4_000_000, RoundTrip.WRONG, "lost"),
        ]
    )
    assert (total.count, total.refused, total.wrong) == (3, 1, 1)
    assert total.saving == 25
    assert (total.encode_speed, total.decode_speed) == (1.5, 6), "only the file that came back counts"
    assert Total.of([]).encode_speed is None
    assert Total.of([]).saving == 0


def test_files_are_read_one_at_a_time(tmp_path: Path) -> None:
    """The second file appears only when the first was measured."""
    first, second = tmp_path / "1.jpg", tmp_path / "2.jpg"
    first.write_bytes(b"first!")

    def samples() -> Iterator[Sample]:
        yield Sample(first)
        second.write_bytes(b"second")
        yield Sample(second)

    measurements = measure.run([Half()], samples(), 1)
    assert next(measurements).file == str(first)
    assert not second.exists()
    assert next(measurements).file == str(second)


def test_the_first_file_warms_up_and_then_each_runs_as_often_as_asked(tmp_path: Path) -> None:
    class Counting(Half):
        calls = 0

        def encode(self, data: bytes) -> bytes:
            self.calls += 1
            return super().encode(data)

    (tmp_path / "a.jpg").write_bytes(b"content")
    codec = Counting()
    assert len(list(measure.run([codec], [Sample(tmp_path / "a.jpg")] * 3, 2))) == 3
    assert codec.calls == 1 + 3 * 2


@pytest.fixture
def folder(tmp_path: Path, make_photo: Callable[..., bytes]) -> Path:
    """Two JPEG files, a picture of 40 x 30 pixels, and a text."""
    place = tmp_path / "inputs"
    place.mkdir()
    (place / "b.JPG").write_bytes(make_photo(32, 32))
    (place / "a.jpeg").write_bytes(make_photo(48, 32))
    Image.linear_gradient("L").resize((40, 30)).save(place / "c.png")
    (place / "notes.txt").write_text("no picture")
    return place


def test_sources(folder: Path) -> None:
    found = inputs.find([folder / "b.JPG", folder])
    assert [path.name for path in found] == ["b.JPG", "a.jpeg", "c.png"]
    with pytest.raises(UsageError, match=r"notes\.txt is neither"):
        inputs.find([folder / "notes.txt"])


def test_samples(folder: Path) -> None:
    found = list(inputs.samples(inputs.find([folder]), [50, 90], ["444", "420"]))
    settings = [Encoding(s, q) for s in ("444", "420") for q in (50, 90)]
    assert [sample.setting for sample in found] == [None, None, *settings]
    assert found[0].read() == (folder / "a.jpeg").read_bytes()
    assert [sample.sub_pixels() for sample in found] == [0, 0, *[40 * 30 * 3] * 4]
    expected = Image.open(folder / "c.png").convert("RGB")
    with (folder.parent / "expected.jpg").open("wb") as file:
        expected.save(file, "JPEG", quality=90, subsampling=0)
    assert found[3].read() == (folder.parent / "expected.jpg").read_bytes()


SETUP = report.Setup(
    ["jrecomp", "bench", "my photos"],
    {"jrecomp default": "0.1", "Lepton": "0.5"},
    ["libjxl (pip install pillow-jxl-plugin)"],
    3,
    1,
    "Some CPU",
    8,
    "2026-01-02",
    {"Python": "3.11"},
)


def pair(file: str, own: int, lepton: int, setting: Encoding | None = None) -> list[Measurement]:
    """jrecomp and Lepton on a file of 10,000 bytes and 8000 sub-pixels, which come down to these sizes."""
    rest = (RoundTrip.RESTORED, "", 0.02, 0.01)
    size = 8000 if setting else 0
    return [
        Measurement("jrecomp default", file, setting, size, 10_000, own, *rest),
        Measurement("Lepton", file, setting, size, 10_000, lepton, *rest),
    ]


def written(measurements: list[Measurement]) -> str:
    return report.markdown(SETUP, report.Results(measurements))


def test_report_names_what_was_run() -> None:
    text = written(pair("a.jpg", 7000, 8000))
    for line in (
        "- command: `jrecomp bench 'my photos'`",
        "- date: 2026-01-02",
        "- machine: Some CPU, 8 cores",
        "- versions: Python 3.11",
        "- Lepton: 0.5",
        "- not measured: libjxl (pip install pillow-jxl-plugin)",
    ):
        assert line in text.splitlines()


def test_report_adds_up() -> None:
    text = written(
        [
            *pair("a.jpg", 7000, 8000),
            *pair("c.png", 6000, 9000, Encoding("444", 50)),
            *pair("c.png", 5000, 7500, Encoding("420", 50)),
        ]
    )
    assert "| jrecomp default | 40.00 | 0 | 0 | 3 | 0.030 | 0.018 | 0.50 / 1.00 |" in text
    assert "| saving % | files | 4:4:4 q50 | 4:2:0 q50 |" in text
    assert "| jrecomp default | 30.00 | 40.00 | 50.00 |" in text
    assert "| Lepton | 20.00 | 10.00 | 25.00 |" in text
    assert "| Lepton | 0 / 0 of 1 | 0 / 0 of 1 | 0 / 0 of 1 |" in text


def test_bits_per_sub_pixel() -> None:
    text = written([*pair("c.png", 6000, 9000, Encoding("444", 50)), *pair("c", 1, 1, Encoding("420", 50))])
    table = text.partition("## Bits per sub-pixel\n\n")[2]
    assert table.splitlines() == [
        "| 4:4:4 | q50 |",
        "| --- | --- |",
        "| JPEG | 10.000 |",
        "| jrecomp default | 6.000 |",
        "| Lepton | 9.000 |",
    ]
    assert "sub-pixel" not in written(pair("a.jpg", 7000, 8000))


def test_reasons_are_told_and_counted() -> None:
    refused = [
        Measurement("Lepton", f"{n}.jpg", None, 0, 9, 9, RoundTrip.REFUSED, "a | b\nc") for n in range(2)
    ]
    assert "| Lepton | refused | a / b c | 2 |" in written(refused)
    assert "reason" not in written(pair("a.jpg", 7000, 8000))


def listed(text: str) -> list[str]:
    """Rows of the comparison with Lepton."""
    return text.partition("against Lepton\n")[2].splitlines()[5:]


def test_files_behind_lepton_come_worst_first() -> None:
    text = written([*pair("b.jpg", 7051, 7000), *pair("g.jpg", 6000, 7000), *pair("w.jpg", 7100, 7000)])
    assert "More than 0.5 percentage points behind on 2 of 3 files" in text
    assert listed(text) == [
        "| `w.jpg` | 29.00 | 30.00 | -1.00 |",
        "| `b.jpg` | 29.49 | 30.00 | -0.51 |",
        "| `g.jpg` | 40.00 | 30.00 | +10.00 |",
    ]


@pytest.mark.parametrize(("behind", "rows"), [(3, 10), (12, 12)])
def test_all_files_behind_are_listed_and_ten_at_least(behind: int, rows: int) -> None:
    pairs = [pair(f"{n}.jpg", 8000 if n < behind else 6000, 7000) for n in range(15)]
    assert len(listed(written([m for both in pairs for m in both]))) == rows


def test_refusals_of_lepton_show_in_the_comparison() -> None:
    own, lepton = pair("a.jpg", 7000, 7000)
    refused = Measurement("Lepton", lepton.file, None, 0, 10_000, 10_000, RoundTrip.REFUSED, "odd")
    assert listed(written([own, refused])) == ["| `a.jpg` | 30.00 | 0.00 (refused) | +30.00 |"]


def test_pictures_alone_are_not_listed_by_file() -> None:
    assert "against" not in written(pair("c.png", 9000, 7000, Encoding("444", 50)))


def test_json_has_everything() -> None:
    results = report.Results(pair("c.png", 6000, 9000, Encoding("444", 50)))
    document = json.loads(json.dumps(report.as_json(SETUP, results)))
    assert document["setup"]["cpu"] == "Some CPU"
    assert document["totals"][0]["codec"] == "jrecomp default"
    assert document["totals"][0]["encode_speed"] == 0.5
    assert document["sets"][1]["setting"] == {"sampling": "444", "quality": 50}
    assert document["files"][1] == {
        "codec": "Lepton",
        "file": "c.png",
        "setting": {"sampling": "444", "quality": 50},
        "sub_pixels": 8000,
        "before": 10_000,
        "after": 9000,
        "outcome": "restored",
        "reason": "",
        "encode_seconds": 0.02,
        "decode_seconds": 0.01,
        "saving": pytest.approx(10),
    }


def test_missing_codecs_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Codec:
        raise Missing("Other (pip install other)")

    monkeypatch.setattr(codecs, "PEERS", [missing, Half, missing])
    found, notes = codecs.installed(["default"], 1, "cpu")
    assert [codec.name for codec in found] == ["jrecomp default", "Half"]
    assert notes == ["Other (pip install other)"]


def test_a_library_that_is_not_there_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(codecs, "import_module", absent)
    for peer in codecs.PEERS:
        with pytest.raises(Missing, match="pip install"):
            peer()


@pytest.mark.parametrize("peer", codecs.PEERS)
def test_peers_restore_a_photo_and_refuse_the_rest(peer: Callable[[], Codec], photo: bytes) -> None:
    try:
        codec = peer()
    except Missing as missing:
        pytest.skip(f"not installed: {missing}")
    compressed = codec.encode(photo)
    assert len(compressed) < len(photo)
    assert codec.decode(compressed) == photo
    with pytest.raises(Refused):
        codec.encode(b"no photo")


def test_names_of_models() -> None:
    assert weights.DEFAULT_MODEL in weights.names()
    assert [weights.load(name).name for name in weights.names()] == weights.names()


def bench(*arguments: object, code: ExitCode = ExitCode.OK) -> Result:
    result = CliRunner().invoke(main, ["bench", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def half_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs, "PEERS", [Half])


@pytest.mark.usefixtures("half_only")
def test_command_takes_files_and_folders(folder: Path) -> None:
    text = bench(folder / "b.JPG", "--model", "default").stdout
    assert re.search(r"^\| Half \| 50\.\d\d \| 0 \| 0 \| 1 \|", text, re.MULTILINE)
    assert "| jrecomp default |" in text
    text = bench(folder, "--qualities", "50", "--sampling", "420").stdout
    assert "| Half | 0 / 0 of 2 | 0 / 0 of 1 |" in text


@pytest.mark.usefixtures("half_only")
def test_wrong_use_is_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    bench(folder / "b.JPG", "--model", "nonsense", code=ExitCode.UNKNOWN_MODEL)
    bench(tmp_path / "empty", code=ExitCode.USAGE)
    bench(folder, "--qualities", "0", code=ExitCode.USAGE)
    bench(folder, "--repeats", "0", code=ExitCode.USAGE)


@pytest.mark.usefixtures("half_only")
def test_output_folder(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="charts need matplotlib (extra: bench)")
    output = tmp_path / "new" / "results"
    text = bench(folder, "--qualities", "50,75", "--output", output).stdout
    assert (output / "report.md").read_text() == text
    files = json.loads((output / "results.json").read_text())["files"]
    assert len(files) == (1 + len(weights.names())) * (2 + 2 * 2)
    for name in ("saving.png", "speed.png"):
        with Image.open(output / name) as image:
            assert image.format == "PNG"
            assert len(image.convert("RGB").getcolors(1 << 20) or []) > 10


def test_charts_show_what_was_measured() -> None:
    pytest.importorskip("matplotlib", reason="charts need matplotlib (extra: bench)")
    plots = import_module("jrecomp.bench.plots")
    measurements = [
        *pair("a.jpg", 7000, 8000),
        *pair("c.png", 6000, 9000, Encoding("444", 90)),
        *pair("c.png", 5000, 7500, Encoding("444", 50)),
        Measurement("lost", "a.jpg", None, 0, 10_000, 10_000, RoundTrip.WRONG, "odd"),
        *(
            Measurement("lost", "c.png", Encoding("444", q), 1, 9, 9, RoundTrip.WRONG, "odd")
            for q in (90, 50)
        ),
    ]
    results = report.Results(measurements)
    lines, bars = plots._saving(results).axes
    assert lines.get_lines()[0].get_xydata().tolist() == [[50, 50], [90, 40]]
    assert [bar.get_height() for bar in bars.patches] == pytest.approx([30, 20, 0])
    encode, decode = plots._speed(results).axes
    assert [line.get_label() for line in encode.get_lines()] == ["jrecomp default", "Lepton"]
    assert encode.get_lines()[0].get_xydata().tolist() == [[pytest.approx(0.5), pytest.approx(40)]]
    assert decode.get_lines()[0].get_xydata()[0][0] == pytest.approx(1)
    assert encode.get_xscale() == decode.get_xscale() == "log"


def test_mosaics_have_the_size_that_is_asked_for(folder: Path) -> None:
    picture = folder / "c.png"
    with Image.open(io.BytesIO(scaling.mosaic([picture], 0.03))) as image:
        assert (image.width, image.height) == (200, 150)
        pixels = np.asarray(image.convert("RGB"), int)
    with Image.open(picture) as image:
        tile = np.asarray(image.convert("RGB"), int)
    rows, columns = tile.shape[:2]
    assert abs(pixels[:rows, :columns] - tile).mean() < 8  # the first tile and the next one are the picture
    assert abs(pixels[:rows, columns : 2 * columns] - tile[:, : 200 - columns]).mean() < 8


def test_scaling_by_size_and_threads(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib", reason="charts need matplotlib (extra: bench)")
    monkeypatch.setattr(scaling, "MEGAPIXELS", (0.01, 0.04))
    monkeypatch.setattr(scaling, "FOR_THREADS", 0.04)
    output = tmp_path / "out"
    text = bench(folder / "c.png", "--scaling", "--model", "fast", "--output", output).stdout
    assert text == (output / "report.md").read_text() and (output / "scaling.png").stat().st_size > 1000
    runs = json.loads((output / "results.json").read_text())
    counts = scaling.thread_counts()
    expected = {(0.01, 1), (0.04, 1), *((0.04, count) for count in counts)}
    assert {(run["megapixels"], run["threads"]) for run in runs} == expected
    assert {run["command"] for run in runs} == {"compress", "decompress"}
    assert all(run["seconds"] > 0 and run["mebibytes"] > 0 for run in runs)


def test_batches_are_repeated_and_restored(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MEGAPIXELS", 0.02)
    with Image.open(folder / "c.png") as image:
        pixels = image.width * image.height
    output = tmp_path / "out"
    text = bench(folder / "c.png", "--batch", "--model", "fast", "--repeats", "2", "--output", output).stdout
    assert text == (output / "report.md").read_text()
    runs = json.loads((output / "results.json").read_text())
    assert [run["command"] for run in runs] == ["compress", "decompress"]
    assert {run["files"] for run in runs} == {math.ceil(20000 / pixels)}
    assert all(run["seconds"] > 0 and run["cpu_seconds"] > 0 for run in runs)
    assert {run["device_seconds"] for run in runs} == {0}


def test_start_up_is_that_of_whole_calls(photo: bytes, tmp_path: Path) -> None:
    path, output = tmp_path / "a.jpg", tmp_path / "out"
    path.write_bytes(photo)
    text = bench(path, "--start-up", "--model", "fast", "--repeats", "2", "--output", output).stdout
    assert text == (output / "report.md").read_text() and f"{len(photo):,} bytes" in text
    runs = json.loads((output / "results.json").read_text())
    calls = [f"jrecomp {command} (fast)" for command in ("compress", "decompress", "verify", "info")]
    many = "jrecomp compress (fast), 100 files, each"
    assert [run["call"] for run in runs] == [*start_up.WITHOUT_FILES, *calls, many]
    assert all(run["cpu_seconds"] > 0 and run["seconds"] > 0 for run in runs)
    assert [run["files"] for run in runs] == [1] * (len(runs) - 1) + [100]
    picture, second = tmp_path / "b.png", tmp_path / "c.jpg"
    picture.touch()
    second.touch()
    for sources in ([path, second], [picture]):
        assert "one JPEG file" in bench(*sources, "--start-up", code=ExitCode.USAGE).stderr


def test_a_batch_has_each_file_at_least_once(make_photo: Callable[..., bytes]) -> None:
    files = [make_photo(32, 32), make_photo(16, 48)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "MEGAPIXELS", 0.001)
        assert batches.repeated(files) == files
        patch.setattr(batches, "MEGAPIXELS", 0.0019)
        assert batches.repeated(files) == [*files, files[0]]


def test_a_process_that_fails_ends_the_measuring() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        scaling._process([sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(subprocess.CalledProcessError):
        start_up.measured([sys.executable, "-c", "raise SystemExit(3)"])
