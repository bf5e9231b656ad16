"""Compress, decompress, inspect and verify JPEG files as bytes.

Nothing here prints or keeps state, so any number of threads may call it. Every error that leaves these
functions is a JrecompError (or MemoryError), whatever the input.
"""

import os
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from jrecomp import codec, container, jpeg
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
from jrecomp.jpeg.markers import trailer
from jrecomp.jpeg.metadata import has_index, metadata, stripped
from jrecomp.jpeg.types import Frame, JpegFile
from jrecomp.lossy import Requantizer, Setting, Target, load_rule
from jrecomp.model import DEFAULT_MODEL, AnyModel
from jrecomp.model import load as load_model
from jrecomp.options import DEFAULT_LIMITS, RULES, Limits
from jrecomp.rate import EXACT, Form, Made, Note, Request, TakeNote, Tell, silent

TABLES, FIELDS = 500, 50
"""Bytes that headers of JPEG files and of containers take at least, about."""


def compress(
    data: bytes,
    *,
    quality: float | None = None,
    max_bytes: int | None = None,
    bpp: float | None = None,
    min_psnr: float | None = None,
    min_ms_ssim: float | None = None,
    strip: bool = False,
    rule: str = RULES[0],
    model: str | None = None,
    threads: int = 0,
    device: str = "auto",
    limits: Limits = DEFAULT_LIMITS,
    tell: Tell = silent,
    note: TakeNote = silent,
) -> bytes:
    """Compress a file; what `decompress` makes of the result was compared with what it shall be.

    Any bytes are accepted: what cannot be modelled, restored exactly or made smaller is stored.
    quality, max_bytes, bpp, min_psnr, min_ms_ssim: at most one, see lossy.Target. With none the result is
    lossless, and it is where that is as small. strip: leave out metadata that showing the picture does not
    need. rule: what lossy results shall be good in, of options.RULES. model: a name, None for the
    default. threads: 0 for one per core. device: "cpu", "cuda", or "auto" for CUDA where it is. The result
    depends on neither. tell: is told of each attempt at a target. note: is told of the result, once.
    Raises UnknownModelError, UsageError, and TargetError where a size cannot be met.
    """
    target = Target(quality, max_bytes, bpp, min_psnr, min_ms_ssim)
    wanted, chosen = load_rule(rule), load_model(model or DEFAULT_MODEL)
    means = resources(threads, device)
    data, frame = bytes(data), None
    try:
        file = jpeg.read(data, limits)
        frame = file.frame
        form, picture = Form(strip, optimal=False), Requantizer(file, wanted)
        made, about = Request(target, _Containers(data, picture, form, limits, chosen, means), tell).meet()
        verify(made.output, made.restored, threads=threads, device=device, limits=limits)
        if len(made.output) >= len(data):
            raise UnsupportedJpegError(StoredReason.NOT_SMALLER)
    except UnsupportedJpegError as error:
        made, about = _store(data, error.reason, target, strip, frame)
    except (MemoryError, TargetError, UsageError):
        raise
    except Exception:  # a defect must not cost anyone a file
        if not target.exact:
            raise
        made, about = _store(data, StoredReason.VERIFICATION, target, strip, frame)
    note(about)
    return made.output


def shrink(
    data: bytes,
    *,
    quality: float | None = None,
    max_bytes: int | None = None,
    bpp: float | None = None,
    min_psnr: float | None = None,
    min_ms_ssim: float | None = None,
    strip: bool = False,
    progressive: bool = False,
    rule: str = RULES[0],
    limits: Limits = DEFAULT_LIMITS,
    tell: Tell = silent,
    note: TakeNote = silent,
) -> bytes:
    """A smaller standard JPEG file, with Huffman tables of its own; read again and compared.

    Parameters as for compress; without a target pixels stay the same. The source itself is the result where
    nothing that meets the target is smaller. Raises InputError where it is no JPEG file that can be changed,
    UsageError and TargetError.
    """
    target = Target(quality, max_bytes, bpp, min_psnr, min_ms_ssim)
    wanted, data = load_rule(rule), bytes(data)
    try:
        file = jpeg.read(data, limits)
        form = Form(strip, optimal=True, progressive=progressive or file.frame.progressive)
        maker = _JpegFiles(data, Requantizer(file, wanted), form, limits)
        made, about = Request(target, maker, tell).meet()
        if target.exact and maker.damage:
            about = Note(None, f"not written anew: {maker.damage}")
    except UnsupportedJpegError as error:
        raise InputError(f"cannot be shrunk: {error}") from error
    note(about)
    return made.output


def decompress(
    data: bytes, *, threads: int = 0, device: str = "auto", limits: Limits = DEFAULT_LIMITS
) -> bytes:
    """Restore the original bytes of a container.

    threads: 0 for one per core. device: "cpu", "cuda", or "auto" for CUDA where it is.
    Raises CorruptContainerError, UnknownModelError, VerificationError (the restored bytes are not the
    original's) and UsageError.
    """
    means, box = resources(threads, device), container.unpack(bytes(data))
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
    box = container.unpack(bytes(data))
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


@dataclass(frozen=True)
class _Maker:
    """What makers of all kinds have: a file, what it holds, and how new ones are written."""

    source: bytes
    picture: Requantizer
    form: Form
    limits: Limits

    @cached_property
    def damage(self) -> str:
        """Of the file, see jpeg.damage."""
        return jpeg.damage(self.picture.file, self.limits)

    def _dispensable(self) -> int:
        """Bytes of metadata and trailers that results have."""
        headers = self.picture.file.headers
        after = b"" if self.form.strip else trailer(headers) or b""
        return len(metadata(headers, self.form.strip)) + len(after)

    def _unchanged(self) -> tuple[JpegFile, bytes]:
        """The file and its bytes, less what is to be stripped."""
        file = self.picture.file
        headers = stripped(file.headers) if self.form.strip else file.headers
        if len(headers) >= len(file.headers):
            return file, self.source
        less = replace(file, headers=headers)
        written = jpeg.write(less, self.limits)
        _check_same(jpeg.read(written, self.limits), less)
        return less, written


@dataclass(frozen=True)
class _JpegFiles(_Maker):
    """Makes JPEG files of a JPEG file."""

    @property
    def overhead(self) -> int:
        """With tables."""
        return TABLES + self._dispensable()

    def exact(self) -> Made:
        """The smallest of the source, stripped or as it is, and a new file of the same picture."""
        file, written = self._unchanged()
        kept = Made(written, written)
        if self.damage or has_index(file.headers):
            return kept
        try:
            made = replace(self.make(EXACT), quality=None)
        except UnsupportedJpegError:
            return kept
        return min(made, kept, key=lambda made: len(made.output))

    def make(self, setting: Setting) -> Made:
        """Read again and compared."""
        new = self.form.apply(self.picture, setting)
        written = jpeg.write(new, self.limits)
        _check_same(jpeg.read(written, self.limits), new)
        return Made(written, written, setting.quality)

    def restore(self, setting: Setting) -> bytes:
        """The same, not compared."""
        return jpeg.write(self.form.apply(self.picture, setting), self.limits)


@dataclass(frozen=True)
class _Containers(_Maker):
    """Makes containers of a JPEG file. means: threads and engine."""

    model: AnyModel
    means: tuple[int, str]

    @property
    def overhead(self) -> int:
        """Tables take hardly any room."""
        return FIELDS + self._dispensable()

    def exact(self) -> Made:
        """Restores the source, or the source stripped; stored where that is smaller."""
        file, restored = self._unchanged()
        box = self._lossless(file, restored)
        packed = container.pack(box if restored == self.source else self._lossy(box, EXACT))
        if len(packed) >= len(self.source):
            stored = _stored(self.source, StoredReason.NOT_SMALLER)
            if len(stored) < len(packed):
                return Made(stored, self.source)
        return Made(packed, restored)

    def make(self, setting: Setting) -> Made:
        """Not compared."""
        new, restored = self._changed(setting)
        box = self._lossy(self._lossless(new, restored), setting)
        return Made(container.pack(box), restored, setting.quality)

    def restore(self, setting: Setting) -> bytes:
        """What `make` restores."""
        return self._changed(setting)[1]

    def _changed(self, setting: Setting) -> tuple[JpegFile, bytes]:
        """Huffman tables cost room in containers; they are optimal only where files would grow else."""
        for optimal in (False, True):
            new = replace(self.form, optimal=optimal).apply(self.picture, setting)
            restored = jpeg.write(new, self.limits)
            if len(restored) < len(self.source):
                break
        return new, restored

    def _lossy(self, box: Lossless, setting: Setting) -> Lossy:
        return Lossy(**vars(box), source=len(self.source), quality=round(100 * setting.quality))

    def _lossless(self, file: JpegFile, restored: bytes) -> Lossless:
        slices = codec.encode(file, self.model, *self.means)
        return Lossless(
            original=Original.of(restored),
            model=self.model.identifier,
            headers=file.headers,
            extras=jpeg.pack_extras(file.scans),
            mcu_rows=slices.mcu_rows,
            slices=tuple(slices.data),
        )


def _check_same(found: JpegFile, wanted: JpegFile) -> None:
    """Raises VerificationError where a file does not hold the coefficients that it shall hold."""
    pairs = zip(found.coefficients, wanted.coefficients, strict=True)
    steps = zip(found.frame.components, wanted.frame.components, strict=True)
    if not all(np.array_equal(a, b) for a, b in pairs) or not all(
        np.array_equal(a.quantization, b.quantization) for a, b in steps
    ):
        raise VerificationError("the shrunk file does not hold what it shall")


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


def _stored(data: bytes, reason: StoredReason) -> bytes:
    """The container of a file as it is."""
    return container.pack(Stored(Original.of(data), reason, data))


def _store(
    data: bytes, reason: StoredReason, target: Target, strip: bool, frame: Frame | None
) -> tuple[Made, Note]:
    """The file as it is; raises TargetError where that is too large, or nobody knows whether it is."""
    stored = _stored(data, reason)
    largest = target.max_bytes if frame is None else target.largest(frame)
    if target.bpp is not None and frame is None:
        raise TargetError(f"cannot be held to {target.bpp:g} bpp: {reason.text}")
    if largest is not None and len(stored) > largest:
        raise TargetError(f"cannot be as small as {largest:,} bytes: {reason.text}")
    return Made(stored, data), Note(None, "" if target.exact and not strip else "nothing was changed")


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
