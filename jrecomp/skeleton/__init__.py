"""Files without the scan data of their pictures, and how to restore them (docs/format.md, "Steps").

`dismantle` takes pictures out wherever they are, also inside each other. `restore` puts them back.
"""

from jrecomp.skeleton.dismantle import Dismantled, dismantle
from jrecomp.skeleton.restore import Found, describe, restore
from jrecomp.skeleton.steps import (
    LARGEST_FRONT,
    MOST_RANGES,
    MOST_SLICES,
    Base64,
    Coded,
    Join,
    Picture,
    Step,
    excess_pixels,
    pictures,
)

__all__ = [
    "LARGEST_FRONT",
    "MOST_RANGES",
    "MOST_SLICES",
    "Base64",
    "Coded",
    "Dismantled",
    "Found",
    "Join",
    "Picture",
    "Step",
    "describe",
    "dismantle",
    "excess_pixels",
    "pictures",
    "restore",
]
