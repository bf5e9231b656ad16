"""The scan codec in C++ (ITU-T T.81, annexes D, F and G), and counts of coefficients.

The choices of an encoder are lists of exceptions to what libjpeg does: pairs of an index and a value. Indices
count MCUs (padding, extraneous bytes) or blocks (zero runs, EOB switches) in coding order from the scan's
start. Arguments that do not fit raise ValueError.
"""

import numpy as np
import numpy.typing as npt

Blocks = npt.NDArray[np.int16]
Exceptions = list[tuple[int, int]]
Extraneous = list[tuple[int, bytes]]

def instructions() -> list[str]:
    """Those instruction sets of "avx2" and "avx512" that the engine is built for and this processor has."""

def prepare_thread() -> None:
    """Give this thread its storage for C++ exceptions, which must not be allocated when memory is short."""

def count_magnitudes(blocks: Blocks, counts: npt.NDArray[np.int64]) -> None:
    """Add how often each magnitude occurs at each zig-zag index of blocks [block row, block column, 64].

    counts: [64, largest + 1]; larger magnitudes count as the largest.
    """

class Scan:
    """One scan over int16 [block row, block column, 64] arrays, which it keeps alive."""

    def __init__(
        self,
        arithmetic: bool,
        progressive: bool,
        parameters: tuple[int, int, int, int],
        mcu_columns: int,
        mcu_rows: int,
        components: list[tuple[Blocks, int, int, bytes | None, bytes | None]],
    ) -> None:
        """parameters: Ss, Se, Ah, Al (T.81 B.2.3). components: blocks, blocks per MCU across and down, DC and
        AC table as in the DHT segment, or for arithmetic coding the two bytes as in the DAC segment.
        """

    def decode(
        self, data: bytes, begin: int, end: int, first_mcu: int, restart_interval: int, first_restart: int
    ) -> tuple[int, int]:
        """Decode data[begin:end] from MCU first_mcu on, as far as encode() can write it again.

        Returns the number of MCUs decoded and where in data those bytes end.
        """

    def finish(self) -> None:
        """Make the choices in everything that decode() decoded those of choices() and encode()."""

    def choices(self) -> tuple[int, Exceptions, Exceptions, int, int, list[int], Extraneous]:
        """The padding bit, exceptions to it, zero runs, the longest and the last EOB run, EOB switches, and
        bytes between the padding and what follows.
        """

    def set_choices(
        self,
        padding_bit: int,
        padding: Exceptions,
        zero_runs: Exceptions,
        max_eob_run: int,
        last_eob_run: int,
        eob_switches: list[int],
        extraneous: Extraneous,
    ) -> None:
        """Set the choices of encode()."""

    def encode(
        self, first_mcu: int, mcus: int, restart_interval: int, first_restart: int, pad: bool
    ) -> bytes:
        """Encode a segment. Without pad, bytes at the end that depend on later MCUs are left out."""

    def symbol_counts(self) -> list[tuple[list[int], list[int]]]:
        """How often encode() writes each symbol for the whole scan with default choices and without restarts.

        Per component 256 counts for DC and 256 for AC. They do not depend on the Huffman tables.
        """
