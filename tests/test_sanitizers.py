"""The targets of fuzz/ with AddressSanitizer and UndefinedBehaviorSanitizer, without a fuzzer."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from fuzz import build, seeds
from fuzz.run import LENGTHS

COMPILER = os.environ.get("CXX", "g++")
ROUNDS = 300
"""Number of inputs that are changed at random."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which(COMPILER) is None, reason="no C++ compiler"),
]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of inputs for each target, only such as are made."""
    folder = tmp_path_factory.mktemp("seeds")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("JRECOMP_DATA", raising=False)
        patch.delenv("FUZZ_SEEDS", raising=False)
        seeds.write(folder)
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of processes that import jrecomp as it was built with sanitizers."""
    package = build.build(tmp_path_factory.mktemp("sanitized"), COMPILER, build.SANITIZERS)
    return build.environment(
        package, [_runtime(f"lib{name}") for name in ("asan.so", "ubsan.so", "stdc++.so.6")]
    )


def _runtime(name: str) -> Path:
    found = subprocess.run(
        [COMPILER, f"-print-file-name={name}"], stdout=subprocess.PIPE, text=True, check=True
    )
    return Path(found.stdout.strip())


@pytest.mark.parametrize("target", LENGTHS)
def test_target(target: str, inputs: Path, environment: dict[str, str]) -> None:
    command = build.command("replay", target, str(ROUNDS), str(inputs / target))
    subprocess.run(command, env=environment, check=True)
