"""Trains a network until a time is over, and exports it.

It needs torch, NumPy and Pillow only, so that it runs from a source tree on a machine with a GPU:

    python -c "from jrecomp.train.restore.run import *; train(Settings(Path('pictures.zip'), Path('out')))"
"""

import math
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from jrecomp import restorer as integer
from jrecomp.restorer import CORRECTION_UNIT, OUTPUTS
from jrecomp.train.restore import pictures
from jrecomp.train.restore.compression import Codec, Compressed, Crops, Group, groups, smoothed
from jrecomp.train.restore.network import Network, whitening
from jrecomp.train.restore.validation import gains
from jrecomp.train.schedule import learning_rate

CHECKPOINT = "checkpoint.pt"
LOG = "log.txt"
WEIGHTS = "restorer.npz"
CHECKPOINT_SECONDS = 60.0
LOG_STEPS = 200
WARM_STEPS = 100
"""Steps in which the learning rate rises."""

SYNCHRONIZED = 20
"""The host waits for the device after so many steps."""

SETBACK = 0.1
"""If the mean gain of LOG_STEPS steps, in dB, falls so far below the best one, training goes back."""

STATE = ("parameters", "first", "second", "mean", "steps_done", "white")
"""The tensors of a checkpoint."""

DECAY = 0.999
"""Of the running mean of the parameters, which is what is exported, in each step."""

COVARIANCE_BATCHES = 16
"""Batches from which the covariance of samples is taken."""

BETAS = (0.9, 0.999)
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

    pictures: file of pictures.prepare(). work: folder for checkpoint, log and weights. seconds: time from the
    start to the end of the last step. batch, side: number of crops in a step, and their width and height, a
    multiple of 32. width, pairs: of the network. rate: peak of the learning rate.
    """

    pictures: Path
    work: Path
    seconds: float = 480
    device: str = "cpu"
    batch: int = 64
    side: int = 128
    width: int = 64
    pairs: int = 5
    rate: float = 0.002
    seed: int = 1


class Result(NamedTuple):
    """Mean gains of crops in dB in some steps up to a number, and how many of them had no finite result."""

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
        self.set = pictures.read(settings.pictures)
        self.crops = Crops.of(self.set, self.device)
        self.codec = Codec(self.device, self.set.tables)
        self.network = Network(settings.width, settings.pairs)
        self.parameters = self.network.start(settings.seed).to(self.device).requires_grad_()
        self.first, self.second = (torch.zeros_like(self.parameters, requires_grad=False) for _ in range(2))
        self.mean = self.parameters.detach().clone()
        self.white = whitening(self._covariance())
        self.peak = settings.rate
        self.rate, self.steps_done = (torch.zeros((), device=self.device) for _ in range(2))
        self.totals = torch.zeros(4, device=self.device)
        self.seconds = 0.0
        self.began = time.monotonic()

    def elapsed(self) -> float:
        """Seconds of training, those of interrupted runs included."""
        return self.seconds + time.monotonic() - self.began

    def _covariance(self) -> Tensor:
        """Of the samples in 3 x 3 cells of pictures with chroma."""
        total, number = torch.zeros((), device=self.device), 0
        for _ in range(COVARIANCE_BATCHES):
            batch = self.codec.batch(self.crops, self.settings.batch, self.settings.side)
            for first, last, halved in groups(self.settings.batch):
                if halved is not None:
                    x = self.codec.inputs(smoothed(batch.plain[first:last], halved), halved)[:, :OUTPUTS]
                    patches = F.unfold(x, 3).transpose(1, 2).flatten(0, 1)
                    total = total + patches.T @ patches
                    number += len(patches)
        return total / number

    def step(self) -> None:
        """One step; without any value that goes to the host."""
        with torch.no_grad():
            batch = self.codec.batch(self.crops, self.settings.batch, self.settings.side)
        loss, luma, rgb = self._loss(batch)
        (gradient,) = torch.autograd.grad(loss, self.parameters)
        with torch.no_grad():
            self._update(gradient)
            finite = torch.isfinite(loss).float()
            self.totals += torch.nan_to_num(torch.stack([finite, luma * finite, rgb * finite, 1 - finite]))

    def _loss(self, batch: Compressed) -> tuple[Tensor, Tensor, Tensor]:
        """The loss; and the mean changes of luma and RGB errors in dB."""
        weights = self.network.integers(self.parameters, self.white)
        better = []
        parts = groups(self.settings.batch)
        described = [self.codec.described(batch.steps[g.range], g.halved) for g in parts]
        logs, flags = (torch.cat(part) for part in zip(*described, strict=True))
        smooth = [smoothed(batch.plain[g.range], g.halved) for g in parts]
        x = torch.cat([self.codec.inputs(s, g.halved) for s, g in zip(smooth, parts, strict=True)])
        x = x.contiguous(memory_format=torch.channels_last)
        correction = self.network.correction(weights, x, logs, flags) / CORRECTION_UNIT
        for g in parts:
            of = (batch.plain[g.range], correction[g.range], batch.steps[g.range])
            better.append(self.codec.corrected(*of, g.halved))
        before, after = self._errors(torch.cat(smooth), batch), self._errors(torch.cat(better), batch)
        floor = SHARE * self.codec.typical_error(batch.steps) + FLOOR
        luma, rgb = (((a + floor) / (b + floor)).log() for a, b in zip(after, before, strict=True))
        unit = -10 / math.log(10)
        loss = LUMA_SHARE * luma.mean() + (1 - LUMA_SHARE) * rgb.mean()
        return loss, unit * luma.detach().mean(), unit * rgb.detach().mean()

    def _errors(self, decoded: Tensor, batch: Compressed) -> tuple[Tensor, Tensor]:
        """Mean squared errors [n] of luma and of RGB."""
        error = decoded - batch.target
        rgb = torch.einsum("ij,njyx->niyx", self.codec.to_rgb, error)
        return error[:, 0].square().mean((1, 2)), rgb.square().mean((1, 2, 3))

    def _update(self, gradient: Tensor) -> None:
        """A step of Adam; none if the gradient is not finite."""
        norm = gradient.norm()
        fine = torch.isfinite(norm)
        factor = torch.where(fine, (NORM / (norm + 1e-9)).clamp(max=1), 0.0)
        gradient = torch.nan_to_num(gradient, 0.0, 0.0, 0.0) * factor
        self.steps_done += 1
        self.first.lerp_(gradient, 1 - BETAS[0])
        self.second.lerp_(gradient.square(), 1 - BETAS[1])
        corrected = [1 - beta**self.steps_done for beta in BETAS]
        change = self.first / corrected[0] / ((self.second / corrected[1]).sqrt() + 1e-8)
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
    training.log(f"{settings}; {len(training.parameters)} parameters; {len(training.set.train)} pictures")
    try:
        _loop(training)
    finally:
        training.save()
        _finish(training)


def _loop(training: Training) -> None:
    settings = training.settings
    step = training.step
    if settings.device == "cuda":
        _compile(training)
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
    """Export the mean of the parameters, compare it with the integer network, and validate it."""
    network = Network(training.network.width, training.network.pairs)  # nothing in it is compiled
    jobs: dict[str, Callable[[], object]] = {
        "export": lambda: _export(training, network),
        "validation": lambda: _validate(training, network),
        "integers": lambda: training.log(f"the integer network agrees: {agrees(training, network)}"),
    }
    for name, job in jobs.items():
        try:
            job()
        except Exception as error:
            warnings.warn(f"{name} failed", stacklevel=1)
            training.log(f"warning: {name} failed: {type(error).__name__}: {str(error)[:500]}")


def _export(training: Training, network: Network) -> None:
    arrays = network.export(training.mean, training.white)
    np.savez_compressed(training.settings.work / WEIGHTS, **arrays)  # type: ignore[arg-type]


def _validate(training: Training, network: Network) -> None:
    with torch.no_grad():
        weights = network.integers(training.mean, training.white)
    for gain in gains(network, weights, training.codec, training.set.valid):
        training.log(f"validation, 4:2:0, {gain}")


def agrees(training: Training, network: Network) -> bool:
    """Whether the exported network gives the corrections of the one in training, on the CPU in double
    precision, for a picture in each sampling."""
    codec = Codec(torch.device("cpu"), training.set.tables, torch.float64)
    parameters = training.mean.detach().cpu().double()
    white = training.white.cpu().double()
    restorer = integer.build(network.export(parameters, white))
    rgb = torch.from_numpy(np.moveaxis(training.set.valid[0][:64, :96], 2, 0).copy()).double()[None]
    result = True
    with torch.no_grad():
        weights = network.integers(parameters, white)
        for quality, group in zip((10, 40, 75, 90, 97), groups(64), strict=True):
            steps = codec.quality_tables(torch.full((1,), float(quality))).double()
            plain = codec.plain(codec.ycc(rgb), steps, Group(0, 1, group.halved), rounded=True)
            smooth = smoothed(plain, group.halved)
            x, (logs, flags) = codec.inputs(smooth, group.halved), codec.described(steps, group.halved)
            ours = network.correction(weights, x, logs, flags)[0].numpy()
            samples = (smooth.round().clamp(-128, 127)[0] + 128).numpy().astype(np.uint8)
            halved = group.halved or (False, False)
            description = integer.Description(steps[0].numpy().astype(np.int64), halved, group.halved is None)
            theirs = restorer.correction(samples, description)
            result = result and np.array_equal(ours, theirs)
    return result
