"""The scan codec in C++ (T.81 F and G), for jrecomp.jpeg, and counts of its coefficients.

An exception list attaches values to indices, counted in coding order from the scan's start: paddings
to MCUs, zero runs and EOB switches to blocks. ValueError is raised for whatever does not fit.
"""

import numpy as np
import numpy.typing as npt

Blocks = npt.NDArray[np.int16]
Exceptions = list[tuple[int, int]]

def instructions() -> list[str]:
    """Sets of instructions that the engine is built for and this processor has, of "avx2" and "avx512"."""

def count_magnitudes(blocks: Blocks, counts: npt.NDArray[np.int64]) -> None:
    """Add how often each magnitude occurs at each zig-zag index of blocks [block row, block column, 64].

    counts: [64, largest + 1]; larger magnitudes count as the largest.
    """

class Scan:
    """One scan over int16 [block row, block column, 64] arrays, which it keeps alive."""

    def __init__(
        self,
        progressive: bool,
        parameters: tuple[int, int, int, int],
        mcu_columns: int,
        mcu_rows: int,
        components: list[tuple[Blocks, int, int, bytes | None, bytes | None]],
    ) -> None:
        """parameters: Ss, Se, Ah, Al. components: blocks, blocks per MCU across and down, DC and AC table."""

    def decode(
        self, data: bytes, begin: int, end: int, first_mcu: int, restart_interval: int, first_restart: int
    ) -> tuple[int, int]:
        """Decode regular data; returns the MCUs decoded and where in data the regular bytes end."""

    def finish(self) -> None:
        """Turn what decode() saw into choices()."""

    def choices(self) -> tuple[int, Exceptions, Exceptions, int, list[int]]:
        """Padding bit and exceptions, zero runs, longest EOB run, EOB switches."""

    def set_choices(
        self,
        padding_bit: int,
        padding: Exceptions,
        zero_runs: Exceptions,
        max_eob_run: int,
        eob_switches: list[int],
    ) -> None:
        """Set what encode() follows."""

    def encode(
        self, first_mcu: int, mcus: int, restart_interval: int, first_restart: int, pad: bool
    ) -> bytes:
        """Encode a segment; without pad, a last started byte is left out."""

    def symbol_counts(self) -> list[tuple[list[int], list[int]]]:
        """How often encode() of the whole scan, without restarts, writes each symbol by default choices.

        Per component 256 counts of its DC and of its AC table, whatever those tables are.
        """
