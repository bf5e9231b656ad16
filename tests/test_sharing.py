"""How threads and the device are shared among the jobs of a run."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from jrecomp import pipeline, sharing
from jrecomp.codec.devices import Amount
from jrecomp.errors import UnknownModelError, UsageError
from jrecomp.jobs import Job
from jrecomp.model import DEFAULT_MODEL
from jrecomp.options import Device
from jrecomp.sharing import Shares, share
from tests.cli.commands import run


def first_of(jobs: Sequence[Job]) -> Callable[[int], Sequence[Job]]:
    return lambda count: jobs[:count]


def there_are(jobs: int) -> Callable[[int], Sequence[Job]]:
    return first_of([Job(None)] * jobs)


def made(folder: Path, sizes: Sequence[int]) -> list[Job]:
    """Jobs for files of these sizes, which take no room on a disk, without targets that exist."""
    jobs = []
    for number, size in enumerate(sizes):
        path = folder / f"{number}.jpg"
        path.touch()
        os.truncate(path, size)
        jobs.append(Job(path, folder / f"{number}.jpg.jrc"))
    return jobs


@pytest.mark.parametrize(
    ("threads", "jobs", "expected"), [(8, 3, (3, 2)), (2, 9, (2, 1)), (5, 1, (1, 5)), (3, 0, (1, 3))]
)
def test_threads_are_shared(threads: int, jobs: int, expected: tuple[int, int]) -> None:
    shares = share(threads, "cpu", there_are(jobs))
    assert (shares.at_once, shares.threads) == expected
    assert shares.computing == shares.at_once


def test_a_gpu_takes_many_jobs_at_a_time(machine: SimpleNamespace) -> None:
    shared = [share(4, name, there_are(3)) for name in ("auto", "cpu", "cuda")]
    assert shared == [Shares(3, 1, "cpu", 3), Shares(3, 1, "cpu", 3), Shares(3, 4, "cuda", 4)]
    many = share(16, "cuda", there_are(1000), DEFAULT_MODEL)
    assert many == Shares(sharing.GPU_JOBS, 16, "cuda", sharing.GPU_COMPUTING)


def test_what_no_file_could_use_is_refused_at_once(machine: SimpleNamespace) -> None:
    with pytest.raises(UsageError, match="does not support model 'fast'"):
        share(4, "cuda", there_are(3), "fast")
    with pytest.raises(UnknownModelError, match="nonesuch"):
        share(4, "auto", there_are(3), "nonesuch")
    machine.gpu = False
    with pytest.raises(UsageError, match="no GPU"):
        share(4, "cuda", there_are(3))


# Runs of `jrecomp compress` and `decompress` on 16 cores with one H200: MB, files, model, passes, and which
# device was clearly faster (docs/decisions/0018-devices.md); where neither was, the CPU is expected.
MEASURED: list[tuple[int, int, str, int, Device]] = [
    (89, 44, "best", 2, "cuda"),
    (89, 44, "best", 1, "cpu"),
    (89, 44, "default", 2, "cpu"),
    (89, 44, "default", 1, "cpu"),
    (89, 1320, "best", 2, "cpu"),
    (89, 1320, "best", 1, "cpu"),
    (89, 1320, "default", 2, "cpu"),
    (18, 264, "best", 2, "cpu"),
]


@pytest.mark.parametrize(("megabytes", "count", "model", "passes", "device"), MEASURED)
def test_the_faster_device_is_chosen(
    megabytes: int,
    count: int,
    model: str,
    passes: int,
    device: Device,
    machine: SimpleNamespace,
    tmp_path: Path,
) -> None:
    jobs = made(tmp_path, [megabytes * 10**6 // count] * count)
    assert share(16, "auto", first_of(jobs), model, passes).device == device
    assert share(16, "cpu", first_of(jobs), model, passes).device == "cpu"


def test_kernels_are_not_compiled_for_little_work(machine: SimpleNamespace, tmp_path: Path) -> None:
    jobs = first_of(made(tmp_path, [10**8]))
    assert share(16, "auto", jobs, "best", 2).device == "cuda"
    machine.compiled = False
    assert share(16, "auto", jobs, "best", 2).device == "cpu"


LARGE = [10**9] * 4


def test_many_threads_are_faster_than_a_gpu(machine: SimpleNamespace, tmp_path: Path) -> None:
    jobs = first_of(made(tmp_path, LARGE))
    chosen = [share(threads, "auto", jobs, "best", 2).device for threads in (4, 16, 64)]
    assert chosen == ["cuda", "cuda", "cpu"]


@pytest.mark.parametrize("part", ["torch", "driver", "gpu"])
def test_without_a_gpu_the_cpu_is_chosen(part: str, machine: SimpleNamespace, tmp_path: Path) -> None:
    setattr(machine, part, False)
    assert share(4, "auto", first_of(made(tmp_path, LARGE)), "best", 2).device == "cpu"


def test_torch_is_not_imported_for_little_work(
    machine: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jrecomp.codec.gpu.batch", None)  # an import would fail
    assert share(4, "auto", first_of(made(tmp_path, [10**6])), "best", 2).device == "cpu"


@pytest.mark.parametrize("model", ["fast", "latents"])
def test_models_that_a_gpu_does_not_support_are_for_the_cpu(
    model: str, machine: SimpleNamespace, tmp_path: Path
) -> None:
    assert share(4, "auto", first_of(made(tmp_path, LARGE)), model, 2).device == "cpu"


def test_what_is_done_does_not_count(machine: SimpleNamespace, tmp_path: Path) -> None:
    jobs = made(tmp_path, LARGE)
    for job in jobs[1:]:
        assert job.target
        job.target.touch()
    skipped = Job(jobs[0].source, skipped="a link")
    assert share(64, "auto", first_of(jobs[1:]), "best", 2).device == "cpu"
    assert share(16, "auto", first_of(jobs), "best", 2).device == "cuda"
    assert share(16, "auto", first_of([skipped, *jobs[1:]]), "best", 2).device == "cpu"
    assert share(16, "auto", first_of([skipped, *jobs[1:]]), "best", 2, anew=True).device == "cuda"


def test_commands_count_what_they_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make_photo: Callable[..., bytes]
) -> None:
    """Also where outputs exist: with --force, and where containers are checked beside their originals."""
    amounts = list[Amount]()

    def is_gpu_faster(amount: Callable[[], Amount], workers: int) -> bool:
        amounts.append(amount())
        return False

    monkeypatch.setattr(sharing, "is_gpu_faster", is_gpu_faster)
    photos, archive = tmp_path / "photos", tmp_path / "archive"
    photos.mkdir()
    pictures = make_photo(64, 64), make_photo(96, 32)
    for number, data in enumerate(pictures):
        (photos / f"{number}.jpg").write_bytes(data)
    total = sum(map(len, pictures))
    compress = ["compress", "-r", str(photos), "--output-dir", str(archive), "--model", "best"]
    for more in ([], [], ["--force"]):
        run(*compress, *more)
    assert amounts == [Amount("best", 2, total, 2), Amount("best", 0, 0, 2), Amount("best", 2, total, 2)]
    amounts.clear()
    run("verify", "-r", str(archive))
    run("verify", "-r", str(archive), "--originals", str(photos))
    run("decompress", "-r", str(archive), "--output-dir", str(photos))
    run("decompress", "-r", str(archive), "--output-dir", str(photos), "--force")
    verified, compared, nothing, forced = amounts
    assert verified == compared == forced
    assert (verified.model, verified.files, verified.passes, nothing.files) == ("best", 2, 1, 0)


@pytest.mark.parametrize(("model", "device"), [("best", "cuda"), ("fast", "cpu")])
def test_containers_tell_their_model(
    model: str, device: Device, machine: SimpleNamespace, tmp_path: Path, make_photo: Callable[..., bytes]
) -> None:
    jobs = made(tmp_path, [0, *LARGE])
    assert jobs[0].source
    jobs[0].source.write_bytes(pipeline.compress(make_photo(), model=model))
    assert share(4, "auto", first_of(jobs)).device == device


def test_a_damaged_container_is_for_the_cpu(machine: SimpleNamespace, tmp_path: Path) -> None:
    assert share(4, "auto", first_of(made(tmp_path, [5, *LARGE]))).device == "cpu"


def test_pipes_are_not_read_to_choose_a_device(machine: SimpleNamespace, tmp_path: Path) -> None:
    """The job could not read them again; a pipe that nobody writes to would block."""
    os.mkfifo(tmp_path / "pipe")
    jobs = [Job(tmp_path / "pipe"), *made(tmp_path, LARGE)]
    assert share(4, "auto", first_of(jobs)).device == "cpu"
