"""What the commands do with each file."""

from collections.abc import Callable, Generator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from jrecomp import container, deleting, files, outputs, pipeline
from jrecomp.container import Lossy, Original
from jrecomp.digest import sha256
from jrecomp.errors import CorruptContainerError, InputError, VerificationError, shortage
from jrecomp.info import Info, RestoredInfo, ThumbnailInfo
from jrecomp.jobs import Existing, Job
from jrecomp.notes import Note, OnProgress
from jrecomp.options import Device, Limits, Tune
from jrecomp.targets import Target, TargetOptions

if TYPE_CHECKING:  # they import Pillow and native code that other commands do without
    from jrecomp.encoding import EncodeOptions
    from jrecomp.restoring import RestoreOptions

AnyInfo = Info | RestoredInfo | ThumbnailInfo
"""Properties of the result of a job."""


class Finished(NamedTuple):
    """What a job gives at its end.

    info: description of the result; None for skipped jobs. note: a remark for the report, or why the job was
    skipped. sha256: of the JPEG file, hexadecimal; "" if it is not known. skipped: whether nothing was to do.
    deleted: whether the source was deleted.
    """

    info: AnyInfo | None = None
    note: str = ""
    sha256: str = ""
    skipped: bool = False
    deleted: bool = False


Compute = Callable[[], Any]
Step = Compute | outputs.Output
JobSteps = Generator[Step, Any, Finished]
"""A job in progress.

It reads, and yields a computation, whose result it receives. It may yield one output, after which it goes on
when that is complete and on disk, and then another computation. It returns what it gives.
"""

Work = Callable[[Job], JobSteps]
"""Starts a job; the commands below, with their options bound."""


class ChangeOptions(TargetOptions, total=False):
    """Options that change the restored file, as keyword arguments of pipeline.compress()."""

    strip: bool
    strip_trailer: bool
    tune: Tune


def complete(job: Job, work: Work) -> Finished:
    """Do one job in the caller's thread; raises its error."""
    steps, value = work(job), None
    try:
        while True:
            step = steps.send(value)
            if isinstance(step, outputs.Output):
                outputs.write(step)
                value = None
            else:
                value = step()
    except StopIteration as end:
        finished: Finished = end.value
        return finished


_EXISTS = Finished(note="the output exists", skipped=True)
_DONE = "done already"


def compress(
    job: Job,
    *,
    change: ChangeOptions,
    model: str | None,
    threads: int,
    device: Device,
    limits: Limits,
    existing: Existing,
    delete_source: bool = False,
    on_progress: OnProgress,
) -> JobSteps:
    """Compress one file; the options are those of pipeline.compress().

    existing: what to do about a target that exists; done is a whole container of the file. delete_source:
    delete the file at the end, see deleting.delete().
    """
    present = _present(job, existing)
    if present and existing is Existing.SKIP:
        return _EXISTS
    data = files.read(job.source, limits)
    notes: list[Note] = []
    compute: Compute = partial(
        pipeline.compress,
        data,
        model=model,
        threads=threads,
        device=device,
        limits=limits,
        on_progress=on_progress,
        on_note=notes.append,
        **change,
    )
    if present:
        compute = partial(_unless_done, files.read(job.target, limits), data, job, change, limits, compute)
    sha256, packed = yield partial(_hashed, data, compute)
    if packed is not None:
        yield outputs.Output(
            job.target, packed, job.source, existing is Existing.REPLACE, exclusive=delete_source
        )
    kept = ""
    if delete_source:
        kept = deleting.obstacle(job.source, job.target)
        if not kept:
            assert job.source and job.target
            yield partial(
                deleting.delete, job.source, job.target, threads=threads, device=device, limits=limits
            )
    note = "; ".join(filter(None, [notes[0].text if packed else _DONE, kept and f"not deleted: {kept}"]))
    info = pipeline.inspect(packed, limits=limits) if packed else None
    return Finished(info, note, sha256, skipped=packed is None, deleted=delete_source and not kept)


def _present(job: Job, existing: Existing) -> bool:
    """Whether there is an output that may be skipped; raises the errors of files.check_target()."""
    files.check_target(job.target, job.source, existing is not Existing.REFUSE)
    return existing in (Existing.RESUME, Existing.SKIP) and files.is_file(job.target)


def _output(job: Job, data: bytes, existing: Existing) -> outputs.Output:
    return outputs.Output(job.target, data, job.source, existing is Existing.REPLACE)


def _hashed(data: bytes, compute: Compute) -> tuple[str, Any]:
    return sha256(data).hex(), compute()


def _unless_done(
    present: bytes, data: bytes, job: Job, change: ChangeOptions, limits: Limits, compute: Compute
) -> bytes | None:
    """Compress a file unless its container is there.

    present: the bytes of the existing target. data: those of the file. The container is whole if its checksum
    says so. It is of the file if that has the length and the checksum in it. Lossy containers do not have
    the checksum of their source, but its length, and its time of modification; a quality that was asked for
    must be theirs. A lossless container may be all that a lossy run could make: that shows after compression.

    Returns the container; None if it is there. Raises OutputError if something else is.
    """
    assert job.source and job.target
    lossy = is_lossy(change)
    with suppress(CorruptContainerError):
        box = container.unpack(present, limits, brief=True)
        if isinstance(box, Lossy):
            quality = change.get("quality")
            same = quality is None or round(100 * quality) == box.quality
            if lossy and same and box.source == len(data) and files.same_time(job.source, job.target):
                return None
        elif (
            box.original == Original.of(data)
            and _is_restorable(present, limits)
            and (not lossy or compute() == present)
        ):
            return None
    raise files.exists(job.target)


def is_lossy(change: ChangeOptions) -> bool:
    """Whether results may restore something else than the file."""
    target = {name: value for name, value in change.items() if name in TargetOptions.__annotations__}
    stripped = change.get("strip", False) or change.get("strip_trailer", False)
    return stripped or not Target.of(**cast(TargetOptions, target)).lossless


def _is_restorable(packed: bytes, limits: Limits) -> bool:
    """Whether the model of a container is installed."""
    info = pipeline.inspect(packed, limits=limits)
    return info.model_id is None or info.model is not None


def _made_before(job: Job, existing: Existing) -> Finished | None:
    """What a job gives whose output was made before, None if it is to be made.

    Outputs other than containers and restored files do not tell what they were made from. They have the time
    of modification of their input.
    """
    if not _present(job, existing):
        return None
    if existing is Existing.SKIP:
        return _EXISTS
    assert job.target
    if job.source and files.mode(job.source) and files.same_time(job.source, job.target):
        return Finished(note="made before (--force makes it anew)", skipped=True)
    raise files.exists(job.target)


def shrink(
    job: Job,
    *,
    change: ChangeOptions,
    progressive: bool,
    threads: int,
    limits: Limits,
    existing: Existing,
    on_progress: OnProgress,
) -> JobSteps:
    """Shrink one JPEG file; the options are those of pipeline.shrink()."""
    if made := _made_before(job, existing):
        return made
    data = files.read(job.source, limits)
    notes: list[Note] = []
    compute = partial(
        pipeline.shrink,
        data,
        progressive=progressive,
        threads=threads,
        limits=limits,
        on_progress=on_progress,
        on_note=notes.append,
        **change,
    )
    sha256, shrunk = yield partial(_hashed, data, compute)
    yield _output(job, shrunk, existing)
    info = Info("jpeg", None, len(data), len(shrunk), len(shrunk), quality=notes[0].quality)
    return Finished(info, notes[0].text, sha256)


def encode(
    job: Job,
    *,
    options: "EncodeOptions",
    threads: int,
    limits: Limits,
    existing: Existing,
    on_progress: OnProgress,
) -> JobSteps:
    """Encode one picture; the options are those of encoding.encode_file().

    The result is in a container if the target's name ends in .jrc.
    """
    from jrecomp.encoding import encode_file

    if made := _made_before(job, existing):
        return made
    data = files.read(job.source, limits)
    notes: list[Note] = []
    compute = partial(
        encode_file,
        data,
        contained=job.target is not None and job.target.suffix == files.SUFFIX,
        threads=threads,
        limits=limits,
        on_progress=on_progress,
        on_note=notes.append,
        **options,
    )
    sha256, encoded = yield partial(_hashed, data, compute)
    yield _output(job, encoded, existing)
    note = notes[0]
    info = Info(
        "jpeg",
        None,
        len(data),
        len(encoded),
        len(encoded),
        quality=note.quality,
        restorer=note.likeness.restorer if note.likeness else None,
        likeness=note.likeness,
    )
    return Finished(info, note.text, sha256)


def restore(
    job: Job, *, form: str, options: "RestoreOptions", limits: Limits, existing: Existing
) -> JobSteps:
    """Restore one picture; the options are those of restoring.restored_file()."""
    from jrecomp.restoring import restored_file

    if made := _made_before(job, existing):
        return made
    data = files.read(job.source, limits)
    sha256, (picture, info, note) = yield partial(
        _hashed, data, partial(restored_file, data, form, options, limits)
    )
    yield _output(job, picture, existing)
    return Finished(info, note, sha256)


def thumbnail(
    job: Job, *, form: str, size: int, threads: int, limits: Limits, existing: Existing
) -> JobSteps:
    """Make the thumbnail of one picture; the options are those of thumbnails.thumbnail_file()."""
    from jrecomp.thumbnails import thumbnail_file

    if made := _made_before(job, existing):
        return made
    data = files.read(job.source, limits)
    compute = partial(thumbnail_file, data, form, size, threads, limits)
    sha256, (picture, info) = yield partial(_hashed, data, compute)
    yield _output(job, picture, existing)
    return Finished(info, "", sha256)


def decompress(job: Job, *, threads: int, device: Device, limits: Limits, existing: Existing) -> JobSteps:
    """Decompress one container; the options are those of pipeline.decompress().

    existing: what to do about a target that exists; done is one with the length and checksum of the original.
    """
    present = _present(job, existing)
    if present and existing is Existing.SKIP:
        return _EXISTS
    data = files.read(job.source, limits)
    if present:
        assert job.target
        yield partial(_check_restored, job.target, files.read(job.target, limits), data, limits)
        return Finished(note=_DONE, skipped=True)
    compute = partial(pipeline.decompress, data, threads=threads, device=device, limits=limits)
    sha256, restored = yield partial(_restored, compute)
    yield _output(job, restored, existing)
    return Finished(pipeline.inspect(data, limits=limits), "", sha256)


def _restored(compute: Callable[[], bytes]) -> tuple[str, bytes]:
    """A restored file, with its checksum before it."""
    restored = compute()
    return sha256(restored).hex(), restored


def _check_restored(target: Path, present: bytes, data: bytes, limits: Limits) -> None:
    """Raises OutputError unless an existing file is the one that a container restores."""
    if container.unpack(data, limits, brief=True).original != Original.of(present):
        raise files.exists(target)


def salvage(job: Job, *, threads: int, device: Device, limits: Limits, existing: Existing) -> JobSteps:
    """Restore what is left of one container; the options are those of decompress().

    An existing target is never taken for done. Raises CorruptContainerError after writing if something is
    lost.
    """
    if _present(job, existing):
        if existing is Existing.SKIP:
            return _EXISTS
        assert job.target
        raise files.exists(job.target)
    data, notes = files.read(job.source, limits), list[Note]()
    compute = partial(
        pipeline.salvage, data, threads=threads, device=device, limits=limits, on_note=notes.append
    )
    sha256, restored = yield partial(_restored, compute)
    yield _output(job, restored, existing)
    if notes[0].text:
        raise CorruptContainerError(f"damaged, what is left was restored: {notes[0].text}")
    return Finished(pipeline.inspect(data, limits=limits), "", sha256)


def verify(job: Job, *, original: Path | None, threads: int, device: Device, limits: Limits) -> JobSteps:
    """Verify one container.

    original: file to compare with. Without it, a container that is not lossy is compared with the file of the
    same name without .jrc, if that exists. threads, device, limits: those of pipeline.verify().
    """
    data = files.read(job.source, limits)
    if original is None and pipeline.inspect(data, limits=limits).mode != "lossy":
        original = _beside(job.source)
    expected = files.read(original, limits) if original else None
    sha256 = yield partial(_verified, data, expected, threads, device, limits)
    info = pipeline.inspect(data, limits=limits)
    note = f"identical to {original}" if original else "checksums match"
    return Finished(info, f"{note} (lossy)" if info.mode == "lossy" else note, sha256)


def _verified(data: bytes, expected: bytes | None, threads: int, device: Device, limits: Limits) -> str:
    """The checksum of the file that a container restores; raises the errors of pipeline.verify()."""
    restored = pipeline.decompress(data, threads=threads, device=device, limits=limits)
    if expected is not None and restored != expected:
        raise VerificationError("the restored bytes differ from the original")
    return sha256(restored).hex()


def verify_original(job: Job, *, threads: int, device: Device, limits: Limits) -> JobSteps:
    """Check that an original, the source, has a container, the target, that is on disk and restores it."""
    assert job.target
    if not files.is_file(job.target):
        raise VerificationError(f"has no container {job.target}")
    original = files.read(job.source, limits)
    try:
        files.sync(job.target)
    except OSError as error:
        raise shortage(error) or InputError(f"{job.target}: {error.strerror or error}") from error
    data = files.read(job.target, limits)
    if pipeline.inspect(data, limits=limits).mode == "lossy":
        raise VerificationError(f"{job.target}: is lossy, so it does not restore this file")
    sha256 = yield partial(_verified, data, original, threads, device, limits)
    return Finished(pipeline.inspect(data, limits=limits), f"identical to what {job.target} restores", sha256)


def inspect(job: Job, *, limits: Limits) -> JobSteps:
    """Describe one container by pipeline.inspect()."""
    info = yield partial(pipeline.inspect, files.read(job.source, limits), limits=limits)
    return Finished(info)


def _beside(source: Path | None) -> Path | None:
    if source is None or source.suffix != files.SUFFIX:
        return None
    original = files.restored_name(source)
    return original if original.is_file() else None
