"""The public function encode(): pictures to JPEG files."""

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Any, Unpack, cast

import numpy as np
import numpy.typing as npt

from jrecomp import pipeline
from jrecomp.array_types import UInt8
from jrecomp.codec import Resources
from jrecomp.container import SIGNATURE
from jrecomp.encoder import source
from jrecomp.encoder.coefficients import SUBSAMPLINGS, Planes
from jrecomp.encoder.encode import Encoder, Options
from jrecomp.encoder.search import Trial, search
from jrecomp.encoder.source import Picture
from jrecomp.encoder.subsampling import suited
from jrecomp.encoder.tables import TUNES, likeness_of, quality_of
from jrecomp.errors import TargetError, UsageError
from jrecomp.jpeg.markers import START
from jrecomp.lossy import Target, TargetOptions
from jrecomp.metrics import pixels
from jrecomp.metrics.ssimulacra2 import IDENTICAL
from jrecomp.options import DEFAULT_LIMITS, Limits, as_bytes, check_type
from jrecomp.rate import DISTANCE_TOLERANCE, METRICS, SIZE_TOLERANCE, Metric, Note, OnNote, OnProgress, ignore
from jrecomp.threads import Workers

if TYPE_CHECKING:
    from PIL import Image

QUALITY = 90.0
"""The quality without a target."""

EFFORTS = ("fast",)
"""How much time an encoding may take. The first is the default."""

CHOICES = ("auto", *SUBSAMPLINGS)
"""Values of the option `subsampling`; auto chooses by the picture."""

Colour = tuple[int, int, int]


def encode(
    image: "Image.Image | npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | bytes",
    *,
    tune: str = TUNES[0],
    subsampling: str = CHOICES[0],
    effort: str = EFFORTS[0],
    progressive: bool = True,
    strip: bool = False,
    background: Colour | None = None,
    threads: int = 0,
    limits: Limits = DEFAULT_LIMITS,
    on_progress: OnProgress = ignore,
    on_note: OnNote = ignore,
    **target: Unpack[TargetOptions],
) -> bytes:
    """Encode a picture as a JPEG file that every decoder opens.

    image: a Pillow image; an array, uint8 or uint16, [rows, columns] for gray or [rows, columns, 3 or 4] for
        RGB and RGBA; or the bytes of a picture file of another format, such as PNG, TIFF or WebP.
    tune: the measure that the result is optimized for, one of encoder.tables.TUNES.
    subsampling: of chroma: 444, 422, 420, or auto, which takes 444 for pictures with fine coloured details.
    effort: one of EFFORTS.
    progressive: write progressive scans.
    strip: omit metadata other than orientation and colour profile.
    background: colour that transparent pixels are laid on, three numbers from 0 to 255; without it they are
        refused.
    threads: number of threads; 0 uses one per core. They do not change the result.
    limits: bounds on the memory and time that the picture may take.
    on_progress: called with a line of text for each attempt at a target.
    on_note: called once with a Note on the result.
    target: at most one of the targets in TargetOptions; similarities are to the picture itself. quality, 0
        to 100 and 90 by default, is calibrated: it gives the mean SSIMULACRA2 that libjpeg-turbo has at that
        number with 4:2:0.

    Returns the JPEG file. Raises InputError for pictures that cannot be read or that JPEG files cannot hold,
    LimitError, UsageError, and TargetError if a target cannot be met.
    """
    wanted = Target.of(**target)
    _check(tune=(tune, TUNES), subsampling=(subsampling, CHOICES), effort=(effort, EFFORTS))
    for name, value, kind in (
        ("progressive", progressive, bool),
        ("strip", strip, bool),
        ("limits", limits, Limits),
        ("on_progress", on_progress, Callable),
        ("on_note", on_note, Callable),
    ):
        check_type(name, value, kind)  # type: ignore[arg-type]
    picture = _picture(image, _colour(background), limits)
    with Workers(Resources(threads, "cpu").workers) as workers:
        planes = Planes.of(picture.pixels, workers)
        automatic = subsampling == "auto"
        if automatic:
            subsampling = suited(planes, workers)
        options = Options(tune, progressive, strip, limits)
        quality = target.get("quality")
        likeness = likeness_of(QUALITY if quality is None else quality)

        def met(subsampling: str) -> tuple[bytes, Note]:
            encoder = Encoder.of(planes, subsampling, picture.metadata, options, workers)
            return _Request(picture, encoder, wanted, likeness, on_progress).meet()

        try:
            result, note = met(subsampling)
        except TargetError:
            if not automatic or subsampling == "444" or wanted.name not in METRICS:
                raise
            result, note = met("444")
    on_note(note)
    return result


class EncodeOptions(TargetOptions, total=False):
    """Options of encode(), as keyword arguments."""

    tune: str
    subsampling: str
    effort: str
    progressive: bool
    strip: bool
    background: Colour | None


def encode_file(
    data: bytes,
    *,
    contained: bool,
    threads: int = 0,
    limits: Limits = DEFAULT_LIMITS,
    on_progress: OnProgress = ignore,
    on_note: OnNote = ignore,
    **options: Unpack[EncodeOptions],
) -> bytes:
    """Encode the picture in a file. A JPEG file, or a container of one, is shrunk by its own coefficients.

    data: the file. contained: give a container of the JPEG file. The other parameters are those of encode().

    Returns the JPEG file or the container. Raises the errors of encode(), and those of shrink() and
    decompress() for their inputs.
    """
    if data.startswith(SIGNATURE):
        data = pipeline.decompress(data, threads=threads, limits=limits)
    if data.startswith(START):
        result = _shrunk(data, limits, on_progress, on_note, options)
    else:
        result = encode(
            data, threads=threads, limits=limits, on_progress=on_progress, on_note=on_note, **options
        )
    return pipeline.compress(result, threads=threads, limits=limits) if contained else result


def _shrunk(
    data: bytes, limits: Limits, on_progress: OnProgress, on_note: OnNote, options: EncodeOptions
) -> bytes:
    def noted(note: Note) -> None:
        on_note(Note(note.quality, "; ".join(filter(None, ["a JPEG file: shrunk", note.text]))))

    target = cast(TargetOptions, {n: v for n, v in options.items() if n in TargetOptions.__annotations__})
    if Target.of(**target).lossless and options.get("quality") is None:
        target["quality"] = QUALITY
    return pipeline.shrink(
        data,
        strip=options.get("strip", False),
        progressive=options.get("progressive", True),
        limits=limits,
        on_progress=on_progress,
        on_note=noted,
        **target,
    )


def _check(**choices: tuple[object, tuple[str, ...]]) -> None:
    for name, (value, known) in choices.items():
        check_type(name, value, str)
        if value not in known:
            raise UsageError(f"{name} {value!r} is not one of {', '.join(known)}")


def _colour(background: object) -> Colour | None:
    if background is None:
        return None
    if (
        not isinstance(background, tuple)
        or len(background) != 3
        or not all(type(c) is int and 0 <= c <= 255 for c in background)
    ):
        raise UsageError("background must be three integers from 0 to 255")
    return background


def _picture(image: Any, background: Colour | None, limits: Limits) -> Picture:
    if isinstance(image, np.ndarray):
        return source.of_array(image, background, limits)
    if hasattr(image, "getbands"):
        return source.of_image(image, background, limits)
    return source.of_file(as_bytes(image), background, limits)


@dataclass(frozen=True)
class _Request:
    """A target for one picture.

    likeness: the first to try, or the one that the quality means.
    """

    picture: Picture
    encoder: Encoder
    target: Target
    likeness: float
    on_progress: OnProgress

    def meet(self) -> tuple[bytes, Note]:
        """The file that meets the target best, with a note."""
        if self.target.name in METRICS:
            found, text = self._similar(METRICS[self.target.name])
        elif self.target.name in ("max_bytes", "bpp"):
            found, text = self._of_size()
        else:
            found, text = Trial(self.likeness, 0.0, self.encoder.file(self.likeness)), ""
        sampling = ":".join(self.encoder.subsampling) if len(self.encoder.components) > 1 else "gray"
        parts = [sampling, self.picture.remark, text]
        return found.result, Note(round(quality_of(found.likeness), 2), "; ".join(filter(None, parts)))

    def _of_size(self) -> tuple[Trial[bytes], str]:
        rows, columns = self.encoder.size
        limit = self.target.value
        if self.target.name == "bpp":
            limit = max(1, int(min(limit, 1e9) * rows * columns / 8))

        def attempt(likeness: float) -> tuple[float, bytes]:
            data = self.encoder.file(likeness)
            self.on_progress(f"quality {quality_of(likeness):.2f}: {len(data):,} bytes")
            return len(data), data

        inside, beyond = search(attempt, limit, SIZE_TOLERANCE, True, self.likeness, self._ends)
        if inside is None:
            assert beyond is not None
            raise TargetError(f"cannot be as small as {limit:,} bytes, only as {len(beyond.result):,} bytes")
        return inside, self._missed(inside, beyond, SIZE_TOLERANCE, lambda data: f"{len(data):,} bytes")

    def _similar(self, metric: Metric) -> tuple[Trial[bytes], str]:
        source = self._as_decoded()
        least = self.target.value

        def measured(data: bytes) -> float:
            return metric.measure(source, pixels(data).reshape(source.shape))

        def attempt(likeness: float) -> tuple[float, bytes]:
            data = self.encoder.file(likeness)
            similarity = measured(data)
            self.on_progress(f"quality {quality_of(likeness):.2f}: {metric.text(similarity)}")
            return metric.distance(similarity), data

        limit = max(metric.distance(least), 1e-30)
        inside, beyond = search(attempt, limit, DISTANCE_TOLERANCE, False, self.likeness, self._ends)
        if inside is None:
            assert beyond is not None
            similarity = metric.text(measured(beyond.result))
            raise TargetError(f"cannot be as similar as {metric.text(least)}, only {similarity}")
        return inside, self._missed(
            inside, beyond, DISTANCE_TOLERANCE, lambda data: metric.text(measured(data))
        )

    @property
    def _ends(self) -> tuple[float, float]:
        return likeness_of(0), IDENTICAL

    def _missed(
        self,
        inside: Trial[bytes],
        beyond: Trial[bytes] | None,
        tolerance: float,
        text: Callable[[bytes], str],
    ) -> str:
        """A note if no result within the tolerance was found."""
        if inside.excess >= log(1 - tolerance):
            return ""
        if beyond is None:
            return (
                f"no quality gives more than {text(inside.result)}"
                if self._sized
                else (f"the lowest quality already has {text(inside.result)}")
            )
        return f"no result was found between {text(inside.result)} and {text(beyond.result)}"

    @property
    def _sized(self) -> bool:
        return self.target.name in ("max_bytes", "bpp")

    def _as_decoded(self) -> UInt8:
        """The picture as decoders would give it, uint8 [rows, columns, channels]."""
        source = self.picture.pixels
        if source.dtype == np.uint16:
            source = np.rint(source / np.float32(257))
        return source.astype(np.uint8).reshape(*source.shape[:2], -1)
