"""Archives mounted by the command, and read by other programs."""

import errno
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

import jrecomp
from jrecomp.attributes import ACL
from jrecomp.errors import ExitCode
from jrecomp.mount.filesystem import Filesystem
from jrecomp.mount.tree import Entry
from tests.cli.commands import run
from tests.mount.containers import Told, damaged, stored
from tests.mount.containers import archive as archive_of


def missing() -> str:
    """What a mount needs and this machine lacks, "" if nothing."""
    if not find_spec("mfusepy"):
        return "the package mfusepy is not installed"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse is missing, or may not be opened"
    return "" if shutil.which("fusermount3") else "fusermount3 is missing"


needs_fuse = pytest.mark.skipif(bool(missing()), reason=missing())
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

COMMAND = [sys.executable, "-P", "-m", "jrecomp", "mount"]  # -P: not the source in the working folder
DATA = bytes(range(256)) * 1000


class Mount:
    """An archive that is mounted by the command."""

    def __init__(self, archive: Path, view: Path, *options: str) -> None:
        self.view = view
        view.mkdir()
        self.process = subprocess.Popen(
            [*COMMAND, *options, archive, view], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.line = self.process.stdout.readline()
        if not self.line:
            errors = self.process.communicate(timeout=60)[1]
            assert re.search("Operation not permitted", errors), errors
            pytest.skip(f"this machine does not let us mount: {errors.strip()}")

    def end(self, how: Callable[[], object] | None = None) -> list[str]:
        """Unmount it: the errors that were printed."""
        (how or self.unmount)()
        _, errors = self.process.communicate(timeout=60)
        assert self.process.returncode == ExitCode.OK, errors
        assert not self.view.is_mount()
        return errors.splitlines()

    def unmount(self) -> None:
        subprocess.run(["fusermount3", "-u", self.view], check=True)


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[..., Mount]]:
    """Mounts an archive at the folder `view`, and unmounts it after the test."""
    mounts = list[Mount]()

    def start(archive: Path, *options: str) -> Mount:
        mounts.append(Mount(archive, tmp_path / "view", *options))
        return mounts[-1]

    yield start
    for each in mounts:
        if each.process.poll() is None:
            with suppress(subprocess.CalledProcessError):
                each.unmount()
            each.process.communicate(timeout=60)


def put(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
def originals(tmp_path: Path, make_photo: Callable[..., bytes]) -> Path:
    """A folder of pictures, and of other files, links, empty files and rare names."""
    folder = tmp_path / "originals"
    pictures = {
        "a.jpg": make_photo(),
        "trip/b.jpg": make_photo(160, 120, progressive=True),
        "trip/day 2/c.JPG": make_photo(48, 48, quality=95),
        "trip/day 2/gray.jpeg": make_photo(quality=20),
        "broken.jpg": b"\xff\xd8\xff\xe0 no picture" + DATA,
        "none.jpg": b"",
    }
    put(folder, pictures | {"notes.txt": b"text", "trip/empty": b"", "film.mp4": DATA})
    (folder / os.fsdecode(b"\xff\xfe.txt")).write_bytes(b"name")
    (folder / "empty folder").mkdir()
    (folder / "best.jpg").symlink_to("trip/b.jpg")
    (folder / "latest").symlink_to("trip/day 2")
    (folder / "a.jpg").chmod(0o640)
    (folder / "trip").chmod(0o750)
    return folder


@pytest.fixture
def archive(tmp_path: Path, originals: Path) -> Path:
    """The same, with all pictures compressed and removed as a user does it; one of them with loss."""
    folder = tmp_path / "archive"
    shutil.copytree(originals, folder, symlinks=True)
    for path in [*folder.rglob("*.[jJ][pP]*")]:
        if not path.is_symlink():
            quality = ["--quality", "50"] if path.name == "c.JPG" else []
            run("compress", "-q", "--model", "fast", *quality, str(path))
            path.unlink()
    run("decompress", "-q", "-f", str(folder / "trip/day 2/c.JPG.jrc"), "--output-dir", str(tmp_path))
    (originals / "trip/day 2/c.JPG").write_bytes((tmp_path / "c.JPG").read_bytes())
    return folder


def described(folder: Path) -> dict[str, tuple[int, ...]]:
    """Kind, permissions, owner, size and time of all that is in a folder; the latter two of files only."""
    found = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        times = (status.st_size, status.st_mtime_ns) if path.suffix.lower() in (".jpg", ".jpeg") else ()
        found[str(path.relative_to(folder))] = (status.st_mode, status.st_uid, status.st_gid, *times)
    return found


class Served:
    """The requests that FUSE makes, made without it."""

    def __init__(self, root: Path) -> None:
        self.told, self.ready = Told(), list[bool]()
        self.archive = archive_of(root, self.told)
        self.requests = Filesystem(self.archive, True, lambda: self.ready.append(True), self.told.error)


def test_requests(tmp_path: Path) -> None:
    served = Served(put(tmp_path, {"a.jrc": stored(DATA), "inner/b.txt": b"text"}))
    requests = served.requests
    requests.init("/")
    assert served.ready == [True]
    status = (tmp_path / "a.jrc").stat()
    found = requests.getattr("/a")
    assert (found["st_size"], found["st_blocks"]) == (len(DATA), len(DATA) // 512)
    for name in ("mode", "ino", "nlink", "uid", "gid", "rdev"):
        assert found[f"st_{name}"] == getattr(status, f"st_{name}")
    for name in ("atime", "mtime", "ctime"):
        assert found[f"st_{name}"] == getattr(status, f"st_{name}_ns")
    listed = {name: attributes for name, attributes, _ in requests.readdir("/", 0)}
    assert list(listed) == [".", "..", "a", "inner"]
    for name in ("a", "inner"):
        attributes = requests.getattr(f"/{name}")
        assert listed[name]["st_ino"] == attributes["st_ino"]
        assert listed[name]["st_mode"] == stat.S_IFMT(attributes["st_mode"])
    handle = requests.open("/a", os.O_RDONLY)
    assert requests.read("/a", 10, 256, handle) == DATA[:10]
    assert requests.getattr("/a", handle) | {"st_atime": 0} == found | {"st_atime": 0}
    assert requests.release("/a", handle) == 0
    assert requests.statfs("/")["f_blocks"] == os.statvfs(tmp_path).f_blocks


@pytest.mark.parametrize(
    ("error", "number", "told"),
    [
        (FileNotFoundError(errno.ENOENT, "none"), errno.ENOENT, []),
        (OSError("without a number"), errno.EIO, []),
        (MemoryError(), errno.ENOMEM, ["out of memory"]),
        (KeyError("defect"), errno.EIO, ["unexpected KeyError: 'defect'"]),
    ],
)
def test_errors_of_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, number: int, told: list[str]
) -> None:
    """Only OSError with a number reaches the package, which would print others."""

    def fail(*arguments: object) -> Entry:
        raise error

    served = Served(tmp_path)
    monkeypatch.setattr(served.archive, "find", fail)
    with pytest.raises(OSError) as caught:
        served.requests.getattr("/a")
    assert caught.value.errno == number
    assert [str(each) for _, each in served.told.errors] == told


def test_numbers_of_files_on_several_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs would take files with one number for one file."""
    served = Served(put(tmp_path, {"a": b"", "b": b""}))
    statuses = iter([os.stat_result((0o100644, 9, device, *[0] * 7)) for device in (1, 2, 3)])
    monkeypatch.setattr(served.archive, "find", lambda path, handle: Entry(path, next(statuses)))
    assert len({served.requests.getattr("/a")["st_ino"] for _ in range(3)}) == 3


@needs_fuse
def test_the_mount_is_what_the_originals_were(
    mount: Callable[..., Mount], originals: Path, archive: Path
) -> None:
    shown = mount(archive)
    differences = subprocess.run(
        ["diff", "-r", "--no-dereference", originals, shown.view], capture_output=True, text=True
    )
    assert (differences.returncode, differences.stdout) == (0, "")
    expected, found = described(originals), described(shown.view)
    lossy = "trip/day 2/c.JPG"  # its original was written after it
    assert found.pop(lossy)[:4] == expected.pop(lossy)[:4]
    for link in ("best.jpg",):  # copytree() makes new links
        assert found.pop(link)[:4] == expected.pop(link)[:4]
    assert found == expected
    assert shown.end() == []


@needs_fuse
def test_sizes_of_walks(mount: Callable[..., Mount], originals: Path, archive: Path) -> None:
    """Nothing is decoded for them: damage is not noticed."""
    for path in archive.rglob("*.jrc"):
        path.write_bytes(path.read_bytes()[:-1] + b"\0")
    shown = mount(archive)
    for (root, folders, files), (_, other_folders, other_files) in zip(
        sorted(os.walk(shown.view)), sorted(os.walk(originals)), strict=True
    ):
        assert (sorted(folders), sorted(files)) == (sorted(other_folders), sorted(other_files))
        for entry in os.scandir(root):
            assert entry.inode() == entry.stat(follow_symlinks=False).st_ino
    usage = [
        subprocess.run(["du", "-ab"], cwd=folder, capture_output=True, check=True).stdout
        for folder in (shown.view, originals)
    ]
    sizes = [sorted(re.findall(rb"^\d+\t.*\.\w+$", lines, re.MULTILINE)) for lines in usage]
    assert sizes[0] == sizes[1] and len(sizes[0]) > 5
    blocks = (shown.view / "broken.jpg").stat().st_blocks
    assert blocks == -(-(originals / "broken.jpg").stat().st_size // 512)
    assert os.statvfs(shown.view).f_bavail > 0
    assert shown.end() == []


@needs_fuse
def test_eight_readers_and_a_damaged_file(
    mount: Callable[..., Mount], tmp_path: Path, make_photo: Callable[..., bytes]
) -> None:
    photos = [make_photo(320 + 16 * number, 240) for number in range(4)]
    files = {f"{number}.jpg.jrc": jrecomp.compress(data, model="fast") for number, data in enumerate(photos)}
    container = bytearray(jrecomp.compress(photos[0], model="fast"))
    container[len(container) // 2] ^= 4
    shown = mount(put(tmp_path / "archive", files | {"bad.jpg.jrc": bytes(container)}), "--threads", "2")

    def scan(_: int) -> dict[str, bytes | int | None]:
        found: dict[str, bytes | int | None] = {}
        for path in sorted(shown.view.iterdir()):
            try:
                found[path.name] = path.read_bytes()
            except OSError as error:
                found[path.name] = error.errno
        return found

    expected = {f"{number}.jpg": data for number, data in enumerate(photos)} | {"bad.jpg": errno.EIO}
    with ThreadPoolExecutor(8) as readers:
        assert list(readers.map(scan, range(8))) == [expected] * 8
    bad = tmp_path / "archive" / "bad.jpg.jrc"
    message = "damaged or truncated container: its checksum does not match"
    assert shown.end() == [f"jrecomp: {bad}: {message}"]


@needs_fuse
def test_pillow(mount: Callable[..., Mount], originals: Path, archive: Path) -> None:
    shown = mount(archive)
    for name in ("a.jpg", "trip/b.jpg", "best.jpg", "latest/gray.jpeg"):
        with Image.open(shown.view / name) as picture, Image.open(originals / name) as original:
            assert picture.tobytes() == original.tobytes()
    assert shown.end() == []


@needs_fuse
@pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is missing")
def test_exiftool(mount: Callable[..., Mount], originals: Path, archive: Path) -> None:
    shown = mount(archive)
    form = "$directory/$filename $imagesize $filesize# $filemodifydate $encodingprocess"
    lines = [
        subprocess.run(
            ["exiftool", "-r", "-f", "-q", "-ext", "jpg", "-p", form, "."], cwd=folder, capture_output=True
        ).stdout.splitlines()
        for folder in (shown.view, originals)
    ]
    undated = [sorted(line for line in each if b"c.JPG" not in line) for each in lines]
    assert undated[0] == undated[1] and len(undated[0]) >= 4
    assert shown.end() == []


CHANGES: list[Callable[[Path], object]] = [
    lambda path: path.open("r+b"),
    lambda path: path.open("wb"),
    lambda path: path.unlink(),
    lambda path: path.rename(path.with_name("other")),
    lambda path: path.chmod(0o600),
    lambda path: os.chown(path, os.getuid(), os.getgid()),
    lambda path: os.truncate(path, 1),
    lambda path: os.utime(path),
    lambda path: path.with_name("link").hardlink_to(path),
    lambda path: path.with_name("link").symlink_to(path),
    lambda path: path.with_name("folder").mkdir(),
    lambda path: path.with_name("new").touch(),
    lambda path: os.setxattr(path, "user.a", b"1"),
    lambda path: os.mkfifo(path.with_name("pipe")),
]


@needs_fuse
def test_nothing_can_be_written(mount: Callable[..., Mount], tmp_path: Path) -> None:
    files = {"a.jpg.jrc": stored(DATA), "plain.txt": b"text"}
    archive = put(tmp_path / "archive", files)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in archive.iterdir()}
    shown = mount(archive)
    for path in (shown.view / "a.jpg", shown.view / "plain.txt"):
        for change in CHANGES:
            with pytest.raises(OSError) as caught:
                change(path)
            assert caught.value.errno == errno.EROFS
    assert shown.end() == []
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in archive.iterdir()} == before


@needs_fuse
def test_changes_of_the_archive_are_seen(mount: Callable[..., Mount], tmp_path: Path) -> None:
    archive = put(tmp_path / "archive", {"a.jpg.jrc": stored(DATA)})
    shown = mount(archive)
    path = shown.view / "a.jpg"
    assert path.read_bytes() == DATA
    (archive / "new").write_bytes(stored(DATA * 3 + b"end"))
    (archive / "new").replace(archive / "a.jpg.jrc")
    assert path.read_bytes() == DATA * 3 + b"end"
    put(archive, {"inner/b.jpg.jrc": stored(b"new")})
    assert (shown.view / "inner/b.jpg").read_bytes() == b"new"
    (archive / "a.jpg.jrc").unlink()
    assert os.listdir(shown.view) == ["inner"]  # noqa: PTH208
    with pytest.raises(FileNotFoundError):
        path.read_bytes()
    assert shown.end() == []


@needs_fuse
def test_parts_of_large_files(mount: Callable[..., Mount], tmp_path: Path) -> None:
    """Also of files that the cache has no room for, read by turns."""
    archive = put(tmp_path / "archive", {f"{n}.jrc": stored(bytes([n]) + DATA * 9) for n in range(3)})
    shown = mount(archive, "--cache-size", "1k")
    files = [(shown.view / str(number)).open("rb", buffering=0) for number in range(3)]
    for offset in (0, 2000000, 1000000, len(DATA) * 9):
        for number, file in enumerate(files):
            assert os.pread(file.fileno(), 10, offset) == (bytes([number]) + DATA * 9)[offset : offset + 10]
    for file in files:
        file.close()
    assert shown.end() == []


@needs_fuse
def test_hidden_and_odd_files_are_told(mount: Callable[..., Mount], tmp_path: Path) -> None:
    files = {
        "a.jpg": b"plain",
        "a.jpg.jrc": stored(DATA),
        "b.jpg": b"plain",
        "b.jpg.jrc": stored(DATA),
        "cut.jpg.jrc": stored(DATA)[:6],
        "line\nend.jpg.jrc": damaged(DATA),
        "large.jpg.jrc": stored(DATA),
    }
    archive = put(tmp_path / "archive", files)
    shown = mount(archive, "--max-memory", "100k")
    assert sorted(os.listdir(shown.view)) == [  # noqa: PTH208
        "a.jpg",
        "b.jpg",
        "cut.jpg",
        "large.jpg",
        "line\nend.jpg",
    ]
    for name, number in (("cut.jpg", errno.EIO), ("line\nend.jpg", errno.EIO), ("large.jpg", errno.EFBIG)):
        with pytest.raises(OSError) as caught:
            (shown.view / name).read_bytes()
        assert caught.value.errno == number
    errors = shown.end()
    assert errors[0] == (
        f"jrecomp: {archive}/a.jpg.jrc: does not appear, as a.jpg exists, too; others like it are not named"
    )
    assert len(errors) == 4 and errors[3].endswith("(--max-memory)") and "line\\nend.jpg.jrc" in errors[2]


@needs_fuse
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_unmount(mount: Callable[..., Mount], tmp_path: Path, number: int) -> None:
    shown = mount(put(tmp_path / "archive", {"a.jpg.jrc": stored(DATA)}))
    file = os.open(shown.view / "a.jpg", os.O_RDONLY)
    assert os.read(file, 10) == DATA[:10]
    assert shown.end(lambda: shown.process.send_signal(number)) == []
    with pytest.raises(OSError):
        os.pread(file, 10, 200000)
    with suppress(OSError):
        os.close(file)


@needs_fuse
def test_output(mount: Callable[..., Mount], tmp_path: Path) -> None:
    archive = put(tmp_path / "archive", {})
    archive.mkdir()
    shown = mount(archive)
    assert shown.line == f"{archive} appears in {shown.view}, until Ctrl-C or unmounting\n"
    assert shown.end() == []


@needs_fuse
@needs_root
def test_other_users(mount: Callable[..., Mount], tmp_path: Path) -> None:
    """They get what permissions give them, and nothing that an ACL might take."""
    archive = put(
        tmp_path / "archive",
        {"all.jrc": stored(b"all"), "own.jrc": stored(b"own"), "acl.jrc": stored(b"acl"), "own.txt": b""},
    )
    for path in [tmp_path, *tmp_path.parents]:
        path.chmod(path.stat().st_mode | stat.S_IXOTH)
    (archive / "own.jrc").chmod(0o600)
    (archive / "own.txt").chmod(0o600)
    owner, user, group, mask, others = (
        "0100 0600 ffffffff",
        "0200 0000 fdff0000",  # 65533 may not read
        "0400 0400 ffffffff",
        "1000 0400 ffffffff",
        "2000 0400 ffffffff",
    )
    acl = bytes.fromhex(f"02000000 {owner} {user} {group} {mask} {others}")
    try:
        os.setxattr(archive / "acl.jrc", ACL, acl)
    except OSError:
        pytest.skip("the file system has no ACLs")
    shown = mount(archive, "--allow-other")

    def other(name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["cat", shown.view / name], capture_output=True, text=True, user=65533, group=65533
        )

    assert other("all").stdout == "all"
    for name in ("own", "acl", "own.txt"):
        assert "Permission denied" in other(name).stderr
        assert (shown.view / name).read_bytes() == name.encode() * (name != "own.txt")
    assert shown.end() == []


@needs_fuse
@needs_root
def test_without_allow_other_nobody_else_reads(mount: Callable[..., Mount], tmp_path: Path) -> None:
    for path in [tmp_path, *tmp_path.parents]:
        path.chmod(path.stat().st_mode | stat.S_IXOTH)
    shown = mount(put(tmp_path / "archive", {"all.jrc": stored(b"all")}))
    result = subprocess.run(["ls", shown.view], capture_output=True, text=True, user=65533, group=65533)
    assert "Permission denied" in result.stderr
    assert shown.end() == []


@needs_fuse
def test_wrong_folders(tmp_path: Path) -> None:
    archive, view = put(tmp_path / "archive", {"inner/x": b""}), tmp_path / "view"
    view.mkdir()
    cases = [
        (tmp_path / "none", view, ExitCode.INPUT, "none: No such file or directory"),
        (archive / "inner/x", view, ExitCode.INPUT, "x: Not a directory"),
        (archive, tmp_path / "none", ExitCode.OUTPUT, "none: No such file or directory"),
        (archive, archive / "inner/x", ExitCode.OUTPUT, "x: Not a directory"),
        (archive, archive / "inner", ExitCode.USAGE, "neither ARCHIVE nor MOUNTPOINT may contain the other"),
        (archive, archive, ExitCode.USAGE, "neither ARCHIVE nor MOUNTPOINT may contain the other"),
        (archive, tmp_path, ExitCode.USAGE, "neither ARCHIVE nor MOUNTPOINT may contain the other"),
        (view, archive, ExitCode.OUTPUT, "archive: is not empty (choose an empty folder)"),
    ]
    for source, target, code, message in cases:
        result = run("mount", str(source), str(target), code=code)
        assert result.stderr.startswith("jrecomp: ") and result.stderr.endswith(f"{message}\n")
        assert result.stderr.count("\n") == 1


@needs_fuse
def test_a_dead_mount(mount: Callable[..., Mount], tmp_path: Path) -> None:
    """What a kill leaves."""
    archive = put(tmp_path / "archive", {"a.jrc": stored(DATA)})
    shown = mount(archive)
    shown.process.kill()
    shown.process.communicate()
    result = run("mount", str(archive), str(shown.view), code=ExitCode.OUTPUT)
    message = "Transport endpoint is not connected (fusermount3 -u removes a dead mount)"
    assert result.stderr == f"jrecomp: {shown.view}: {message}\n"
    shown.unmount()


def test_without_mfusepy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "mfusepy", None)
    result = run("mount", str(tmp_path), str(tmp_path), code=ExitCode.USAGE)
    assert result.stderr == "jrecomp: the package mfusepy is not installed (pip install jrecomp[mount])\n"


def test_without_fuse(tmp_path: Path) -> None:
    """The package mfusepy raises OSError when it is imported."""
    (tmp_path / "mfusepy.py").write_text("raise OSError('Unable to find libfuse')\n")
    result = subprocess.run(
        [*COMMAND, tmp_path, tmp_path],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert result.returncode == ExitCode.USAGE
    assert result.stderr == (
        "jrecomp: FUSE is not installed (Debian: apt install fuse3): Unable to find libfuse\n"
    )
