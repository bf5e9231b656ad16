"""The native code under AddressSanitizer and UndefinedBehaviorSanitizer, apart from Python."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
NATIVE = TESTS.parent / "jrecomp" / "native"
COMPILER = os.environ.get("CXX", "g++")

SCAN = [TESTS / "jpeg" / "fuzz_scan.cpp", NATIVE / "scan_decode.cpp", NATIVE / "scan_encode.cpp"]
ENGINE = [
    TESTS / "model" / "fuzz_engine.cpp",
    *(NATIVE / "engine" / f"{name}.cpp" for name in ("inputs", "network", "planes")),
]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which(COMPILER) is None, reason="no C++ compiler")
@pytest.mark.parametrize(("sources", "rounds"), [(SCAN, 20000), (ENGINE, 500)], ids=["scan", "engine"])
def test_random_input(sources: list[Path], rounds: int, tmp_path: Path) -> None:
    program = tmp_path / "fuzz"
    flags = ["-std=c++17", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    subprocess.run([COMPILER, *flags, "-I", sources[1].parent, *sources, "-o", program], check=True)
    subprocess.run([program, str(rounds), "1"], check=True)
