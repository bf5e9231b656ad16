"""Inputs of batches and their outputs: what is found in folders and lists, and where results go."""

import os
import stat
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from jrecomp import files
from jrecomp.errors import InputError, JrecompError, UsageError, shortage

JPEG_SUFFIXES = files.JPEG_SUFFIXES
SHRUNK_SUFFIXES = tuple(f"{files.SHRUNK}{suffix}" for suffix in JPEG_SUFFIXES)
CONTAINER_SUFFIXES = (files.SUFFIX,)

PIPE = "-"
STANDARD_INPUTS = (PIPE, "/dev/stdin", "/dev/fd/0")
STANDARD_OUTPUTS = (PIPE, "/dev/stdout", "/dev/fd/1")
_SEPARATORS = (os.sep, os.altsep or os.sep)
"""What separates names in paths; on Windows that is a backslash or a slash."""

DESCRIPTORS = Path("/dev/fd")
"""The folder of open files: of what a shell passes as <(command)."""

SYSTEM_FOLDERS = ("@eaDir",)
"""Folders that are no user's: in this one, Synology's disk stations keep thumbnails."""


class Job(NamedTuple):
    """One input and its output.

    source: the input, None for standard input. target: the output, None for standard output or for commands
    that write nothing. problem: an error found before the job runs; run() reports it as the outcome.
    skipped: why there is nothing to do, or ""; such a job does not fail. root: the searched folder that the
    input was found in. mirror: makes the folders of the target, if it is in a folder for all outputs.
    """

    source: Path | None
    target: Path | None = None
    problem: JrecompError | None = None
    skipped: str = ""
    root: Path | None = None
    mirror: files.Mirror | None = None

    @property
    def writes(self) -> bool:
        """Whether the job has a target to write to."""
        return not (self.problem or self.skipped)

    @property
    def name(self) -> str:
        """The input's name in messages."""
        return str(self.source or PIPE)

    @property
    def size(self) -> int:
        """Size of the input in bytes, at least 1; 1 if it is unknown."""
        try:
            return max(1, self.source.stat().st_size) if self.source else 1
        except OSError:
            return 1


class Existing(Enum):
    """What to do about an output that exists.

    REFUSE: fail. RESUME: skip what is done, and fail otherwise. SKIP: skip it, whatever it is. REPLACE: write
    it anew.
    """

    REFUSE = "refuse"
    RESUME = "resume"
    SKIP = "skip"
    REPLACE = "replace"


class Destination(NamedTuple):
    """Where outputs are written; beside the inputs by default.

    output: path of the only output, "-" for standard output; or a folder, which exists or ends with "/".
    output_dir: folder for all outputs. At most one of the two may be given. force: replace existing outputs.
    skip_existing: skip inputs whose outputs exist, whatever these are.
    """

    output: str | None = None
    output_dir: Path | None = None
    force: bool = False
    skip_existing: bool = False

    @property
    def folder(self) -> Path | None:
        """The folder for all outputs, None if there is none."""
        if self.output and (self.output.endswith(_SEPARATORS) or Path(self.output).is_dir()):
            return Path(self.output)
        return self.output_dir

    @property
    def existing(self) -> Existing:
        """What to do about outputs that exist."""
        if self.force:
            return Existing.REPLACE
        return Existing.SKIP if self.skip_existing else Existing.RESUME

    def pipes(self, sources: Iterable[str]) -> bool:
        """Whether a result of any of these sources is written to standard output."""
        if self.output and not self.folder:
            return self.output in STANDARD_OUTPUTS
        return not self.folder and any(s in STANDARD_INPUTS or Path(s).parent == DESCRIPTORS for s in sources)


Choose = Callable[[list[str]], list[str]]


class Wanted(NamedTuple):
    """Which files of folders are inputs.

    suffixes: endings of their names, in lower case. excluded: endings of names to leave out. patterns: what
    else to leave out: names, or paths in the searched folder if they contain "/", with the wildcards of
    shells. hidden: take names that begin with a dot, and SYSTEM_FOLDERS, too. choose: chooses among the names
    in a folder that are left then.
    """

    suffixes: tuple[str, ...]
    excluded: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    hidden: bool = False
    choose: Choose = list

    def hides(self, name: str) -> bool:
        """Whether a file or folder is left out as a hidden one."""
        return not self.hidden and (name.startswith(".") or name in SYSTEM_FOLDERS)

    def excludes(self, path: str) -> bool:
        """Whether a path in the searched folder is left out by a pattern."""
        name = Path(path).name
        return any(fnmatch(path if "/" in p else name, p.strip("/")) for p in self.patterns)

    def takes(self, name: str) -> bool:
        """Whether the ending of a name is wanted."""
        return name.lower().endswith(self.suffixes) and not name.lower().endswith(self.excluded)


@dataclass
class LeftOut:
    """How many files and folders a search has left out.

    others: files with other endings, containers and JPEG files excepted. hidden: hidden files and folders.
    excluded: files and folders that match a pattern.
    """

    others: int = 0
    hidden: int = 0
    excluded: int = 0

    def __bool__(self) -> bool:
        """Whether anything was left out."""
        return bool(self.others or self.hidden or self.excluded)

    def __str__(self) -> str:
        """The numbers, as a phrase."""
        parts = [
            f"{self.others:,} other file{'s' * (self.others > 1)}" * bool(self.others),
            f"{self.hidden:,} hidden" * bool(self.hidden),
            f"{self.excluded:,} excluded" * bool(self.excluded),
        ]
        return ", ".join(filter(None, parts))


Found = tuple[Job, Path]
"""A job without a target, and the path of its input from the folder for all outputs."""


def find(
    sources: Iterable[str],
    recursive: bool,
    wanted: Wanted,
    left_out: LeftOut | None = None,
    *,
    whole: bool = False,
    literal: bool = False,
) -> Iterator[Found]:
    """Find inputs, one after the other.

    sources: files, folders, and "-" for standard input. recursive: search folders; otherwise a folder gives
    a job with a problem. wanted: which files of folders are taken; only regular ones are, as pipes may block.
    left_out: counts the others. whole: give whole paths, from the current folder or from the root, and not
    those from the searched folder. literal: the sources come from a list, in which "-" is a file, too.

    Folders that are in others, or are given twice, are searched once.
    """
    left_out = LeftOut() if left_out is None else left_out
    sources = sources if literal else list(sources)
    named = set() if literal else {os.path.realpath(source) for source in sources}
    searched = set[str]()
    for source in sources:
        path = Path(source)
        if source in STANDARD_INPUTS and not literal:
            yield Job(None), path
        elif not is_folder(source):
            yield Job(path), _whole(path) if whole else Path(path.name)
        elif recursive:
            prefix = _whole(path) if whole else Path()
            real = os.path.realpath(path)
            if real in searched:
                continue
            if not literal:
                searched.add(real)
            for job in _walk(path, wanted, left_out, named):
                yield job, prefix / (job.source or path).relative_to(path)
        else:
            problem = InputError(f"{path}: is a folder (--recursive searches folders)")
            yield Job(path, problem=problem), path


def is_folder(source: str) -> bool:
    """Whether a path is a folder, or a link to one."""
    return stat.S_ISDIR(files.mode(Path(source)))


def _whole(path: Path) -> Path:
    """The path from the current folder, or from the root if it is not in the current folder."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 -- links stay
    current = Path.cwd()
    return absolute.relative_to(current if absolute.is_relative_to(current) else absolute.anchor)


def shares_names(sources: tuple[str, ...]) -> bool:
    """Whether several sources could have files of the same name, so that results need whole paths."""
    names = Counter(Path(source).name for source in sources)
    folders = any(is_folder(source) for source in sources)
    return len(sources) > 1 and (folders or max(names.values()) > 1)


def _walk(folder: Path, wanted: Wanted, left_out: LeftOut, named: set[str]) -> Iterator[Job]:
    """The jobs of a folder; named: real paths of what is found in another way, and left out here."""
    root = os.path.realpath(folder)
    unreadable: list[OSError] = []
    empty = True
    for parent, folders, names in os.walk(folder, onerror=unreadable.append):
        for job in _problems(unreadable):
            yield job
            empty = False
        inner = os.path.relpath(parent, folder)
        real = os.path.normpath(f"{root}/{inner}/")
        for entries in folders, names:
            entries[:] = [name for name in entries if f"{real}{os.sep}{name}" not in named]
        folders[:] = sorted(_visible(folders, inner, wanted, left_out))
        visible = _visible(names, inner, wanted, left_out)
        taken = wanted.choose([name for name in sorted(visible) if wanted.takes(name)])
        ours = (*wanted.suffixes, *JPEG_SUFFIXES, *CONTAINER_SUFFIXES)
        left_out.others += sum(not name.lower().endswith(ours) for name in visible)
        for path in (Path(parent, name) for name in taken):
            if stat.S_IFMT(files.mode(path)) in (stat.S_IFREG, 0):
                yield _found(path, folder)
                empty = False
    yield from (problems := list(_problems(unreadable)))
    if empty and not problems:
        yield Job(folder, problem=InputError(f"{folder}: contains no {', '.join(wanted.suffixes)} files"))


def _visible(names: list[str], inner: str, wanted: Wanted, left_out: LeftOut) -> list[str]:
    """The names in a folder that are neither hidden nor excluded; inner: its path in the searched one."""
    shown = [name for name in names if not wanted.hides(name)]
    kept = [name for name in shown if not (wanted.patterns and wanted.excludes(str(Path(inner, name))))]
    left_out.hidden += len(names) - len(shown)
    left_out.excluded += len(shown) - len(kept)
    return kept


def _problems(errors: list[OSError]) -> Iterator[Job]:
    while errors:
        error = errors.pop(0)
        problem = shortage(error) or InputError(f"{error.filename}: {error.strerror}")
        yield Job(Path(error.filename), problem=problem)


def _found(path: Path, root: Path) -> Job:
    return Job(path, skipped="the link leads nowhere" if files.is_broken_link(path) else "", root=root)


def plan(found: Iterable[Found], destination: Destination, rename: Callable[[Path], Path]) -> Iterator[Job]:
    """Choose the target of each job.

    found: the result of find(), as a list where all inputs are known. destination: where to write. rename:
    gives the output's path for an input's path; a UsageError that it raises becomes the job's problem.

    Returns the jobs with their targets. Raises UsageError if two jobs of a list would write to the same file,
    or if `destination` does not suit the inputs. Of inputs that are found later, a second one in a folder
    that would be written to the same file has a problem.
    """
    if destination.output and destination.output_dir:
        raise UsageError("-o and --output-dir exclude each other (use only one)")
    if destination.force and destination.skip_existing:
        raise UsageError("--force and --skip-existing exclude each other (use only one)")
    jobs = iter(found)
    if destination.output and not destination.folder:
        first = list(islice(jobs, 2))
        if len(first) > 1:
            raise UsageError("-o names one output, but there are several inputs (use --output-dir)")
        jobs = iter(first)
    planned = (_with_target(job, relative, destination, rename) for job, relative in jobs)
    if isinstance(found, list):
        known = list(planned)
        _check_distinct(known)
        return iter(known)
    return _distinct(_Mirrors(destination.folder).mirrored(planned))


def _check_distinct(jobs: list[Job]) -> None:
    counts = Counter(_real_target(job) for job in jobs if job.writes)
    for job in jobs:
        if job.writes and (count := counts[_real_target(job)]) > 1:
            raise UsageError(f"{count} inputs would be written to {job.target or 'standard output'}")


def _distinct(jobs: Iterable[Job]) -> Iterator[Job]:
    """The jobs, with problems where one of the same folder of outputs writes to the same file."""
    folder: Path | None = None
    seen: set[str] = set()
    for job in jobs:
        if job.target is None or not job.writes:
            yield job
            continue
        if job.target.parent != folder:
            folder = job.target.parent
            seen.clear()
        if (name := job.target.name) in seen:
            yield job._replace(problem=UsageError(f"{job.target}: is the output of another input, too"))
        else:
            seen.add(name)
            yield job


class _Mirrors:
    """The mirrors of searched folders in a folder for all outputs, if there is one."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._last: tuple[Path, files.Mirror] | None = None

    def mirrored(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """The jobs with their mirrors."""
        for job in jobs:
            mirror = self._of(job)
            yield job._replace(mirror=mirror) if mirror else job

    def _of(self, job: Job) -> files.Mirror | None:
        if self._folder is None or job.root is None or job.target is None or job.source is None:
            return None
        if self._last is None or self._last[0] != job.root:
            inner = job.source.parent.relative_to(job.root)
            target = job.target.parents[len(inner.parts)]
            self._last = job.root, files.Mirror(job.root, target)
        return self._last[1]


def _real_target(job: Job) -> str:
    """The target with symbolic links resolved."""
    return os.path.realpath(job.target) if job.target else PIPE


def _with_target(job: Job, relative: Path, destination: Destination, rename: Callable[[Path], Path]) -> Job:
    if not job.writes:
        return job
    try:
        return job._replace(target=_target(job.source, relative, destination, rename))
    except UsageError as error:
        return job._replace(problem=error)


def _target(
    source: Path | None, relative: Path, destination: Destination, rename: Callable[[Path], Path]
) -> Path | None:
    nameless = source is None or source.parent == DESCRIPTORS
    if destination.folder:
        if nameless:
            raise UsageError(f"{source or 'standard input'} has no name (name the output with -o)")
        return rename(destination.folder / relative)
    if destination.output:
        return None if destination.output in STANDARD_OUTPUTS else Path(destination.output)
    return None if nameless or source is None else rename(source)


@dataclass
class Stream:
    """Jobs that are found while earlier ones run.

    jobs: from plan(). sizes: finds the sizes of all inputs anew in bytes, for a display of the progress; None
    where that cannot be done. left_out: what the search has left out so far.
    """

    jobs: Iterator[Job]
    sizes: Callable[[], Iterator[int]] | None = None
    left_out: LeftOut = field(default_factory=LeftOut)

    def __post_init__(self) -> None:
        self._first = deque[Job]()

    def __iter__(self) -> Iterator[Job]:
        """The jobs, once."""
        while self._first:
            yield self._first.popleft()
        yield from self.jobs

    def first(self, count: int) -> list[Job]:
        """The next jobs, at most `count`; finds as many."""
        self._first += islice(self.jobs, max(0, count - len(self._first)))
        return list(islice(self._first, count))

    def at_least(self, count: int) -> int:
        """How many jobs there are, at most `count`; finds as many."""
        return len(self.first(count))
