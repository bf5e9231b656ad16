"""SSIMULACRA2 and its gradient in C++; see jrecomp/metrics/ssimulacra2.py.

All builds give the same numbers. Functions may run in several threads at once. Arguments that do not fit
raise ValueError.
"""

from jrecomp.array_types import Float32, UInt8

Sums = list[list[list[float]]]
"""Numbers [3 channels, 3 maps, 2]: the sum of each map of a channel, and the sum of its fourth powers."""

class Picture:
    """A picture at all scales, in linear light. It keeps the array alive, which must not change."""

    rows: list[int]
    columns: list[int]
    """Sizes of the scales."""

    def __init__(self, pixels: UInt8 | Float32) -> None:
        """pixels: samples of sRGB, 0 to 255, [rows, columns, 1 or 3], with at least 8 rows and columns."""

def sums(reference: Picture, distorted: Picture, scale: int, begin: int, end: int) -> Sums:
    """The sums over rows [begin, end) of a scale."""

def gradient(
    reference: Picture,
    distorted: Picture,
    scale: int,
    begin: int,
    end: int,
    factors: Sums,
    coarser: Float32 | None,
    out: Float32,
) -> None:
    """Write rows [begin, end) of the gradient at a scale.

    factors: the derivative by a value v of a map is factors[..., 0] + factors[..., 1] * v**3. coarser: the
    gradient at the next scale, None for the last. out: for scale 0 [rows, columns, channels] by samples,
    otherwise [3, rows, columns] by linear light.
    """
