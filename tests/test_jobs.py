"""What is found in folders and lists, and where results go."""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from jrecomp import files
from jrecomp.errors import InputError, UsageError
from jrecomp.jobs import JPEG_SUFFIXES, Destination, Existing, LeftOut, Stream, Wanted, find, plan

FILES = (
    "a/1.jpg",
    "a/.hidden.jpg",
    "a/.thumbs/2.jpg",
    "a/@eaDir/1.jpg/SYNOPHOTO_THUMB_XL.jpg",
    "a/raw/3.jpg",
    "a/deep/raw/4.jpg",
    "a/deep/5_small.jpg",
    "a/notes.txt",
    "b/1.jpg",
)


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"")


def found(sources: Iterable[str] = ("a",), left_out: LeftOut | None = None, **options: object) -> list[str]:
    wanted = Wanted(JPEG_SUFFIXES, **options)  # type: ignore[arg-type]
    return [str(job.source) for job, _ in find(sources, True, wanted, left_out)]


def test_hidden_files_are_left_out_and_counted() -> None:
    left_out = LeftOut()
    assert found(left_out=left_out) == ["a/1.jpg", "a/deep/5_small.jpg", "a/deep/raw/4.jpg", "a/raw/3.jpg"]
    assert left_out == LeftOut(others=1, hidden=3)
    assert str(left_out) == "1 other file, 3 hidden"
    everything = found(hidden=True)
    assert set(everything) == {name for name in FILES if name.startswith("a") and name.endswith("jpg")}


def test_what_is_named_is_never_hidden() -> None:
    assert found(["a/.hidden.jpg", "a/.thumbs"]) == ["a/.hidden.jpg", "a/.thumbs/2.jpg"]


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        (("raw",), ["a/1.jpg", "a/deep/5_small.jpg"]),
        (("raw/",), ["a/1.jpg", "a/deep/5_small.jpg", "a/deep/raw/4.jpg"]),
        (("deep/raw",), ["a/1.jpg", "a/deep/5_small.jpg", "a/raw/3.jpg"]),
        (("*_small.jpg", "r?w"), ["a/1.jpg"]),
        (("*",), []),
    ],
)
def test_exclude(patterns: tuple[str, ...], left: list[str]) -> None:
    left_out = LeftOut()
    names = found(left_out=left_out, patterns=patterns)
    assert (names if left else names[:-1]) == left  # an empty search is a problem of the folder
    assert left_out.excluded


@pytest.mark.parametrize("name", ["x.JPG", "x.mpo", "x.insp", "x.THM", "x.jif", "x.jfif", "x.jpe", "x.jpeg"])
def test_endings(name: str) -> None:
    Path("c").mkdir()
    Path("c", name).write_bytes(b"")
    assert found(["c"]) == [f"c/{name}"]


def targets(sources: list[str], *, whole: bool = True) -> list[str]:
    jobs = find(sources, True, Wanted(JPEG_SUFFIXES), whole=whole)
    return [str(job.target) for job in plan(jobs, Destination(output_dir=Path("out")), files.compressed_name)]


def test_whole_paths() -> None:
    """From the current folder, or from the root."""
    outside = Path.cwd() / "b"
    os.chdir("a")
    assert targets(["raw", "deep/raw"]) == ["out/raw/3.jpg.jrc", "out/deep/raw/4.jpg.jrc"]
    assert targets(["../b"]) == targets([str(outside)]) == [f"out{outside}/1.jpg.jrc"]
    assert targets(["raw"], whole=False) == ["out/3.jpg.jrc"]


def test_folders_in_others_are_searched_once() -> None:
    expected = {"a/1.jpg", "a/deep/5_small.jpg", "a/deep/raw/4.jpg", "a/raw/3.jpg"}
    for sources in (["a", "a/deep"], ["a/deep", "./a"], ["a", "a"], ["a", "a/raw/3.jpg"]):
        names = [os.path.normpath(name) for name in found(sources)]
        assert len(names) == 4 and set(names) == expected


def test_two_inputs_of_a_folder_for_one_output() -> None:
    """Found while others run, so that it is no error of the command."""
    Path("a/1.jpeg").write_bytes(b"")
    jobs = plan(
        find(["a"], True, Wanted(JPEG_SUFFIXES)), Destination(), lambda path: path.with_suffix(".png")
    )
    problems = [str(job.problem) for job in jobs if job.problem]
    assert problems == ["a/1.png: is the output of another input, too"]


def test_jobs_are_found_one_after_the_other() -> None:
    """No more than were asked for."""
    sources = iter(["a/1.jpg", "b/1.jpg", "a/raw/3.jpg"])
    stream = Stream(
        plan(find(sources, False, Wanted(()), literal=True), Destination(), files.compressed_name)
    )
    assert stream.at_least(2) == 2 and next(sources) == "a/raw/3.jpg"
    assert [str(job.source) for job in stream] == ["a/1.jpg", "b/1.jpg"]


@pytest.mark.parametrize(("end", "names"), [(b"\n", ["x y", "-", "z"]), (b"\0", ["x\ny", "-", "z"])])
def test_lists(end: bytes, names: list[str]) -> None:
    Path("list").write_bytes(end.join(os.fsencode(name) for name in [*names, "", os.fsdecode(b"\xe9")]))
    assert list(files.listed(Path("list"), end)) == [*names, os.fsdecode(b"\xe9")]
    jobs = [job for job, _ in find(files.listed(Path("list"), end), True, Wanted(()), literal=True)]
    assert [str(job.source) for job in jobs][1] == "-"


def test_lists_that_are_none() -> None:
    with pytest.raises(InputError, match="No such file"):
        list(files.listed(Path("missing"), b"\n"))
    Path("large").write_bytes(bytes(3 << 20))
    with pytest.raises(InputError, match="no list"):
        list(files.listed(Path("large"), b"\n"))


def test_existing() -> None:
    assert Destination().existing is Existing.RESUME
    assert Destination(force=True).existing is Existing.REPLACE
    assert Destination(skip_existing=True).existing is Existing.SKIP
    with pytest.raises(UsageError, match="exclude each other"):
        plan([], Destination(force=True, skip_existing=True), files.compressed_name)
