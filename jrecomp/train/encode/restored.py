"""Errors of coefficients after the file that they make is restored."""

from collections.abc import Sequence

import numpy as np

from jrecomp.array_types import Float32, Int16, Int32
from jrecomp.encoder.coefficients import BAND
from jrecomp.jpeg import Frame, JpegFile
from jrecomp.native import _encode
from jrecomp.restoration import METHODS
from jrecomp.restoration.sampling import Sampling
from jrecomp.threads import Workers

PRECISION = 12
"""Bits of the samples of the files: steps of 8-bit files are real numbers in training, with this unit."""

SCALE = 1 << PRECISION - 8
_UNIT = 32
"""Units of restored samples in a level of 8 bits, see transform.UNIT_BITS."""


def restored_errors(
    frame: Frame,
    targets: Sequence[Float32],
    levels: Sequence[Int16],
    steps: Sequence[Float32],
    workers: Workers,
) -> list[Float32]:
    """The errors of the coefficients of each component, float32 [block rows, block columns, 64].

    frame: of 8 bits. targets: true coefficients. levels: theirs. steps: float32 [64] for each component. The
    means over the pixels of each sample are transformed.
    """
    tables: list[Int32] = [np.rint(SCALE * table).clip(1, None).astype(np.int32) for table in steps]
    parts = [c._replace(quantization=table) for c, table in zip(frame.components, tables, strict=True)]
    whole = frame._replace(precision=PRECISION, components=tuple(parts))
    file = JpegFile(whole, list(levels), b"", [])
    planes = METHODS[next(iter(METHODS))](file, workers)
    errors = []
    for component, plane, target in zip(parts, planes, targets, strict=True):
        sampling = Sampling.of(component, file)
        sums = sampling.sums(plane.astype(np.int32))
        samples = np.ascontiguousarray(sums / np.float32(sampling.pixels * _UNIT), np.float32)
        found = np.empty_like(target)
        for row in range(0, len(target), BAND // 8):
            _encode.transform(samples, found[row : row + BAND // 8], row)
        errors.append(found - target)
    return errors
