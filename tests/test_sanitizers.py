"""The native code under AddressSanitizer and UndefinedBehaviorSanitizer, apart from Python."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from jrecomp.native._scan import instructions

TESTS = Path(__file__).parent
NATIVE = TESTS.parent / "jrecomp" / "native"
COMPILER = os.environ.get("CXX", "g++")

SCAN = [
    TESTS / "jpeg" / "fuzz_scan.cpp",
    *(NATIVE / f"scan_{name}.cpp" for name in ("decode", "encode", "arithmetic")),
]
ENGINE = [
    TESTS / "model" / "fuzz_engine.cpp",
    *(NATIVE / "engine" / f"{name}.cpp" for name in ("ac_inputs", "inputs", "network", "planes")),
]
BLOCKS = [TESTS / "model" / "fuzz_blocks.cpp"]

FORMS = {
    "": [],
    "avx2": ["-march=x86-64-v3"],
    "avx512": ["-march=x86-64-v4", "-mavx512vbmi", "-mavx512vbmi2", "-mavx512vnni"],
}
"""Sets of instructions that the engine is built for, as in jrecomp/native/CMakeLists.txt."""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which(COMPILER) is None, reason="no C++ compiler")
@pytest.mark.parametrize(
    ("sources", "rounds", "form"),
    [
        (SCAN, 20000, ""),
        *((ENGINE, 500, form) for form in FORMS),
        *((BLOCKS, 500, form) for form in FORMS),
    ],
    ids=["scan", *(f"{kind}-{form or 'portable'}" for kind in ("planes", "blocks") for form in FORMS)],
)
def test_random_input(sources: list[Path], rounds: int, form: str, tmp_path: Path) -> None:
    if form not in ("", *instructions()):
        pytest.skip(f"this processor lacks {form}")
    program = tmp_path / "fuzz"
    flags = [
        "-std=c++17",
        "-O1",
        "-g",
        "-Wno-psabi",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
    ]
    flags += FORMS.get(form, [])
    subprocess.run(
        [COMPILER, *flags, "-I", NATIVE, "-I", NATIVE / "engine", *sources, "-o", program], check=True
    )
    subprocess.run([program, str(rounds), "1"], check=True)
