"""A torch Dataset of the DCT coefficients of JPEG files and containers, in folders and at URLs."""

from collections.abc import Callable, Iterable, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset

from jrecomp import access
from jrecomp.dct import Coefficients, coefficients
from jrecomp.files import without_copies
from jrecomp.jobs import CONTAINER_SUFFIXES, JPEG_SUFFIXES, Wanted, find
from jrecomp.options import DEFAULT_LIMITS, Limits


class CoefficientDataset(Dataset[Any]):
    """The coefficients of pictures, read when they are needed.

    sources: files, URLs (with fsspec), and folders, which are searched with the folders in them. Of a JPEG
        file and its container beside each other in a folder, the JPEG file is taken.
    transform: makes an example of the Coefficients of a picture; without it, examples are Coefficients.
    limits: bounds of each file. Each file is decoded with one thread, as a DataLoader has its own workers.

    Raises InputError for folders that cannot be read, or have no such files.
    """

    def __init__(
        self,
        sources: Iterable[str | PathLike[str]],
        transform: Callable[[Coefficients], Any] | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        if isinstance(sources, str | PathLike):
            raise TypeError(f"sources must be several, such as [{fspath(sources)!r}]")
        self.sources: Sequence[str] = list(_files(fspath(source) for source in sources))
        self._transform, self._limits = transform, limits

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, number: int) -> Any:
        data = access.read(self.sources[number], self._limits)
        found = coefficients(data, threads=1, limits=self._limits)
        return found if self._transform is None else self._transform(found)


def _files(sources: Iterable[str]) -> Iterable[str]:
    for source in sources:
        if "://" in source or not Path(source).is_dir():
            yield source
        else:
            wanted = Wanted(JPEG_SUFFIXES + CONTAINER_SUFFIXES, choose=without_copies)
            for job, _ in find([source], True, wanted):
                if job.problem:
                    raise job.problem
                if not job.skipped:
                    yield str(job.source)
