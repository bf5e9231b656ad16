"""Compress, shrink, decompress, inspect and verify JPEG files as bytes.

Nothing here prints or keeps state, so any number of threads may call it. Every error that leaves these
functions is a JrecompError or MemoryError, whatever the input.
"""

from typing import Unpack

from jrecomp import codec, container, jpeg
from jrecomp.codec import Resources
from jrecomp.container import Lossless, Lossy, Original, Stored
from jrecomp.errors import (
    CorruptContainerError,
    InputError,
    JrecompError,
    StoredReason,
    TargetError,
    UnknownModelError,
    UnsupportedJpegError,
    UsageError,
    VerificationError,
)
from jrecomp.info import Info, JpegInfo, describe_frame, describe_reason
from jrecomp.jpeg.types import Frame
from jrecomp.lossy import Requantizer, Target, TargetOptions, load_rule
from jrecomp.model import DEFAULT_MODEL
from jrecomp.model import load as load_model
from jrecomp.options import DEFAULT_LIMITS, RULES, Buffer, Limits
from jrecomp.rate import Note, OnNote, OnProgress, Request, ignore
from jrecomp.writers import ContainerWriter, JpegWriter, Result, WriteOptions, stored


def compress(
    data: Buffer,
    *,
    model: str | None = None,
    strip: bool = False,
    rule: str = RULES[0],
    threads: int = 0,
    device: str = "auto",
    limits: Limits = DEFAULT_LIMITS,
    on_progress: OnProgress = ignore,
    on_note: OnNote = ignore,
    **target: Unpack[TargetOptions],
) -> bytes:
    """Compress a file. The result has been decompressed and compared before it is returned.

    Any bytes are accepted. What cannot be modelled, restored exactly or made smaller is stored as it is.

    data: the file.
    model: name of a model, None for the default.
    strip: leave out metadata that decoders do not need to show the picture.
    rule: which measure lossy results are tuned for, one of options.RULES.
    threads: how many to use, 0 for one per core. device: "auto", "cpu" or "cuda". The result depends on
        neither.
    limits: what the file may cost.
    on_progress: called with a line about each attempt at a target. on_note: called once, with the note about
        the result.
    target: at most one of quality, max_bytes, bpp, min_psnr and min_ms_ssim, see TargetOptions; lossless
        without. The result is lossless, too, where that is as small.

    Returns the container. Raises UnknownModelError, UsageError, and TargetError where a size cannot be met.
    """
    wanted, resources = Target.of(**target), Resources(threads, device)
    tuning, predictor = load_rule(rule), load_model(model or DEFAULT_MODEL)
    resources.engine(predictor)
    data, frame = bytes(data), None
    try:
        file = jpeg.read(data, limits)
        frame = file.frame
        writer = ContainerWriter(data, file, WriteOptions(strip), limits, predictor, resources)
        if wanted.lossless:
            result, note = writer.unchanged(), Note(None, "")
        else:
            result, note = Request(wanted, writer, Requantizer(file, tuning), on_progress).meet()
        verify(result.output, result.restored, threads=threads, device=device, limits=limits)
        if len(result.output) >= len(data):
            raise UnsupportedJpegError(StoredReason.NOT_SMALLER)
    except UnsupportedJpegError as error:
        result, note = _stored(data, error.reason, wanted, strip, frame)
    except (MemoryError, TargetError, UsageError):
        raise
    except Exception:  # a defect must not cost anyone a file
        if not wanted.lossless:
            raise
        result, note = _stored(data, StoredReason.VERIFICATION, wanted, strip, frame)
    on_note(note)
    return result.output


def shrink(
    data: Buffer,
    *,
    strip: bool = False,
    progressive: bool = False,
    rule: str = RULES[0],
    limits: Limits = DEFAULT_LIMITS,
    on_progress: OnProgress = ignore,
    on_note: OnNote = ignore,
    **target: Unpack[TargetOptions],
) -> bytes:
    """Make a JPEG file smaller that stays a JPEG file. The result has been read again and compared.

    Parameters are those of compress(); progressive: write progressive scans, which are a little smaller.
    Without a target no coefficient changes. The source is the result where nothing that meets the target is
    smaller.

    Returns the JPEG file. Raises InputError for what is no JPEG file that can be written anew, UsageError and
    TargetError.
    """
    wanted, tuning, data = Target.of(**target), load_rule(rule), bytes(data)
    try:
        file = jpeg.read(data, limits)
        options = WriteOptions(strip, progressive or file.frame.progressive)
        writer = JpegWriter(data, file, options, limits)
        if wanted.lossless:
            result = writer.unchanged()
            note = Note(None, f"not written anew: {writer.damage}" if writer.damage else "")
        else:
            result, note = Request(wanted, writer, Requantizer(file, tuning), on_progress).meet()
    except UnsupportedJpegError as error:
        raise InputError(f"cannot be shrunk: {error}") from error
    on_note(note)
    return result.output


def decompress(
    data: Buffer, *, threads: int = 0, device: str = "auto", limits: Limits = DEFAULT_LIMITS
) -> bytes:
    """Restore the file of a container.

    threads, device, limits: as for compress(). Returns the file. Raises CorruptContainerError,
    UnknownModelError, VerificationError (the restored bytes are not the original's) and UsageError.
    """
    resources, box = Resources(threads, device), container.unpack(bytes(data))
    restored = box.data if isinstance(box, Stored) else _restored(box, resources, limits)
    if Original.of(restored) != box.original:
        raise VerificationError("the restored bytes do not match the checksum of the original")
    return restored


def verify(
    data: Buffer,
    original: Buffer | None = None,
    *,
    threads: int = 0,
    device: str = "auto",
    limits: Limits = DEFAULT_LIMITS,
) -> None:
    """Check that a container restores its file: by checksum, and byte for byte against `original` if given.

    Raises what decompress() raises, and VerificationError where `original` differs.
    """
    restored = decompress(data, threads=threads, device=device, limits=limits)
    if original is not None and restored != original:
        raise VerificationError("the restored bytes differ from the original")


def inspect(data: Buffer, *, limits: Limits = DEFAULT_LIMITS) -> Info:
    """Describe a container without decoding its coefficients; raises CorruptContainerError."""
    data = bytes(data)
    box = container.unpack(data)
    if isinstance(box, Stored):
        sizes = box.original.length, len(data)
        return Info(
            "stored",
            container.FORMAT_VERSION,
            *sizes,
            box.original.length,
            stored_reason=describe_reason(box.reason),
        )
    return Info(
        "lossy" if isinstance(box, Lossy) else "lossless",
        container.FORMAT_VERSION,
        box.source if isinstance(box, Lossy) else box.original.length,
        len(data),
        box.original.length,
        model=_model_name(box.model),
        model_id=box.model,
        jpeg=_jpeg_info(box, limits),
        quality=box.quality / 100 if isinstance(box, Lossy) else None,
    )


def _restored(box: Lossless, resources: Resources, limits: Limits) -> bytes:
    model = load_model(box.model)
    engine = resources.engine(model)
    slices = codec.EncodedSlices(box.mcu_rows, list(box.slices))
    try:
        frame = jpeg.parse_frame(box.headers, limits)
        scans = container.unpack_reconstruction(box.reconstruction, limits)
        coefficients = codec.decode(frame, slices, model, resources.workers, engine, limits)
        return jpeg.write(jpeg.assemble(box.headers, scans, coefficients, limits), limits)
    except MemoryError:
        raise
    except Exception as error:  # contents that no encoder writes may fail anywhere in the decoder
        raise _undecodable(error) from error


def _jpeg_info(box: Lossless, limits: Limits) -> JpegInfo:
    try:
        return describe_frame(jpeg.parse_frame(box.headers, limits), len(box.headers))
    except Exception as error:
        raise _undecodable(error) from error


def _undecodable(error: Exception) -> CorruptContainerError:
    detail = str(error) if isinstance(error, JrecompError) else type(error).__name__
    return CorruptContainerError(f"the container cannot be decoded: {detail}")


def _stored(
    data: bytes, reason: StoredReason, target: Target, strip: bool, frame: Frame | None
) -> tuple[Result, Note]:
    """The file as it is; raises TargetError where that is too large, or may be."""
    result = stored(data, reason)
    if target.name == "bpp" and frame is None:
        raise TargetError(f"cannot be held to {target.value:g} bpp: {reason.text}")
    largest = int(target.value) if frame is None and target.name == "max_bytes" else None
    largest = target.largest(frame) if frame else largest
    if largest is not None and len(result.output) > largest:
        raise TargetError(f"cannot be as small as {largest:,} bytes: {reason.text}")
    return result, Note(None, "" if target.lossless and not strip else "nothing was changed")


def _model_name(identifier: int) -> str | None:
    try:
        return load_model(identifier).name
    except UnknownModelError:
        return None
