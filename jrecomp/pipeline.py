"""The public functions: compress, shrink, decompress, salvage, verify and inspect, on files as bytes.

The functions are thread-safe and print nothing. Whatever the input, the exceptions that they raise are
JrecompError and MemoryError; others are defects of jrecomp. They accept every C-contiguous buffer as bytes,
see options.as_bytes(), and raise TypeError for other objects and for options of other types. They also raise
ShortageError if a model cannot be opened as too many files are open. Where threads cannot be started, they
compute with fewer. docs/format.md specifies the containers.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from typing import Unpack, cast

from jrecomp import container, jpeg
from jrecomp.codec import HIGHEST, Resources
from jrecomp.container import Lossless, Lossy, Original, Restorable, Stored
from jrecomp.errors import (
    CorruptContainerError,
    InputError,
    StoredReason,
    TargetError,
    UnknownModelError,
    UnsupportedJpegError,
    VerificationError,
    unsupported_as,
)
from jrecomp.info import Info, JpegInfo, describe_picture, describe_reason, describe_restorer
from jrecomp.jpeg.markers import START
from jrecomp.jpeg.types import Frame, JpegFile
from jrecomp.model import DEFAULT_MODEL, FALLBACK_MODEL, Model
from jrecomp.model import load as load_model
from jrecomp.notes import Note, OnNote, OnProgress, ignore
from jrecomp.options import DEFAULT_LIMITS, DEFAULT_TUNE, Buffer, Device, Limits, Tune, as_bytes, check_type
from jrecomp.pictures import PictureCoder, Result, lossless, stored
from jrecomp.salvaging import salvaged
from jrecomp.skeleton import describe
from jrecomp.targets import Target, TargetOptions, check_tune


def compress(
    data: Buffer,
    *,
    model: str | None = None,
    strip: bool = False,
    strip_trailer: bool = False,
    tune: Tune = DEFAULT_TUNE,
    threads: int = 0,
    device: Device = "auto",
    limits: Limits = DEFAULT_LIMITS,
    on_progress: OnProgress = ignore,
    on_note: OnNote = ignore,
    **target: Unpack[TargetOptions],
) -> bytes:
    """Compress a file to a container. The container is decompressed and compared before it is returned.

    Any bytes are accepted. A file that cannot be modelled, restored exactly or made smaller is stored.

    data: the file.
    model: name of a model; None selects the default. A file that it does not make smaller is also tried
        with the model `fast`.
    strip: omit metadata that decoders do not need to display the picture.
    strip_trailer: omit the bytes after the picture, such as videos and further pictures.
    tune: measure that lossy results are optimized for, one of options.TUNES. For ssimulacra2, levels follow
        its gradient in rounds; pictures other than gray and YCbCr of 8 bits get what ms-ssim gives, and a
        note tells so.
    threads: number of threads; 0 uses one per core. device: one of options.DEVICES. Neither changes the
        result.
    limits: bounds on the memory and time that the file may take.
    on_progress: called with a line of text for each attempt at a target.
    on_note: called once with a Note on the result.
    target: at most one of quality, max_bytes, bpp, min_psnr, min_ms_ssim and min_ssimulacra2 (see
        TargetOptions). Without a target the result is lossless. With a target it is lossless where that is no
        larger.

    Returns the container. Raises UnknownModelError, UsageError, and TargetError if a size cannot be met. A
    file beyond the limits is stored.
    """
    data, wanted, resources = as_bytes(data), Target.of(**target), Resources(threads, device)
    if model is not None:
        check_type("model", model, str)
    _check_options(
        strip=strip,
        strip_trailer=strip_trailer,
        tune=tune,
        limits=limits,
        on_progress=on_progress,
        on_note=on_note,
    )
    check_tune(tune)
    predictor = load_model(model or DEFAULT_MODEL)
    resources.check(predictor)
    frame = None
    try:
        if wanted.lossless and not (strip or strip_trailer):
            result, note = _lossless(data, predictor, resources, limits), Note(None, "")
        else:
            from jrecomp import rate, writers  # which lossless results do without

            file = jpeg.read(data, limits)
            frame = file.frame
            options = writers.WriteOptions(strip, strip_trailer)
            writer = writers.ContainerWriter(data, file, options, limits, predictor, resources)
            if wanted.lossless:
                result = writer.unchanged()
                note = Note(None, result.remark)
            else:
                result, note = rate.changed(wanted, writer, tune, resources.workers, on_progress)
            del file, writer  # frees the coefficients: verification needs as much memory again
            _verified(result, resources, limits)
        if len(result.output) >= len(data):
            raise UnsupportedJpegError(StoredReason.NOT_SMALLER)
    except UnsupportedJpegError as error:
        result, note = _stored(data, error.reason, wanted, strip or strip_trailer, frame)
    except (VerificationError, CorruptContainerError):  # the decoder differs from the encoder
        if not wanted.lossless:
            raise
        result, note = _stored(data, StoredReason.VERIFICATION, wanted, strip or strip_trailer, frame)
    on_note(note)
    return result.output


def _lossless(data: bytes, model: Model, resources: Resources, limits: Limits) -> Result:
    """A verified container of a file with modelled pictures.

    Scans that are not restored from their coefficients (see jpeg.read(), exact) are rare, so they are looked
    for only if verification fails without that.
    """
    with suppress(VerificationError, CorruptContainerError):
        return _verified(_smaller(data, model, resources, limits, exact=False), resources, limits)
    return _verified(_smaller(data, model, resources, limits, exact=True), resources, limits)


def _smaller(data: bytes, model: Model, resources: Resources, limits: Limits, *, exact: bool) -> Result:
    """A container of a file with modelled pictures; by FALLBACK_MODEL if the model makes it no smaller."""
    try:
        result = lossless(data, PictureCoder(model, resources, limits, exact))
        if len(result.output) < len(data) or model.name == FALLBACK_MODEL:
            return result
    except UnsupportedJpegError as error:
        if error.reason is not StoredReason.NOT_SMALLER or model.name == FALLBACK_MODEL:
            raise
    fallback = load_model(FALLBACK_MODEL)
    return lossless(data, PictureCoder(fallback, replace(resources, device="cpu"), limits, exact))


def _verified(result: Result, resources: Resources, limits: Limits) -> Result:
    """The result; raises VerificationError or CorruptContainerError if it does not restore its file."""
    verify(result.output, result.restored, **vars(resources), limits=limits)
    return result


def shrink(
    data: Buffer,
    *,
    strip: bool = False,
    strip_trailer: bool = False,
    progressive: bool = False,
    tune: Tune = DEFAULT_TUNE,
    threads: int = 0,
    limits: Limits = DEFAULT_LIMITS,
    on_progress: OnProgress = ignore,
    on_note: OnNote = ignore,
    **target: Unpack[TargetOptions],
) -> bytes:
    """Make a smaller JPEG file from a JPEG file. The result is parsed and compared before it is returned.

    progressive: write progressive scans where they are smaller. threads: number of threads for the gradient;
    0 uses one per core. The other parameters are those of compress(). Without a target no coefficient
    changes. The source is returned if no result that meets the target is smaller.

    Returns the JPEG file. Raises InputError if the data is not a JPEG file that can be modelled, LimitError
    if it exceeds the limits, UsageError, and TargetError if a size cannot be met.
    """
    from jrecomp import rate, writers

    data, wanted = as_bytes(data), Target.of(**target)
    _check_options(
        strip=strip,
        strip_trailer=strip_trailer,
        progressive=progressive,
        tune=tune,
        limits=limits,
        on_progress=on_progress,
        on_note=on_note,
    )
    check_tune(tune)
    resources = Resources(threads)
    with unsupported_as(InputError, "cannot be shrunk"):
        file = jpeg.read(data, limits)
        options = writers.WriteOptions(strip, strip_trailer, progressive or file.frame.progressive)
        writer = writers.JpegWriter(data, file, options, limits)
        if wanted.lossless:
            result = writer.unchanged()
            reason = writer.obstacle if result.output == data else ""
            note = Note(None, f"unchanged: {reason}" if reason else result.remark)
        else:
            result, note = rate.changed(wanted, writer, tune, resources.workers, on_progress)
    on_note(note)
    return result.output


def decompress(
    data: Buffer, *, threads: int = 0, device: Device = "auto", limits: Limits = DEFAULT_LIMITS
) -> bytes:
    """Restore the file from a container.

    data: the container. threads, device, limits: as for compress().

    Returns the file. Raises CorruptContainerError, UnknownModelError, UsageError, LimitError if the file
    exceeds the limits, and VerificationError if the length or checksum of the restored bytes is not the
    original's.
    """
    data, resources = as_bytes(data), Resources(threads, device)
    _check_options(limits=limits)
    box = container.unpack(data, limits)
    restored = box.data if isinstance(box, Stored) else _restored(box, resources, limits)
    if Original.of(restored) != box.original:
        raise VerificationError("the restored bytes do not match the checksum of the original")
    return restored


def first_picture(data: bytes, threads: int, limits: Limits, highest: int = HIGHEST) -> JpegFile | None:
    """The picture that the file in a container begins with.

    threads, limits: as for compress(). highest: coefficients of higher frequencies are left out where the
    model codes low ones first, see codec.decode(). Returns None for stored files, and for files that begin
    with something else. Raises the errors of decompress(), but does not compare checksums of the original.
    """
    box = container.unpack(data, limits)
    if isinstance(box, Stored):
        return None
    with _damaged_headers():
        return PictureCoder(load_model(box.model), Resources(threads), limits).first(box, highest)


def first_headers(data: bytes, limits: Limits) -> bytes | None:
    """The headers of the JPEG picture that the file in a container begins with; all of a stored JPEG file.

    Scan data of pictures inside the headers are zeros. limits: as for compress(). Returns None for files that
    begin with something else. Raises CorruptContainerError and LimitError.
    """
    box = container.unpack(data, limits, brief=True)
    if isinstance(box, Stored):
        restored = decompress(data, limits=limits)
        return restored if restored.startswith(START) else None
    with _damaged_headers():
        return next((found.headers for found in describe(box.front, box.steps) if found.offset == 0), None)


def salvage(
    data: Buffer,
    *,
    threads: int = 0,
    device: Device = "auto",
    limits: Limits = DEFAULT_LIMITS,
    on_note: OnNote = ignore,
) -> bytes:
    """Restore what a damaged container allows; a good one as decompress() does.

    In place of lost parts, pictures are gray. Of a stored file the beginning is restored.

    data: the container. threads, device, limits: as for compress(). on_note: called once with a Note, whose
    text tells what is lost; it is "" if nothing is.

    Returns the file. Raises the errors of decompress() if the container does not even tell what it holds.
    """
    try:
        restored = decompress(data, threads=threads, device=device, limits=limits)
    except (CorruptContainerError, VerificationError):
        pass
    else:
        on_note(Note(None, ""))
        return restored
    remains = container.salvage(as_bytes(data), limits)
    box = remains.box
    if isinstance(box, Stored):
        restored, lost = box.data, f"of {box.original.length:,} bytes, {len(box.data):,} are left"
    else:
        with _damaged_headers():
            coder = PictureCoder(load_model(box.model), Resources(threads, device), limits)
            restored, lost = salvaged(remains, coder)
    if Original.of(restored) == box.original:
        lost = ""
    on_note(Note(None, lost))
    return restored


def verify(
    data: Buffer,
    original: Buffer | None = None,
    *,
    threads: int = 0,
    device: Device = "auto",
    limits: Limits = DEFAULT_LIMITS,
) -> None:
    """Check that a container restores its file.

    data: the container. original: bytes to compare with the restored file; without them only its length and
    checksum are checked. threads, device, limits: as for compress().

    Raises the errors of decompress(), and VerificationError if `original` differs.
    """
    expected = None if original is None else as_bytes(original)
    restored = decompress(data, threads=threads, device=device, limits=limits)
    if expected is not None and restored != expected:
        raise VerificationError("the restored bytes differ from the original")


def inspect(data: Buffer, *, limits: Limits = DEFAULT_LIMITS) -> Info:
    """Describe a container without decoding its coefficients.

    data: the container. limits: as for compress(). Raises CorruptContainerError, and LimitError if the file
    exceeds the limits.
    """
    data = as_bytes(data)
    _check_options(limits=limits)
    box = container.unpack(data, limits, brief=True)
    if isinstance(box, Stored):
        sizes = box.original.length, len(data)
        return Info(
            "stored",
            container.FORMAT_VERSION,
            *sizes,
            box.original.length,
            stored_reason=describe_reason(box.reason),
            reason=box.reason,
        )
    return Info(
        "lossy" if isinstance(box, Lossy) else "lossless",
        container.FORMAT_VERSION,
        box.source if isinstance(box, Lossy) else box.original.length,
        len(data),
        box.original.length,
        model=_model_name(box.model),
        model_id=box.model,
        pictures=_pictures(box, limits),
        quality=box.quality / 100 if isinstance(box, Lossy) else None,
        restorer=describe_restorer(box.restorer) if isinstance(box, Restorable) else None,
    )


_OPTIONS: dict[str, type] = {
    "strip": bool,
    "strip_trailer": bool,
    "progressive": bool,
    "tune": str,
    "limits": Limits,
    "on_progress": cast(type, Callable),
    "on_note": cast(type, Callable),
}


def _check_options(**options: object) -> None:
    for name, value in options.items():
        check_type(name, value, _OPTIONS[name])


def _restored(box: Lossless, resources: Resources, limits: Limits) -> bytes:
    coder = PictureCoder(load_model(box.model), resources, limits)
    with _damaged_headers():
        return coder.restore(box)


def _pictures(box: Lossless, limits: Limits) -> tuple[JpegInfo, ...]:
    with _damaged_headers():
        return tuple(
            describe_picture(jpeg.parse_frame(picture.headers, limits), picture)
            for picture in describe(box.front, box.steps)
        )


def _damaged_headers() -> AbstractContextManager[None]:
    """Raises CorruptContainerError for headers that no encoder accepts."""
    return unsupported_as(CorruptContainerError, "damaged container: its headers are no JPEG file's")


def _stored(
    data: bytes, reason: StoredReason, target: Target, strip: bool, frame: Frame | None
) -> tuple[Result, Note]:
    """The stored file and its note; raises TargetError if a target size is or may be exceeded."""
    result = stored(data, reason)
    if target.name == "bpp" and frame is None:
        raise TargetError(f"cannot be limited to {target.value:g} bits per pixel: {reason.text}")
    largest = target.largest(frame)
    if largest is not None and len(result.output) > largest:
        raise TargetError(f"cannot be as small as {largest:,} bytes: {reason.text}")
    return result, Note(None, "" if target.lossless and not strip else "nothing was changed")


def _model_name(identifier: int) -> str | None:
    try:
        return load_model(identifier).name
    except UnknownModelError:
        return None
