"""Restored pictures of JPEG files and containers, as arrays and as picture files."""

from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import cast

from jrecomp import container, jpeg, pipeline
from jrecomp.codec import Resources
from jrecomp.errors import InputError, UsageError, unsupported_as
from jrecomp.info import RestoredInfo
from jrecomp.jpeg.metadata import attachments
from jrecomp.jpeg.types import JpegFile
from jrecomp.notes import Note, OnNote, ignore
from jrecomp.options import DEFAULT_LIMITS, Buffer, Limits, Method, as_bytes, check_type
from jrecomp.restoration import FORMATS, METHODS, Picture, Restored, restored
from jrecomp.restoration.colour import Pixels
from jrecomp.threads import Workers

DEFAULT_METHOD = cast(Method, next(iter(METHODS)))
"""The method for files that name none."""


@dataclass(frozen=True)
class RestoreOptions:
    """Options of restore(). Raises TypeError and UsageError for invalid ones.

    method: None is that of the container, or DEFAULT_METHOD.
    """

    method: Method | None = None
    bits: int = 8
    strength: float = 1.0
    threads: int = 0

    def __post_init__(self) -> None:
        check_type("bits", self.bits, Integral)
        check_type("strength", self.strength, Real)
        if self.method is not None:
            check_type("method", self.method, str)
            if self.method not in METHODS:
                raise UsageError(f"method {self.method!r} is not one of {', '.join(METHODS)}")
        if self.bits not in (8, 16):
            raise UsageError(f"bits must be 8 or 16, not {self.bits}")
        if not 0 <= self.strength <= 1:
            raise UsageError(f"strength must be from 0 to 1, not {self.strength:g}")
        Resources(self.threads)

    @property
    def workers(self) -> int:
        """The number of threads."""
        return Resources(self.threads).workers


def restore(
    data: Buffer,
    *,
    method: Method | None = RestoreOptions.method,
    bits: int = RestoreOptions.bits,
    strength: float = RestoreOptions.strength,
    threads: int = RestoreOptions.threads,
    limits: Limits = DEFAULT_LIMITS,
    on_note: OnNote = ignore,
) -> Pixels:
    """Decode a JPEG file to better pixels than ordinary decoders.

    Compressing the pixels with the tables and the sampling of the file gives its coefficients again, except
    those that the note tells. The Exif orientation is not applied.

    data: a JPEG file, or a container of one.
    method: one of restoration.METHODS; None is the one that a container names, see encoding.encode_file(), or
    DEFAULT_METHOD.
    bits: of the pixels, 8 or 16. strength: share of the change from what ordinary decoders give, 0 to 1.
    threads, limits: as for pipeline.compress().
    on_note: called once with a Note, whose text is "" if there is nothing to say.

    Returns uint8 or uint16 [rows, columns] for gray pictures, otherwise [rows, columns, channels]: R, G and
    B, or C, M, Y and K with 0 for no ink. Raises InputError if there is no JPEG picture that can be decoded,
    LimitError, UsageError, and for containers the errors of pipeline.decompress().
    """
    data, options = as_bytes(data), RestoreOptions(method, bits, strength, threads)
    chosen, remark = _method(data, options, limits)
    file = _parsed(data, options, limits)
    result, note = _restored(file, chosen, options, limits)
    on_note(Note(None, "; ".join(filter(None, [remark, note]))))
    return result.pixels[:, :, 0] if result.pixels.shape[2] == 1 else result.pixels


def restored_file(
    data: bytes, form: str, options: RestoreOptions, limits: Limits = DEFAULT_LIMITS
) -> tuple[bytes, RestoredInfo, str]:
    """Restore the picture of a JPEG file or container to a picture file; see restore().

    form: one of restoration.FORMATS. Returns the picture file with ICC profile, Exif and XMP, its properties,
    and a remark or "". Also raises UsageError if the format does not have the bits.
    """
    if options.bits not in FORMATS[form].bits:
        raise UsageError(f"{form} has no pixels of {options.bits} bits (choose another {{}})", "format")
    method, remark = _method(data, options, limits)
    file = _parsed(data, options, limits)
    result, note = _restored(file, method, options, limits)
    with Workers(options.workers) as workers:
        written = FORMATS[form].write(Picture(result.pixels, attachments(file.headers)), workers)
    height, width, channels = result.pixels.shape
    info = RestoredInfo(
        len(data),
        len(written),
        width,
        height,
        channels,
        options.bits,
        form,
        result.method,
        result.coefficients,
        result.broken,
    )
    return written, info, "; ".join(filter(None, [remark, note]))


def _method(data: bytes, options: RestoreOptions, limits: Limits) -> tuple[str, str]:
    """The method for a file, and a remark if it is not the one that a container names."""
    if options.method is not None:
        return options.method, ""
    named = pipeline.inspect(data, limits=limits).restorer if container.is_container(data) else None
    if named is None or named in METHODS:
        return named or DEFAULT_METHOD, ""
    return DEFAULT_METHOD, f"restored by {DEFAULT_METHOD}, as its likeness was measured by {named}"


def _parsed(data: bytes, options: RestoreOptions, limits: Limits) -> JpegFile:
    if container.is_container(data):
        data = pipeline.decompress(data, threads=options.threads, limits=limits)
    with unsupported_as(InputError, "cannot be restored"):
        return jpeg.read(data, limits)


def _restored(file: JpegFile, method: str, options: RestoreOptions, limits: Limits) -> tuple[Restored, str]:
    """The restored picture and a remark; damaged pictures are decoded plainly."""
    if not all(component.has_table for component in file.frame.components):
        raise InputError("cannot be restored: it has no quantization tables")
    damaged = jpeg.damage(file, limits)
    strength = 0.0 if damaged else options.strength
    result = restored(file, method, options.bits, strength, options.workers, limits)
    if damaged:
        return replace(result, coefficients=0, broken=0), f"decoded only, as {damaged}"
    if options.bits < file.frame.precision:
        return result, "8-bit pixels do not keep the coefficients of 12-bit files (16-bit pixels do)"
    if result.broken:
        share = f"{result.broken:,} of {result.coefficients:,} coefficients"
        return result, f"compressing it again changes {share}, as pixels are rounded and limited"
    return result, ""
