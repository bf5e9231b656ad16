"""Runs a target in the sanitizer build; fuzz.run starts it as a process of its own."""

import os
import random
import signal
import sys
import time
import traceback
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any


def main() -> None:
    """Arguments: `fuzz TARGET SECONDS FINDINGS` and libFuzzer's, or `replay TARGET ROUNDS` and paths."""
    mode, name, number, *rest = sys.argv[1:]
    if mode == "fuzz":
        fuzz(name, float(number), Path(rest[0]), rest[1:])
    else:
        replay(name, int(number), [Path(place) for place in rest])


def fuzz(name: str, seconds: float, findings: Path, arguments: list[str]) -> None:
    """Fuzz a target with libFuzzer.

    seconds: of CPU time. findings: folder for the input at which it ended, if there is one.
    """
    import atheris

    with atheris.instrument_imports(include=["jrecomp"]):
        target: Any = import_module(f"fuzz.targets.{name}")

    def check(data: bytes) -> None:
        if time.process_time() > seconds:
            signal.raise_signal(signal.SIGUSR1)  # libFuzzer ends
        try:
            target.check(data)
        except Exception:
            traceback.print_exc()
            finding = findings / f"error-{sha256(data).hexdigest()[:16]}"
            finding.write_bytes(data)
            print(f"Test unit written to {finding}", flush=True)  # as libFuzzer says after a crash
            os._exit(1)

    def mutate(data: bytes, largest: int, seed: int) -> bytes:
        def mutation(part: bytes) -> bytes:
            return bytes(atheris.Mutate(part, max(1, largest - len(data) + len(part))))

        random.seed(seed)
        if not data or random.random() < 0.5:
            return mutation(data)
        return bytes(target.mutate(data, mutation)[:largest])

    options = {"custom_mutator": mutate} if hasattr(target, "mutate") else {}
    atheris.Setup([sys.argv[0], f"-artifact_prefix={findings}{os.sep}", *arguments], check, **options)
    atheris.Fuzz()


def replay(name: str, rounds: int, places: list[Path]) -> None:
    """Check files and those in folders, and inputs changed at random; it needs no fuzzer."""
    target: Any = import_module(f"fuzz.targets.{name}")
    paths = [path for place in places for path in (sorted(place.iterdir()) if place.is_dir() else [place])]
    inputs = [path.read_bytes() for path in paths]
    random.seed(1)
    for data in (*inputs, *(_mutated(target, random.choice(inputs)) for _ in range(rounds))):
        try:
            target.check(data)
        except BaseException:
            print(f"input: {data.hex()}")
            raise
    print(f"{name}: {len(inputs)} files and {rounds} changed inputs")


def _mutated(target: Any, data: bytes) -> bytes:
    if hasattr(target, "mutate") and random.random() < 0.5:
        return bytes(target.mutate(data, _changed))
    return _changed(data)


def _changed(data: bytes) -> bytes:
    """Some bytes replaced, removed or repeated."""
    for _ in range(random.randint(1, 4)):
        begin = random.randrange(len(data) + 1)
        end = min(len(data), begin + random.choice([0, 1, 1, 2, 8]))
        part = random.choice([random.randbytes(end - begin), b"", 2 * data[begin:end], b"\xff"])
        data = data[:begin] + part + data[end:]
    return data


if __name__ == "__main__":
    main()
