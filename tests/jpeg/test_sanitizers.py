"""The native codec under AddressSanitizer and UndefinedBehaviorSanitizer, apart from Python."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NATIVE = ROOT / "jrecomp" / "native"
COMPILER = os.environ.get("CXX", "g++")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which(COMPILER) is None, reason="no C++ compiler")
def test_random_scans(tmp_path: Path) -> None:
    program = tmp_path / "fuzz_scan"
    sources = [
        Path(__file__).parent / "fuzz_scan.cpp",
        NATIVE / "scan_decode.cpp",
        NATIVE / "scan_encode.cpp",
    ]
    flags = ["-std=c++17", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    subprocess.run([COMPILER, *flags, "-I", NATIVE, *sources, "-o", program], check=True)
    subprocess.run([program, "20000", "1"], check=True)
