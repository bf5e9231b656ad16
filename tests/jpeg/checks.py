"""Checks that tests of whole files share."""

from collections.abc import Sequence
from pathlib import Path

import jpegio
import numpy as np

from jrecomp.array_types import Int16
from jrecomp.container import pack_reconstruction, unpack_reconstruction
from jrecomp.errors import StoredReason, UnsupportedJpegError
from jrecomp.jpeg import (
    JpegFile,
    ScanReconstruction,
    parse_frame,
    read,
    write,
)

# Natural (row-major) position of each zig-zag index (T.81 figure 5).
ZIGZAG = sorted(range(64), key=lambda p: (p // 8 + p % 8, (p // 8 if (p // 8 + p % 8) % 2 else p % 8)))


def assemble(headers: bytes, scans: Sequence[ScanReconstruction], coefficients: Sequence[Int16]) -> JpegFile:
    """A JpegFile from the contents of a container."""
    return JpegFile(parse_frame(headers), list(coefficients), headers, list(scans))


def exact(data: bytes) -> JpegFile:
    """Read, take through packed reconstruction data, write; at least something must be modelled."""
    jpeg = read(data)
    packed = pack_reconstruction(jpeg.scans)
    assert unpack_reconstruction(packed) == jpeg.scans
    assert write(assemble(jpeg.headers, jpeg.scans, jpeg.coefficients)) == data
    return jpeg


def tails(jpeg: JpegFile) -> bytes:
    return b"".join(segment.tail for scan in jpeg.scans for segment in scan.segments)


def blocks_of(jpeg: JpegFile) -> list[list[int]]:
    return [[int(v) for v in block] for block in jpeg.coefficients[0].reshape(-1, 64)]


def check_against_libjpeg(data: bytes, jpeg: JpegFile, tmp_path: Path) -> None:
    """Coefficients of all blocks that libjpeg keeps, tables and sampling factors."""
    path = tmp_path / "file.jpg"
    path.write_bytes(data)
    oracle = jpegio.read(str(path))
    assert (jpeg.frame.width, jpeg.frame.height) == (oracle.image_width, oracle.image_height)
    assert len(oracle.coef_arrays) == len(jpeg.frame.components) == len(jpeg.coefficients)
    for component, info, blocks, expected in zip(
        jpeg.frame.components, oracle.comp_info, jpeg.coefficients, oracle.coef_arrays, strict=True
    ):
        assert (component.horizontal, component.vertical) == (info.h_samp_factor, info.v_samp_factor)
        assert component.identifier == info.component_id
        assert blocks.dtype == np.int16
        assert blocks.shape == (component.block_rows, component.block_columns, 64)
        natural = np.zeros_like(blocks)
        natural[:, :, ZIGZAG] = blocks
        plane = natural.reshape(*blocks.shape[:2], 8, 8).swapaxes(1, 2).reshape(blocks.shape[0] * 8, -1)
        rows, columns = expected.shape
        assert rows > plane.shape[0] - 8 * component.vertical
        np.testing.assert_array_equal(plane[:rows, :columns], expected)
        table = np.zeros(64, np.int32)
        table[ZIGZAG] = component.quantization
        np.testing.assert_array_equal(table.reshape(8, 8), oracle.quant_tables[info.quant_tbl_no])


def check_cuts(data: bytes, start: int) -> JpegFile:
    """Every prefix from `start` on with some decodable data is read, exact, and costs little if irregular.

    Returns the longest prefix that is not the whole file.
    """
    refused = 0
    for end in range(start, len(data)):
        try:
            jpeg = exact(data[:end])
        except UnsupportedJpegError as error:
            assert error.reason is StoredReason.MALFORMED
            refused += 1
        else:
            assert len(tails(jpeg)) < 100
    assert refused < 60
    return jpeg


def check(data: bytes, tmp_path: Path) -> None:
    """A file as libjpeg writes it: exact with empty reconstruction data, and the same to libjpeg."""
    jpeg = read(data)
    assert write(jpeg) == data
    assert jpeg.scans == [ScanReconstruction()] * len(jpeg.scans)
    packed = pack_reconstruction(jpeg.scans)
    assert len(packed) == 2
    again = assemble(jpeg.headers, unpack_reconstruction(packed), jpeg.coefficients)
    assert write(again) == data
    assert len(parse_frame(jpeg.headers).components) == len(jpeg.coefficients)
    assert len(jpeg.headers) < len(data)
    check_against_libjpeg(data, jpeg, tmp_path)
