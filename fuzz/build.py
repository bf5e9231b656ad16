"""Builds jrecomp with sanitizers, as a package of its own that does not touch the installed one."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parent.parent

SANITIZERS = "-O2 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all"
COVERAGE = "-fsanitize-coverage=inline-8bit-counters,pc-table -fno-sanitize=function,vptr"
"""Further options of clang: coverage for libFuzzer. Its runtime lacks what the excluded checks need."""

OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:malloc_context_size=1:quarantine_size_mb=32",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "PYTHONMALLOC": "malloc",
}
"""Environment of sanitized processes. Python keeps some memory until its end, so leaks are not reported. Its
frames have no useful stacks. Its own allocator would hide errors on small objects."""


def build(folder: Path, compiler: str, flags: str) -> Path:
    """Build with a compiler and flags; folder: for the package and what its build leaves.

    Returns the folder to import it from. Raises CalledProcessError.
    """
    package = folder / "package"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    if find_spec("scikit_build_core") and find_spec("nanobind"):
        command.append("--no-build-isolation")
    command += ["--upgrade", "--target", str(package), f"--config-settings=build-dir={folder / 'cmake'}"]
    # No standard type of build: nanobind would strip it or optimize for size.
    command += ["--config-settings=cmake.build-type=Sanitized"]
    command += [f"--config-settings=cmake.define.CMAKE_CXX_FLAGS={flags}", str(ROOT)]
    subprocess.run(command, env=os.environ | {"CXX": compiler, "CC": compiler}, check=True)
    return package


def environment(package: Path, preloaded: list[Path]) -> dict[str, str]:
    """The environment of processes that import the package; preloaded: runtimes of the sanitizers."""
    places = [str(package), *(place for place in sys.path if place), str(ROOT)]
    own = {"PYTHONPATH": os.pathsep.join(places), "LD_PRELOAD": " ".join(map(str, preloaded))}
    return os.environ | OPTIONS | own


def command(*arguments: str) -> list[str]:
    """Runs fuzz.drive, without `site`, which would import an editable installation instead."""
    return [sys.executable, "-P", "-S", "-m", "fuzz.drive", *arguments]
