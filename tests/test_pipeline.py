"""The pipeline: exact round trips, or an error; files that cannot be modelled are stored with a reason."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

import jrecomp
from jrecomp import codec, container, jpeg, pipeline
from jrecomp.codec import engines, slices
from jrecomp.container import Lossless
from jrecomp.errors import (
    CorruptContainerError,
    JrecompError,
    LimitError,
    StoredReason,
    UnknownModelError,
    UsageError,
    VerificationError,
)
from jrecomp.options import Limits
from tests.boxes import coded, recoded
from tests.jpeg.samples import pillow

FAKE_JPEG = b"\xff\xd8" + random.Random(1).randbytes(1500)
"""A file that the fake core models."""

OTHER_SCANS = [(20, FAKE_JPEG[20:-1] + b"?")]
"""What the fake core restores, with another last byte."""

NOT_JPEGS = [b"", b"\0", b"text", b"\xff\xd8", b"\xff\xd8\xff\xd9", bytes(5000), bytes(range(256)) * 20]


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"quality": 100}])
def test_photo_round_trip(make_photo: Callable[..., bytes], options: dict[str, object]) -> None:
    photo = make_photo(**options)
    compressed = jrecomp.compress(photo)
    assert len(compressed) < len(photo)
    assert jrecomp.decompress(compressed) == photo
    assert jrecomp.inspect(compressed).mode == "lossless"


def test_a_file_that_the_model_does_not_make_smaller_is_tried_with_another() -> None:
    """A picture of one column gives models of planes nothing to learn from."""
    column = pillow(1, 1000, 1, quality=90, optimize=True)
    compressed = jrecomp.compress(column, model="best")
    assert len(compressed) < len(column) and jrecomp.inspect(compressed).model == "fast"
    assert jrecomp.decompress(compressed) == column


def test_inspect_photo(photo: bytes) -> None:
    info = jrecomp.inspect(jrecomp.compress(photo))
    assert info.stored_reason is None
    assert info.original_bytes == len(photo)
    assert 0 < info.saving < 1
    assert info.model is not None
    assert info.jpeg is not None
    assert info.pictures == (
        jrecomp.JpegInfo(0, len(photo), 96, 64, 3, "4:2:0", False, 80, info.jpeg.header_bytes),
    )
    assert info.jpeg.header_bytes == len(jpeg.read(photo).headers)


def test_threads_do_not_change_the_result(photo: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several slices, in one and in several threads, of several callers at once."""
    monkeypatch.setattr(slices, "SLICE_BLOCKS", 40)
    compressed = jrecomp.compress(photo, threads=1)
    box = container.unpack(compressed)
    assert isinstance(box, Lossless) and len(coded(box).slices) == 4
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda n: jrecomp.compress(photo, threads=n), [1, 2, 3, 0])) == {compressed}
        assert set(pool.map(lambda n: jrecomp.decompress(compressed, threads=n), [1, 2, 3, 0])) == {photo}


@pytest.mark.parametrize("data", NOT_JPEGS)
def test_anything_is_accepted(data: bytes) -> None:
    compressed = jrecomp.compress(data)
    assert len(compressed) <= len(data) + 25
    assert jrecomp.decompress(compressed) == data
    assert jrecomp.inspect(compressed).stored_reason
    jrecomp.verify(compressed, data)


def test_too_large(photo: bytes) -> None:
    compressed = jrecomp.compress(photo, limits=Limits(max_pixels=100))
    assert jrecomp.inspect(compressed).stored_reason == StoredReason.TOO_LARGE.text
    assert jrecomp.decompress(compressed) == photo


def test_limit_when_decompressing(photo: bytes) -> None:
    """A container cannot make the decoder allocate more than the limits allow."""
    compressed = jrecomp.compress(photo)
    for function in (jrecomp.decompress, jrecomp.verify, jrecomp.inspect):
        with pytest.raises(
            LimitError, match=r"^has 96 x 64 pixels, more than the limit of 100 \(max_pixels\)$"
        ):
            function(compressed, limits=Limits(max_pixels=100))
    with pytest.raises(LimitError):
        jrecomp.shrink(photo, limits=Limits(max_pixels=100))


def test_bit_flips_never_give_other_bytes(photo: bytes) -> None:
    compressed = jrecomp.compress(photo)
    for position in range(0, len(compressed), 7):
        damaged = bytearray(compressed)
        damaged[position] ^= 1 << position % 8
        with pytest.raises(JrecompError):
            jrecomp.decompress(bytes(damaged))


def test_forged_slices_never_give_other_bytes(photo: bytes) -> None:
    """Damage that the container's checksum misses is found by that of the original."""
    box = container.unpack(jrecomp.compress(photo))
    assert isinstance(box, Lossless)
    first, *others = coded(box).slices
    for position in range(0, len(first), 211):
        damaged = bytearray(first)
        damaged[position] ^= 0x10
        forged = recoded(box, slices=(bytes(damaged), *others))
        with pytest.raises((CorruptContainerError, VerificationError)):
            jrecomp.decompress(container.pack(forged))


def failing(error: Exception) -> Callable[..., None]:
    """A function that raises the error."""

    def fail(*arguments: object) -> None:
        raise error

    return fail


@pytest.mark.usefixtures("fake_core")
class TestFallback:
    """Decisions of the pipeline, with a fake core."""

    def test_modelled(self) -> None:
        compressed = pipeline.compress(FAKE_JPEG)
        assert pipeline.inspect(compressed).model == "fake"
        assert pipeline.decompress(compressed) == FAKE_JPEG
        pipeline.verify(compressed)
        pipeline.verify(compressed, FAKE_JPEG)
        pipeline.verify(compressed, memoryview(FAKE_JPEG).cast("b"))
        with pytest.raises(VerificationError, match="differ"):
            pipeline.verify(compressed, FAKE_JPEG + b"more")

    def test_core_that_restores_something_else(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(jpeg, "scan_data", lambda *arguments: OTHER_SCANS)
        self.check_stored(StoredReason.VERIFICATION)

    @pytest.mark.parametrize("error", [VerificationError("no"), CorruptContainerError("no")])
    def test_decoder_that_refuses_what_was_encoded(
        self, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        monkeypatch.setattr(codec, "decode", failing(error))
        self.check_stored(StoredReason.VERIFICATION)

    @pytest.mark.parametrize(
        "error",
        [IndexError("bug"), ValueError(), MemoryError(), OSError(24, "files"), RuntimeError("threads")],
    )
    @pytest.mark.parametrize("function", ["encode", "decode"])
    def test_defects_and_shortages_say_nothing_about_the_file(
        self, monkeypatch: pytest.MonkeyPatch, function: str, error: Exception
    ) -> None:
        """Nothing is stored for them, and no container is called damaged."""
        compressed = pipeline.compress(FAKE_JPEG)
        monkeypatch.setattr(codec, function, failing(error))
        calls: list[tuple[Callable[[bytes], object], bytes]] = [(pipeline.compress, FAKE_JPEG)]
        if function == "decode":
            calls += [(pipeline.decompress, compressed), (pipeline.verify, compressed)]
        for call, data in calls:
            with pytest.raises(type(error)) as caught:
                call(data)
            assert caught.value is error

    def test_not_smaller(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(container, "pack_reconstruction", lambda scans: FAKE_JPEG)
        self.check_stored(StoredReason.NOT_SMALLER)

    def check_stored(self, reason: StoredReason) -> None:
        compressed = pipeline.compress(FAKE_JPEG)
        assert pipeline.inspect(compressed).stored_reason == reason.text
        assert pipeline.decompress(compressed) == FAKE_JPEG

    def test_decoder_that_differs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A decoder that computes something else is caught by the checksum of the original."""
        compressed = pipeline.compress(FAKE_JPEG)
        monkeypatch.setattr(jpeg, "scan_data", lambda *arguments: OTHER_SCANS)
        with pytest.raises(VerificationError, match="checksum"):
            pipeline.decompress(compressed)

    def test_unknown_model(self) -> None:
        with pytest.raises(UnknownModelError, match="nonesuch"):
            pipeline.compress(FAKE_JPEG, model="nonesuch")
        box = container.unpack(pipeline.compress(FAKE_JPEG))
        assert isinstance(box, Lossless)
        other = container.pack(replace(box, model=99))
        with pytest.raises(UnknownModelError, match="99"):
            pipeline.decompress(other)
        info = pipeline.inspect(other)
        assert (info.model, info.model_id) == (None, 99)

    def test_the_codec_gets_the_engine(
        self, machine: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str] = []

        def watched(function: Callable[..., object], place: int) -> Callable[..., object]:
            def watch(*arguments: object) -> object:
                asked.append(f"{function.__name__} {arguments[place]}")
                return function(*arguments)

            return watch

        monkeypatch.setattr(codec, "encode", watched(codec.encode, 3))
        monkeypatch.setattr(codec, "decode", watched(codec.decode, 4))
        compressed = pipeline.compress(FAKE_JPEG, device="cuda")
        pipeline.verify(compressed, FAKE_JPEG, device="cpu")
        pipeline.verify(compressed, FAKE_JPEG, device="cuda")
        assert pipeline.decompress(compressed) == FAKE_JPEG
        assert asked == ["encode cuda", "decode cuda", "decode native", "decode cuda", "decode native"]

    def test_a_device_without_an_engine_for_the_model(self, machine: SimpleNamespace) -> None:
        """Refused where the model was asked for. Containers are restored by the CPU."""
        compressed = pipeline.compress(FAKE_JPEG)
        engines.ENGINES["fake"].pop("cuda")
        with pytest.raises(UsageError, match="does not support model 'fake'"):
            pipeline.compress(FAKE_JPEG, device="cuda")
        assert pipeline.decompress(compressed, device="cuda") == FAKE_JPEG


@pytest.mark.parametrize("function", [pipeline.compress, pipeline.decompress, pipeline.verify])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "tpu"}, "'tpu' is not one of auto, cpu, cuda"),
        ({"threads": -1}, "threads must be 0 or more"),
    ],
)
def test_resources_that_cannot_be(
    function: Callable[..., object], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        function(b"", **options)
