"""Choosing files and targets."""

import os
from pathlib import Path

import pytest

from jrecomp import batch, files
from jrecomp.batch import Destination, Job, Outcome, find, plan
from jrecomp.errors import ExitCode, InputError, OutputError, UsageError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a.jpg", "b/c.JPEG", "b/d/e.jpg", "b/notes.txt", "b/f.jpg.jrc"):
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "tree"


def targets(sources: list[str], destination: Destination, recursive: bool = True) -> list[str]:
    found = find(sources, recursive, batch.JPEG_SUFFIXES)
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
    assert "holds no" in targets([str(tmp_path)], Destination())[0]


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
    (tree / "broken.jpg").symlink_to("nowhere")
    assert targets([str(tree / "b")], Destination(output_dir=Path("out"))) == [
        "out/c.JPEG.jrc",
        "out/d/e.jpg.jrc",
    ]
    assert str(tree / "broken.jpg.jrc") in targets([str(tree)], Destination())


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
    assert plan(find(["-"], False, ()), Destination(), files.compressed_name) == [Job(None)]
    assert plan(find(["a"], False, ()), Destination("-"), files.compressed_name) == [Job(Path("a"))]


def test_one_failure_does_not_stop_the_rest() -> None:
    def work(job: Job) -> tuple[None, str]:
        failures = {"1": OutputError("full"), "2": ZeroDivisionError("bug"), "3": MemoryError()}
        if job.name in failures:
            raise failures[job.name]
        return None, "done"

    jobs = [Job(Path(name)) for name in "0123"] + [Job(Path("4"), problem=InputError("bad"))]
    outcomes = list(batch.run(jobs, work))
    assert [str(outcome.error) for outcome in outcomes] == [
        "None",
        "full",
        "unexpected ZeroDivisionError: bug",
        "out of memory",
        "bad",
    ]
    assert batch.exit_code(outcomes) == ExitCode.OUTPUT
    assert batch.exit_code([Outcome(Job(None))]) == ExitCode.OK
