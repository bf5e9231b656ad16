"""The command `jrecomp serve` as a process."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import jrecomp
from jrecomp.errors import ExitCode
from tests.cli.commands import run

pytest.importorskip("uvicorn", reason="the package uvicorn is not installed")
pytest.importorskip("starlette", reason="the package starlette is not installed")
pytest.importorskip("jinja2", reason="the package jinja2 is not installed")


class Served:
    """An archive that the command serves at a free port."""

    def __init__(self, archive: Path, *options: str) -> None:
        command = [sys.executable, "-m", "jrecomp", "serve", "--port", "0", *options, str(archive)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.line = self.process.stdout.readline()
        found = re.search(r"http://(.*):(\d+)/", self.line)
        assert found, self.process.communicate(timeout=60)[1]
        self.url, self.host, self.port = found[0], found[1].strip("[]"), int(found[2])

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body; the path is sent as it is."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, body

    def end(self, number: signal.Signals = signal.SIGINT) -> str:
        """End it by a signal: what was printed on standard error."""
        self.process.send_signal(number)
        errors: str = self.process.communicate(timeout=60)[1]
        assert self.process.returncode == ExitCode.OK, errors
        return errors


@pytest.fixture
def serve(tmp_path: Path, photo: bytes) -> Iterator[Callable[..., Served]]:
    """Serves the folder `archive`."""
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive/a.jpg.jrc").write_bytes(jrecomp.compress(photo, model="fast"))
    started = list[Served]()

    def start(*options: str) -> Served:
        started.append(Served(tmp_path / "archive", *options))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.communicate(timeout=60)


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Children of a shell's background jobs would ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_serves_until_a_signal(
    serve: Callable[..., Served], tmp_path: Path, photo: bytes, number: signal.Signals
) -> None:
    served = serve()
    assert served.line == f"{tmp_path / 'archive'} appears at {served.url} until Ctrl-C\n"
    assert served.host == "127.0.0.1"
    assert served.get("/original/a.jpg.jrc") == (200, photo)
    assert served.end(number) == ""


def test_hostile_requests_as_they_are_sent(
    serve: Callable[..., Served], tmp_path: Path, photo: bytes
) -> None:
    """Clients such as browsers would tidy them up."""
    served = serve()
    (tmp_path / "secret.jpg").write_bytes(photo)
    (tmp_path / "archive" / os.fsdecode(b"\xff.jpg")).write_bytes(photo)
    for path in (
        "/original/../secret.jpg",
        "/original/%2e%2e/secret.jpg",
        "/original/..%2Fsecret.jpg",
        "/../x",
    ):
        assert served.get(path)[0] == 404
    assert served.get("/original/%ff.jpg") == (200, photo)
    for request in (b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"nonsense\r\n\r\n"):
        with socket.create_connection((served.host, served.port), timeout=60) as connection:
            connection.sendall(request)
            assert re.match(rb"HTTP/1.1 4\d\d ", connection.recv(1000))
    assert served.end() == ""


def test_readers_that_go_away(serve: Callable[..., Served], tmp_path: Path, photo: bytes) -> None:
    """They do not end the server by SIGPIPE."""
    (tmp_path / "archive/large.jpg").write_bytes(photo + bytes(30_000_000))
    served = serve()
    for _ in range(5):
        with socket.create_connection((served.host, served.port), timeout=60) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.sendall(b"GET /original/large.jpg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            connection.recv(10)
    assert served.get("/original/a.jpg.jrc") == (200, photo)
    assert served.end() == ""


def test_it_ends_while_a_reader_waits(serve: Callable[..., Served], tmp_path: Path, photo: bytes) -> None:
    (tmp_path / "archive/large.jpg").write_bytes(photo + bytes(30_000_000))
    served = serve()
    with socket.create_connection((served.host, served.port), timeout=60) as connection:
        connection.sendall(b"GET /original/large.jpg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        connection.recv(10)
        assert served.end() == ""


def test_other_hosts_are_warned_of(serve: Callable[..., Served]) -> None:
    served = serve("--host", "0.0.0.0")
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    for host, status in (("10.0.0.1", 200), (socket.gethostname(), 200), ("evil.example", 421)):
        connection.request("GET", "/", headers={"Host": host})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status
    connection.close()
    errors = served.end().splitlines()
    assert len(errors) == 1 and "warning: everybody who reaches this address sees all pictures" in errors[0]


def test_ports_and_hosts_that_cannot_be_had(serve: Callable[..., Served], tmp_path: Path) -> None:
    served = serve()
    archive = str(tmp_path / "archive")
    used = run("serve", "--port", str(served.port), archive, code=ExitCode.OUTPUT).stderr
    assert f"127.0.0.1, port {served.port}: " in used and used.count("\n") == 1
    assert "--host 256.0.0.1: " in run("serve", "--host", "256.0.0.1", archive, code=ExitCode.USAGE).stderr


def test_an_archive_that_is_none(tmp_path: Path) -> None:
    assert "none: No such file" in run("serve", str(tmp_path / "none"), code=ExitCode.INPUT).stderr


@pytest.mark.parametrize("package", ["uvicorn", "starlette", "jinja2"])
def test_a_missing_package(tmp_path: Path, package: str) -> None:
    code = f"import sys; sys.modules[{package!r}] = None; import jrecomp.cli.app as a; a.main(['serve', '.'])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == ExitCode.USAGE
    assert result.stderr == f"jrecomp: the package {package} is not installed (pip install jrecomp[serve])\n"
