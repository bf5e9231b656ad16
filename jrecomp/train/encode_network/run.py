"""Training of the pre-editing network, for a given time.

The state is written to the work folder every CHECKPOINT seconds. A run that was interrupted continues from
it if the same command is given again. The learning rate follows the clock.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import Adam

from jrecomp.train.encode_network import samples
from jrecomp.train.encode_network.network import Networks
from jrecomp.train.encode_network.objective import SLOPES, Encoding, Example
from jrecomp.train.schedule import learning_rate

CHECKPOINT = 60
"""Seconds between two checkpoints."""

REPORT = 10
"""Seconds between two lines of the log."""

LARGEST_GRADIENT = 1.0
"""Norm that gradients are clipped to."""

DECAY = 0.999
"""Of the moving average of the parameters, per step; less in the first steps."""

WHOLE_CHROMA = 3
"""Every third step has 4:4:4, the others 4:2:0."""

SHARES = (0.5, 0.25, 0.25)
"""Weights of SSIMULACRA2, MS-SSIM and squared error."""

VALIDATION = (30.0, 55.0, 78.0, 91.0)
"""Qualities of validation."""

VALIDATION_FAMILY = 1
VALIDATION_SIDE = 256
"""Side of the pictures of validation in pixels."""


@dataclass(frozen=True)
class Settings:
    """The options of the training.

    pictures: ZIP archive of square pictures in train/ and valid/. tables: .npz file with tables. work: folder
    for the checkpoint, the log and the result. seconds: of training. batch, size: crops of a step and their
    side in pixels. peak: largest learning rate. shares: weights of the likenesses. graphs: whether a step on
    a GPU is captured as a CUDA graph.
    """

    pictures: Path
    tables: Path
    work: Path
    seconds: float
    device: str = "cpu"
    batch: int = 32
    size: int = 224
    peak: float = 1.5e-3
    shares: tuple[float, float, float] = SHARES
    graphs: bool = True


class Fit:
    """The training, from its last checkpoint if there is one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        settings.work.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(1)
        device = settings.device
        pictures = samples.read_pictures(settings.pictures, "train", settings.size)
        self._shares = pictures._replace(pixels=pictures.pixels[:0])
        self._pictures = samples.Pictures(*(part.to(device) for part in pictures))
        self._tables = samples.read_tables(settings.tables)
        self.networks = Networks().to(device)
        self.average = Networks().to(device).requires_grad_(False)
        self.average.load_state_dict(self.networks.state_dict())
        self._rate = torch.zeros((), device=device)
        self._decay = torch.zeros((), device=device)
        self._sum = torch.zeros(3, device=device)
        on_gpu = device != "cpu"
        self._optimizer = Adam(
            self.networks.parameters(), lr=self._rate, betas=(0.9, 0.99), capturable=on_gpu, foreach=on_gpu
        )
        self._elapsed, self._step = 0.0, 0
        self._path = settings.work / "checkpoint.pt"
        self._steps: dict[bool, Callable[[], None]] = {}
        self._draws: dict[bool, samples.Draw] = {}
        if self._path.is_file():
            self._load()

    def run(self) -> None:
        """Train until the time is over, and write the averaged parameters."""
        start, saved, told, told_step = time.time() - self._elapsed, self._elapsed, self._elapsed, self._step
        while self._elapsed < self._settings.seconds:
            self._one_step()
            if self._step % 8 == 0 and self._settings.device != "cpu":
                torch.cuda.synchronize()
            self._elapsed = time.time() - start
            if self._elapsed - told > REPORT:
                self._report(self._step - told_step)
                told, told_step = self._elapsed, self._step
            if self._elapsed - saved > CHECKPOINT:
                saved = self._elapsed
                self._save()
        self._save()
        torch.save(self.average.state_dict(), self._settings.work / "networks.pt")

    def _one_step(self) -> None:
        settings = self._settings
        halved = self._step % WHOLE_CHROMA > 0
        random = torch.Generator().manual_seed(self._step)
        drawn = samples.draw(self._shares, settings.batch, halved, self._tables, settings.shares, random)
        self._rate.fill_(learning_rate(settings.peak, min(1.0, self._elapsed / settings.seconds)))
        self._decay.fill_(min(DECAY, (1 + self._step) / (10 + self._step)))
        if halved not in self._steps:
            self._draws[halved] = samples.Draw(*(part.to(settings.device) for part in drawn))
            self._steps[halved] = self._prepared(halved)
        for place, part in zip(self._draws[halved], drawn, strict=True):
            place.copy_(part, non_blocking=True)
        self._steps[halved]()
        self._step += 1

    def _prepared(self, halved: bool) -> Callable[[], None]:
        """A function that takes a step with the draw of its kind; on a GPU a captured graph if that works."""

        def step() -> None:
            self._update(samples.example(self._pictures, self._draws[halved], self._settings.size), halved)

        if self._settings.device == "cpu" or not self._settings.graphs:
            return step
        try:
            return _captured(step)
        except RuntimeError as error:
            print(f"graphs are not used: {error}", flush=True)
            torch.cuda.synchronize()
            return step

    def _update(self, example: Example, halved: bool) -> None:
        """Gradients, and a step of the optimizer; gradients that are not finite are replaced by 0."""
        result = Encoding(example, halved).edited(self.networks)
        loss = result.loss(example.shares).mean()
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for p in self.networks.parameters() if p.grad is not None]
        norm = torch.stack([g.norm() for g in gradients]).norm()
        factor = (LARGEST_GRADIENT / (norm + 1e-6)).clamp(max=1.0)
        is_finite = torch.isfinite(norm)
        for gradient in gradients:
            gradient.copy_(torch.where(is_finite, gradient * factor, 0.0))
        self._optimizer.step()
        with torch.no_grad():
            self._sum += torch.stack(
                [torch.where(is_finite, loss, 0.0), norm.nan_to_num(), is_finite.float()]
            )
            for average, new in zip(self.average.parameters(), self.networks.parameters(), strict=True):
                average.lerp_(new, 1 - self._decay)

    def _report(self, steps: int) -> None:
        loss, norm, finite = (self._sum / max(1, steps)).tolist()
        self._sum.zero_()
        self._log(
            {
                "seconds": round(self._elapsed, 1),
                "step": self._step,
                "loss": round(loss, 4),
                "gradient": round(norm, 3),
                "finite": round(finite, 4),
            }
        )

    def _log(self, entry: dict[str, Any]) -> None:
        line = json.dumps(entry)
        print(line, flush=True)
        with (self._settings.work / "log.jsonl").open("a") as file:
            file.write(line + "\n")

    def _state(self) -> dict[str, Any]:
        return {
            "networks": self.networks.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "elapsed": self._elapsed,
            "step": self._step,
        }

    def _save(self) -> None:
        partial = self._path.with_suffix(".partial")
        torch.save(self._state(), partial)
        partial.rename(self._path)

    def _load(self) -> None:
        state = torch.load(self._path, map_location=self._settings.device)
        self.networks.load_state_dict(state["networks"])
        self.average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate
        self._elapsed, self._step = state["elapsed"], state["step"]

    @torch.no_grad()
    def validate(self, pictures: int = 1 << 20) -> None:
        """Log the estimated change of size in percent at equal likeness, by quality and likeness."""
        held_out = samples.read_pictures(self._settings.pictures, "valid", VALIDATION_SIDE)
        pixels = held_out.pixels[:pictures, :, :VALIDATION_SIDE, :VALIDATION_SIDE]
        for halved in (True, False):
            for quality in VALIDATION:
                gains = [
                    self._gain(part.float().to(self._settings.device), quality, halved)
                    for part in pixels.split(4)
                ]
                mean = torch.cat(gains, 1).mean(1) * 100
                names = ("size", *SLOPES)
                values = {name: round(v, 2) for name, v in zip(names, mean.tolist(), strict=True)}
                self._log({"chroma": "4:2:0" if halved else "4:4:4", "quality": quality} | values)

    def _gain(self, pixels: Tensor, quality: float, halved: bool) -> Tensor:
        """Change of the logarithm of the size, and of that at equal likeness by likeness."""
        n, device = len(pixels), pixels.device
        family = torch.full((n,), VALIDATION_FAMILY)
        steps, lmbda = self._tables.at(family, torch.full((n,), quality), halved)
        steps, lmbda = steps.round().to(device), lmbda.to(device)
        shares = torch.tensor(self._settings.shares, device=device).expand(n, -1)
        encoding = Encoding(Example(pixels, steps, lmbda, shares), halved)
        plain, edited = encoding.plain(), encoding.edited(self.average)
        size = edited.log_size - plain.log_size
        changes = [size + (edited.errors[k] - plain.errors[k]) / slope for k, slope in SLOPES.items()]
        return torch.stack([size, *changes])


def _captured(step: Callable[[], None]) -> Callable[[], None]:
    """A step as a CUDA graph; some steps are taken before it is captured."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def train(settings: Settings) -> Networks:
    """The averaged networks."""
    fit = Fit(settings)
    fit.run()
    try:
        fit.validate()
    except RuntimeError as error:
        print(f"not validated: {error}", flush=True)
    return fit.average
