"""Benchmarks of restoration with fake restorers, and with the real ones if they are installed."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from jrecomp.array_types import UInt8
from jrecomp.bench import crops, encode, restore, restore_report
from jrecomp.bench.codecs import Missing, Refused
from jrecomp.bench.restore import Results
from jrecomp.cli.app import main
from jrecomp.errors import ExitCode
from jrecomp.restoration import METHODS
from tests.bench.test_encode import pixels


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    Image.fromarray(pixels()).save(path)
    return path


class Fake:
    """Pillow's decoder, with a value added to all samples; files of more than a size are refused."""

    own = False
    version = "1"

    def __init__(self, name: str, added: int, limit: int = 1 << 20) -> None:
        self.name, self._added, self._limit = name, added, limit

    def decode(self, jpeg: bytes) -> UInt8:
        if len(jpeg) > self._limit:
            raise Refused("too large")
        changed = restore.decoded(jpeg).astype(np.int16) + self._added
        return changed.clip(0, 255).astype(np.uint8)


def test_gains_are_those_over_pillow(picture: Path) -> None:
    makers = {("libjpeg", "444"): restore.ENCODERS["libjpeg"]("444")}
    cases = list(restore.cases([picture], makers, [50, 90]))
    assert [case.quality for case in cases] == [50, 90]
    results = list(restore.measure([Fake("same", 0), Fake("worse", 40), Fake("none", 0, 10)], cases))
    assert [result.restorer for result in results] == ["same", "worse"] * 2
    assert [result.luma == result.plain_luma for result in results] == [True, False] * 2
    text = "".join(restore_report.tables(Results(results)))
    assert "| libjpeg | same | +0.00 (+0.00); +0.00 | +0.00 (+0.00); +0.00 |" in text
    assert "| libjpeg | same | 0 of 1 | 0 of 1 |" in text
    assert "| libjpeg | worse | 1 of 1 | 1 of 1 |" in text


def test_worst_picture_and_mean() -> None:
    values = {"own": True, "encoder": "e", "sampling": "420", "quality": 50.0, "pixels": 100, "seconds": 1.0}
    plain = {"plain_luma": 30.0, "plain_rgb": 28.0}
    results = [
        restore.Restoration("r", file=file, luma=luma, rgb=29.0, **values, **plain)  # type: ignore[arg-type]
        for file, luma in (("a", 31.0), ("b", 29.5))
    ]
    text = "".join(restore_report.tables(Results(results)))
    assert "| e | r | +0.25 (-0.50); +1.00 |" in text
    assert "| e | r | 1 of 2 |" in text


def test_a_jpeg_file_beside_a_picture_is_restored_instead(picture: Path) -> None:
    jpeg = picture.with_suffix(".jpg")
    Image.fromarray(pixels()).save(jpeg, quality=30)
    (case,) = restore.cases([jpeg, picture], {}, [50])
    assert (case.encoder, case.jpeg) == (restore.PAIRS, jpeg.read_bytes())
    assert np.array_equal(case.original, pixels())


@pytest.mark.parametrize("make", [make for makers in restore.PEERS.values() for make in makers])
def test_peers_decode(make: type[restore.Restorer], photo: bytes) -> None:
    try:
        restorer = make()
    except Missing as missing:
        pytest.skip(f"not installed: {missing}")
    difference = restorer.decode(photo).astype(int) - restore.decoded(photo)
    assert np.abs(difference).mean() < 6


def test_methods_of_jrecomp_are_measured() -> None:
    found, notes = restore.restorers([], 1)
    assert [restorer.name for restorer in found] == [f"jrecomp {name}" for name in METHODS]
    assert not notes


def test_report_of_the_command(picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib", reason="charts need matplotlib (extra: bench)")
    monkeypatch.setattr(encode, "MEGAPIXELS", 0.02)
    monkeypatch.setattr(crops, "SIDE", 64)
    out = tmp_path / "out"
    options = ["--restore", "--qualities", "30,75", "--no-peers", "--sampling", "420", "--output", str(out)]
    result = CliRunner().invoke(main, ["bench", str(picture), *options])
    assert result.exit_code == ExitCode.OK, result.output
    assert "| libjpeg | jrecomp expectation | +" in result.output
    assert (out / "restore.png").stat().st_size
    page = (out / "crops.md").read_text()
    assert all((out / part.partition(">")[0]).is_file() for part in page.split("](<")[1:])
    again = CliRunner().invoke(main, ["bench", str(out / "results.json"), "--restore"])
    assert again.exit_code == ExitCode.OK, again.output
    assert again.output.partition("## Gain")[2] == result.output.partition("## Gain")[2]
