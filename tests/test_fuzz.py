"""The targets and the runner of fuzz/: they find faults. test_sanitizers.py runs the targets."""

import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fuzz import run
from fuzz.targets import container, engine, jpeg, scan, shrink
from jrecomp.container import unpack
from jrecomp.errors import CorruptContainerError
from jrecomp.native._scan import Scan
from jrecomp.pipeline import compress

DECODES_FIRST, ENCODES_FIRST = bytes(53), bytes([*bytes(12), 1, *bytes(40)])
ERRORS = bytes([*bytes(12), 2, 0, 1, 255, *bytes(40)])
"""Inputs of the target `scan`."""


class WrongScan(Scan):
    """Decodes another value than the right one."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._blocks = arguments[-1][0][0]

    def decode(self, *arguments: Any) -> Any:
        result = super().decode(*arguments)
        self._blocks[0, 0, 1] += 1
        return result


def constant(value: object) -> Callable[..., object]:
    return lambda *_, **__: value


@pytest.fixture
def other_photo(make_photo: Callable[..., bytes]) -> bytes:
    return make_photo(quality=20)


def test_bytes_that_are_not_written_as_read(photo: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg, "COMPRESSED", 1 << 40)
    jpeg.check(photo)
    monkeypatch.setattr("jrecomp.jpeg.write", constant(photo[:-1]))
    with pytest.raises(AssertionError):
        jpeg.check(photo)


def test_a_file_that_is_not_restored(photo: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg, "COMPRESSED", 1)
    jpeg.check(photo)
    monkeypatch.setattr(jpeg, "decompress", constant(photo[:-1]))
    with pytest.raises(AssertionError):
        jpeg.check(photo)


def test_another_file_than_a_container_names(photo: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    data = compress(photo, model="fast")
    container.check(data)
    container.check(data[:-1])
    monkeypatch.setattr(container, "decompress", constant(photo[:-1]))
    with pytest.raises(AssertionError):
        container.check(data)


def test_a_defect_in_the_decoder(photo: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise IndexError

    monkeypatch.setattr(container, "decompress", fail)
    with pytest.raises(IndexError):
        container.check(compress(photo, model="fast"))


@pytest.mark.parametrize("data", [DECODES_FIRST, ENCODES_FIRST, ERRORS], ids=["decode", "encode", "error"])
def test_coefficients_that_do_not_agree(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    scan.check(data)
    monkeypatch.setattr(scan, "Scan", WrongScan)
    with pytest.raises(AssertionError):
        scan.check(data)


def test_a_picture_with_other_pixels(
    photo: bytes, other_photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shrink, "crc32", constant(4))  # without loss
    monkeypatch.setattr(shrink, "_libjpeg_warns", constant(False))
    shrink.check(photo)
    monkeypatch.setattr(shrink, "shrink", constant(other_photo))
    with pytest.raises(AssertionError):
        shrink.check(photo)


@pytest.mark.parametrize("data", [bytes(200), bytes([0] * 5 + [1] + [7] * 40)], ids=["encode", "decode"])
def test_engines_that_do_not_agree(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.check(data)
    right = engine.Codec.decode

    def wrong(self: engine.Codec, steps: Any, parts: Any, data: bytes) -> None:
        right(self, steps, parts, data)
        parts[0][0, 0, 5] += 1

    monkeypatch.setattr(engine.Codec, "decode", wrong)
    with pytest.raises(AssertionError):
        engine.check(data)


def test_changed_containers_have_the_right_checksum(photo: bytes) -> None:
    data = compress(photo, model="fast")
    random.seed(1)
    changed = {container.mutate(data, lambda part: part[: len(part) // 2] + b"\x17") for _ in range(200)}
    assert len(changed) > 20
    for new in changed:
        try:
            unpack(new)
        except CorruptContainerError as error:
            assert "checksum" not in str(error)


def outcome(target: str, finding: Path | None, failed: bool) -> run.Outcome:
    return run.Outcome(target, 60.4, 1234, 567, finding, Path("log"), failed)


def test_the_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.report([outcome("jpeg", None, False), outcome("scan", None, False)]) == 0
    assert "2.0 CPU minutes, 2,468 executions, no findings" in capsys.readouterr().out
    assert run.report([outcome("jpeg", Path("crash-1"), True), outcome("scan", None, True)]) == 1
    text = capsys.readouterr().out
    assert "finding: crash-1" in text and "failed: log" in text and "2 findings" in text


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("shutil.which", constant(None))
    monkeypatch.setattr(run, "find_spec", constant(None))
    monkeypatch.setattr(sys, "argv", ["run"])
    assert run.main() == 2
    assert "apt install clang" in capsys.readouterr().err
