"""The choice of chroma subsampling by the picture."""

import numpy as np

from jrecomp.array_types import Float32
from jrecomp.encoder.coefficients import Planes
from jrecomp.native import _encode
from jrecomp.threads import Workers

SHARE, LOST = 0.002, 18.0
"""4:4:4 is chosen if more than this share of the blocks lose more than this root mean squared error of Cb
or Cr when chroma is halved, as blocks with thin coloured lines and coloured text do.
"""


def suited(planes: Planes, workers: Workers) -> str:
    """The subsampling for a picture: "444" if it has fine coloured details, otherwise "420"."""
    rows, columns = planes.size

    def lost(plane: Float32) -> float:
        half = np.empty(((rows + 1) // 2, (columns + 1) // 2), np.float32)
        sums = np.zeros((-(-rows // 8), -(-columns // 8)), np.float32)
        _encode.halve(plane, half)
        _encode.residual(plane, half, sums)
        return float((sums > 64 * LOST**2).mean())

    return "444" if max(workers.map(lost, planes.chroma), default=0.0) > SHARE else "420"
