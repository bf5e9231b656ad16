"""What a training is asked for."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """What `jrecomp train` is told.

    data: folder with train/jpeg and train/clean. work: folder for samples and checkpoints. variants:
    re-encodings of each source. steps: of the most important networks; others take a share of them. hidden:
    widths of the hidden layers, or channels and latent channels. batch: samples of a step. device: cpu or
    cuda. workers: processes on the CPU. improve: the shipped model to begin with, None to begin with none.
    Kinds take what they need of these.
    """

    data: Path
    work: Path
    variants: int = 2
    steps: int = 1500
    hidden: tuple[int, int] = (64, 32)
    batch: int = 2048
    device: str = "cpu"
    workers: int = 2
    improve: str | None = None
