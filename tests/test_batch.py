"""Choosing files and targets, doing many jobs."""

import errno
import os
import threading
from pathlib import Path

import pytest

from jrecomp import batch, files, temporary
from jrecomp.batch import Outcome
from jrecomp.errors import ExitCode, InputError, OutputError, UsageError
from jrecomp.info import Info
from jrecomp.jobs import JPEG_SUFFIXES, Destination, Found, Job, Wanted, find, plan
from jrecomp.outputs import Output
from jrecomp.work import Finished, JobSteps

JPEG = Wanted(JPEG_SUFFIXES)


def named(*names: str) -> list[Found]:
    return list(find(names, False, Wanted(())))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a.jpg", "b/c.JPEG", "b/d/e.jpg", "b/notes.txt", "b/f.jpg.jrc"):
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "tree"


def targets(sources: list[str], destination: Destination, recursive: bool = True) -> list[str]:
    found = list(find(sources, recursive, JPEG))
    return [str(job.problem or job.target) for job in plan(found, destination, files.compressed_name)]


def test_folders_keep_their_structure(tree: Path) -> None:
    names = ["a.jpg.jrc", "b/c.JPEG.jrc", "b/d/e.jpg.jrc"]
    assert targets([str(tree)], Destination()) == [str(tree / name) for name in names]
    assert targets([str(tree)], Destination(output_dir=Path("out"))) == [f"out/{name}" for name in names]


def test_files_are_taken_whatever_their_names(tree: Path) -> None:
    source = str(tree / "b" / "notes.txt")
    assert targets([source], Destination(output_dir=Path("out"))) == ["out/notes.txt.jrc"]


def test_folder_without_recursive(tree: Path) -> None:
    assert "--recursive" in targets([str(tree)], Destination(), recursive=False)[0]


def test_folder_without_files(tmp_path: Path) -> None:
    assert "contains no" in targets([str(tmp_path)], Destination())[0]


def test_unreadable_folder_is_told(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def walk(top: Path, onerror: object) -> object:
        onerror(PermissionError(13, "Permission denied", str(tree / "b")))  # type: ignore[operator]
        return [(str(tree), [], ["a.jpg"])]

    monkeypatch.setattr(os, "walk", walk)
    assert targets([str(tree)], Destination()) == [
        f"{tree / 'b'}: Permission denied",
        str(tree / "a.jpg.jrc"),
    ]


def test_pipes_in_folders_are_left_alone(tree: Path) -> None:
    os.mkfifo(tree / "b" / "pipe.jpg")
    assert targets([str(tree / "b")], Destination(output_dir=Path("out"))) == [
        "out/c.JPEG.jrc",
        "out/d/e.jpg.jrc",
    ]


def test_links_in_folders(tree: Path) -> None:
    """Links to files are followed, links to folders are not, and links to nothing are skipped."""
    (tree / "file.jpg").symlink_to("a.jpg")
    (tree / "b" / "up").symlink_to(tree)
    (tree / "up.jpg").symlink_to(tree)
    (tree / "broken.jpg").symlink_to("nowhere")
    (tree / "loop.jpg").symlink_to("loop.jpg")
    (tree / "odd.jpg").symlink_to("a.jpg/x")
    jobs = [job for job, _ in find([str(tree)], True, JPEG)]
    skipped = [job.source.name for job in jobs if job.source and job.skipped]
    assert skipped == ["broken.jpg", "loop.jpg", "odd.jpg"]
    assert [job.source.name for job in jobs if job.source and job.writes] == [
        "a.jpg",
        "file.jpg",
        "c.JPEG",
        "e.jpg",
    ]
    [(job, _)] = find([str(tree / "broken.jpg")], True, JPEG)
    assert job.writes  # what the user names must exist: reading it fails


def test_output_that_is_a_folder(tree: Path, tmp_path: Path) -> None:
    """As with cp, several inputs, too."""
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    source = str(tree / "a.jpg")
    for folder in (f"{tmp_path}/there", f"{tmp_path}/link", f"{tmp_path}/new/"):
        assert targets([source], Destination(output=folder)) == [str(Path(folder, "a.jpg.jrc"))]
    both = [source, str(tree / "b" / "c.JPEG")]
    expected = [f"{tmp_path}/there/{name}" for name in ("a.jpg.jrc", "c.JPEG.jrc")]
    assert targets(both, Destination(output=f"{tmp_path}/there")) == expected
    assert "no name" in targets(["-"], Destination(output=f"{tmp_path}/there"))[0]
    assert targets([source], Destination(output="new")) == ["new"]


@pytest.mark.parametrize("name", ["/dev/stdin", "/dev/fd/0", "-"])
def test_names_of_standard_input(name: str) -> None:
    assert list(plan(named(name), Destination(), files.compressed_name)) == [Job(None)]


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "-"])
def test_names_of_standard_output(name: str) -> None:
    destination = Destination(name)
    assert list(plan(named("a"), destination, files.compressed_name)) == [Job(Path("a"))]
    assert destination.pipes(["a"])


def test_descriptors_have_no_names() -> None:
    """What a shell passes as <(command) goes to standard output unless the output is named."""
    assert targets(["/dev/fd/63"], Destination()) == ["None"]
    assert targets(["/dev/fd/63"], Destination("x.jrc")) == ["x.jrc"]
    assert "no name" in targets(["/dev/fd/63"], Destination(output_dir=Path("out")))[0]


def test_inputs_that_cannot_be_looked_at(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They fail on their own when they are read; the others go on."""

    def stat(path: Path, **options: object) -> os.stat_result:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", stat)
    assert targets(["locked/a.jpg", "a" * 300], Destination()) == ["locked/a.jpg.jrc", "a" * 300 + ".jrc"]


def test_two_inputs_for_one_output(tree: Path) -> None:
    (tree / "c.jpg").write_bytes(b"")
    (tree / "b" / "c.jpg").write_bytes(b"")
    with pytest.raises(UsageError, match="2 inputs would be written to"):
        targets([str(tree / "c.jpg"), str(tree / "b" / "c.jpg")], Destination(output_dir=Path("out")))


def test_contradictions(tree: Path) -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        targets(["a"], Destination(output="x", output_dir=Path("y")))
    with pytest.raises(UsageError, match="several inputs"):
        targets(["a", "b"], Destination(output="x"))
    assert "no name" in targets(["-"], Destination(output_dir=Path("out")))[0]


def test_pipes() -> None:
    assert list(plan(named("-"), Destination(), files.compressed_name)) == [Job(None)]
    assert list(plan(named("a"), Destination("-"), files.compressed_name)) == [Job(Path("a"))]


@pytest.mark.parametrize("at_once", [1, 3])
def test_one_failure_does_not_stop_the_rest(at_once: int) -> None:
    def work(job: Job) -> JobSteps:
        failures = {"1": OutputError("full"), "2": ZeroDivisionError("bug"), "3": MemoryError()}
        if job.name == "1":
            raise failures["1"]  # while reading
        yield lambda: fail(failures["2"]) if job.name == "2" else None
        if job.name == "3":
            raise failures["3"]  # while writing
        return Finished(info, "done")

    def fail(error: Exception) -> None:
        raise error

    info = Info("stored", 1, 1, 1, 1)
    jobs = [Job(Path(name)) for name in "0123"] + [Job(Path("4"), problem=InputError("bad"))]
    outcomes = list(batch.run(jobs, work, at_once))
    assert outcomes[0].info is info and outcomes[0].note == "done"
    assert [str(outcome.error) for outcome in outcomes] == [
        "None",
        "full",
        "unexpected ZeroDivisionError: bug",
        "out of memory",
        "bad",
    ]
    assert batch.exit_code(outcomes) == ExitCode.OUTPUT
    assert batch.exit_code([Outcome(Job(None))]) == ExitCode.OK


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), OSError(errno.EROFS, "read-only")])
def test_what_every_file_would_meet_ends_the_run(error: OSError) -> None:
    """Nothing is begun or awaited afterwards, and the exit code is of this error."""
    release = threading.Event()

    def work(job: Job) -> JobSteps:
        yield lambda: release.wait(60) if job.name == "3" else None
        raise OutputError("exists") if job.name == "0" else OutputError.of(job.name, error)

    outcomes = list(batch.run([Job(Path(name)) for name in "0123"], work, 2))
    assert [str(outcome.error) for outcome in outcomes] == ["exists", f"1: {error.strerror}"]
    expected = ExitCode.NO_SPACE if error.errno == errno.ENOSPC else ExitCode.OUTPUT
    assert batch.exit_code(outcomes[1:]) == batch.exit_code(outcomes) == expected
    release.set()


def test_skipped_jobs_are_no_failures() -> None:
    def work(job: Job) -> JobSteps:
        yield lambda: None
        return Finished(Info("stored", 1, 1, 1, 1), "done")

    jobs = [Job(Path("a")), Job(Path("b"), skipped="empty"), Job(Path("c"))]
    outcomes = list(batch.run(jobs, work, 2))
    assert [(outcome.note, outcome.info is None) for outcome in outcomes] == [
        ("done", False),
        ("empty", True),
        ("done", False),
    ]
    assert batch.exit_code(outcomes) == ExitCode.OK


def test_a_run_sweeps_the_folders_of_its_targets(tmp_path: Path) -> None:
    """Also those that a link leads to, as the output is written there."""

    def work(job: Job) -> JobSteps:
        yield Output(job.target, b"new", None, force=True)
        return Finished(Info("stored", 1, 1, 1, 1), "")

    left = []
    for name in ("out", "linked", "other"):
        (tmp_path / name).mkdir()
        left.append(tmp_path / name / f".jrecomp-{temporary.boot()}-{'0' * 16}.tmp")
        left[-1].write_bytes(b"part")
    (tmp_path / "linked" / "b").write_bytes(b"old")
    (tmp_path / "link").symlink_to("linked/b")
    jobs = [Job(Path("a"), tmp_path / "out" / "a"), Job(Path("b"), tmp_path / "link")]
    jobs.append(Job(Path("c"), tmp_path / "missing" / "c"))
    assert len(list(batch.run(jobs, work, 2))) == 3
    assert [path.exists() for path in left] == [False, False, True]


def test_jobs_are_computed_at_once_and_told_in_order() -> None:
    together = threading.Barrier(3, timeout=60)  # broken unless three jobs wait at it side by side
    writer = threading.get_ident()

    def work(job: Job) -> JobSteps:
        yield lambda: together.wait()
        assert threading.get_ident() == writer
        return Finished(Info("stored", 1, 1, 1, 1), job.name)

    jobs = [Job(Path(str(number))) for number in range(6)]
    outcomes = list(batch.run(jobs, work, 3))
    assert [outcome.note for outcome in outcomes] == list("012345")
    assert [outcome.job for outcome in outcomes] == jobs and not any(outcome.error for outcome in outcomes)


def test_the_bytes_under_way_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are read while earlier ones compute, but not more than IN_MEMORY; one of any size."""
    monkeypatch.setattr(batch, "IN_MEMORY", 250)
    begun: list[str] = []
    release = threading.Event()

    def work(job: Job) -> JobSteps:
        begun.append(job.source.name if job.source else "")
        yield lambda: release.wait(60)
        return Finished(Info("stored", 1, 1, 1, 1), "")

    for name, size in (("a", 100), ("b", 100), ("c", 100), ("d", 1000), ("e", 1)):
        (tmp_path / name).write_bytes(bytes(size))
    outcomes = batch.run([Job(tmp_path / name) for name in "abcde"], work, 2)
    threading.Timer(0.2, release.set).start()
    next(outcomes)
    assert begun == ["a", "b"]
    assert len(list(outcomes)) == 4 and begun == list("abcde")


def test_nobody_waits_for_what_the_caller_leaves() -> None:
    release, ended = threading.Event(), threading.Event()

    def work(job: Job) -> JobSteps:
        yield lambda: wait() if job.name == "b" else None
        return Finished(Info("stored", 1, 1, 1, 1), "")

    def wait() -> None:
        release.wait(60)
        ended.set()

    outcomes = batch.run([Job(Path("a")), Job(Path("b"))], work, 1)
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    assert not ended.is_set()
    release.set()


def test_one_output_has_many_names(tmp_path: Path) -> None:
    found = named(str(tmp_path / "a.jpg"), str(tmp_path / "x" / ".." / "a.jpg"))
    with pytest.raises(UsageError, match="2 inputs would be written to"):
        plan(found, Destination(), files.compressed_name)
