"""What T.81 leaves to the encoder: padding, needless ZRL symbols, EOB runs."""

from pathlib import Path

import numpy as np
import pytest

from jrecomp.container import pack_reconstruction
from tests.jpeg import builder, samples
from tests.jpeg.builder import LikeLibjpeg, dri, gray_file, rst
from tests.jpeg.checks import blocks_of, check, check_against_libjpeg, exact, tails

BLOCKS = samples.random_blocks(12)


@pytest.mark.parametrize("padding", ["0000000", "0101010", "1000000", "0111111"])
def test_padding_bits(padding: str) -> None:
    parts = [builder.sequential(BLOCKS[i : i + 1], padding) for i in range(12)]
    data = parts[0] + b"".join(rst(i) + part for i, part in enumerate(parts[1:]))
    jpeg = exact(gray_file(data, before_sos=dri(1)))
    assert blocks_of(jpeg) == BLOCKS
    assert tails(jpeg) == b""
    if padding == "0000000":
        assert len(pack_reconstruction(jpeg.scans)) == 4


def test_mixed_padding_bits() -> None:
    parts = [builder.sequential(BLOCKS[i : i + 1], "01"[i % 3 == 0] * 7) for i in range(12)]
    data = parts[0] + b"".join(rst(i) + part for i, part in enumerate(parts[1:]))
    jpeg = exact(gray_file(data, before_sos=dri(1)))
    assert blocks_of(jpeg) == BLOCKS
    assert jpeg.scans[0].padding_bit == 0
    assert 1 <= len(jpeg.scans[0].padding) <= 4


def test_needless_zero_runs_in_a_sequential_scan() -> None:
    """Up to a block that ends with ZRL alone, for lack of room for EOB."""
    blocks = [[5] + [0] * 63, [7] + [0] * 14 + [2] + [0] * 48, [0] * 64, [1] * 64]
    counts = [3, 3, 0, 0]
    bits = builder.Bits()
    prediction = 0
    for block, count in zip(blocks, counts, strict=True):
        builder.put_sequential(bits, block, prediction, count)
        prediction = block[0]
    jpeg = exact(gray_file(bits.data(), 32, 8))
    assert blocks_of(jpeg) == blocks
    assert jpeg.scans[0].zero_runs == [(0, 3), (1, 3)]
    assert tails(jpeg) == b""


def test_progressive_as_libjpeg_chooses(tmp_path: Path) -> None:
    blocks = samples.random_blocks(300, largest=3) + [[0] + [2] * 63] * 40 + [[1] * 64] * 3
    check(builder.progressive(blocks, LikeLibjpeg()), tmp_path)


class NoLimit(LikeLibjpeg):
    """Runs as long as they get."""

    def end_run(self, length: int, waiting: int) -> bool:
        return False


class ShortRuns(LikeLibjpeg):
    """Runs of five blocks at most."""

    def end_run(self, length: int, waiting: int) -> bool:
        return length == 5


def test_eob_runs_without_libjpegs_buffer(tmp_path: Path) -> None:
    data = builder.progressive([[0] + [2] * 63] * 40, NoLimit())
    jpeg = exact(data)
    assert jpeg.scans[2].eob_switches == [14]
    assert tails(jpeg) == b""
    check_against_libjpeg(data, jpeg, tmp_path)


def test_a_shorter_longest_eob_run(tmp_path: Path) -> None:
    data = builder.progressive(samples.random_blocks(60, largest=3) + [[0] * 64] * 200, ShortRuns())
    jpeg = exact(data)
    assert jpeg.scans[1].max_eob_run == 5
    assert jpeg.scans[1].eob_switches == []
    assert tails(jpeg) == b""
    assert len(pack_reconstruction(jpeg.scans)) < 12
    check_against_libjpeg(data, jpeg, tmp_path)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("band", [(1, 63), (1, 5), (6, 63), (40, 40)])
def test_whimsical_eob_and_zero_runs(seed: int, band: tuple[int, int], tmp_path: Path) -> None:
    blocks = samples.random_blocks(80, seed, largest=3)
    data = builder.progressive(blocks, builder.Whimsical(seed), *band)
    jpeg = exact(data)
    assert tails(jpeg) == b""
    assert jpeg.scans[1].eob_switches
    expected = np.array(blocks)
    expected[:, 1 : band[0]] = 0
    expected[:, band[1] + 1 :] = 0
    np.testing.assert_array_equal(jpeg.coefficients[0].reshape(-1, 64), expected)
    check_against_libjpeg(data, jpeg, tmp_path)
