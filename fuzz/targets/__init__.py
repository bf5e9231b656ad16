"""The targets: modules with a function `check(data)`, which raises an error if jrecomp breaks a promise.

A target may have `mutate(data, mutation)`, which changes an input where bytes changed at random would rarely
pass the first checks.
"""

from jrecomp.options import Limits

LIMITS = Limits(
    max_pixels=1 << 16,
    max_scan_blocks=16,
    max_scans=64,
    max_segments=64,
    max_pictures=16,
    max_slice_blocks=1 << 12,
    max_memory=1 << 28,
)
"""Limits that keep each input short."""
