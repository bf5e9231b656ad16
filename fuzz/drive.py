"""Runs a target in the sanitizer build; fuzz.run starts it as a process of its own."""

import random
import signal
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any


def main() -> None:
    """Arguments: `fuzz TARGET SECONDS` and those of libFuzzer, or `replay TARGET ROUNDS` and folders."""
    mode, name, number, *rest = sys.argv[1:]
    if mode == "fuzz":
        fuzz(name, float(number), rest)
    else:
        replay(name, int(number), [Path(folder) for folder in rest])


def fuzz(name: str, seconds: float, arguments: list[str]) -> None:
    """Fuzz a target with libFuzzer; seconds: of CPU time."""
    import atheris

    with atheris.instrument_imports(include=["jrecomp"]):
        target: Any = import_module(f"fuzz.targets.{name}")

    def check(data: bytes) -> None:
        if time.process_time() > seconds:
            signal.raise_signal(signal.SIGUSR1)  # libFuzzer ends
        target.check(data)

    def mutate(data: bytes, largest: int, seed: int) -> bytes:
        def mutation(part: bytes) -> bytes:
            return bytes(atheris.Mutate(part, max(1, largest - len(data) + len(part))))

        random.seed(seed)
        if not data or random.random() < 0.5:
            return mutation(data)
        return bytes(target.mutate(data, mutation)[:largest])

    options = {"custom_mutator": mutate} if hasattr(target, "mutate") else {}
    atheris.Setup([sys.argv[0], *arguments], check, **options)
    atheris.Fuzz()


def replay(name: str, rounds: int, folders: list[Path]) -> None:
    """Check the files in folders, and inputs changed at random; it needs no fuzzer."""
    target: Any = import_module(f"fuzz.targets.{name}")
    inputs = [path.read_bytes() for folder in folders for path in sorted(folder.iterdir())]
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
