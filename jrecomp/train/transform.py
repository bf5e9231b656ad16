"""The DCT of blocks of 8 x 8 samples (T.81 A.3.3) as a matrix, for training."""

import numpy as np

from jrecomp.array_types import Float32


def dct_matrix() -> Float32:
    """The basis functions, float32 [64 frequencies, 64 pixels], both in raster order.

    Coefficients are this matrix times the samples, and samples its transpose times the coefficients.
    """
    frequency, place = np.arange(8)[:, None], np.arange(8)
    norm = np.where(frequency == 0, np.sqrt(1 / 8), 0.5)
    waves = norm * np.cos((2 * place + 1) * frequency * np.pi / 16)
    return np.kron(waves, waves).astype(np.float32)
