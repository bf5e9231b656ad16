"""A process that forks while its threads use the library: children compute as their parent does."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")


def output_of(code: str, photo: bytes) -> str:
    """What a new Python prints; a child that waits for ever ends by SIGALRM."""
    command = [sys.executable, "-P", "-W", "ignore::DeprecationWarning", "-c", code]
    result = subprocess.run(command, input=photo, capture_output=True)
    assert result.returncode == 0, result.stderr.decode()
    return result.stdout.decode()


WHILE_A_MODEL_LOADS = """
import os, signal, sys, threading
import jrecomp
from jrecomp.model import weights

photo = sys.stdin.buffer.read()
loading, forked = threading.Event(), threading.Event()
read = weights._read

def slow_read(entry):
    loading.set()
    forked.wait()
    return read(entry)

weights._read = slow_read
thread = threading.Thread(target=jrecomp.compress, args=[photo])
thread.start()
loading.wait()
child = os.fork()
weights._read = read
if child == 0:
    signal.alarm(120)
    assert jrecomp.decompress(jrecomp.compress(photo)) == photo
    os._exit(0)
status = os.waitpid(child, 0)[1]
forked.set()
thread.join()
print(os.waitstatus_to_exitcode(status))
"""


def test_fork_while_a_thread_loads_a_model(photo: bytes) -> None:
    """The lock that the thread holds exists in the child, the thread does not."""
    assert output_of(WHILE_A_MODEL_LOADS, photo) == "0\n"


AFTER_THREADS = """
import multiprocessing, signal, sys
import jrecomp

def work(data):
    signal.alarm(120)
    return jrecomp.compress(data, threads=3)

photo = sys.stdin.buffer.read()
expected = jrecomp.compress(photo, threads=3)
with multiprocessing.get_context("fork").Pool(2) as pool:
    print([result == expected for result in pool.map(work, [photo] * 3)])
"""


def test_fork_after_threads(make_photo: Callable[..., bytes]) -> None:
    """Pools of threads of the parent are not awaited by its children."""
    assert output_of(AFTER_THREADS, make_photo(400, 300)) == "[True, True, True]\n"


WHILE_MEMORY_IS_PROMISED = """
import os, signal
from jrecomp.container import packing

with packing._promising:
    child = os.fork()
    if child == 0:
        signal.alarm(120)
        os._exit(int(not packing.squeeze(bytes(2000))))
    status = os.waitpid(child, 0)[1]
print(os.waitstatus_to_exitcode(status))
"""


def test_fork_while_a_thread_asks_for_memory(photo: bytes) -> None:
    assert output_of(WHILE_MEMORY_IS_PROMISED, photo) == "0\n"


WHILE_THREADS_COMPUTE = """
import os, signal, sys, threading
import jrecomp

photo = sys.stdin.buffer.read()
expected = jrecomp.compress(photo)
ended = threading.Event()

def compute():
    while not ended.is_set():
        assert jrecomp.decompress(jrecomp.compress(photo, threads=2)) == photo

threads = [threading.Thread(target=compute) for _ in range(2)]
for thread in threads:
    thread.start()
codes = []
for _ in range(6):
    child = os.fork()
    if child == 0:
        signal.alarm(120)
        os._exit(int(jrecomp.compress(photo, threads=2) != expected))
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
ended.set()
for thread in threads:
    thread.join()
print(codes)
"""


def test_forks_while_threads_compute(photo: bytes) -> None:
    assert output_of(WHILE_THREADS_COMPUTE, photo) == "[0, 0, 0, 0, 0, 0]\n"
