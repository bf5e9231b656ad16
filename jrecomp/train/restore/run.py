"""Trains a network until a time is over, and exports it.

The examples lie on the device, and crops of them are taken there.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from jrecomp.restoration.network import CORRECTION_UNIT, build
from jrecomp.train.restore.codec import Codec
from jrecomp.train.restore.examples import Pixels
from jrecomp.train.restore.network import Network
from jrecomp.train.restore.store import Batch, Crops, groups
from jrecomp.train.restore.validation import gains
from jrecomp.train.schedule import learning_rate

CHECKPOINT = "checkpoint.pt"
LOG = "log.txt"
WEIGHTS = "restorer.npz"
CHECKPOINT_SECONDS = 60.0
LOG_STEPS = 200
PRECISION = torch.bfloat16
"""Of convolutions."""

WARM_STEPS = 100
"""Steps in which the learning rate rises."""

SYNCHRONIZED = 20
"""The host waits for the device after so many steps."""

SETBACK = 0.1
"""If the mean gain of LOG_STEPS steps, in dB, falls so far below the best one, training goes back."""

STATE = ("parameters", "first", "second", "mean", "steps_done")
"""The tensors of a checkpoint."""

DECAY = 0.999
"""Of the running mean of the parameters, which is what is exported, in each step."""

BETAS = (0.9, 0.99)
CONVOLUTION_RATE = 15.0
"""Learning rate of convolutions, whose changes are orthogonal matrices, relative to that of the rest."""

NORM = 1.0
"""Longer gradients are shortened to this norm."""

SHARE = 0.3
"""Share of the typical error of a table that is added to squared errors before their logarithm, so that flat
crops, which have nearly no error, count less."""

LUMA_SHARE = 0.6
"""Weight of the luma error in the loss; the rest is that of RGB."""

FLOOR = 0.1
"""What is added anyway."""


@dataclass(frozen=True)
class Settings:
    """The options of a training.

    examples: folder of store.write(). work: folder for checkpoint, log and weights. valid: RGB pictures for
    validation. seconds: time from the start to the end of the last step. batch, side: number of crops in a
    step, and their width and height, a multiple of 16. width, pairs: of the network. rate: peak of the
    learning rate. start: folder of a training that ended, whose parameters this one begins with.
    """

    examples: Path
    work: Path
    valid: Sequence[Pixels]
    seconds: float = 480
    device: str = "cpu"
    batch: int = 64
    side: int = 128
    width: int = 64
    pairs: int = 4
    rate: float = 0.002
    seed: int = 1
    start: Path | None = None


def orthogonalized(matrix: Tensor) -> Tensor:
    """A matrix with nearly the same singular vectors, whose singular values are near 1.

    matrix: not more rows than columns. Five Newton-Schulz iterations (Jordan et al., "Muon: An optimizer for
    hidden layers in neural networks", 2024).
    """
    x = matrix / (matrix.norm() + 1e-12)
    for _ in range(5):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    result: Tensor = x
    return result


class Result(NamedTuple):
    """Mean gains of crops over restoration by expectation in dB, in some steps up to a number, and how many
    steps had no finite result."""

    step: int
    luma: float
    rgb: float
    failed: int

    @property
    def gain(self) -> float:
        """The two gains as they are weighted in the loss."""
        return LUMA_SHARE * self.luma + (1 - LUMA_SHARE) * self.rgb

    def __str__(self) -> str:
        """One line."""
        failed = f"; {self.failed} steps without a result" if self.failed else ""
        return f"step {self.step}: crops luma {self.luma:+.3f}, RGB {self.rgb:+.3f} dB{failed}"


class Training:
    """The state of a training, all on its device."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.device = torch.device(settings.device)
        torch.manual_seed(settings.seed)
        self.crops = Crops.read(settings.examples, settings.side, self.device)
        self.codec = Codec(self.device, groups(settings.batch))
        self.network = Network(settings.width, settings.pairs)
        self.parameters = self._first().to(self.device).requires_grad_()
        self.first, self.second = (torch.zeros_like(self.parameters, requires_grad=False) for _ in range(2))
        self.mean = self.parameters.detach().clone()
        self.peak = settings.rate
        self.rate, self.steps_done = (torch.zeros((), device=self.device) for _ in range(2))
        self.totals = torch.zeros(4, device=self.device)
        self.seconds = 0.0
        self.began = time.monotonic()

    def _first(self) -> Tensor:
        """The parameters that training begins with."""
        if self.settings.start is None:
            return self.network.start(self.settings.seed)
        mean: Tensor = torch.load(self.settings.start / CHECKPOINT)["mean"]
        return mean

    def elapsed(self) -> float:
        """Seconds of training, those of interrupted runs included."""
        return self.seconds + time.monotonic() - self.began

    def step(self) -> None:
        """One step; without any value that goes to the host."""
        with torch.no_grad():
            batch = self.crops.take(self.settings.batch)
            x = self.codec.inputs(batch)
        loss, luma, rgb = self._loss(batch, x)
        (gradient,) = torch.autograd.grad(loss, self.parameters)
        with torch.no_grad():
            self._update(gradient)
            finite = torch.isfinite(loss).float()
            self.totals += torch.nan_to_num(torch.stack([finite, luma * finite, rgb * finite, 1 - finite]))

    def _loss(self, batch: Batch, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The loss; and the mean changes of luma and RGB errors in dB against restoration by expectation."""
        codec = self.codec
        weights = self.network.integers(self.parameters)
        x = x.contiguous(memory_format=torch.channels_last)
        described = codec.described(batch.steps), codec.flags
        correction = self.network.correction(weights, x, *described, PRECISION) / CORRECTION_UNIT
        after = codec.errors(codec.corrected(batch, correction), batch.original)
        before = codec.errors(batch.restored, batch.original)
        floor = SHARE * codec.typical_error(batch.steps) + FLOOR
        luma, rgb = (((a + floor) / (b + floor)).log() for a, b in zip(after, before, strict=True))
        unit = -10 / math.log(10)
        loss = LUMA_SHARE * luma.mean() + (1 - LUMA_SHARE) * rgb.mean()
        return loss, unit * luma.detach().mean(), unit * rgb.detach().mean()

    def _update(self, gradient: Tensor) -> None:
        """A step of Adam, and for convolutions of Muon; none if the gradient is not finite."""
        norm = gradient.norm()
        fine = torch.isfinite(norm)
        factor = torch.where(fine, (NORM / (norm + 1e-9)).clamp(max=1), 0.0)
        gradient = torch.nan_to_num(gradient, 0.0, 0.0, 0.0) * factor
        self.steps_done += 1
        self.first.lerp_(gradient, 1 - BETAS[0])
        self.second.lerp_(gradient.square(), 1 - BETAS[1])
        corrected = [1 - beta**self.steps_done for beta in BETAS]
        change = self.first / corrected[0] / ((self.second / corrected[1]).sqrt() + 1e-8)
        means, changes = self.network.split(self.first), self.network.split(change)
        for name in self.network.convolutions:
            changes[name].copy_(
                CONVOLUTION_RATE * orthogonalized(means[name].flatten(1)).view_as(means[name])
            )
        self.parameters -= self.rate * torch.where(fine, change, 0.0)
        # At the beginning the mean reaches back a tenth of the steps.
        self.mean.lerp_(self.parameters, (10 / self.steps_done).clamp(min=1 - DECAY, max=1))

    def result(self) -> "Result":
        """Means over the steps since the last call."""
        number, luma, rgb, bad = self.totals.tolist()
        self.totals.zero_()
        return Result(int(self.steps_done), luma / max(number, 1), rgb / max(number, 1), int(bad))

    def state(self) -> dict[str, Tensor]:
        """Copies of the tensors that change in training."""
        return {name: getattr(self, name).detach().clone() for name in STATE}

    def put(self, state: dict[str, Tensor]) -> None:
        """Go back to what state() gave."""
        with torch.no_grad():
            for name, value in state.items():
                getattr(self, name).copy_(value)

    def save(self) -> None:
        """Write the checkpoint."""
        path = self.settings.work / CHECKPOINT
        partial = path.with_name(f"{CHECKPOINT}.partial")
        state = {name: value.cpu() for name, value in self.state().items()}
        torch.save(state | {"seconds": self.elapsed(), "peak": self.peak}, partial)
        partial.rename(path)

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one."""
        path = self.settings.work / CHECKPOINT
        if path.is_file():
            state = torch.load(path)
            self.seconds, self.peak = state.pop("seconds"), state.pop("peak")
            self.began = time.monotonic()
            self.put(state)

    def log(self, text: str) -> None:
        """Print a line and add it to the log."""
        line = f"{self.elapsed():7.1f} s  {text}"
        print(line, flush=True)
        with (self.settings.work / LOG).open("a") as file:
            file.write(line + "\n")


def _compile(training: Training) -> None:
    """Fuse the element-wise functions of the network, if this machine can."""
    network = training.network
    before = network.begin, network.enter, network.middle, network.leave
    try:
        compiled = [torch.compile(function, dynamic=False) for function in before]
        network.begin, network.enter, network.middle, network.leave = compiled
        training.step()
        training.log("element-wise functions are compiled")
    except Exception as error:
        network.begin, network.enter, network.middle, network.leave = before
        training.log(f"warning: not compiled: {type(error).__name__}: {str(error)[:300]}")


def _captured(training: Training) -> Callable[[], None]:
    """A step as a CUDA graph, or the step itself where that fails."""
    try:
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                training.step()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            training.step()
        graph.replay()
        torch.cuda.synchronize()
        training.log("step captured as a CUDA graph")
        replay: Callable[[], None] = graph.replay
        return replay
    except Exception as error:
        torch.cuda.synchronize()
        training.log(f"warning: no CUDA graph: {type(error).__name__}: {str(error)[:300]}")
        return training.step


def train(settings: Settings) -> None:
    """Train, or go on with a training, then validate and export."""
    settings.work.mkdir(parents=True, exist_ok=True)
    if settings.device == "cuda":
        torch.backends.cudnn.benchmark = True
    training = Training(settings)
    training.resume()
    sizes = ", ".join(str(len(table)) for table in training.crops.tables)
    training.log(f"{replace(settings, valid=())}; {len(training.parameters)} parameters")
    training.log(f"examples by sampling: {sizes}")
    try:
        _loop(training)
    finally:
        training.save()
        _finish(training)


def _loop(training: Training) -> None:
    settings = training.settings
    step = training.step
    _compile(training)
    if settings.device == "cuda":
        step = _captured(training)
    saved = training.elapsed()
    best, good = -math.inf, training.state()
    for done in _steps(training, step):
        if done % LOG_STEPS == 0:
            result = training.result()
            training.log(str(result))
            if result.gain < best - SETBACK:
                training.put(good)
                training.peak /= 2
                training.log(f"warning: went back; the learning rate is {training.peak} at most")
            elif result.gain > best - SETBACK / 4:
                best, good = max(best, result.gain), training.state()
        if training.elapsed() - saved > CHECKPOINT_SECONDS:
            training.save()
            saved = training.elapsed()


def _steps(training: Training, step: Callable[[], None]) -> Iterator[int]:
    """Steps until the time is over; gives the number of those that were done since the start of this run."""
    training.totals.zero_()
    warm = float(training.steps_done)
    for done in count(1):
        if (elapsed := training.elapsed()) >= training.settings.seconds:
            return
        progress = elapsed / training.settings.seconds
        training.rate.fill_(learning_rate(training.peak, progress) * min(1, (warm + done) / WARM_STEPS))
        step()
        if done % SYNCHRONIZED == 0:
            training.steps_done.item()  # waits for the device
        yield done


def _finish(training: Training) -> None:
    """Export the mean of the parameters and validate the network of integers."""
    network = Network(training.network.width, training.network.pairs)  # nothing in it is compiled
    arrays = network.export(training.mean)
    np.savez_compressed(training.settings.work / WEIGHTS, **arrays)  # type: ignore[arg-type]
    for gain in gains(build(arrays), training.settings.valid):
        training.log(f"validation, {gain}")
