"""Ends folder runs at random moments and checks that no file is lost: python tests/reliability/kill.py.

A round starts `compress`, `decompress` or `shrink` with --force over a folder whose outputs exist with older
contents, and ends it by SIGKILL, SIGTERM, SIGINT or SIGHUP. Then every input must be as before, every output
must have its old or its new bytes, and nothing else may be there. Only SIGKILL may leave a temporary file,
and the next run, which is not ended, has to remove it and to write all outputs.
"""

import argparse
import io
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from PIL import Image

from jrecomp import batch, temporary

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
FILES = 12
START = "import sys; from jrecomp import batch, cli; batch.TOGETHER = int(sys.argv.pop(1)); cli.start()"
"""Starts the command line with a bound on the outputs that are flushed together."""

OLD = b"the output of an earlier run"


class Scene:
    """A command with its inputs, and the outputs that an undisturbed run writes, in a folder of their own."""

    def __init__(self, folder: Path, inputs: dict[str, bytes], command: str, *options: str) -> None:
        self.arguments = [command, *options, "--recursive", "--force", "--verbose", "."]
        self.folder, self.inputs = folder, inputs
        put(folder, inputs)
        self.run()
        self.outputs = {name: data for name, data in found(folder).items() if name not in inputs}
        assert len(self.outputs) == FILES

    def run(self) -> None:
        """Run the command undisturbed, which must leave all outputs and nothing else."""
        started = time.monotonic()
        subprocess.run(self.command(batch.TOGETHER), cwd=self.folder, check=True, capture_output=True)
        self.seconds = time.monotonic() - started

    def command(self, together: int) -> list[str]:
        """The command line; together: outputs that are flushed together at most."""
        return [sys.executable, "-c", START, str(together), *self.arguments]

    def disturb(self, number: signal.Signals, chooser: random.Random) -> Counter[str]:
        """Let the command replace old outputs, end it at a random moment, and check the folder."""
        put(self.folder, dict.fromkeys(self.outputs, OLD))
        together = chooser.choice([1, batch.TOGETHER])
        process = subprocess.Popen(
            self.command(together),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=interruptible,
        )
        assert process.stdout is not None
        outputs = chooser.randrange(FILES) if together == 1 else 0
        for _ in range(outputs):  # a line for each that was written
            process.stdout.readline()
        time.sleep(chooser.random() * (chooser.choice([0.001, 0.01, 0.1]) if outputs else self.seconds))
        process.send_signal(number)
        lines = process.communicate()[1].decode().splitlines(keepends=True)
        message = "".join(line for line in lines if "MB/s" not in line)  # without the progress
        if outputs and number != signal.SIGKILL:  # before, Python itself may be starting
            complete = found(self.folder) == self.inputs | self.outputs
            ends = [(0, ""), (-number, "")] if complete else []  # Python, when it ends, resets its handlers
            ends.append((128 + number, "jrecomp: interrupted\n"))
            assert (process.returncode, message) in ends, f"{number.name}: {process.returncode}, {message}"
        return Counter(rounds=1, ended=process.returncode != 0, temporaries=self.check(number))

    def check(self, number: signal.Signals) -> int:
        """Compare what is in the folder with what may be there; returns the number of temporary files."""
        present = found(self.folder)
        for name, data in self.inputs.items():
            assert present.pop(name) == data, f"the input {name} has changed"
        for name, data in self.outputs.items():
            assert present.pop(name) in (OLD, data), f"the output {name} is neither old nor new"
        assert all(temporary.NAME.fullmatch(Path(name).name) for name in present), f"what is {list(present)}?"
        assert number == signal.SIGKILL or not present, f"left after {number.name}: {list(present)}"
        return len(present)


def interruptible() -> None:
    """In a background job of a shell, SIGINT is ignored; not so in the command to be ended."""
    for number in SIGNALS[1:]:
        signal.signal(number, signal.SIG_DFL)


def photos(chooser: random.Random) -> dict[str, bytes]:
    """JPEG files of different sizes in folders of different depths, by name."""
    made = {}
    for number in range(FILES):
        width, height = chooser.randrange(8, 120), chooser.randrange(8, 120)
        output = io.BytesIO()
        pixels = chooser.randbytes(3 * width * height)
        Image.frombytes("RGB", (width, height), pixels).save(output, "JPEG", quality=90)
        made["deep/" * (number % 3) + f"{number}.jpg"] = output.getvalue()
    return made


def put(folder: Path, contents: dict[str, bytes]) -> None:
    """Write files into a folder."""
    for name, data in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def found(folder: Path) -> dict[str, bytes]:
    """Contents of all files in a folder, by name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run(rounds: int, seed: int, folder: Path) -> dict[str, Counter[str]]:
    """Play rounds in a folder; raises AssertionError if something is lost.

    Returns for each signal: rounds, runs that were ended before they were complete, and temporary files that
    were left, all of which the next run has removed.
    """
    chooser = random.Random(seed)
    files = photos(chooser)
    packed = Scene(folder / "compress", files, "compress", "--model", "fast")
    scenes = [
        packed,
        Scene(folder / "decompress", packed.outputs, "decompress"),
        Scene(folder / "shrink", files, "shrink", "--quality", "60"),
    ]
    counts: dict[str, Counter[str]] = {number.name: Counter() for number in SIGNALS}
    for index in range(rounds):
        number, scene = SIGNALS[index % len(SIGNALS)], scenes[index // len(SIGNALS) % len(scenes)]
        counts[number.name] += scene.disturb(number, chooser)
        if number == signal.SIGKILL:
            scene.run()
            assert found(scene.folder) == scene.inputs | scene.outputs, "the next run did not make it good"
    return counts


def main() -> None:
    """Play rounds and print what happened."""
    parser = argparse.ArgumentParser(
        description="End folder runs at random moments; check that nothing is lost."
    )
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, count in run(options.rounds, options.seed, Path(folder)).items():
            print(
                f"{name}: {count['rounds']} rounds, {count['ended']} runs ended early, "
                f"{count['temporaries']} temporary files left and swept by the next run"
            )
    print("Every input is unchanged, every output is old or new, none is lost.")


if __name__ == "__main__":
    main()
