"""Faults of the world around the command: full disks, closed streams, pipes, devices, links, kills."""

import json
import os
import pty
import re
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path
from struct import pack
from termios import TIOCSWINSZ
from threading import Thread

import pytest

from jrecomp import temporary
from jrecomp.container import Original, Stored
from jrecomp.container import pack as pack_container
from jrecomp.errors import ExitCode

DATA = bytes(range(256)) * 400
STORED = pack_container(Stored(Original.of(DATA), 1, DATA))
COMMAND = [sys.executable, "-m", "jrecomp"]


def jrecomp(*arguments: object, cwd: Path, **options: object) -> subprocess.CompletedProcess[bytes]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, cwd=cwd, **options)  # type: ignore[call-overload, no-any-return]


def shell(script: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    """Run a script in which $0 stands for Python."""
    return subprocess.run(["bash", "-c", script, sys.executable], capture_output=True, cwd=cwd)


def containers(folder: Path, count: int = 1) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"{number}.jrc").write_bytes(STORED)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for two outputs."""
    disk = tmp_path / "disk"
    disk.mkdir()
    size = f"size={2 * len(DATA) + 60000}"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("only root can mount file systems")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_full_disk_ends_the_run(small_disk: Path, tmp_path: Path) -> None:
    containers(tmp_path / "in", 6)
    result = jrecomp("decompress", "-r", "in", "--output-dir", "disk", "-q", cwd=tmp_path)
    assert result.returncode == ExitCode.NO_SPACE
    assert result.stderr.decode().splitlines() == [
        "jrecomp: in/2.jrc: disk/2: No space left on device",
        "jrecomp: stopped, 3 files are left",
    ]
    assert {path.name: path.read_bytes() for path in small_disk.iterdir()} == {"0": DATA, "1": DATA}


def test_read_only_file_system_ends_the_run(small_disk: Path, tmp_path: Path) -> None:
    containers(tmp_path / "in", 3)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    result = jrecomp("decompress", "-r", "in", "--output-dir", "disk", "-q", cwd=tmp_path)
    assert result.returncode == ExitCode.OUTPUT
    assert result.stderr.decode().splitlines() == [
        "jrecomp: in/0.jrc: disk/0: Read-only file system",
        "jrecomp: stopped, 2 files are left",
    ]


def test_a_file_above_the_limit_fails_alone(tmp_path: Path) -> None:
    containers(tmp_path, 1)
    (tmp_path / "1.jrc").write_bytes(pack_container(Stored(Original.of(b"small"), 1, b"small")))
    limit = (len(DATA) // 2, len(DATA) // 2)
    result = jrecomp(
        "decompress",
        "0.jrc",
        "1.jrc",
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )
    assert (result.returncode, result.stderr.decode()) == (
        ExitCode.OUTPUT,
        "jrecomp: 0.jrc: 0: File too large\n",
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.jrc", "1", "1.jrc"]


def test_report_that_nobody_reads_on(tmp_path: Path) -> None:
    """As after `| head -1`: the command ends as others do, by SIGPIPE, which a shell shows as 141."""
    containers(tmp_path / "in", 2)
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "jrecomp", "info", "-r", "in"]
    result = subprocess.run(command, cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (result.returncode, result.stderr) == (-signal.SIGPIPE, b"")
    assert result.stderr == b""


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full", ">&- 2>&-", "<&- >&- 2>&-"])
def test_messages_that_go_nowhere(closed: str, tmp_path: Path) -> None:
    """They are lost; they end up in no output, and all files are written."""
    if "/dev/full" in closed and not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    containers(tmp_path, 3)
    (tmp_path / "1.jrc").write_bytes(STORED[:-1])
    result = shell(f'"$0" -m jrecomp decompress 0.jrc 1.jrc 2.jrc {closed}', tmp_path)
    assert result.returncode == ExitCode.CORRUPT
    assert (tmp_path / "0").read_bytes() == (tmp_path / "2").read_bytes() == DATA
    wrong = shell(f'"$0" -m jrecomp decompress - --nonesuch {closed}', tmp_path)
    assert (wrong.returncode, wrong.stdout) == (ExitCode.USAGE, b"")


def test_null_device(tmp_path: Path) -> None:
    containers(tmp_path)
    for name in ("/dev/null", "link"):
        if name == "link":
            (tmp_path / name).symlink_to(os.devnull)
        assert jrecomp("decompress", "0.jrc", "-o", name, cwd=tmp_path).returncode == 0
        assert stat.S_ISCHR((tmp_path / name).stat().st_mode)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.jrc", "link"]


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_named_pipes(force: list[str], tmp_path: Path) -> None:
    """Input and output; neither is replaced, and the output needs no --force."""
    os.mkfifo(tmp_path / "in")
    os.mkfifo(tmp_path / "out")
    feeder = Thread(target=(tmp_path / "in").write_bytes, args=[STORED])
    process = subprocess.Popen(
        [*COMMAND, "decompress", "in", "-o", "out", *force], cwd=tmp_path, stdout=subprocess.PIPE
    )
    feeder.start()
    assert (tmp_path / "out").read_bytes() == DATA
    feeder.join()
    process.communicate()
    assert process.returncode == 0
    assert all(stat.S_ISFIFO((tmp_path / name).stat().st_mode) for name in ("in", "out"))


def test_descriptors(tmp_path: Path) -> None:
    containers(tmp_path)
    for script in (
        '"$0" -m jrecomp decompress /dev/stdin < 0.jrc',
        'cat 0.jrc | "$0" -m jrecomp decompress /dev/stdin -o /dev/stdout | cat',
        '"$0" -m jrecomp decompress <(cat 0.jrc)',
        '"$0" -m jrecomp decompress /dev/fd/9 9< 0.jrc -o file > /dev/null; cat file',
        '"$0" -m jrecomp decompress 0.jrc -o >(cat) > /dev/null',
    ):
        result = shell(script, tmp_path)
        assert (result.returncode, result.stdout) == (0, DATA), script


def test_links_as_outputs(tmp_path: Path) -> None:
    """The file that a link leads to is replaced; the link stays. A link to nothing is not followed."""
    containers(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(b"old")
    (tmp_path / "0").symlink_to("folder/file")
    refused = jrecomp("decompress", "0.jrc", cwd=tmp_path)
    assert refused.returncode == ExitCode.OUTPUT and (tmp_path / "0").read_bytes() == b"old"
    assert jrecomp("decompress", "0.jrc", "--force", cwd=tmp_path).returncode == 0
    assert (tmp_path / "0").is_symlink() and (tmp_path / "folder" / "file").read_bytes() == DATA
    (tmp_path / "folder" / "file").unlink()
    for force in ([], ["--force"]):
        assert jrecomp("decompress", "0.jrc", *force, cwd=tmp_path).returncode == ExitCode.OUTPUT
    assert not list((tmp_path / "folder").iterdir())
    (tmp_path / "own.jpg").symlink_to("0.jrc")
    own = jrecomp("decompress", "0.jrc", "-o", "own.jpg", "--force", cwd=tmp_path)
    assert own.returncode == ExitCode.USAGE and (tmp_path / "0.jrc").read_bytes() == STORED


def test_broken_links_in_folders(tmp_path: Path) -> None:
    containers(tmp_path / "in")
    (tmp_path / "in" / "lost.jrc").symlink_to("nowhere")
    (tmp_path / "in" / "loop").symlink_to(".")
    result = jrecomp("verify", "-r", "in", cwd=tmp_path)
    assert result.returncode == 0
    assert result.stderr.decode() == "jrecomp: in/lost.jrc: skipped, the link leads nowhere\n"
    assert (
        result.stdout.decode()
        .splitlines()[-1]
        .startswith("2 files, 1 stored (1 not a JPEG file), 0 failed, 1 skipped: ")
    )


def test_folders_of_outputs(tmp_path: Path) -> None:
    """-o dir/ makes the folder; folders get modes and times of their sources, also read-only ones."""
    containers(tmp_path / "in")
    containers(tmp_path / "in" / "deep")
    for name, mode in (("in/deep", 0o500), ("in", 0o750)):
        (tmp_path / name).chmod(mode)
        os.utime(tmp_path / name, (1_500_000_000, 1_400_000_000))
    assert jrecomp("decompress", "-r", "in", "-o", "out/", cwd=tmp_path).returncode == 0
    for name, mode in (("out/deep", 0o500), ("out", 0o750)):
        status = (tmp_path / name).stat()
        assert (stat.S_IMODE(status.st_mode), status.st_mtime) == (mode, 1_400_000_000)
        assert (tmp_path / name / "0").read_bytes() == DATA


WRITES_FOR_EVER = """
import os, signal, sys, time
from jrecomp import attributes, cli

def write_for_ever(*_):
    print("writing", flush=True)
    while True: time.sleep(1)

attributes.copy = write_for_ever
cli.start()
"""


@pytest.fixture
def writing(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a process that writes over the output `0` of 0.jrc until it is ended."""
    started: list[subprocess.Popen[bytes]] = []

    def start(ignored: tuple[signal.Signals, ...] = ()) -> subprocess.Popen[bytes]:
        def prepare() -> None:
            for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
                signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)

        containers(tmp_path)
        (tmp_path / "0").write_bytes(b"old")
        process = subprocess.Popen(
            [sys.executable, "-c", WRITES_FOR_EVER, "decompress", "0.jrc", "--force"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            preexec_fn=prepare,
        )
        assert process.stdout and process.stdout.readline() == b"writing\n"
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGHUP, ExitCode.HANGUP),
        (signal.SIGINT, ExitCode.INTERRUPTED),
        (signal.SIGTERM, ExitCode.TERMINATED),
    ],
)
def test_signals_while_writing(
    number: signal.Signals, code: ExitCode, writing: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    process = writing()
    process.send_signal(number)
    assert process.communicate()[1] == b"jrecomp: interrupted\n"
    assert process.returncode == code
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"0": b"old", "0.jrc": STORED}


def test_a_second_signal_ends_at_once(
    writing: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    """Also while the message of the first one waits for a reader. The unfinished output is removed before."""
    process = writing()
    with Path(f"/proc/{process.pid}/fd/2").open("wb", buffering=0) as pipe:
        os.set_blocking(pipe.fileno(), False)
        while pipe.write(bytes(4096)):
            pass  # until it is full; the process has a description of the pipe of its own
    process.send_signal(signal.SIGTERM)
    while len(list(tmp_path.iterdir())) > 2:
        pass
    process.send_signal(signal.SIGHUP)
    assert process.wait() == -signal.SIGHUP
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"0": b"old", "0.jrc": STORED}


def test_ignored_signals_stay_ignored(
    writing: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    """nohup: the process outlives its terminal."""
    process = writing(ignored=(signal.SIGHUP,))
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 128 + signal.SIGTERM


@pytest.mark.skipif(temporary.boot() == temporary.UNKNOWN_BOOT, reason="the system does not identify boots")
def test_the_next_run_sweeps(writing: Callable[..., subprocess.Popen[bytes]], tmp_path: Path) -> None:
    process = writing()
    process.kill()
    process.communicate()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names[1:] == ["0", "0.jrc"] and temporary.NAME.fullmatch(names[0])
    assert (tmp_path / "0").read_bytes() == b"old"
    assert jrecomp("decompress", "0.jrc", "--force", cwd=tmp_path).returncode == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"0": DATA, "0.jrc": STORED}


OTHER_SYSTEM = """
import os, signal, sys

sys.modules["fcntl"] = None
for module, names in {
    os: ["chown", "fork", "listxattr", "setxattr", "register_at_fork", "O_NOFOLLOW", "O_NONBLOCK"],
    signal: ["SIGHUP", "SIGPIPE"],
}.items():
    for name in names:
        delattr(module, name)
from jrecomp.cli import start

start()
"""


def test_systems_that_lack_something(tmp_path: Path) -> None:
    """What macOS or Windows do not have is done without."""
    containers(tmp_path / "in" / "deep", 2)
    left = tmp_path / "in" / f".jrecomp-{temporary.boot()}-{'0' * 16}.tmp"
    left.write_bytes(b"part")
    command = [sys.executable, "-c", OTHER_SYSTEM, "decompress", "-r", "in", "--output-dir", "in"]
    result = subprocess.run(command, capture_output=True, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, b"")
    assert (tmp_path / "in" / "deep" / "1").read_bytes() == DATA and left.exists()


SLOW = """
import time
from jrecomp import cli, pipeline

decompress = pipeline.decompress

def slow(*arguments, **options):
    time.sleep(1)
    return decompress(*arguments, **options)

pipeline.decompress = slow
cli.start()
"""


def on_terminal(columns: int, *arguments: str, cwd: Path, number: signal.Signals | None = None) -> list[str]:
    """What a terminal gets from a command whose files take a second each, in pieces between line ends.

    number: a signal to send when the first piece with "of 3" is there.
    """
    ours, theirs = pty.openpty()
    ioctl(ours, TIOCSWINSZ, pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, *arguments],
        stdout=theirs,
        stderr=theirs,
        cwd=cwd,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # the end on Linux
        while piece := os.read(ours, 4096):
            shown += piece
            if number and b"1 of 3" in shown:
                process.send_signal(number)
                number = None
    os.close(ours)
    process.wait()
    return [part for line in shown.decode().split("\n") for part in line.split("\r") if part.strip()]


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_progress_bar_stays_on_its_line(columns: int, tmp_path: Path) -> None:
    """Otherwise a return to the start of the line does not erase it. No file has a line of its own."""
    containers(tmp_path, 3)
    shown = on_terminal(columns, "verify", "-j", "1", "0.jrc", "1.jrc", "2.jrc", cwd=tmp_path)
    *bars, summary = [part for part in shown if part.strip()]
    assert any("2 of 3 files" in bar for bar in bars)
    assert all(len(bar) <= columns for bar in bars)
    assert columns == 40 or any("B/s" in bar and "left" in bar for bar in bars)
    assert summary.startswith("3 files, 3 stored (3 not a JPEG file), 0 failed: ")


def test_interrupt_on_a_terminal(tmp_path: Path) -> None:
    """The failures and the totals of what was done are told, without the bar."""
    containers(tmp_path, 3)
    (tmp_path / "0.jrc").write_bytes(STORED[:-1])
    shown = on_terminal(
        100, "verify", "-j", "1", "0.jrc", "1.jrc", "2.jrc", cwd=tmp_path, number=signal.SIGINT
    )
    end = shown[next(n for n, part in enumerate(shown) if "interrupted" in part) :]
    assert end[0].endswith("jrecomp: interrupted")
    assert end[1] == "1 failed:" and end[2].split(maxsplit=1)[0] == "0.jrc"
    assert end[3].startswith("1 files, 0 stored, 1 failed")
    assert len(end) == 4


def test_lines_where_there_is_no_terminal(tmp_path: Path) -> None:
    """Every few seconds, with what is known."""
    containers(tmp_path, 3)
    command = [sys.executable, "-c", SLOW, "verify", "-j", "1", "0.jrc", "1.jrc", "2.jrc"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0
    assert re.match(r"jrecomp: \d of 3 files, [\d.]+ of [\d.]+ MB, [\d.]+ MB/s", result.stderr)
    assert result.stderr.splitlines()[0].endswith(".jrc") and len(result.stdout.splitlines()) == 1


def test_json_lines_end_with_totals_after_a_signal(tmp_path: Path) -> None:
    containers(tmp_path, 3)
    command = [sys.executable, "-c", SLOW, "verify", "-j", "1", "--json", "0.jrc", "1.jrc", "2.jrc"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path)
    assert process.stdout
    first = json.loads(process.stdout.readline())  # which comes as soon as the file is done
    process.send_signal(signal.SIGTERM)
    rest, message = process.communicate()
    last = json.loads(rest.splitlines()[-1])
    assert (first["path"], last["type"], last["ended"]) == ("0.jrc", "total", "interrupted")
    assert 1 <= last["files"] < 3 and message == b"jrecomp: interrupted\n"
    assert process.returncode == 128 + signal.SIGTERM
