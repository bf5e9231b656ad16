"""docs/format.md, "Conventions"; docs/format/models.md, "Notation"; what the standard ITU-T T.81 says."""

from typing import Any

import brotli
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

Arrays = dict[str, npt.NDArray[Any]]
"""The arrays of a weights file."""


class DamagedError(Exception):
    """A file that does not follow the pages."""


def need(condition: bool, what: str) -> None:
    """What the pages require of a file."""
    if not condition:
        raise DamagedError(what)


class Reader:
    """Reads fields from bytes; "Conventions"."""

    def __init__(self, data: bytes) -> None:
        self.left = data

    def take(self, count: int) -> bytes:
        """bytes[count]"""
        need(count <= len(self.left), "a field extends beyond the end")
        taken, self.left = self.left[:count], self.left[count:]
        return taken

    def byte(self) -> int:
        return self.take(1)[0]

    def varint(self) -> int:
        value = 0
        for place in range(9):
            byte = self.byte()
            value |= (byte & 127) << (7 * place)
            if byte < 128:
                need(byte > 0 or place == 0, "a varint is not in its shortest form")
                return value
        raise DamagedError("a varint of more than 9 bytes")

    def blob(self) -> bytes:
        return self.take(self.varint())

    def packed(self) -> bytes:
        length, compressed = self.varint(), self.varint()
        if compressed == 0:
            return self.take(length)
        try:
            contents: bytes = brotli.decompress(self.take(compressed))
        except brotli.error as error:
            raise DamagedError("packed bytes are no brotli stream") from error
        need(len(contents) == length, "packed bytes have another length")
        return contents

    def end(self) -> None:
        need(not self.left, "bytes after the last field")


def ceil_div(a: int, b: int) -> int:
    """a / b, rounded up."""
    return -(-a // b)


def clamp(x: int, a: int, b: int) -> int:
    return max(a, min(x, b))


def clip(x: Ints, a: int, b: int) -> Ints:
    """clamp of each element."""
    return np.minimum(np.maximum(x, a), b)


def sign(x: int) -> int:
    return (x > 0) - (x < 0)


def _zigzag() -> list[tuple[int, int]]:
    cells = [(row, column) for row in range(8) for column in range(8)]
    return sorted(cells, key=lambda cell: (sum(cell), cell[0] if sum(cell) % 2 else cell[1]))


ZIGZAG = _zigzag()
"""row(k) and column(k) of each index k in zig-zag order, T.81 A.3.6."""

ROW, COLUMN = [row for row, _ in ZIGZAG], [column for _, column in ZIGZAG]
INDEX = {cell: index for index, cell in enumerate(ZIGZAG)}


def distance(j: int, k: int) -> int:
    return abs(ROW[j] - ROW[k]) + abs(COLUMN[j] - COLUMN[k])


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
"""T.81 table K.1, row by row."""

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
"""T.81 table K.2, row by row."""

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
"""T.81 tables K.3 to K.6, by class (0 DC, 1 AC) and identifier: numbers of codes of each length, symbols."""
