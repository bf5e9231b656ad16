"""Constants of ITU-T T.81 (the JPEG standard) with their clauses, and libjpeg's quality scaling."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

# Marker codes (table B.1), the second byte of each marker after 0xFF.
SOF0, SOF1, SOF2, SOF3 = 0xC0, 0xC1, 0xC2, 0xC3
SOF5, SOF6, SOF7 = 0xC5, 0xC6, 0xC7
SOF9, SOF10, SOF11 = 0xC9, 0xCA, 0xCB
SOF13, SOF14, SOF15 = 0xCD, 0xCE, 0xCF
DHT, JPG, DAC = 0xC4, 0xC8, 0xCC
SOI, EOI, SOS, DQT, DNL, DRI, DHP = 0xD8, 0xD9, 0xDA, 0xDB, 0xDC, 0xDD, 0xDE
APP0, APP1, APP2, APP13, APP14, APP15, COM = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xEF, 0xFE

SOF55 = 0xF7
"""The frame header of JPEG-LS (ITU-T T.87 C.1.1)."""

FRAMES = frozenset(range(SOF0, SOF15 + 1)) - {DHT, JPG, DAC}
"""The codes of all frame headers."""

LARGEST_CATEGORIES = {8: (11, 10), 12: (15, 14)}
"""Largest magnitude categories of DC differences and AC coefficients by sample precision (F.1.2, F.1.3)."""

LARGEST_EOB_RUN = 0x7FFF
"""Largest number of blocks in an end-of-band run (G.1.2.2)."""

MOST_BLOCKS_IN_MCU = 10
"""Largest number of data units in an MCU of a scan with several components (B.2.3)."""


def _order() -> list[tuple[int, int]]:
    cells = [(row, column) for row in range(8) for column in range(8)]
    return sorted(cells, key=lambda c: (sum(c), c[0] if sum(c) % 2 else c[1]))


PLACES = _order()
"""(vertical, horizontal) frequency of each index in zig-zag order (A.3.6)."""

ROW = np.array([row for row, _ in PLACES])
COLUMN = np.array([column for _, column in PLACES])
RASTER = 8 * ROW + COLUMN
"""The index in raster order of each index in zig-zag order."""

INDEX = {place: index for index, place in enumerate(PLACES)}


LUMINANCE = (
    16, 11, 10, 16, 24, 40, 51, 61,
    12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77,
    24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
"""Quantization table K.1, row by row."""

CHROMINANCE = (
    17, 18, 24, 47, 99, 99, 99, 99,
    18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
)  # fmt: skip
"""Quantization table K.2, row by row."""

TYPICAL_TABLES: dict[tuple[int, int], bytes] = {
    # DC, luminance (table K.3)
    (0, 0): bytes.fromhex("00010501010101010100000000000000000102030405060708090a0b"),
    # DC, chrominance (table K.4)
    (0, 1): bytes.fromhex("00030101010101010101010000000000000102030405060708090a0b"),
    # AC, luminance (table K.5)
    (1, 0): bytes.fromhex(
        "0002010303020403050504040000017d"
        "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a16"
        "1718191a25262728292a3435363738393a434445464748494a535455565758595a63646566676869"
        "6a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6"
        "b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8"
        "f9fa"
    ),
    # AC, chrominance (table K.6)
    (1, 1): bytes.fromhex(
        "00020102040403040705040400010277"
        "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434"
        "e125f11718191a262728292a35363738393a434445464748494a535455565758595a636465666768"
        "696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4"
        "b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8"
        "f9fa"
    ),
}
"""The typical Huffman tables (K.3.3) by table class (0 for DC, 1 for AC) and destination.

Each has the layout of a DHT segment: the number of codes of each length from 1 to 16, then the symbols.
Decoders use these tables for Motion JPEG frames without DHT segments.
"""


DEFAULT_CONDITIONING: dict[tuple[int, int], bytes] = {
    (kind, destination): bytes([kind << 4 | destination, default])
    for kind, default in ((0, 0x10), (1, 5))
    for destination in range(4)
}
"""Conditioning of arithmetic coding without DAC segments (F.1.4.4): L 0 and U 1, Kx 5.

By table class (0 for DC, 1 for AC) and destination, in the two bytes of a DAC segment (B.2.4.3).
"""


def scaled_table(quality: int, chrominance: bool) -> bytes:
    """libjpeg's quantization table for a quality: table K.1 or K.2, scaled and limited to 1 to 255.

    quality: 1 to 100. Returns 64 steps in zig-zag order.
    """
    table: npt.NDArray[np.uint8] = _scaled_tables(chrominance)[quality - 1]
    return table.tobytes()


@cache
def _scaled_tables(chrominance: bool) -> npt.NDArray[np.uint8]:
    """The tables of the qualities from 1 to 100, [100, 64]."""
    quality = np.arange(1, 101)[:, None]
    scale = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    base = np.array(CHROMINANCE if chrominance else LUMINANCE)[RASTER]
    tables: npt.NDArray[np.int64] = (base * scale + 50) // 100
    return tables.clip(1, 255).astype(np.uint8)


def nearest_quality(steps: Sequence[int]) -> int:
    """The libjpeg quality (1 to 100) with the nearest luminance table, by the sum of absolute differences.

    steps: 64 steps in zig-zag order. The highest of equally near qualities counts.
    """
    distances = np.abs(_scaled_tables(False)[::-1] - np.asarray(steps, np.int64)).sum(1)
    return 100 - int(distances.argmin())
