"""What can be told about a container without decoding its slices."""

from dataclasses import dataclass

from jrecomp.errors import StoredReason
from jrecomp.jpeg.types import Frame
from jrecomp.t81 import nearest_quality


@dataclass(frozen=True)
class JpegInfo:
    """Properties of a modelled JPEG file.

    sampling: such as "4:2:0", or the factors "2x2,1x1,1x2" where that has no common name.
    quality: the libjpeg quality whose luminance table is nearest to the file's, 1 to 100.
    header_bytes: length of everything that is not entropy-coded.
    """

    width: int
    height: int
    components: int
    sampling: str
    progressive: bool
    quality: int
    header_bytes: int


@dataclass(frozen=True)
class Info:
    """Properties of a container, or of a shrunk file.

    mode: "lossless" (modelled), "lossy" (the same, made from another file with changes) or "stored"; "jpeg"
        for a shrunk file, which is no container.
    format_version: of the container.
    original_bytes: of the file that was compressed.
    restored_bytes: of the file that is restored, another one where the container is lossy.
    model, model_id: name and permanent identifier of the model; the name is None where this installation
        lacks it, both are None where the file is stored.
    stored_reason: why the file is stored; None where it is modelled.
    jpeg: None where the file is stored.
    quality: what a lossy file was made with, 0 to 100; else None.
    """

    mode: str
    format_version: int | None
    original_bytes: int
    compressed_bytes: int
    restored_bytes: int
    model: str | None = None
    model_id: int | None = None
    stored_reason: str | None = None
    jpeg: JpegInfo | None = None
    quality: float | None = None

    @property
    def saving(self) -> float:
        """1 - compressed_bytes / original_bytes, negative where the container is larger; 0 for nothing."""
        return 1 - self.compressed_bytes / self.original_bytes if self.original_bytes else 0.0


def describe_frame(frame: Frame, header_bytes: int) -> JpegInfo:
    """Describe a JPEG file by its frame."""
    return JpegInfo(
        width=frame.width,
        height=frame.height,
        components=len(frame.components),
        sampling=_sampling(frame),
        progressive=frame.progressive,
        quality=nearest_quality(frame.components[0].quantization.tolist()),
        header_bytes=header_bytes,
    )


def describe_reason(number: int) -> str:
    """Why a file is stored, in words."""
    try:
        return StoredReason(number).text
    except ValueError:
        return f"reason {number}, which this version does not know"


_NAMES: dict[tuple[tuple[int, int], ...], str] = {
    ((1, 1), (1, 1), (1, 1)): "4:4:4",
    ((2, 1), (1, 1), (1, 1)): "4:2:2",
    ((1, 2), (1, 1), (1, 1)): "4:4:0",
    ((2, 2), (1, 1), (1, 1)): "4:2:0",
    ((4, 1), (1, 1), (1, 1)): "4:1:1",
}


def _sampling(frame: Frame) -> str:
    if len(frame.components) == 1:
        return "gray"
    factors = tuple((component.horizontal, component.vertical) for component in frame.components)
    return _NAMES.get(factors) or ",".join(f"{across}x{down}" for across, down in factors)
