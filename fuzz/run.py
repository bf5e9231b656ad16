"""Builds jrecomp with sanitizers and fuzzes it: `python -m fuzz.run` (docs/fuzzing.md)."""

import argparse
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from fuzz import build, seeds

LENGTHS = {"jpeg": 8192, "container": 8192, "shrink": 8192, "scan": 1024, "engine": 1024}
"""The targets, and the largest length of their inputs in bytes."""

FOLDER = build.ROOT / "build" / "fuzz"
MEBIBYTES, SECONDS = 2048, 60
"""Memory and time that an input may take; more is a finding."""


@dataclass(frozen=True)
class Outcome:
    """What the fuzzing of a target gave.

    seconds: of CPU. executions: inputs. edges: reached in C++ and Python. finding: the input that broke a
    promise, None if there is none. log: output of the process. failed: whether it ended without a result.
    """

    target: str
    seconds: float
    executions: int
    edges: int
    finding: Path | None
    log: Path
    failed: bool


def main() -> int:
    """Returns 0 without findings, 1 with findings, 2 if something is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(LENGTHS)}; default: all")
    parser.add_argument("--seconds", type=float, default=60, help="CPU time for each target (default: 60)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="targets at a time")
    parser.add_argument("--replay", type=Path, metavar="PATH", help="check this input or folder instead")
    options = parser.parse_args()
    targets = options.targets or list(LENGTHS)
    if unknown := set(targets) - set(LENGTHS):
        parser.error(f"there is no target {', '.join(sorted(unknown))}")
    if missing := _missing():
        print("fuzzing needs:", *missing, sep="\n  ", file=sys.stderr)
        return 2
    package = build.build(FOLDER, "clang++", f"{build.SANITIZERS} {build.COVERAGE}")
    environment = build.environment(package, _runtime())
    if options.replay:
        commands = [build.command("replay", target, "0", str(options.replay)) for target in targets]
        return max(subprocess.run(command, env=environment).returncode for command in commands)
    seeds.write(FOLDER / "seeds")
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(lambda target: fuzz(target, options.seconds, environment), targets))
    return report(outcomes)


def _missing() -> list[str]:
    needed = {
        "clang++ (Debian: apt install clang)": shutil.which("clang++"),
        "atheris (pip install atheris)": find_spec("atheris"),
        "jpegtran (Debian: apt install libjpeg-turbo-progs)": shutil.which("jpegtran"),
    }
    return [what for what, found in needed.items() if not found]


def _runtime() -> list[Path]:
    """AddressSanitizer and libFuzzer in one library."""
    import atheris

    return [Path(atheris.path()) / "asan_with_fuzzer.so"]


def fuzz(target: str, seconds: float, environment: dict[str, str]) -> Outcome:
    """Fuzz a target for some seconds of CPU time. Its corpus is kept and extended."""
    corpus, findings, log = (FOLDER / name / target for name in ("corpus", "findings", "logs"))
    for folder in (corpus, findings, log.parent):
        folder.mkdir(parents=True, exist_ok=True)
    folders = findings, corpus, FOLDER / "seeds" / target
    command = build.command("fuzz", target, str(seconds), *map(str, folders))
    command += [f"-max_len={LENGTHS[target]}", f"-rss_limit_mb={MEBIBYTES}", f"-timeout={SECONDS}"]
    command += ["-print_final_stats=1", f"-report_slow_units={SECONDS}"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    text = log.read_text("utf-8", "replace")
    found = re.findall(r"Test unit written to (.+)", text)
    return Outcome(
        target,
        usage.ru_utime + usage.ru_stime,
        max(_last(r"stat::number_of_executed_units: +(\d+)", text), _last(r"(?m)^#(\d+)", text)),
        _last(r"\bcov: (\d+)", text),
        Path(found[-1]) if found else None,
        log,
        process.returncode != 0,
    )


def _last(pattern: str, text: str) -> int:
    return int(["0", *re.findall(pattern, text)][-1])


def report(outcomes: list[Outcome]) -> int:
    """Print a table, and a line for each finding; returns the exit status."""
    print(f"{'target':10} {'CPU s':>8} {'executions':>12} {'edges':>8}  result")
    for o in outcomes:
        result = f"finding: {o.finding}" if o.finding else f"failed: {o.log}" if o.failed else "no finding"
        print(f"{o.target:10} {o.seconds:8.0f} {o.executions:12,} {o.edges:8,}  {result}")
    bad = sum(o.finding is not None or o.failed for o in outcomes)
    seconds, executions = sum(o.seconds for o in outcomes), sum(o.executions for o in outcomes)
    print(f"{seconds / 60:.1f} CPU minutes, {executions:,} executions, {bad or 'no'} findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
