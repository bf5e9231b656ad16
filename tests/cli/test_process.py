"""The command as users start it: a process of its own."""

import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from PIL import Image

from jrecomp.container import Original, Stored, pack
from jrecomp.errors import ExitCode

SCRIPT = Path(sys.executable).parent / "jrecomp"
STARTS = [[sys.executable, "-m", "jrecomp"], [str(SCRIPT)]]
DATA = bytes(range(256)) * 8000
STORED = pack(Stored(Original.of(DATA), 1, DATA))


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Processes inherit that SIGINT is ignored, as it is in background jobs of a shell; not so here."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("start", STARTS, ids=["module", "script"])
def test_round_trip_through_pipes(start: list[str], photo: bytes, tmp_path: Path) -> None:
    packed = subprocess.run([*start, "compress", "-"], input=photo, capture_output=True, cwd=tmp_path)
    assert packed.returncode == 0
    assert len(packed.stdout) < len(photo)
    restored = subprocess.run(
        [*start, "decompress", "-"], input=packed.stdout, capture_output=True, cwd=tmp_path
    )
    assert (restored.returncode, restored.stdout) == (0, photo)


ENDING = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])


def interrupted(process: subprocess.Popen[bytes], number: signal.Signals) -> str:
    """Sends a signal and returns the messages of the process, which ends."""
    process.send_signal(number)
    return process.communicate()[1].decode()


def unread(pipe: BinaryIO) -> int:
    """How many bytes in a pipe the other side has not taken."""
    (count,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))
    return int(count)


@ENDING
def test_interrupt_while_reading(number: signal.Signals, tmp_path: Path) -> None:
    """The exit code of the signal, one line, no file."""
    os.mkfifo(tmp_path / "input")
    process = subprocess.Popen(
        [*STARTS[0], "decompress", "input", "-o", "output"], stderr=subprocess.PIPE, cwd=tmp_path
    )
    with (tmp_path / "input").open("wb") as pipe:  # opens when the process has opened its side
        pipe.write(STORED[:100])
        pipe.flush()
        while process.poll() is None and unread(pipe):
            pass  # the process waits for more once it has taken what there is
        message = interrupted(process, number)
    assert (process.returncode, message) == (128 + number, "jrecomp: interrupted\n")
    assert [path.name for path in tmp_path.iterdir()] == ["input"]


COMPUTES_FOR_EVER = """
import sys, threading, time
from jrecomp import cli, pipeline

def compress(*_, **__):
    while sys._current_frames()[threading.main_thread().ident].f_code.co_name != "wait":
        time.sleep(0.01)  # until the main thread waits for this one
    print("computing", flush=True)
    threading.Event().wait()

pipeline.compress = compress
cli.start()
"""


@ENDING
def test_interrupt_while_computing(number: signal.Signals, photo: bytes, tmp_path: Path) -> None:
    """Nothing waits for the threads that compute."""
    (tmp_path / "photo.jpg").write_bytes(photo)
    process = subprocess.Popen(
        [sys.executable, "-c", COMPUTES_FOR_EVER, "compress", "photo.jpg"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    assert process.stdout and process.stdout.readline() == b"computing\n"
    message = interrupted(process, number)
    assert (process.returncode, message) == (128 + number, "jrecomp: interrupted\n")
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_reader_that_goes_away(unbuffered: str, tmp_path: Path) -> None:
    """The process ends without a word, as others do, also where one write call takes only a part of it."""
    (tmp_path / "a.jrc").write_bytes(STORED)
    process = subprocess.Popen(
        [*STARTS[0], "decompress", "a.jrc", "-o", "-"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.read(1)
    process.stdout.close()
    message = process.stderr.read().decode()
    process.stderr.close()
    assert (process.wait(), message) == (-signal.SIGPIPE, "")


def test_names_that_are_no_text(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.jpg.jrc")
    (tmp_path / name).write_bytes(STORED)
    result = subprocess.run([*STARTS[0], "decompress", name], capture_output=True, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, b"")
    assert (tmp_path / os.fsdecode(b"caf\xe9.jpg")).read_bytes() == DATA


def test_damaged_exif_data_cause_no_warnings(make_photo: Callable[..., bytes], tmp_path: Path) -> None:
    """Pillow warns of them."""
    exif = Image.Exif()
    exif[0x0110] = "camera"
    data = bytearray(make_photo(exif=exif))
    data[data.index(b"Exif\0\0") + 6 + 9] = 99  # so many entries are not there
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.warns(UserWarning, match="EXIF"), Image.open(tmp_path / "a.jpg") as image:
        image.getexif()
    result = subprocess.run([*STARTS[0], "thumbnail", "-q", "a.jpg"], capture_output=True, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, b"")


def test_full_disk(tmp_path: Path) -> None:
    (tmp_path / "a.jrc").write_bytes(STORED)
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(
            [*STARTS[0], "decompress", "a.jrc", "-o", "-"], stdout=full, stderr=subprocess.PIPE, cwd=tmp_path
        )
    assert result.returncode == ExitCode.NO_SPACE
    assert result.stderr.decode() == "jrecomp: a.jrc: pipe: No space left on device\n"


@pytest.mark.parametrize("command", [["info", "a.jrc"], ["info", "--json", "a.jrc"], ["--help"]])
def test_full_disk_under_messages(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.jrc").write_bytes(STORED)
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run([*STARTS[0], *command], stdout=full, stderr=subprocess.PIPE, cwd=tmp_path)
    assert result.returncode == ExitCode.NO_SPACE
    assert result.stderr.decode() == "jrecomp: standard output: No space left on device\n"


def test_closed_standard_error(photo: bytes, tmp_path: Path) -> None:
    """There is nowhere to print messages, but files are compressed."""
    (tmp_path / "a.jpg").write_bytes(photo)
    (tmp_path / "b.jpg").write_bytes(photo)
    command = ["sh", "-c", '"$0" -m jrecomp compress a.jpg none.jpg b.jpg 2>&-', sys.executable]
    result = subprocess.run(command, capture_output=True, cwd=tmp_path)
    assert result.returncode == ExitCode.INPUT
    assert result.stdout.decode().endswith(" MB/s\n") and result.stderr == b""
    assert (tmp_path / "a.jpg.jrc").exists() and (tmp_path / "b.jpg.jrc").exists()


@pytest.mark.parametrize(
    ("closed", "code", "message"),
    [
        ("<&-", ExitCode.INPUT, "jrecomp: -: standard input is closed\n"),
        (">&-", ExitCode.OUTPUT, "jrecomp: -: standard output is closed\n"),
    ],
)
def test_closed_pipes(closed: str, code: ExitCode, message: str, tmp_path: Path) -> None:
    shell = ["sh", "-c", f'"$0" -m jrecomp decompress - {closed}', sys.executable]
    result = subprocess.run(shell, input=STORED, capture_output=True, cwd=tmp_path)
    assert (result.returncode, result.stderr.decode()) == (code, message)
