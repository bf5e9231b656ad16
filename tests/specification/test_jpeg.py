"""docs/format/jpeg.md: the second decoder writes the JPEG files that jrecomp read, without any model."""

import numpy as np
import pytest

from jrecomp import container, jpeg
from jrecomp.errors import UnsupportedJpegError
from tests.jpeg import builder, samples
from tests.jpeg.builder import (
    AC_TABLE,
    DC_TABLE,
    EOI,
    SOI,
    dht,
    dnl,
    dqt,
    dri,
    gray_file,
    rst,
    sof,
    sos,
    tables,
)
from tests.specification.arithmetic import DecisionCoder, Estimate
from tests.specification.conventions import DamagedError
from tests.specification.headers import read_headers
from tests.specification.jpeg import write

BLOCKS = samples.random_blocks(40, largest=3)


def check(data: bytes) -> int:
    """The file is restored, and steps are the same. Returns the length of the reconstruction data."""
    file = jpeg.read(data)
    headers = read_headers(file.headers)
    for own, other in zip(headers.frame.components, file.frame.components, strict=True):
        assert own.steps.tolist() == other.quantization.tolist()
    reconstruction = container.pack_reconstruction(file.scans)
    coefficients = [array.transpose(2, 0, 1).astype(np.int64) for array in file.coefficients]
    behind = file.headers[len(headers.data) :]
    assert write(headers, reconstruction, coefficients) + behind == data
    return len(reconstruction)


class LongRuns(builder.Whimsical):
    """Runs as long as they get."""

    def end_run(self, length: int, waiting: int) -> bool:
        return False


class ShortRuns(builder.Whimsical):
    """Runs of five blocks at most."""

    def end_run(self, length: int, waiting: int) -> bool:
        return length == 5


@pytest.mark.parametrize("band", [(1, 63), (6, 40)])
def test_runs_at_random(band: tuple[int, int]) -> None:
    assert check(builder.progressive(BLOCKS, builder.Whimsical(1), *band)) > 2


@pytest.mark.parametrize("choose", [LongRuns(2), ShortRuns(3)], ids=["long", "short"])
def test_runs(choose: builder.Chooser) -> None:
    blocks = [*BLOCKS, *([0] + [2] * 63 for _ in range(40)), *[[0] * 64] * 20]
    assert check(builder.progressive(blocks, choose)) > 2


def test_waiting_bits_as_libjpeg_limits_them() -> None:
    blocks = [[0] + [2] * 63] * 40
    assert check(builder.progressive(blocks, builder.LikeLibjpeg())) == 2


def test_padding() -> None:
    parts = [builder.sequential([block], "01"[i % 3 == 0] * 7) for i, block in enumerate(BLOCKS[:12])]
    data = parts[0] + b"".join(rst(i) + part for i, part in enumerate(parts[1:]))
    assert check(gray_file(data, before_sos=dri(1))) > 2


def test_extraneous_bytes() -> None:
    parts = builder.gray_intervals(BLOCKS[:12], 2)
    data = parts[0] + b"".join(bytes(i) + rst(i) + part for i, part in enumerate(parts[1:]))
    assert check(gray_file(data + b"more", before_sos=dri(2))) > 2


def test_an_eob_run_that_goes_on_after_the_scan() -> None:
    """Of a picture with more columns than the frame; in a first and in a refinement scan."""
    blocks = [[0] * 64, *([0] + [4] * 63 for _ in range(5)), *[[0] * 64] * 30]
    data = builder.progressive(blocks, builder.LikeLibjpeg())
    assert data.count((8 * len(blocks)).to_bytes(2)) == 1
    for width in range(8, 8 * len(blocks), 8):
        cut = data.replace((8 * len(blocks)).to_bytes(2), width.to_bytes(2))
        file = jpeg.read(cut)
        assert check(cut) > 2
        assert not any(scan.segments for scan in file.scans)
    assert all(scan.last_eob_run > 1 for scan in file.scans[1:3])


def test_needless_zero_runs() -> None:
    bits, prediction = builder.Bits(), 0
    blocks = [[5] + [0] * 63, [7] + [0] * 14 + [2] + [0] * 48, [0] * 64, [1] * 64]
    for block, count in zip(blocks, [3, 3, 0, 0], strict=True):
        builder.put_sequential(bits, block, prediction, count)
        prediction = block[0]
    assert check(gray_file(bits.data(), 32, 8)) > 2


def test_height_and_wide_steps_after_the_first_scan() -> None:
    """DNL; tables of two-byte steps. Those that are not in force at the first scan have no effect."""
    scan = sos([0]) + builder.sequential(BLOCKS[:12])
    data = SOI + dht(0, 0, DC_TABLE) + dht(1, 0, AC_TABLE)
    rest = sof(0xC1, 32, 0, [(1, 1)]) + scan + dnl(24) + dqt(0, range(1, 65)) + scan + EOI
    for table, steps in ((dqt(0, range(300, 364), wide=True), list(range(300, 364))), (b"", [1] * 64)):
        assert check(data + table + rest) == 2
        found = read_headers(jpeg.read(data + table + rest).headers).frame.components[0].steps
        assert found.tolist() == steps


@pytest.mark.parametrize("data", [b"", b"raw bytes"])
def test_scan_that_is_not_modelled(data: bytes) -> None:
    """Of a component that the frame does not have."""
    file = SOI + tables() + sof(0xC1, 32, 24, [(1, 1)]) + sos([0]) + builder.sequential(BLOCKS[:12])
    assert check(file + sos([4]) + data + EOI) > 2


@pytest.mark.parametrize("marker", [0xC3, 0xCB, 0xDE, 0xF7])
def test_other_kinds_are_damage(marker: int) -> None:
    headers = SOI + tables() + sof(marker, 8, 8, [(1, 1)]) + sof(0xC1, 8, 8, [(1, 1)]) + sos([0]) + EOI
    with pytest.raises(DamagedError):
        read_headers(headers)


@pytest.mark.parametrize("process", ["sequential", "progressive"])
def test_arithmetic_coding(process: str) -> None:
    """With conditioning, zeros at the end, two restart intervals, and bytes of another kind."""
    blocks = samples.random_blocks(24, seed=3, largest=2000)
    source = builder.progressive(blocks, builder.LikeLibjpeg())
    if process == "sequential":
        data = rst(0).join(builder.gray_intervals(blocks, 12))
        source = gray_file(data, 32, 48, before_sos=dri(12))
    data = samples.arithmetic(source, bytes.fromhex("00311003"))
    assert check(data) == 2
    assert check(data[:-2] + bytes(3) + EOI) > 2
    assert check(data[:-2] + b"more" + EOI) > 2


def test_every_state_of_the_table() -> None:
    """Decisions of all probabilities reach all states of the table on the page, and jrecomp decodes them."""
    used: set[int] = set()

    class Counting(DecisionCoder):
        def code(self, estimate: Estimate, d: int) -> None:
            used.add(estimate.state)
            super().code(estimate, d)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.specification.arithmetic.DecisionCoder", Counting)
        for largest in (1, 3, 40, 2000, 16000):
            blocks = samples.random_blocks(150, seed=largest, largest=largest)
            blocks += [[0] * 64] * 1500
            file = gray_file(builder.sequential(blocks), 8 * len(blocks), 8)
            assert check(samples.arithmetic(file)) == 2
    assert used == set(range(114))


FILES = {
    "4:2:0": samples.pillow(),
    "restarts": samples.pillow(restart_marker_blocks=3),
    "progressive": samples.pillow(progressive=True),
    "progressive restarts": samples.pillow(channels=1, progressive=True, restart_marker_rows=1),
    "CMYK": samples.pillow(40, 24, channels=4),
}


FILES |= {f"arithmetic {name}": samples.arithmetic(data) for name, data in FILES.items()}


@pytest.mark.parametrize("name", FILES)
def test_damaged_and_cut_files(name: str) -> None:
    rng, data = np.random.default_rng(7), FILES[name]
    special = check(data) > 2
    for _ in range(12):
        changed = np.frombuffer(data, np.uint8)[: rng.integers(len(data) // 3, len(data) + 1)].copy()
        changed[rng.integers(160, len(changed), 2)] = rng.integers(0, 256, 2)
        try:
            special |= check(changed.tobytes()) > 2
        except UnsupportedJpegError:
            continue
    assert special
