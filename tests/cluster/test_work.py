"""What a worker does with tasks, without Ray."""

import os
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

import jrecomp
from jrecomp import pipeline
from jrecomp.cluster.storage import Entry, Folder
from jrecomp.errors import ExitCode
from jrecomp.options import Limits

pytest.importorskip("pyarrow")

from jrecomp.cluster import manifest, work
from jrecomp.cluster.journal import Journal
from jrecomp.cluster.manifest import Manifest, Row
from jrecomp.cluster.tasks import Task
from jrecomp.cluster.work import Command, Settings, Worker


@pytest.fixture
def place(tmp_path: Path, make_photo: Callable[..., bytes]) -> Path:
    """A folder with photographs, what is none, and a name that is no text."""
    (tmp_path / "in/deep").mkdir(parents=True)
    (tmp_path / "in/a.jpg").write_bytes(make_photo(96, 64))
    (tmp_path / "in/deep/b.JPG").write_bytes(make_photo(64, 96))
    (tmp_path / "in/text.jpg").write_bytes(b"no photograph")
    (tmp_path / "in/empty.jpg").write_bytes(b"")
    Path(tmp_path / "in" / os.fsdecode(b"\xff.jpg")).write_bytes(b"x")
    return tmp_path


def settings(place: Path, command: Command = "compress", **changes: object) -> Settings:
    source, target = ("in", "packed") if command == "compress" else ("packed", "out")
    plain = Settings(command, str(place / source), str(place / target), str(place / "m"), "fast")
    return replace(plain, **changes)  # type: ignore[arg-type]


def entries(wanted: Settings) -> tuple[Entry, ...]:
    def refuse(name: str, error: Exception) -> None:
        raise error

    return tuple(Folder(wanted.source).walk(wanted.suffixes, refuse))


def do(wanted: Settings, name: str = "0", journal: Journal | None = None) -> dict[str, Row]:
    """Rows by source; those of the manifest are the same."""
    rows = Worker(wanted, journal or Journal()).do(Task(name, entries(wanted)))
    if wanted.manifest:
        assert Manifest(wanted.manifest).part(name) == rows
    found = {row.source: row for row in rows}
    assert len(found) == len(rows)
    return found


def test_round_trip(place: Path) -> None:
    rows = do(settings(place))
    assert list(rows) == ["a.jpg", "empty.jpg", "text.jpg", r"\udcff.jpg", "deep/b.JPG"]
    for row in rows.values():
        name = os.fsdecode(row.source_raw) if row.source_raw else row.source
        source, packed = (place / "in" / name).read_bytes(), (place / "packed" / f"{name}.jrc").read_bytes()
        assert jrecomp.decompress(packed) == source
        assert (row.status, row.error, row.exit_code) == ("written", None, 0)
        assert (row.original_bytes, row.original_sha256) == (len(source), sha256(source).hexdigest())
        assert (row.container_bytes, row.container_sha256) == (len(packed), sha256(packed).hexdigest())
        assert row.version == jrecomp.__version__
        assert row.target == f"{row.source}.jrc"
    assert rows[r"\udcff.jpg"].source_raw == b"\xff.jpg"
    assert (rows["a.jpg"].mode, rows["a.jpg"].model, rows["a.jpg"].source_raw) == ("lossless", "fast", None)
    assert rows["text.jpg"].stored_reason == "not a JPEG file"
    restored = do(settings(place, "decompress"), "1")
    assert {row.status for row in restored.values()} == {"written"}
    for name in ("a.jpg", "deep/b.JPG", "empty.jpg", os.fsdecode(b"\xff.jpg")):
        assert (place / "out" / name).read_bytes() == (place / "in" / name).read_bytes()
    for command, target, name in (("verify", None, "2"), ("decompress", str(place / "out"), "3")):
        rows = do(settings(place, command, target=target), name)  # type: ignore[arg-type]
        assert {row.status for row in rows.values()} == {"verified" if command == "verify" else "kept"}


def _written(path: Path) -> tuple[int, int]:
    """What is another for a file that was written again; reading it changes other properties."""
    return path.stat().st_ino, path.stat().st_mtime_ns


def test_what_is_done_is_kept(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    do(settings(place))
    (place / "packed/text.jpg.jrc").unlink()
    before = _written(place / "packed/a.jpg.jrc")
    rows = do(settings(place), "again")
    assert {name: row.status for name, row in rows.items()} == dict.fromkeys(rows, "kept") | {
        "text.jpg": "written"
    }
    assert _written(place / "packed/a.jpg.jrc") == before
    assert all(row.original_sha256 and row.container_sha256 for row in rows.values())

    def refuse(*_: object, **__: object) -> bytes:
        raise AssertionError("what is good is not computed again, not even with force")

    monkeypatch.setattr(pipeline, "compress", refuse)
    assert {row.status for row in do(settings(place, force=True), "forced").values()} == {"kept"}


def test_a_part_is_not_done_again(place: Path) -> None:
    first = do(settings(place))
    (place / "in/a.jpg").unlink()
    assert Worker(settings(place), Journal()).do(Task("0", (Entry("b.jpg", 1),))) == list(first.values())


@pytest.mark.parametrize("change", ["other", "cut", "flipped"])
def test_other_files_are_replaced_with_force_only(
    place: Path, change: str, make_photo: Callable[..., bytes]
) -> None:
    do(settings(place))
    packed = place / "packed/a.jpg.jrc"
    good = packed.read_bytes()
    bad = {
        "other": jrecomp.compress(make_photo(8, 8)),
        "cut": good[:-1],
        "flipped": good[:40] + bytes([good[40] ^ 1]) + good[41:],
    }[change]
    packed.write_bytes(bad)
    row = do(settings(place), "1")["a.jpg"]
    assert (row.status, row.exit_code) == ("failed", ExitCode.OUTPUT)
    assert row.error == "a.jpg.jrc: exists and is another file (--force replaces it)"
    assert packed.read_bytes() == bad
    assert do(settings(place, force=True), "2")["a.jpg"].status == "written"
    assert packed.read_bytes() == good


def test_a_damaged_file_fails_alone(place: Path) -> None:
    do(settings(place))
    damaged = place / "packed/text.jpg.jrc"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    for command, target in (("decompress", str(place / "out")), ("verify", None), ("verify", "originals")):
        wanted = settings(place, command, target=target)  # type: ignore[arg-type]
        if target == "originals":
            wanted = replace(wanted, source=str(place / "in"), target=str(place / "packed"))
        rows = do(wanted, f"{command}{target}"[:12].replace("/", "-"))
        failed = [row for row in rows.values() if row.status == "failed"]
        assert [row.source.removesuffix(".jrc") for row in failed] == ["text.jpg"]
        assert failed[0].exit_code == ExitCode.CORRUPT
        assert "truncated" in (failed[0].error or "")
    assert not (place / "out/text.jpg").exists()


def test_originals_without_good_containers_fail(place: Path) -> None:
    do(settings(place))
    (place / "packed/a.jpg.jrc").unlink()
    (place / "in/text.jpg").write_bytes(b"no photography")
    wanted = Settings("verify", str(place / "in"), str(place / "packed"), None)
    rows = do(wanted)
    failed = {name: row.exit_code for name, row in rows.items() if row.status == "failed"}
    assert failed == {"a.jpg": ExitCode.INPUT, "text.jpg": ExitCode.VERIFICATION}


def test_missing_and_too_large_files(place: Path) -> None:
    wanted = settings(place, limits=Limits(max_memory=1))
    assert {row.exit_code for row in do(wanted).values()} == {ExitCode.LIMIT, ExitCode.OK}
    worker = Worker(settings(place), Journal())
    (row,) = worker.do(Task("1", (Entry("gone.jpg", 5),)))
    assert (row.status, row.exit_code, row.error) == (
        "failed",
        ExitCode.INPUT,
        "gone.jpg: No such file or directory",
    )


def test_defects_and_shortages_are_told_as_such(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(data: bytes, **_: object) -> bytes:
        raise MemoryError if data == b"x" else ZeroDivisionError("defect")

    monkeypatch.setattr(pipeline, "compress", fail)
    rows = do(settings(place))
    assert rows[r"\udcff.jpg"].exit_code == ExitCode.SHORTAGE
    assert (rows["a.jpg"].exit_code, rows["a.jpg"].error) == (1, "unexpected ZeroDivisionError: defect")


def test_two_workers_at_the_same_file(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one finds at the end what the first one wrote."""
    compress = pipeline.compress

    def slowly(data: bytes, **options: object) -> bytes:
        packed = compress(data, **options)  # type: ignore[arg-type]
        if data == b"x":
            Folder(str(place / "packed")).write(os.fsdecode(b"\xff.jpg.jrc"), packed, replace=False)
        return packed

    monkeypatch.setattr(pipeline, "compress", slowly)
    assert do(settings(place))[r"\udcff.jpg"].status == "kept"


def test_a_manifest_that_cannot_be_written(place: Path) -> None:
    (place / "m").write_bytes(b"a file")
    rows = Worker(settings(place), Journal()).do(Task("0", entries(settings(place))))
    assert {(row.status, row.exit_code) for row in rows} == {("failed", ExitCode.INPUT)}
    assert (rows[0].error or "").startswith("its manifest cannot be kept: ")


def test_the_journal_finds_the_file_to_blame() -> None:
    journal = Journal()
    assert not journal.begin("task")  # whose worker dies without a note of the file
    for attempt in range(work.DEATHS):
        assert journal.begin("task")
        assert [journal.at("task", place) for place in range(3)] == [0, 0, attempt]
    assert journal.begin("task")
    assert [journal.at("task", place) for place in range(5)] == [0, 0, work.DEATHS, 0, 0]
    assert not journal.begin("other") and journal.at("other", 2) == 0


class Recorder(Journal):
    """Tells what workers noted."""

    def __init__(self) -> None:
        super().__init__()
        self.noted = list[int]()

    def at(self, task: str, place: int) -> int:
        self.noted.append(place)
        return super().at(task, place)


def test_a_file_that_kills_workers_is_left_out(place: Path) -> None:
    names, journal = [entry.name for entry in entries(settings(place))], Recorder()
    deadly = names.index("text.jpg")
    for _ in range(1 + work.DEATHS):
        journal.begin("0")
        journal.at("0", deadly)
    journal.noted.clear()
    rows = do(settings(place), journal=journal)
    failed = {name: (row.exit_code, row.error) for name, row in rows.items() if row.status == "failed"}
    reason = "3 workers that handled the file died, perhaps of too little memory"
    assert failed == {"text.jpg": (ExitCode.SHORTAGE, reason)}
    assert not (place / "packed/text.jpg.jrc").exists()
    assert journal.noted == list(range(len(names)))


def test_files_of_a_task_that_is_begun_once_are_not_noted(place: Path) -> None:
    journal = Recorder()
    do(settings(place), journal=journal)
    assert journal.noted == [] and journal.begin("0")


def test_the_schema_has_the_fields_of_a_row() -> None:
    assert set(manifest.SCHEMA.names) == set(Row.__annotations__)


def test_without_a_manifest(place: Path) -> None:
    do(settings(place, manifest=None))
    assert Manifest(None).part("0") is None
    assert list(Manifest(None).rows()) == []
    do(settings(place), "7")
    assert len(list(Manifest(str(place / "m")).rows())) == 5
