"""The command on Ray: two nodes on this machine, workers and drivers that are killed, an S3 server."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import jrecomp
from jrecomp.errors import ExitCode

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not find_spec("ray"), reason="the package ray is not installed (the extra `ray`)"),
    pytest.mark.xdist_group("ray"),
]

TWO_NODES = """
import sys
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
second = cluster.add_node(num_cpus=1)
cluster.wait_for_nodes()
print(cluster.address, flush=True)
if sys.stdin.readline():
    cluster.remove_node(second, allow_graceful=False)
    sys.stdin.readline()
cluster.shutdown()
"""
"""A line on the input takes the second node away."""

DEADLY = b"\xff\xd8 deadly"
PATCH = f"""
import os, sys
if any("default_worker" in argument for argument in sys.orig_argv):
    import jrecomp.pipeline as pipeline
    compress = pipeline.compress
    def careless(data, **options):
        if data == {DEADLY!r}:
            os.kill(os.getpid(), 9)
        return compress(data, **options)
    pipeline.compress = careless
"""
"""Makes the workers of Ray die of a file, as a defect of native code or a lack of memory would."""


@dataclass
class Nodes:
    """A cluster of two nodes with one core each."""

    process: "subprocess.Popen[str]"
    address: str
    environment: dict[str, str]

    def start(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        command = [
            sys.executable,
            "-m",
            "jrecomp",
            "cluster",
            *map(str, arguments),
            "--address",
            self.address,
        ]
        return subprocess.Popen(command, env=self.environment, stdout=-1, stderr=-1, text=True, cwd="/")

    def run(self, *arguments: str | Path, code: ExitCode = ExitCode.OK) -> dict[str, Any]:
        process = self.start(*arguments, "--json")
        output, errors = process.communicate(timeout=300)
        assert process.returncode == code, errors
        assert "Traceback" not in errors
        document: dict[str, Any] = json.loads(output)
        return document | {"errors": errors}

    def workers(self) -> list[int]:
        """Processes of this cluster that compress."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                title = (path / "cmdline").read_bytes()
                environment = (path / "environ").read_bytes()
            except OSError:
                continue
            if b"MapBatches(_Actor)" in title and f"CLUSTER_TEST={os.getpid()}".encode() in environment:
                found.append(int(path.name))
        return found


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    patch = tmp_path_factory.mktemp("patch")
    (patch / "sitecustomize.py").write_text(PATCH)
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(patch), os.environ.get("PYTHONPATH")])),
        "CLUSTER_TEST": str(os.getpid()),
        "RAY_USAGE_STATS_ENABLED": "0",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{PORT}",
        "FSSPEC_S3_ENDPOINT_URL": f"http://127.0.0.1:{PORT}",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    command = [sys.executable, "-c", TWO_NODES]
    with subprocess.Popen(
        command, env=environment, stdin=-1, stdout=-1, stderr=-3, text=True, cwd="/"
    ) as process:
        assert process.stdout and process.stdin
        address = next(
            (line.strip() for line in process.stdout if line.count(":") == 1 and line[0].isdigit()), ""
        )
        assert address
        yield Nodes(process, address, environment)
        process.stdin.close()
        process.wait(timeout=60)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


PORT = free_port()
COUNT = 60


@pytest.fixture
def photos(tmp_path: Path, make_photo: Callable[..., bytes]) -> Path:
    """Photographs of which no two are the same, in two folders."""
    for number in range(COUNT):
        path = tmp_path / "in" / str(number % 2) / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make_photo(512 + 8 * number, 512))
    return tmp_path


def rows(manifest: str) -> list[dict[str, Any]]:
    from pyarrow import dataset

    found: list[dict[str, Any]] = dataset.dataset(manifest, format="parquet").to_table().to_pylist()
    return found


def check(place: Path, found: list[dict[str, Any]]) -> None:
    """Every file has one container and one row, which tell the same; nothing else is there."""
    sources = {path.relative_to(place / "in").as_posix(): path for path in (place / "in").rglob("*.jpg")}
    assert sorted(row["source"] for row in found) == sorted(sources)
    outputs = [p for p in (place / "out").rglob("*") if p.is_file() and "_manifest" not in p.parts]
    assert {path.relative_to(place / "out").as_posix() for path in outputs} == {
        f"{name}.jrc" for name in sources
    }
    for row in found:
        packed = (place / "out" / row["target"]).read_bytes()
        assert sha256(packed).hexdigest() == row["container_sha256"]
        assert sha256(jrecomp.decompress(packed, threads=1)).hexdigest() == row["original_sha256"]
        assert sha256(sources[row["source"]].read_bytes()).hexdigest() == row["original_sha256"]


def wait_for_outputs(process: "subprocess.Popen[str]", folder: Path, count: int) -> None:
    """Wait until some outputs are there, but not all."""
    deadline = time.monotonic() + 120
    while len(list(folder.rglob("*.jrc"))) < count:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)


def test_a_worker_is_killed_in_the_middle(nodes: Nodes, photos: Path) -> None:
    process = nodes.start("compress", photos / "in", photos / "out", "--json")
    wait_for_outputs(process, photos / "out", 5)
    for worker in nodes.workers():
        os.kill(worker, signal.SIGKILL)
        break
    else:
        pytest.fail("there is no worker to kill")
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    document = json.loads(output)
    assert (document["files"], document["failed"]) == (COUNT, 0)
    check(photos, rows(document["manifest"]))


def test_the_driver_is_killed_in_the_middle(nodes: Nodes, photos: Path) -> None:
    process = nodes.start("compress", photos / "in", photos / "out")
    wait_for_outputs(process, photos / "out", 5)
    process.kill()
    process.communicate(timeout=60)
    first = {path: path.stat().st_mtime_ns for path in (photos / "out").rglob("*.jrc")}
    inodes = {path: path.stat().st_ino for path in first}
    assert 5 <= len(first) < COUNT
    document = nodes.run("compress", photos / "in", photos / "out")
    assert document["kept"] + document["written"] == COUNT
    assert document["kept"] >= len(first) - 2
    assert {path: path.stat().st_ino for path in first} == inodes
    check(photos, rows(document["manifest"]))


def test_bad_files_fail_alone(nodes: Nodes, photos: Path) -> None:
    """One kills every worker that touches it, one has a container that is another's."""
    (photos / "in/0/deadly.jpg").write_bytes(DEADLY)
    (photos / "out/1").mkdir(parents=True)
    (photos / "out/1/1.jpg.jrc").write_bytes(b"something else")
    document = nodes.run("compress", photos / "in", photos / "out", "--model", "fast", code=ExitCode.SHORTAGE)
    assert (document["written"] + document["kept"], document["failed"]) == (COUNT - 1, 2)
    failed = {
        row["source"]: (row["exit_code"], row["error"]) for row in rows(document["manifest"]) if row["error"]
    }
    assert failed == {
        "0/deadly.jpg": (9, "3 workers that handled the file died, perhaps of too little memory"),
        "1/1.jpg": (7, "1/1.jpg.jrc: exists and is another file (--force replaces it)"),
    }
    assert (photos / "out/1/1.jpg.jrc").read_bytes() == b"something else"


def test_wrong_use(nodes: Nodes, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    cases: tuple[tuple[list[str | Path], str, ExitCode], ...] = (
        (["compress", tmp_path / "empty", tmp_path / "out"], "contains no .jpg", ExitCode.USAGE),
        (["compress", tmp_path / "missing", tmp_path / "out"], "No such file", ExitCode.INPUT),
        (["verify", tmp_path / "empty", "--device", "cuda"], "the cluster has no GPU", ExitCode.USAGE),
    )
    for arguments, text, code in cases:
        process = nodes.start(*arguments)
        _, errors = process.communicate(timeout=120)
        assert (process.returncode, text in errors) == (code, True), errors
        assert "Traceback" not in errors


@pytest.fixture
def bucket(nodes: Nodes) -> Iterator[Any]:
    """A bucket of moto's S3 server."""
    if not (find_spec("moto") and find_spec("s3fs")):
        pytest.skip("the packages moto and s3fs are not installed (the extra `s3-test`)")
    log = subprocess.DEVNULL
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(PORT)]
    with subprocess.Popen(command, env=nodes.environment, stdout=log, stderr=log) as server:
        deadline = time.monotonic() + 60
        while server.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", PORT)).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield S3(nodes.environment)
        server.kill()


@dataclass
class S3:
    """Copies between folders and the server, in processes whose warnings are their own."""

    environment: dict[str, str]

    def do(self, code: str) -> str:
        script = f"import s3fs; fs = s3fs.S3FileSystem(); {code}"
        result = subprocess.run(
            [sys.executable, "-c", script], env=self.environment, capture_output=True, text=True
        )
        assert result.returncode == 0, result.stderr
        return result.stdout


def test_s3(nodes: Nodes, bucket: S3, photos: Path) -> None:
    shutil.rmtree(photos / "in/0")
    bucket.do(
        f"fs.mkdir('photos'); fs.mkdir('archive'); fs.put({str(photos / 'in')!r}, 'photos/', recursive=True)"
    )
    source, target = "s3://photos/in", "s3://archive/deep"
    document = nodes.run("compress", source, target, "--model", "fast")
    assert (document["written"], document["failed"]) == (COUNT // 2, 0)
    assert nodes.run("compress", source, target, "--model", "fast")["kept"] == COUNT // 2
    assert nodes.run("verify", target, source)["verified"] == COUNT // 2
    nodes.run("decompress", target, "s3://photos/restored")
    bucket.do(f"fs.get('photos/restored', {str(photos / 'restored')!r}, recursive=True)")
    for path in (photos / "in").rglob("*.jpg"):
        assert (photos / "restored" / path.relative_to(photos / "in")).read_bytes() == path.read_bytes()
    bucket.do(f"fs.get('archive/deep', {str(photos / 'out')!r}, recursive=True)")
    check(photos, rows(str(next((photos / "out/_manifest").iterdir()))))
    bucket.do("fs.pipe('archive/deep/1/1.jpg.jrc', b'cut')")
    document = nodes.run("compress", source, target, code=ExitCode.OUTPUT)
    assert (document["kept"], document["failed"]) == (COUNT // 2 - 1, 1)


def test_a_node_is_lost_in_the_middle(nodes: Nodes, photos: Path) -> None:
    """This test is the last, as the cluster has one node from here on."""
    process = nodes.start("compress", photos / "in", photos / "out", "--json")
    wait_for_outputs(process, photos / "out", 5)
    assert nodes.process.stdin
    nodes.process.stdin.write("\n")
    nodes.process.stdin.flush()
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    document = json.loads(output)
    assert (document["files"], document["failed"]) == (COUNT, 0)
    check(photos, rows(document["manifest"]))
