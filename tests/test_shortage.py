"""Shortages of the machine: nothing is stored for them, and no container is called damaged."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event, get_ident
from unittest.mock import Mock

import pytest

import jrecomp
from jrecomp import digest, threads
from jrecomp.errors import ExitCode, ShortageError, shortage
from jrecomp.threads import Workers

COMMAND = """
import contextlib, os, resource, sys
import jrecomp, jrecomp.cli.app, jrecomp.cli.verify

data = open("0.jpg", "rb").read()  # what it imports and opens cannot be reached with some of the limits
for model in ("fast", "default"):
    jrecomp.verify(jrecomp.compress(data, model=model), threads=2)
with contextlib.suppress(SystemExit):
    jrecomp.cli.app.main(["compress", "-r", "--threads", "1", "none.jpg"])
kind, amount = getattr(resource, sys.argv.pop(1)), int(sys.argv.pop(1))
if kind == resource.RLIMIT_NPROC and os.getuid() == 0:
    os.setuid(65534)  # root may start any number
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(kind, (amount + used * (kind == resource.RLIMIT_AS),) * 2)
jrecomp.cli.start()
"""
"""The command line with a limit: a kind of limit, and an amount, for memory beyond what is used at first."""


LISTS = """
import resource, sys
import numpy as np
from jrecomp.model.weights import load
from jrecomp.native import _encode, _scan
from jrecomp.native.engine import BlocksEngine, Engine, SliceEncoder, Team, code_phase
from jrecomp.native.restoration import Network

blocks, planes, sigmoid = load("fast").engine, load("default").engine, load("default").tables.sigmoid
part = np.zeros((1, 1, 64), np.int16)
scan = _scan.Scan(True, False, (0, 63, 0, 0), 1, 1, [(part, 1, 1, bytes(2), bytes(2))])
pixels, plane = np.zeros((1, 1, 3), np.float32), np.zeros((1, 1), np.float32)
logits, values = np.zeros((3, 0), np.int16), np.zeros(0, np.int32)
tables = [np.zeros(0, kind) for kind in (np.uint8, np.int8, np.int8, np.uint16, np.int16, np.int16)]
coder, team, kernel = SliceEncoder(sigmoid), Team(0), np.zeros((1, 1, 3, 3), np.int8)


def many(item):
    return [item] * (1 << 22)


calls = {
    "components of blocks": lambda: blocks.encode(many(([1] * 64, part))),
    "components of blocks to decode": lambda: blocks.decode(many(([1] * 64, part)), b""),
    "components of planes": lambda: planes.encode(many(([1] * 64, part))),
    "components of planes to decode": lambda: planes.decode(many(([1] * 64, part)), b""),
    "steps of blocks": lambda: blocks.encode([(many(1), part)]),
    "steps of planes": lambda: planes.encode([(many(1), part)]),
    "shares": lambda: planes.collect([([1] * 64, part)], [many(0.5)], 0),
    "selections": lambda: Engine(*tables, many(([], [], [], [0] * 5))),
    "coders": lambda: code_phase(many(coder), 0, 0, logits, values, [0], team),
    "starts": lambda: code_phase([coder], 0, 0, logits, values, many(0), team),
    "convolutions": lambda: Network(many(kernel)),
    "colours": lambda: _encode.project(pixels, many(1.0), 1, 1, plane, 0, 1),
    "scan components": lambda: _scan.Scan(True, False, (0, 63, 0, 0), 1, 1, many((part, 1, 1, None, None))),
    "padding": lambda: scan.set_choices(0, many((0, 0)), [], 1, 0, [], []),
    "zero runs": lambda: scan.set_choices(0, [], many((0, 1)), 1, 0, [], []),
    "switches": lambda: scan.set_choices(0, [], [], 1, 0, many(0), []),
    "extraneous bytes": lambda: scan.set_choices(0, [], [], 1, 0, [], many((0, b""))),
}
call = calls[sys.argv[1]]
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (44 << 20),) * 2)  # a list takes 32 MiB
try:
    call()
except MemoryError:
    print("out of memory")
"""
"""Calls a native function with a list that memory suffices for, but not for a copy of it."""


def run(kind: str, amount: int, *arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", COMMAND, kind, str(amount), *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={"OPENBLAS_NUM_THREADS": "1"},
        timeout=300,
    )


def lines_of(result: "subprocess.CompletedProcess[str]") -> list[str]:
    """The messages about files, without that about the file that the command did not find at first."""
    lines = [line for line in result.stderr.splitlines() if line.startswith("jrecomp: ")]
    assert lines[0].startswith("jrecomp: none.jpg: "), result.stderr
    return lines[1:]


@pytest.fixture
def folder(make_photo: Callable[..., bytes], tmp_path: Path) -> Path:
    """A folder of photographs, writable for everybody."""
    for number in range(6):
        (tmp_path / f"{number}.jpg").write_bytes(make_photo(512, 384, quality=70 + number))
    (tmp_path / "large.jpg").write_bytes(make_photo(1600, 1200))
    tmp_path.chmod(0o777)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    return tmp_path


def check_whole(folder: Path) -> int:
    """Each container restores its photograph, modelled; returns the number of containers."""
    containers = list(folder.glob("*.jrc"))
    for path in containers:
        data = path.read_bytes()
        assert jrecomp.inspect(data).mode == "lossless"
        assert jrecomp.decompress(data) == path.with_suffix("").read_bytes()
    return len(containers)


@pytest.mark.parametrize("model", ["fast", "default"])
@pytest.mark.parametrize("megabytes", [20, 60, 150, 400])
def test_little_memory(folder: Path, megabytes: int, model: str) -> None:
    """Files fail for that reason alone, or are compressed."""
    limit = "RLIMIT_AS", megabytes << 20
    result = run(*limit, "compress", "-q", "-r", ".", "--threads", "8", "--model", model, cwd=folder)
    lines = lines_of(result)
    assert all(re.fullmatch(r"jrecomp: \w+\.jpg: out of memory", line) for line in lines)
    assert result.returncode == (ExitCode.SHORTAGE if lines else ExitCode.OK)
    assert check_whole(folder) + len(lines) == 7
    for path in folder.glob("*.jpg"):
        path.with_name(f"{path.name}.jrc").write_bytes(jrecomp.compress(path.read_bytes(), model=model))
    result = run(*limit, "verify", "-q", "-r", ".", "--threads", "8", cwd=folder)
    lines = lines_of(result)
    assert all(line.endswith(".jrc: out of memory") for line in lines)
    assert result.returncode == (ExitCode.SHORTAGE if lines else ExitCode.OK)


@pytest.mark.parametrize("threads", [1, 3, 6])
def test_few_threads(folder: Path, threads: int) -> None:
    """Fewer threads do the same work, and a process of one thread does, too."""
    for command in (["compress"], ["verify"]):
        result = run("RLIMIT_NPROC", threads, *command, "-q", "-r", ".", "--threads", "8", cwd=folder)
        assert (result.returncode, lines_of(result)) == (0, [])
    assert check_whole(folder) == 7


@pytest.mark.parametrize("count", [3, 4, 8])
def test_few_open_files(folder: Path, count: int) -> None:
    result = run("RLIMIT_NOFILE", count, "compress", "-q", "0.jpg", "1.jpg", "--threads", "8", cwd=folder)
    lines = lines_of(result)
    assert all("Too many open files" in line for line in lines)
    assert result.returncode == (ExitCode.SHORTAGE if lines else ExitCode.OK)
    assert check_whole(folder) == 2 - len(lines)
    assert len(lines) == (2 if count == 3 else 0)


@pytest.mark.parametrize("call", re.findall(r'^    "(.*)": lambda', LISTS, re.MULTILINE))
def test_long_lists_as_native_arguments(call: str) -> None:
    """nanobind's own conversion of lists would end the process."""
    command = [sys.executable, "-P", "-c", LISTS, call]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (result.returncode, result.stdout, result.stderr) == (0, "out of memory\n", "")


@pytest.mark.parametrize("failing", ["sha256", "sha256.return_value.digest"])
def test_a_checksum_without_memory(monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    """hashlib raises ValueError where OpenSSL has no memory."""
    hashlib = Mock(**{f"{failing}.side_effect": ValueError("no reason supplied")})
    monkeypatch.setattr(digest, "hashlib", hashlib)
    with pytest.raises(MemoryError):
        digest.sha256(b"data")


def test_what_is_a_shortage() -> None:
    assert shortage(None) is shortage(ValueError("no")) is shortage(OSError(2, "not found")) is None
    assert str(shortage(MemoryError())) == "out of memory"
    assert "can't start new thread" in str(shortage(RuntimeError("can't start new thread")))
    assert str(shortage(RuntimeError("can't allocate lock"))) == "out of memory"
    assert shortage(ValueError("can't allocate lock")) is None
    wrapped = ImportError("numpy")
    wrapped.__cause__ = ImportError("libx.so: failed to map segment from shared object")
    assert isinstance(shortage(wrapped), ShortageError)
    known = ShortageError("here")
    assert shortage(known) is known


class TestWorkers:
    def test_results_in_order(self) -> None:
        with Workers(3) as workers:
            assert workers.map(pow, range(50), [2] * 50) == [n * n for n in range(50)]

    def test_a_failure_reaches_the_caller(self) -> None:
        with Workers(2) as workers, pytest.raises(ZeroDivisionError):
            workers.submit(lambda: 1 // 0).result()

    def test_the_caller_computes_where_no_thread_starts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*arguments: object) -> None:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(threads, "start_new_thread", fail)
        self.check_that_the_caller_computes()

    def test_the_caller_computes_where_no_thread_begins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As where there is no memory for its first frame."""
        monkeypatch.setattr(threads, "start_new_thread", lambda *arguments: 0)
        monkeypatch.setattr(threads, "START_SECONDS", 0)
        self.check_that_the_caller_computes()

    def check_that_the_caller_computes(self) -> None:
        with Workers(3) as workers:
            assert workers.submit(get_ident).result() == get_ident()

    def test_no_task_is_lost_where_memory_is_short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(task: object) -> None:
            raise MemoryError

        monkeypatch.setattr(threads.Task, "compute", fail)
        with Workers(1) as workers:
            for _ in range(3):
                with pytest.raises(MemoryError):
                    workers.submit(get_ident).result()

    def test_what_has_not_begun_is_dropped(self) -> None:
        workers, begun, gate = Workers(1), Event(), Event()

        def work() -> bool:
            begun.set()
            return gate.wait()

        running, waiting = workers.submit(work), workers.submit(work)
        begun.wait()
        workers.shutdown()
        gate.set()
        with workers:
            pass
        assert running.result() and not waiting.done()
