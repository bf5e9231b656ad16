"""Writers of results: what they write is compared with what they should have written, within limits."""

import dataclasses

import pytest

from jrecomp import jpeg
from jrecomp.codec import Resources
from jrecomp.errors import StoredReason, UnsupportedJpegError, VerificationError
from jrecomp.jpeg import JpegFile
from jrecomp.lossy import OperatingPoint, Requantized, Requantizer, load_rule
from jrecomp.model import load
from jrecomp.options import DEFAULT_LIMITS, Limits
from jrecomp.writers import ContainerWriter, JpegWriter, WriteOptions, Writer


def writers(data: bytes, limits: Limits = DEFAULT_LIMITS, progressive: bool = False) -> list[Writer]:
    options, file = WriteOptions(progressive=progressive), jpeg.read(data)
    return [
        JpegWriter(data, file, options, limits),
        ContainerWriter(data, file, options, limits, load(), Resources(1)),
    ]


@pytest.fixture
def half(photo: bytes) -> Requantized:
    """The photo at quality 50."""
    return Requantizer(jpeg.read(photo), load_rule("mse")).requantized(OperatingPoint.at(50))


def test_results_hold_what_they_should(photo: bytes, half: Requantized) -> None:
    for writer in writers(photo):
        found = writer.changed(half, 50)
        file = jpeg.read(found.restored)
        assert found.quality == 50
        assert writer.changed_jpeg(half) == found.restored
        assert all((a == b).all() for a, b in zip(file.coefficients, half.coefficients, strict=True))
        for component, steps in zip(file.frame.components, half.steps, strict=True):
            assert (component.quantization == steps).all()


@pytest.mark.parametrize("part", ["coefficients", "steps"])
def test_new_files_are_read_again(
    photo: bytes, half: Requantized, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One coefficient or one step that is not what it should be is found."""
    original = jpeg.write

    def write(file: JpegFile, limits: Limits) -> bytes:
        if part == "coefficients":
            changed = [array.copy() for array in file.coefficients]
            changed[-1][-1, -1, 0] ^= 1
            return original(dataclasses.replace(file, coefficients=changed), limits)
        first = file.headers.index(b"\xff\xdb") + 5
        headers = file.headers[:first] + bytes([file.headers[first] ^ 1]) + file.headers[first + 1 :]
        return original(dataclasses.replace(file, headers=headers), limits)

    writer, _ = writers(photo)
    monkeypatch.setattr(jpeg, "write", write)
    with pytest.raises(VerificationError, match="coefficients"):
        writer.changed(half, 50)
    with pytest.raises(VerificationError, match="coefficients"):
        writer.unchanged()


def test_limits_hold_for_what_is_written(photo: bytes, half: Requantized) -> None:
    """Progressive scans visit blocks several times; the source visits them once."""
    limits = Limits(max_scan_blocks=1)
    for writer in writers(photo, limits, progressive=True):
        with pytest.raises(UnsupportedJpegError) as caught:
            writer.changed(half, 50)
        assert caught.value.reason is StoredReason.TOO_LARGE
        assert writer.unchanged().restored == photo
    for writer in writers(photo, limits):
        assert writer.changed(half, 50).restored != photo
