"""The public function encode(): pictures to JPEG files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite, log
from typing import TYPE_CHECKING, Any, Unpack, cast, get_args

import numpy as np
import numpy.typing as npt

from jrecomp import container, pipeline
from jrecomp.array_types import UInt8
from jrecomp.codec import Resources
from jrecomp.container import Lossless, Restorable
from jrecomp.encoder import source
from jrecomp.encoder.calibration import calibrated, lost
from jrecomp.encoder.coefficients import Planes, as_decoded
from jrecomp.encoder.effort import DEFAULT, EFFORTS, files_of, rounds_apply
from jrecomp.encoder.encode import Options
from jrecomp.encoder.search import Trial, search
from jrecomp.encoder.source import Picture
from jrecomp.encoder.subsampling import suited
from jrecomp.encoder.tables import TUNES, likeness_of, quality_of
from jrecomp.errors import InputError, TargetError, UsageError
from jrecomp.info import RestoredLikeness
from jrecomp.jpeg.markers import START
from jrecomp.metrics import Decode, pixels
from jrecomp.metrics.ssimulacra2 import IDENTICAL
from jrecomp.notes import Note, OnNote, OnProgress, ignore
from jrecomp.options import DEFAULT_LIMITS, RESTORERS, Effort, Limits, Subsampling, Tune, as_bytes, check_type
from jrecomp.rate import DISTANCE_TOLERANCE, METRICS, SIZE_TOLERANCE, Metric
from jrecomp.restoring import DEFAULT_METHOD, restore
from jrecomp.targets import Target, TargetOptions
from jrecomp.threads import Workers

if TYPE_CHECKING:
    from PIL import Image

QUALITY = 90.0
"""The quality without a target."""

CHOICES: tuple[Subsampling, ...] = get_args(Subsampling)
"""Values of the option `subsampling`; auto chooses by the picture."""

Colour = tuple[int, int, int]

File = Callable[[float], bytes]
"""The JPEG file of a picture with a likeness."""


def encode(
    image: "Image.Image | npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | bytes",
    *,
    tune: Tune = TUNES[0],
    subsampling: Subsampling = CHOICES[0],
    effort: Effort = DEFAULT,
    progressive: bool = True,
    strip: bool = False,
    background: Colour | None = None,
    restored: bool = False,
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
    effort: how much time to take, one of encoder.effort.EFFORTS. More than fast follows the gradient of
        SSIMULACRA2 in rounds; the result is plain, and a note tells so, for pictures that would lose by it in
        other measures. It has no effect for CMYK pictures and other tunes.
    progressive: write progressive scans.
    strip: omit metadata other than orientation and colour profile.
    background: colour that transparent pixels are laid on, three numbers from 0 to 255; without it they are
        refused.
    restored: encode for restoration: similarities are those of the picture that restore() gives with its
        default method and 8 bits. The note has the scores of this picture and of the plain one.
    threads: number of threads; 0 uses one per core. They do not change the result.
    limits: bounds on the memory and time that the picture may take.
    on_progress: called with a line of text for each attempt at a target.
    on_note: called once with a Note on the result.
    target: at most one of the targets in TargetOptions; similarities are to the picture itself. quality, 0
        to 100 and 90 by default, is calibrated: every picture gets the mean SSIMULACRA2 that libjpeg-turbo
        has at that number with 4:2:0, and more above 95. Smooth pictures may get more.

    Returns the JPEG file. Raises InputError for pictures that cannot be read or that JPEG files cannot hold,
    LimitError, UsageError, and TargetError if a target cannot be met.
    """
    wanted = Target.of(**target)
    _check(tune=(tune, TUNES), subsampling=(subsampling, CHOICES), effort=(effort, tuple(EFFORTS)))
    for name, value, kind in (
        ("progressive", progressive, bool),
        ("strip", strip, bool),
        ("restored", restored, bool),
        ("limits", limits, Limits),
        ("on_progress", on_progress, Callable),
        ("on_note", on_note, Callable),
    ):
        check_type(name, value, kind)  # type: ignore[arg-type]
    picture = _picture(image, _colour(background), limits)
    quality = target.get("quality")
    if quality is None and wanted.lossless:
        quality = QUALITY
    number = Resources(threads, "cpu").workers
    with Workers(number) as workers:
        subsamplings: list[str] = [subsampling]
        if subsampling == "auto":
            chosen = suited(Planes.of(picture.pixels, workers), workers)
            subsamplings = list(dict.fromkeys((chosen, "444")))
        request = _Request(
            picture,
            Options(tune, progressive, strip, limits, restored),
            EFFORTS[effort],
            wanted,
            quality,
            _restoring(number, limits) if restored else pixels,
            number,
            workers,
            on_progress,
        )
        result, note = request.meet(subsamplings)
        if restored:
            note = request.with_likeness(result, note)
    on_note(note)
    return result


class EncodeOptions(TargetOptions, total=False):
    """Options of encode(), as keyword arguments."""

    tune: Tune
    subsampling: Subsampling
    effort: Effort
    progressive: bool
    strip: bool
    background: Colour | None
    restored: bool


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

    data: the file. contained: give a container of the JPEG file; if this is encoded for restoration, the
    container names the restorer. The other parameters are those of encode().

    Returns the JPEG file or the container. Raises the errors of encode(), those of shrink() and decompress()
    for their inputs, and InputError for JPEG files to encode for restoration.
    """
    restored = options.get("restored", False)
    if container.is_container(data):
        data = pipeline.decompress(data, threads=threads, limits=limits)
    if data.startswith(START):
        if restored:
            raise InputError("is a JPEG file, which cannot be encoded with {} (only pixels)", "restored")
        result = _shrunk(data, threads, limits, on_progress, on_note, options)
    else:
        result = encode(
            data, threads=threads, limits=limits, on_progress=on_progress, on_note=on_note, **options
        )
    return _contained(result, restored, threads, limits) if contained else result


def _contained(jpeg: bytes, restored: bool, threads: int, limits: Limits) -> bytes:
    """A container of a JPEG file; it names the restorer if the file was encoded for one and is modelled."""
    packed = pipeline.compress(jpeg, threads=threads, limits=limits)
    box = container.unpack(packed, limits)
    if not restored or not isinstance(box, Lossless):
        return packed
    named = container.pack(Restorable(**vars(box), restorer=RESTORERS[DEFAULT_METHOD]))
    pipeline.verify(named, jpeg, threads=threads, limits=limits)
    return named


def _restoring(threads: int, limits: Limits) -> Decode:
    """Decodes JPEG files as restore() does."""

    def decode(data: bytes) -> UInt8:
        picture = restore(data, method=DEFAULT_METHOD, threads=threads, limits=limits)
        return cast(UInt8, picture.reshape(*picture.shape[:2], -1))

    return decode


def _shrunk(
    data: bytes,
    threads: int,
    limits: Limits,
    on_progress: OnProgress,
    on_note: OnNote,
    options: EncodeOptions,
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
        tune=options.get("tune", TUNES[0]),
        threads=threads,
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

    quality: the one asked for, None if something else is. decode: gives the pixels that are compared.
    """

    picture: Picture
    options: Options
    rounds: int
    target: Target
    quality: float | None
    decode: Decode
    threads: int
    workers: Workers
    on_progress: OnProgress

    def meet(self, subsamplings: Sequence[str]) -> tuple[bytes, Note]:
        """The file that meets the target best, with a note; by the first subsampling that can meet it."""
        *preferred, last = subsamplings
        for subsampling in preferred:
            likeness = self._start(subsampling)
            if likeness is None:
                continue
            try:
                return self._met(subsampling, likeness)
            except TargetError:
                if self.target.name not in METRICS:
                    raise
        likeness = self._start(last)
        return self._met(last, self._nominal if likeness is None else likeness)

    def with_likeness(self, data: bytes, note: Note) -> Note:
        """The note on a result with its likeness as restored and as plain decoders show it."""
        name = self.target.name
        if name is None or name not in METRICS:  # the measure of qualities, or what sizes are tuned for
            name = f"min_{TUNES[0] if self.quality is not None else self.options.tune}".replace("-", "_")
        metric, source = METRICS[name], as_decoded(self.picture.pixels)
        scores = [metric.measure(source, decode(data)) for decode in (self.decode, pixels)]
        measure = name.removeprefix("min_").replace("_", "-").upper()
        restored, plain = map(metric.text, scores)
        text = f"{measure} {restored} restored by {DEFAULT_METHOD}, {plain} plain"
        finite = [score if isfinite(score) else None for score in scores]
        return Note(note.quality, f"{note.text}; {text}", RestoredLikeness(DEFAULT_METHOD, measure, *finite))

    @property
    def _nominal(self) -> float:
        return likeness_of(QUALITY if self.quality is None else self.quality)

    def _start(self, subsampling: str, rounds: int = 0) -> float | None:
        """The likeness that the quality means for this picture, None if it cannot be reached."""
        if self.quality is None or self._nominal >= IDENTICAL:
            return self._nominal
        return calibrated(
            self.picture.pixels,
            self._nominal,
            subsampling,
            self.options,
            rounds,
            self.decode,
            self.threads,
        )

    def _met(self, subsampling: str, likeness: float) -> tuple[bytes, Note]:
        found = self._found(subsampling, likeness, 0) if self.quality is None else None
        remark = ""
        if self.rounds and rounds_apply(self.picture.pixels, self.options.tune):
            refined, remark = self._refined(subsampling, found[0].likeness if found else likeness)
            found = refined or found
        best, text = found or self._found(subsampling, likeness, 0)
        quality = round(quality_of(best.likeness), 2) if self.quality is None else self.quality
        sampling = ":".join(subsampling) if self.picture.pixels.ndim > 2 else "gray"
        parts = [sampling, self.picture.remark, remark, text]
        return best.result, Note(quality, "; ".join(filter(None, parts)))

    def _refined(self, subsampling: str, plain: float) -> tuple[tuple[Trial[bytes], str] | None, str]:
        """What _found() gives after the rounds, None if a plain result is better, and a remark on that.

        plain: the likeness of the plain result.
        """
        pixels, rounds = self.picture.pixels, self.rounds
        loss = lost(pixels, plain, subsampling, self.options, rounds, self.decode, self.threads)
        if loss:
            return None, f"effort fast, as more would lose {loss}"
        start = self._start(subsampling, rounds) if self.quality is not None else None
        try:
            return self._found(subsampling, plain if start is None else start, rounds), ""
        except TargetError:
            return None, ""

    def _found(self, subsampling: str, likeness: float, rounds: int) -> tuple[Trial[bytes], str]:
        """The result that meets the target best after some rounds, and a note on how it misses."""
        picture = self.picture
        file = files_of(
            picture.pixels,
            subsampling,
            picture.metadata,
            self.options,
            rounds,
            self.threads,
            self.workers,
        )
        if self.target.name in METRICS:
            return self._similar(file, METRICS[self.target.name], likeness)
        if self.target.name in ("max_bytes", "bpp"):
            return self._of_size(file, likeness)
        return Trial(likeness, 0.0, file(likeness)), ""

    def _of_size(self, file: File, start: float) -> tuple[Trial[bytes], str]:
        rows, columns = self.picture.pixels.shape[:2]
        limit = self.target.value
        if self.target.name == "bpp":
            limit = max(1, int(min(limit, 1e9) * rows * columns / 8))

        def attempt(likeness: float) -> tuple[float, bytes]:
            data = file(likeness)
            self.on_progress(f"quality {quality_of(likeness):.2f}: {len(data):,} bytes")
            return len(data), data

        inside, beyond = search(attempt, limit, SIZE_TOLERANCE, True, start, _ENDS)
        if inside is None:
            assert beyond is not None
            raise TargetError(f"cannot be as small as {limit:,} bytes, only as {len(beyond.result):,} bytes")
        return inside, _missed(inside, beyond, SIZE_TOLERANCE, lambda data: f"{len(data):,} bytes")

    def _similar(self, file: File, metric: Metric, start: float) -> tuple[Trial[bytes], str]:
        source, least = as_decoded(self.picture.pixels), self.target.value

        def measured(data: bytes) -> float:
            return metric.measure(source, self.decode(data).reshape(source.shape))

        def attempt(likeness: float) -> tuple[float, bytes]:
            data = file(likeness)
            similarity = measured(data)
            self.on_progress(f"quality {quality_of(likeness):.2f}: {metric.text(similarity)}")
            return metric.distance(similarity), data

        limit = max(metric.distance(least), 1e-30)
        inside, beyond = search(attempt, limit, DISTANCE_TOLERANCE, False, start, _ENDS)
        if inside is None:
            assert beyond is not None
            similarity = metric.text(measured(beyond.result))
            raise TargetError(f"cannot be as similar as {metric.text(least)}, only {similarity}")
        return inside, _missed(inside, beyond, DISTANCE_TOLERANCE, lambda data: metric.text(measured(data)))


_ENDS = -60.0, IDENTICAL
"""The range of likeness that is tried."""


def _missed(
    inside: Trial[bytes], beyond: Trial[bytes] | None, tolerance: float, text: Callable[[bytes], str]
) -> str:
    """A note if no result within the tolerance was found."""
    if inside.excess >= log(1 - tolerance):
        return ""
    if beyond is None:
        ends = {_ENDS[0]: "no quality gives less than", _ENDS[1]: "no quality gives more than"}
        return f"{ends.get(inside.likeness, 'no result was found nearer than')} {text(inside.result)}"
    return f"no result was found between {text(inside.result)} and {text(beyond.result)}"
