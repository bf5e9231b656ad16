"""Descriptions of containers, from their fields and JPEG headers alone, and of restored pictures."""

from dataclasses import dataclass

from jrecomp.errors import StoredReason
from jrecomp.jpeg.types import Frame
from jrecomp.options import RESTORERS
from jrecomp.skeleton import Found
from jrecomp.t81 import nearest_quality


@dataclass(frozen=True)
class JpegInfo:
    """Properties of a modelled JPEG picture.

    offset: position of the picture in the restored file, or of the Base64 text that encodes it.
    size: in bytes.
    width, height: in pixels. components: 1 to 4.
    sampling: "4:2:0" or another common name of the chroma subsampling, "gray" for one component, otherwise
        the sampling factors of each component, horizontal x vertical, as in "2x2,1x1,1x2".
    progressive: whether the coding process is progressive rather than sequential.
    quality: the libjpeg quality (1 to 100) whose luminance table is nearest to the file's first table;
        None if the file has no quantization table for its first component.
    header_bytes: number of bytes that are not entropy-coded.
    precision: bits per sample, 8 or 12. arithmetic: whether entropy coding is arithmetic rather than Huffman.
    """

    offset: int
    size: int
    width: int
    height: int
    components: int
    sampling: str
    progressive: bool
    quality: int | None
    header_bytes: int
    precision: int = 8
    arithmetic: bool = False


@dataclass(frozen=True)
class RestoredLikeness:
    """Likeness of an encoded picture to its source, as restored and as ordinary decoders show it.

    restorer: method of restoration. measure: PSNR, MS-SSIM or SSIMULACRA2. restored, plain: the scores; None
    for the infinite PSNR of equal pictures.
    """

    restorer: str
    measure: str
    restored: float | None
    plain: float | None


@dataclass(frozen=True)
class Info:
    """Properties of a container, or of a shrunk JPEG file.

    mode: "lossless" for a container that restores the original, "lossy" for one that restores a changed file,
        "stored" for one that holds the original's bytes unmodelled, "jpeg" for a shrunk JPEG file.
    format_version: of the container; None for a shrunk JPEG file.
    original_bytes: size of the file that was compressed or shrunk.
    compressed_bytes: size of the container or of the shrunk file.
    restored_bytes: size of the file that the container restores.
    model, model_id: name and permanent identifier of the model. The name is None if the model is not
        installed. Both are None for stored and shrunk files.
    stored_reason, reason: why the file is stored, as text and as the number in docs/format.md; None if it is
        modelled or shrunk.
    pictures: properties of the modelled pictures of the restored file, such as the main picture and its
        thumbnail, in order; empty for stored and shrunk files.
    quality: quality from 0 to 100 that a lossy result was made with; otherwise None.
    restorer: method of restoration by which the target of a JPEG file was measured that is meant to be shown
        restored; otherwise None.
    likeness: of a picture that was encoded for restoration; otherwise None.
    """

    mode: str
    format_version: int | None
    original_bytes: int
    compressed_bytes: int
    restored_bytes: int
    model: str | None = None
    model_id: int | None = None
    stored_reason: str | None = None
    pictures: tuple[JpegInfo, ...] = ()
    quality: float | None = None
    restorer: str | None = None
    likeness: RestoredLikeness | None = None
    reason: int | None = None

    @property
    def jpeg(self) -> JpegInfo | None:
        """The first picture, which is the main picture of a JPEG file; None if there is none."""
        return self.pictures[0] if self.pictures else None

    @property
    def saving(self) -> float:
        """1 - compressed_bytes / original_bytes: negative if the result is larger, 0 for empty originals."""
        return 1 - self.compressed_bytes / self.original_bytes if self.original_bytes else 0.0


def describe_picture(frame: Frame, found: Found) -> JpegInfo:
    """The properties of a picture, from its frame and its place."""
    first = frame.components[0]
    return JpegInfo(
        offset=found.offset,
        size=len(found.headers) + found.removed,
        width=frame.width,
        height=frame.height,
        components=len(frame.components),
        sampling=_sampling(frame),
        progressive=frame.progressive,
        quality=nearest_quality(first.quantization.tolist()) if first.has_table else None,
        header_bytes=len(found.headers),
        precision=frame.precision,
        arithmetic=frame.arithmetic,
    )


def describe_reason(number: int) -> str:
    """Text for a stored reason of a container; newer encoders may use numbers that are unknown here."""
    try:
        return StoredReason(number).text
    except ValueError:
        return f"reason {number}, which is unknown to this version"


def describe_restorer(number: int) -> str:
    """The name of the restorer with a number; newer encoders may use numbers that are unknown here."""
    names = {known: name for name, known in RESTORERS.items()}
    return names.get(number, f"restorer {number}, which is unknown to this version")


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


@dataclass(frozen=True)
class ThumbnailInfo:
    """Properties of a thumbnail.

    original_bytes: size of the JPEG file or container. picture_bytes: size of the thumbnail's file. width,
    height: in pixels. format: as requested.
    """

    original_bytes: int
    picture_bytes: int
    width: int
    height: int
    format: str


@dataclass(frozen=True)
class RestoredInfo:
    """Properties of a restored picture.

    original_bytes: size of the JPEG file or container. picture_bytes: size of the picture file.
    width, height: in pixels. channels: 1 for gray, 3 for RGB, 4 for CMYK. bits: of a channel, 8 or 16.
    format: as requested. method: the one that was used, see restoration.Restored.
    coefficients: number of DCT coefficients that were compared: those of blocks inside the picture; 0 if
        nothing was promised.
    changed_coefficients: number of these that compressing the picture again does not give.
    """

    original_bytes: int
    picture_bytes: int
    width: int
    height: int
    channels: int
    bits: int
    format: str
    method: str
    coefficients: int
    changed_coefficients: int
