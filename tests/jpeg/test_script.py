"""The search for progressive scans."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from jrecomp import jpeg
from jrecomp.jpeg import script
from jrecomp.jpeg.markers import segments
from jrecomp.t81 import DHT, SOS


@pytest.mark.parametrize("options", [{"subsampling": 2}, {"subsampling": 0, "quality": 97}, {"quality": 20}])
def test_searched_scans_are_smaller_and_hold_the_same(
    options: dict[str, int], make_photo: Callable[..., bytes]
) -> None:
    file = jpeg.read(make_photo(160, 120, **options))
    steps = [c.quantization for c in file.frame.components]
    written = [
        jpeg.write(
            jpeg.rebuild(
                file, steps, file.coefficients, huffman="optimal", progressive=True, searched=searched
            )
        )
        for searched in (False, True)
    ]
    assert len(written[1]) <= len(written[0])
    found = [jpeg.read(data).coefficients for data in written]
    for one, other in zip(*found, strict=True):
        assert np.array_equal(one, other)


def test_sizes_of_scans_are_those_of_the_file(
    make_photo: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the search compares is what is written, but for stuffed bytes and the padding of each scan."""
    file = jpeg.read(make_photo(320, 240, subsampling=0))
    steps = [c.quantization for c in file.frame.components]
    scans = [s for i in range(3) for s in script._shifted([script.Scan((i,), 1, 63)], 2)]
    sizes: dict[script.Scan, int] = {}

    def fixed(frame: jpeg.Frame, coefficients: Any, count: Any) -> list[script.Scan]:
        sizes.update(script._sizes(set(scans), coefficients, count))
        return [script.Scan((0, 1, 2), 0, 0), *scans]

    monkeypatch.setattr(script, "smallest", fixed)
    new = jpeg.rebuild(file, steps, file.coefficients, huffman="optimal", progressive=True, searched=True)
    data = [bytes(scan) for _, scan in jpeg.scan_data(new)][1:]
    heads = sum(
        4 + len(parameters)
        for code, parameters in segments(new.headers)
        if (code == DHT and parameters[0] >= 16) or (code == SOS and parameters[-3] > 0)
    )
    bits = 8 * (heads + sum(len(scan) - scan.count(b"\xff\0") for scan in data))
    assert 0 <= bits - sum(sizes.values()) < 8 * len(scans)
