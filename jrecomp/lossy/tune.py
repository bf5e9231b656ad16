"""The requantizer for the measure that a result is optimized for."""

from collections.abc import Iterator
from contextlib import contextmanager

from jrecomp.errors import check_memory
from jrecomp.jpeg.types import JpegFile
from jrecomp.lossy.requantize import Requantizer
from jrecomp.lossy.rules import Rule, load_rule
from jrecomp.options import TUNES, Limits, Tune
from jrecomp.targets import check_tune
from jrecomp.threads import Workers

FOLLOWED = "ssimulacra2"
"""The measure whose gradient is followed."""

_PIXEL_BYTES = 80
"""Estimated memory for a pixel while the gradient is followed: coefficients, targets, weights, pixels."""


def rule_of(tune: Tune) -> Rule:
    """The rule for the steps; raises UsageError for measures that are not in TUNES, and UnknownModelError."""
    check_tune(tune)
    return load_rule(TUNES[tune])


@contextmanager
def requantizer(
    file: JpegFile, tune: Tune, threads: int, limits: Limits
) -> Iterator[tuple[Requantizer, str]]:
    """The requantizer of a file, and a remark if it is not the one for the measure, or "".

    tune: one of TUNES. threads: at least 1. limits: bound the memory. Raises LimitError.
    """
    rule = rule_of(tune)
    if tune != FOLLOWED:
        yield Requantizer(file, rule), ""
        return
    from jrecomp.lossy.refined import RefinedRequantizer, why_plain  # with native code of encoder and metric

    if reason := why_plain(file):
        yield Requantizer(file, rule), f"tuned for {rule.name}, as {reason}"
        return
    frame = file.frame
    check_memory(_PIXEL_BYTES * frame.height * frame.width, limits.max_memory)
    with Workers(threads) as workers:
        yield RefinedRequantizer(file, rule, workers, threads), ""
