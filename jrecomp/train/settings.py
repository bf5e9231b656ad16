"""The options of a training."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """The options of `jrecomp train` for models. Not every kind of model uses all of them.

    data: folder with train/jpeg and train/clean. work: folder for samples and checkpoints. variants:
    re-encodings of each source. steps: of the networks of the first component; others take half of them.
    hidden: widths of the hidden layers, or channels and latent channels. batch: samples of a step. device:
    cpu or cuda. workers: processes on the CPU. improve: name of the installed model to improve, or None.
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

    def steps_of(self, component_class: int) -> int:
        """Steps of the networks of a component class, at least 1."""
        return max(1, self.steps if component_class == 0 else self.steps // 2)
