"""What a run will take and save, from measured figures; docs/scale.md explains them."""

from collections.abc import Iterable
from dataclasses import dataclass

from jrecomp.cluster.storage import Entry

COMPRESS = {"default": 0.80e6, "best": 0.44e6, "fast": 2.2e6}
"""Bytes of JPEG files that a core compresses in a second, by model, verification included."""

DECOMPRESS = {"default": 1.6e6, "best": 0.86e6, "fast": 3.8e6}
"""Bytes of JPEG files that a core restores in a second, by model."""

SAVING = {"default": 0.29, "best": 0.30, "fast": 0.27}
"""Part of the size of photographs that is saved, by model."""

_HOUR = 3600.0


@dataclass(frozen=True)
class Prices:
    """Prices in US dollars: of a core for an hour, of a GB (10^9 bytes) for a month, of 1,000 requests."""

    core_hour: float
    gb_month: float
    get_1000: float = 0.0004
    put_1000: float = 0.005


@dataclass(frozen=True)
class Estimate:
    """What a run takes: files, bytes of JPEG files, core_hours; dollars for computing and for requests.

    saved_bytes: by the result. dollars_per_month: what these bytes cost. Both are 0 where nothing is saved.
    """

    files: int
    bytes: int
    core_hours: float
    compute_dollars: float
    request_dollars: float
    saved_bytes: int
    dollars_per_month: float

    @property
    def months(self) -> float | None:
        """Months after which the run has paid for itself; None if it never does."""
        spent = self.compute_dollars + self.request_dollars
        return spent / self.dollars_per_month if self.dollars_per_month else None


def estimate(command: str, model: str, entries: Iterable[Entry], prices: Prices) -> Estimate:
    """The estimate for files; those of `decompress` and `verify` are containers.

    model: name; that of others than default, best and fast is estimated as default.
    """
    count = total = 0
    for entry in entries:
        count, total = count + 1, total + entry.size
    name = model if model in SAVING else "default"
    saving, rate = SAVING[name], (COMPRESS if command == "compress" else DECOMPRESS)[name]
    original = total if command == "compress" else round(total / (1 - saving))
    saved = round(original * saving) if command == "compress" else 0
    hours = original / rate / _HOUR
    return Estimate(
        count,
        original,
        hours,
        hours * prices.core_hour,
        count * requests(command, prices),
        saved,
        saved / 1e9 * prices.gb_month,
    )


def requests(command: str, prices: Prices) -> float:
    """Dollars for the requests of one file in an object store.

    The source is read. A result is looked for, written, and read again.
    """
    reads, writes = (1, 0) if command == "verify" else (3, 1)
    return (reads * prices.get_1000 + writes * prices.put_1000) / 1000
