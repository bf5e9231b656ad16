"""Compress, decompress, inspect and verify JPEG files as bytes.

Nothing here prints or keeps state, so any number of threads may call it. Every error that leaves these
functions is a JrecompError (or MemoryError), whatever the input.
"""

import os

from jrecomp import codec, container, jpeg
from jrecomp.container import Lossless, Original, Stored
from jrecomp.errors import (
    CorruptContainerError,
    JrecompError,
    StoredReason,
    UnknownModelError,
    UnsupportedJpegError,
    UsageError,
    VerificationError,
)
from jrecomp.info import Info, JpegInfo, describe_frame, describe_reason
from jrecomp.model import DEFAULT_MODEL, AnyModel
from jrecomp.model import load as load_model
from jrecomp.options import DEFAULT_LIMITS, Limits


def compress(
    data: bytes,
    *,
    model: str | None = None,
    threads: int = 0,
    device: str = "auto",
    limits: Limits = DEFAULT_LIMITS,
) -> bytes:
    """Compress a file; what `decompress` makes of the result was compared with `data`.

    Any bytes are accepted: what cannot be modelled, restored exactly or made smaller is stored.
    model: a name, None for the default. threads: 0 for one per core. device: "cpu", "cuda", or "auto" for
    CUDA where it is. The result depends on neither.
    Raises UnknownModelError and UsageError.
    """
    means, chosen = resources(threads, device), load_model(model or DEFAULT_MODEL)
    try:
        modelled = container.pack(_model(data, chosen, means, limits))
        verify(modelled, data, threads=threads, device=device, limits=limits)
    except UnsupportedJpegError as error:
        return _store(data, error.reason)
    except MemoryError:
        raise
    except Exception:  # a defect must not cost anyone a file
        return _store(data, StoredReason.VERIFICATION)
    return modelled if len(modelled) < len(data) else _store(data, StoredReason.NOT_SMALLER)


def decompress(
    data: bytes, *, threads: int = 0, device: str = "auto", limits: Limits = DEFAULT_LIMITS
) -> bytes:
    """Restore the original bytes of a container.

    threads: 0 for one per core. device: "cpu", "cuda", or "auto" for CUDA where it is.
    Raises CorruptContainerError, UnknownModelError, VerificationError (the restored bytes are not the
    original's) and UsageError.
    """
    means, box = resources(threads, device), container.unpack(data)
    restored = box.data if isinstance(box, Stored) else _restore(box, means, limits)
    if Original.of(restored) != box.original:
        raise VerificationError("the restored bytes do not match the checksum of the original")
    return restored


def verify(
    data: bytes,
    original: bytes | None = None,
    *,
    threads: int = 0,
    device: str = "auto",
    limits: Limits = DEFAULT_LIMITS,
) -> None:
    """Check that a container restores its original: by checksum, and against `original` where given.

    Raises what `decompress` raises, and VerificationError where `original` differs.
    """
    restored = decompress(data, threads=threads, device=device, limits=limits)
    if original is not None and restored != original:
        raise VerificationError("the restored bytes differ from the original")


def inspect(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Info:
    """Describe a container without decoding its coefficients; raises CorruptContainerError."""
    box = container.unpack(data)
    sizes = box.original.length, len(data)
    if isinstance(box, Stored):
        return Info("stored", container.FORMAT_VERSION, *sizes, stored_reason=describe_reason(box.reason))
    return Info(
        "lossless",
        container.FORMAT_VERSION,
        *sizes,
        model=_model_name(box.model),
        model_id=box.model,
        jpeg=_jpeg_info(box, limits),
    )


def _model(data: bytes, model: AnyModel, means: tuple[int, str], limits: Limits) -> Lossless:
    file = jpeg.read(data, limits)
    slices = codec.encode(file, model, *means)
    return Lossless(
        original=Original.of(data),
        model=model.identifier,
        headers=file.headers,
        extras=jpeg.pack_extras(file.scans),
        mcu_rows=slices.mcu_rows,
        slices=tuple(slices.data),
    )


def _restore(box: Lossless, means: tuple[int, str], limits: Limits) -> bytes:
    model = load_model(box.model)
    slices = codec.EncodedSlices(box.mcu_rows, list(box.slices))
    try:
        frame = jpeg.parse_frame(box.headers, limits)
        coefficients = codec.decode(frame, slices, model, *means)
        return jpeg.write(jpeg.assemble(box.headers, box.extras, coefficients, limits), limits)
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


def _store(data: bytes, reason: StoredReason) -> bytes:
    return container.pack(Stored(Original.of(data), reason, data))


def _model_name(identifier: int) -> str | None:
    try:
        return load_model(identifier).name
    except UnknownModelError:
        return None


def resources(threads: int, device: str) -> tuple[int, str]:
    """How many threads and which engine; raises UsageError."""
    if threads < 0:
        raise UsageError(f"{threads} threads make no sense")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return threads or cores or 1, codec.engine_for(device)
