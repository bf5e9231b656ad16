"""Many files: what is done, lists, dry runs, JSON Lines, originals, and habits of other programs."""

import base64
import json
import os
import random
from hashlib import sha256
from pathlib import Path

import pytest

from jrecomp import __version__, container, pipeline
from jrecomp.container import Original
from jrecomp.errors import ExitCode
from jrecomp.files import identity
from tests.cli.commands import document, estimate, run

FAKE_JPEG = b"\xff\xd8" + random.Random(1).randbytes(1500)
"""A file that the fake core models."""

PHOTOS = {"in/a.jpg": FAKE_JPEG, "in/deep/b.jpg": FAKE_JPEG + b"b", "in/c.jpg": b"no photo"}

pytestmark = pytest.mark.usefixtures("fake_core")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, data in PHOTOS.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(data)
    return tmp_path


def names(folder: str = ".") -> set[str]:
    return {str(path) for path in Path(folder).rglob("*") if path.is_file()}


def counts(*arguments: str, code: ExitCode = ExitCode.OK) -> tuple[int, int, int]:
    """Numbers of files, of failed, and of skipped ones."""
    total = document(*arguments, code=code)["total"]
    assert total["exit_code"] == code
    return total["files"], total["failed"], total["skipped"]


@pytest.mark.parametrize("output", [[], ["--output-dir", "out"]])
def test_a_second_run_skips_what_is_done(output: list[str]) -> None:
    compress = ["compress", "-r", "in", *output]
    assert counts(*compress) == (3, 0, 0)
    [first] = Path().rglob("a.jpg.jrc")
    before = identity(first.stat())
    assert counts(*compress) == (3, 0, 3) and identity(first.stat()) == before
    first.unlink()  # as after an interrupt
    assert counts(*compress) == (3, 0, 2)
    before = identity(first.stat())
    assert counts(*compress, "--force") == (3, 0, 0) and identity(first.stat()) != before


def test_what_is_no_jpeg_is_counted() -> None:
    """Containers beside their files are none of them."""
    Path("in/notes.txt").write_bytes(b"")
    Path("in/.hidden.jpg").write_bytes(b"")
    for _ in range(2):
        shown = run("compress", "-r", "in").stdout.splitlines()
        assert shown[-1] == "left out: 1 other file, 1 hidden"


def test_what_is_done_is_decided_by_contents() -> None:
    """Neither by names nor by times."""
    run("compress", "-r", "in")
    status = Path("in/a.jpg").stat()
    Path("in/a.jpg").write_bytes(FAKE_JPEG[:-1] + b"x")
    os.utime("in/a.jpg", ns=(status.st_atime_ns, status.st_mtime_ns))
    os.utime("in/deep/b.jpg", (1, 1))
    packed = Path("in/c.jpg.jrc").read_bytes()
    Path("in/c.jpg.jrc").write_bytes(packed[:-5] + b"x" + packed[-4:])
    assert counts("compress", "-r", "in", code=ExitCode.OUTPUT) == (3, 2, 1)
    assert counts("compress", "-r", "in", "--skip-existing") == (3, 0, 3)


def test_a_container_whose_model_is_missing_is_not_good(monkeypatch: pytest.MonkeyPatch) -> None:
    run("compress", "in/a.jpg")
    monkeypatch.setattr(pipeline, "_model_name", lambda number: None)
    run("compress", "in/a.jpg", code=ExitCode.OUTPUT)


def test_decompression_skips_what_is_done() -> None:
    run("compress", "-r", "in", "--output-dir", "packed")
    restore = ["decompress", "-r", "packed", "--output-dir", "out"]
    assert counts(*restore) == (3, 0, 0)
    Path("out/a.jpg").unlink()
    assert counts(*restore) == (3, 0, 2)
    Path("out/a.jpg").write_bytes(b"edited")
    assert counts(*restore, code=ExitCode.OUTPUT) == (3, 1, 2)
    assert Path("out/a.jpg").read_bytes() == b"edited"


def test_whole_paths_of_several_folders() -> None:
    Path("more").mkdir()
    Path("more/a.jpg").write_bytes(FAKE_JPEG)
    run("compress", "-r", "in", "more", "--output-dir", "out")
    assert names("out") == {f"out/{name}.jrc" for name in (*PHOTOS, "more/a.jpg")}
    run("compress", "in/a.jpg", "more/a.jpg", "--output-dir", "files")
    assert names("files") == {"files/in/a.jpg.jrc", "files/more/a.jpg.jrc"}


@pytest.mark.parametrize(("option", "end"), [("--files-from", "\n"), ("--files0-from", "\0")])
def test_lists(option: str, end: str) -> None:
    text = end.join(["in/a.jpg", "in/deep/b.jpg", "missing.jpg"])
    Path("list").write_text(text)
    run("compress", option, "list", "--output-dir", "out", code=ExitCode.INPUT)
    assert names("out") == {"out/in/a.jpg.jrc", "out/in/deep/b.jpg.jrc"}
    run("compress", option, "-", stdin=text.encode(), code=ExitCode.INPUT)
    assert {"in/a.jpg.jrc", "in/deep/b.jpg.jrc"} <= names()


@pytest.mark.parametrize(
    "arguments",
    [
        ["compress"],
        ["compress", "in/a.jpg", "--files-from", "list"],
        ["compress", "--files0-from", "x", "--files-from", "list"],
        ["compress", "in/a.jpg", "--force", "--skip-existing"],
        ["compress", "in/a.jpg", "-c", "-o", "x"],
        ["compress", "in/a.jpg", "--delete-source", "--keep"],
        ["compress", "in/a.jpg", "--delete-source", "--force"],
        ["compress", "in/a.jpg", "--delete-source", "--quality", "50"],
        ["compress", "in/a.jpg", "--delete-source", "--strip"],
        ["verify", "in", "--originals", "in"],
        ["verify", "-r", "in", "x", "--originals", "in"],
        ["verify", "-r", "in", "--originals", "in", "--original", "in/a.jpg"],
    ],
)
def test_contradictions(arguments: list[str]) -> None:
    before = names()
    run(*arguments, code=ExitCode.USAGE)
    [line] = run(*arguments, "--json", code=ExitCode.USAGE).stdout.splitlines()
    assert json.loads(line).keys() == {"type", "error", "exit_code"}
    assert json.loads(line)["exit_code"] == ExitCode.USAGE and names() == before


def test_dry_run() -> None:
    before = names()
    shown = run("compress", "-r", "in", "--dry-run", "-v").stdout.splitlines()
    assert shown[3].startswith("3 files, 0.0 MB") and "about" in shown[4] and names() == before
    run("compress", "in/a.jpg")
    found = estimate("compress", "-r", "in")
    size = len(PHOTOS["in/deep/b.jpg"] + PHOTOS["in/c.jpg"])
    assert (found["files"], found["existing"], found["sample"]) == (2, 1, 2)
    assert found["input_bytes"] == size and 0 < found["output_bytes"] < size
    found = estimate("compress", "-r", "in", "--force")
    assert (found["files"], found["existing"], found["sample"]) == (3, 0, 3)


def test_dry_run_of_commands_that_write_nothing() -> None:
    run("compress", "-r", "in", "--output-dir", "out")
    before, size = names(), sum(path.stat().st_size for path in Path("out").rglob("*.jrc"))
    for arguments in (["info"], ["verify"], ["verify", "--originals", "in"]):
        found = estimate(*arguments, "-r", "out")
        assert (found["files"], found["existing"], found["failed"], found["sample"]) == (3, 0, 0, 3)
        assert found["input_bytes"] == (size if len(arguments) == 1 else sum(map(len, PHOTOS.values())))
        assert found["output_bytes"] == 0 and found["seconds"] > 0
        first, second = run(*arguments, "-r", "out", "--dry-run").stdout.splitlines()
        assert first.startswith("3 files, ") and second == "in about 0 s (from 3 of the files)"
    assert run("info", "-r", "out", "--dry-run", "-v").stdout.startswith("out/a.jpg.jrc\n")
    assert estimate("info", "out", code=ExitCode.INPUT)["failed"] == 1
    assert names() == before


def test_dry_run_tells_what_fails() -> None:
    """As the run does: files that are missing or damaged, and originals without a container."""
    run("compress", "-r", "in", "--output-dir", "out")
    Path("out/a.jpg.jrc").write_bytes(b"damaged")
    Path("out/c.jpg.jrc").unlink()
    before = names()
    for arguments, counts, code in (
        (["verify", "-r", "out", "--originals", "in"], (1, 2, 1), ExitCode.CORRUPT),
        (["verify", "-r", "missing", "out"], (1, 2, 1), ExitCode.INPUT),
        (["decompress", "-r", "out", "--force"], (1, 1, 1), ExitCode.CORRUPT),
        (["decompress", "in/a.jpg", "missing"], (0, 2, 0), ExitCode.USAGE),
        (["info", "out/a.jpg.jrc"], (0, 1, 0), ExitCode.CORRUPT),
        (["compress", "missing.jpg"], (0, 1, 0), ExitCode.INPUT),
        (["compress", "-r", "in", "--max-memory", "1k"], (1, 2, 1), ExitCode.LIMIT),
    ):
        found = estimate(*arguments, code=code)
        assert (found["files"], found["failed"], found["sample"]) == counts, arguments
        dry = run(*arguments, "--dry-run", code=code).stderr.splitlines()
        assert names() == before
        if "decompress" not in arguments:  # which would write
            assert sorted(dry) == sorted(run(*arguments, code=code).stderr.splitlines()), arguments


def test_dry_run_does_not_read_pipes() -> None:
    """They can be read only once. A pipe that nobody writes to would block."""
    os.mkfifo("pipe")
    for source in ("-", "pipe"):
        found = estimate("compress", source)
        assert (found["files"], found["sample"], found["failed"]) == (1, 0, 0)


def test_dry_run_of_unreadable_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "a.jpg")
    found = run("compress", "-r", "in", "--dry-run", code=ExitCode.INPUT)
    assert found.stderr == "jrecomp: in/a.jpg: Permission denied\n"
    assert found.stdout.startswith("2 files, 0.0 MB, 1 failed\n")


def test_dry_run_with_names_that_are_too_long() -> None:
    """The name of the output is: that ends neither the dry run nor the run."""
    Path("in/a.jpg").rename(f"in/{'n' * 250}.jpg")
    assert estimate("compress", "-r", "in")["files"] == 3


def test_json_lines() -> None:
    found = document("compress", "-r", "in", "--fast", "--exclude", "deep")
    first, second = found["files"]
    assert (first["path"], first["target"], first["status"]) == ("in/a.jpg", "in/a.jpg.jrc", "done")
    assert first["sha256"] == sha256(FAKE_JPEG).hexdigest() and first["version"] == __version__
    assert first["options"] == {"recursive": True, "model": "fast", "exclude": ["deep"]}
    assert (first["model"], first["reason"]) == ("fake", None) and first["seconds"] > 0
    assert (second["mode"], second["reason"], second["stored_reason"]) == ("stored", 1, "not a JPEG file")
    assert found["total"]["left_out"] == {"others": 0, "hidden": 0, "excluded": 1}
    assert found["total"]["ended"] == "" and found["total"]["stored"] == 1
    [again, _] = document("compress", "-r", "in", "--exclude", "deep")["files"]
    assert (again["status"], again["note"]) == ("skipped", "done already")
    for command in ("verify", "decompress"):
        [entry] = document(command, "in/a.jpg.jrc", "-f" if command == "decompress" else "-v")["files"]
        assert entry["sha256"] == sha256(FAKE_JPEG).hexdigest()


def test_paths_that_are_no_text() -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    Path(name).write_bytes(FAKE_JPEG)
    [entry] = document("compress", name)["files"]
    assert entry["path"] == r"caf\xe9.jpg"
    assert base64.b64decode(entry["path_bytes"]) == b"caf\xe9.jpg"
    assert base64.b64decode(entry["target_bytes"]) == b"caf\xe9.jpg.jrc"


def test_originals() -> None:
    """Deleting the originals afterwards loses nothing: each has a good container."""
    run("compress", "-r", "in", "--output-dir", "out")
    verify = ["verify", "-r", "out", "--originals", "in"]
    assert run(*verify).stdout.startswith("3 files, 1 stored (1 not a JPEG file), 0 failed")
    for name in PHOTOS:  # also with other times
        os.utime(name, (1, 1))
    assert counts(*verify) == (3, 0, 0)


@pytest.mark.parametrize("damage", ["missing", "other", "cut", "edited", "lossy"])
def test_originals_that_have_no_good_container(damage: str) -> None:
    run("compress", "-r", "in", "--output-dir", "out")
    packed = Path("out/deep/b.jpg.jrc")
    if damage == "missing":
        packed.unlink()
    elif damage == "other":
        packed.write_bytes(Path("out/a.jpg.jrc").read_bytes())
    elif damage == "cut":
        packed.write_bytes(packed.read_bytes()[:-1])
    elif damage == "edited":
        Path("in/deep/b.jpg").write_bytes(FAKE_JPEG + b"c")
    else:
        box = container.unpack(packed.read_bytes())
        assert isinstance(box, container.Lossless)
        packed.write_bytes(container.pack(container.Lossy(**vars(box), source=1, quality=10000)))
    found = document(*["verify", "-r", "out", "--originals", "in"], code=_code(damage))
    assert [entry["path"] for entry in found["files"] if entry["status"] == "failed"] == ["in/deep/b.jpg"]
    assert found["total"]["failed"] == 1


def _code(damage: str) -> ExitCode:
    return ExitCode.CORRUPT if damage == "cut" else ExitCode.VERIFICATION


def test_a_lossy_run_skips_only_its_own_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """They have the length and the time of their source, and its quality if that was asked for."""
    data = Path("in/a.jpg").read_bytes()
    box = container.Lossy(Original.of(b"x"), 7, source=len(data), quality=5000)
    Path("in/a.jpg.jrc").write_bytes(container.pack(box))
    status = Path("in/a.jpg").stat()
    os.utime("in/a.jpg.jrc", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert counts("compress", "in/a.jpg", "--quality", "50") == (1, 0, 1)
    assert counts("compress", "in/a.jpg", "--min-psnr", "40") == (1, 0, 1)
    run("compress", "in/a.jpg", "--quality", "60", code=ExitCode.OUTPUT)
    run("compress", "in/a.jpg", code=ExitCode.OUTPUT)
    os.utime("in/a.jpg", (1, 1))
    run("compress", "in/a.jpg", "--quality", "50", code=ExitCode.OUTPUT)


def test_habits() -> None:
    """Letters of gzip and zstd."""
    packed = run("compress", "-c", "-j", "1", "-k", "in/a.jpg").stdout_bytes
    assert pipeline.decompress(packed) == FAKE_JPEG and "in/a.jpg.jrc" not in names()
    Path("x.jrc").write_bytes(packed)
    assert run("-d", "-c", "x.jrc").stdout_bytes == FAKE_JPEG
    assert "checksums match" in run("-t", "x.jrc").stdout
    assert "in/a.jpg -> " in run("compress", "-v", "in/a.jpg", "in/c.jpg").stdout


def test_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """By name, by the letters of other programs, and by the environment, which the command line overrules."""
    used: list[str | None] = []
    compress = pipeline.compress

    def remember(data: bytes, *, model: str | None, **options: object) -> bytes:
        used.append(model)
        return compress(data, model="fake", **options)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "compress", remember)
    monkeypatch.setattr("jrecomp.sharing.load", lambda name: None)
    for options in ([], ["--best"], ["--fast"], ["--model", "fake"]):
        run("compress", "-f", "in/a.jpg", *options)
    monkeypatch.setenv("JRECOMP_MODEL", "latents")
    for options in ([], ["--best"], ["--model", "fake"]):
        run("compress", "-f", "in/a.jpg", *options)
    assert used == [None, "best", "fast", "fake", "latents", "best", "fake"]
    assert "default     id 1" in run("models").stdout
    lines = [json.loads(line) for line in run("models", "--json").stdout.splitlines()]
    assert {"fast", "best", "default"} <= {line["model"] for line in lines}


def test_wrong_commands() -> None:
    assert "Did you mean" in run("compres", "x", code=ExitCode.USAGE).stderr
    assert "jrecomp compress FILE" in run("in/a.jpg", code=ExitCode.USAGE).stderr
    assert "'--quality'" in run("compress", "--qualty", "5", "x", code=ExitCode.USAGE).stderr
